// Who holds our keys now: on a Cluster the master of each hash tag, behind Sentinel the master the sentinels name. One
// directory serves look-ups, writes and the feed, so that all of them leave a server at the same moment.

import type { RedisFault } from './fault.ts';
import { sharedRounds } from './rounds.ts';

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export const nameOf = ({ host, port }: ServerAddress): string => `${host}:${port}`;

export interface Directory {
  /** Asks for the owners and watches them from then on. Resolves after the first round, also one without an answer. */
  open(): Promise<void>;
  close(): void;
  /** The server that holds a hash tag; undefined while nobody has said. */
  ownerOf(tag: string): ServerAddress | undefined;
  /** Every server that holds something, each once. */
  owners(): readonly ServerAddress[];
  /** Asks again. Those who ask during a round share it. Resolves in bounded time; never rejects. */
  refresh(): Promise<void>;
  /** A server answered that the tag lives there now: believed until the next round contradicts it. */
  moved(tag: string, to: ServerAddress): void;
  /** Calls back whenever an owner has changed. Returns how to stop. */
  onChange(subscriber: () => void): () => void;
  /** Why the last round found nobody; undefined when it did. */
  readonly fault: RedisFault | undefined;
}

/** What one server says about who the owner is. `epoch`: grows with every failover; of two claims the higher is newer. */
export interface OwnerClaim {
  readonly owner: ServerAddress;
  readonly epoch: number;
}

/** The newest claim; of equally new ones the one that most make, then the first. */
export const newestClaim = (claims: readonly OwnerClaim[]): OwnerClaim | undefined => {
  const epoch = Math.max(...claims.map((claim) => claim.epoch));
  const newest = claims.filter((claim) => claim.epoch === epoch);
  const votesFor = ({ owner }: OwnerClaim): number =>
    newest.filter((claim) => nameOf(claim.owner) === nameOf(owner)).length;
  return newest.reduce<OwnerClaim | undefined>(
    (best, claim) => (best === undefined || votesFor(claim) > votesFor(best) ? claim : best),
    undefined,
  );
};

/** Each server once. */
export const distinct = (servers: readonly ServerAddress[]): readonly ServerAddress[] => [
  ...new Map(servers.map((server) => [nameOf(server), server])).values(),
];

/** What both directories are: owners by hash tag, asked for in rounds, and who is called when one changes. */
export abstract class AskedDirectory implements Directory {
  readonly refresh: () => Promise<void>;
  readonly #everyMs: number;
  readonly #subscribers = new Set<() => void>();
  #owners: ReadonlyMap<string, ServerAddress> = new Map();
  #timer: NodeJS.Timeout | undefined;
  protected isClosed = false;
  fault: RedisFault | undefined;

  /** `everyMs`: how often it asks by itself. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
    this.refresh = sharedRounds(async () => {
      if (!this.isClosed) await this.ask();
    });
  }

  /** One round of questions. */
  protected abstract ask(): Promise<void>;

  abstract moved(tag: string, to: ServerAddress): void;

  async open(): Promise<void> {
    this.#timer ??= setInterval(() => void this.refresh(), this.#everyMs).unref();
    await this.refresh();
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.#timer);
  }

  ownerOf(tag: string): ServerAddress | undefined {
    return this.#owners.get(tag);
  }

  owners(): readonly ServerAddress[] {
    return distinct([...this.#owners.values()]);
  }

  protected setOwner(tag: string, owner: ServerAddress): void {
    this.setOwners(new Map(this.#owners).set(tag, owner));
  }

  protected setOwners(owners: ReadonlyMap<string, ServerAddress>): void {
    const isSame =
      owners.size === this.#owners.size &&
      [...owners].every(([tag, owner]) => {
        const known = this.#owners.get(tag);
        return known !== undefined && nameOf(known) === nameOf(owner);
      });
    if (isSame) return;
    this.#owners = owners;
    for (const subscriber of this.#subscribers) subscriber();
  }

  onChange(subscriber: () => void): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }
}
