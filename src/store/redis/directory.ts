// Who holds our keys now: on a Cluster the master of each hash tag, behind Sentinel the master the sentinels name. One
// directory serves look-ups, writes and the feed, so that all of them leave a server at the same moment.

import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { RedisSettings } from '../../settings/settings.ts';
import type { FaultLog, RedisFault } from './fault.ts';

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export const nameOf = ({ host, port }: ServerAddress): string => `${host}:${port}`;

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
export abstract class Directory {
  /** Asks again. Those who ask during a round share it. Resolves in bounded time; never rejects. */
  readonly refresh: () => Promise<void>;
  readonly #everyMs: number;
  readonly #subscribers = new Set<() => void>();
  #owners: ReadonlyMap<string, ServerAddress> = new Map();
  #timer: NodeJS.Timeout | undefined;
  protected readonly settings: RedisSettings;
  protected readonly report: FaultLog;
  protected isClosed = false;
  /** Why the last round found nobody; undefined when it did. */
  fault: RedisFault | undefined;

  /** `everyMs`: how often it asks by itself. */
  constructor(settings: RedisSettings, report: FaultLog, everyMs: number) {
    this.settings = settings;
    this.report = report;
    this.#everyMs = everyMs;
    this.refresh = sharedRounds(async () => {
      if (!this.isClosed) await this.ask();
    });
  }

  /** One round of questions. */
  protected abstract ask(): Promise<void>;

  /** A server answered that the tag lives there now: believed until the next round contradicts it. */
  abstract moved(tag: string, to: ServerAddress): void;

  /** Asks for the owners and watches them from then on. Resolves after the first round, also one without an answer. */
  async open(): Promise<void> {
    this.#timer ??= setInterval(() => void this.refresh(), this.#everyMs).unref();
    await this.refresh();
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.#timer);
  }

  /** The server that holds a hash tag; undefined while nobody has said. */
  ownerOf(tag: string): ServerAddress | undefined {
    return this.#owners.get(tag);
  }

  /** Every server that holds something, each once. */
  owners(): readonly ServerAddress[] {
    return distinct([...this.#owners.values()]);
  }

  protected setOwner(tag: string, owner: ServerAddress): void {
    this.setOwners(new Map(this.#owners).set(tag, owner));
  }

  protected setOwners(owners: ReadonlyMap<string, ServerAddress>): void {
    if (isDeepStrictEqual(owners, this.#owners)) return;
    this.#owners = owners;
    for (const subscriber of this.#subscribers) subscriber();
  }

  /** Calls back whenever an owner has changed. Returns how to stop. */
  onChange(subscriber: () => void): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }
}

/** A server that is slower than the first that answered by more than this is not waited for. */
const slowerMsMax = 300;
/** Between two rounds, however often somebody asks. */
const pauseMs = 100;

/** The answers that came in time. An ask that rejects has no answer. */
export const firstAnswers = async <T>(asks: readonly Promise<T>[]): Promise<readonly T[]> => {
  const answers: T[] = [];
  const done = asks.map(async (ask) => void answers.push(await ask));
  await Promise.race([
    Promise.allSettled(done),
    Promise.any(done)
      .then(() => delay(slowerMsMax, undefined, { ref: false }))
      .catch(() => undefined),
  ]);
  return [...answers];
};

/** Makes a round that those who ask meanwhile share: there are never two at once. */
const sharedRounds = (round: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  let endedMs = -Infinity;
  const run = async (): Promise<void> => {
    const waitMs = endedMs + pauseMs - performance.now();
    if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
    try {
      await round();
    } finally {
      endedMs = performance.now();
      running = undefined;
    }
  };
  return () => (running ??= run());
};
