// Keeps this replica's key ring: keys mounted as files and keys of the store, read again when the feed says so or a
// minute has passed, rotated by command. What is known goes on signing while the store is down. Logs no key.

import { isOutage, type Outage, outage } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';
import type { Settings } from '../settings/settings.ts';
import { surfaceAlgorithms } from '../settings/surface-paths.ts';
import type { SigningKeyRecord } from '../store/records.ts';
import { KeyRing } from '../tokens/key-ring.ts';
import type { SigningAlgorithm } from '../tokens/signature.ts';
import { isKeyFault, parseSigningKey, type SigningKey } from '../tokens/signing-key.ts';
import { type CommandError, commandError, isFailure } from './command-error.ts';
import {
  addNextKey,
  isRevokedKey,
  keysUnavailable,
  newestKeyFault,
  readStoredKeys,
  type StoredKeysDependencies,
} from './stored-signing-keys.ts';

export interface SigningKeysOptions extends StoredKeysDependencies {
  readonly settings: Pick<Settings, 'keys' | 'tokens' | 'store' | 'identity'>;
  readonly log?: Pick<Log, 'info' | 'warn'> | undefined;
  /** Told once keys have been revoked and are out of the ring: nothing that rests on them may be kept. */
  readonly onRevoked?: (() => void) | undefined;
  /** Keys that have been seen revoked before. */
  readonly revoked?: ReadonlySet<string> | undefined;
  /** What is signed with here; undefined: `tokens.algorithm` alone. */
  readonly algorithms?: readonly SigningAlgorithm[] | undefined;
}

/** What a gate signs with: `tokens.algorithm`, and what the clients of its surfaces verify. */
export const algorithmsOf = ({
  tokens,
  ...prefixes
}: Pick<Settings, 'tokens' | 'oauth' | 'surfaces'>): readonly SigningAlgorithm[] => [
  ...new Set([tokens.algorithm, ...surfaceAlgorithms(prefixes)]),
];

/** What a rotation has set going. Times are milliseconds since the epoch. */
export interface RotatedKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly activeFromMs: number;
  /** When the keys before it are no longer published nor believed. */
  readonly retireOthersAtMs: number;
}

export interface RevokedKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** The key that signs in its place, where it was the newest; undefined: another signs already. */
  readonly replacedBy: RotatedKey | undefined;
}

/** A change that the feed did not bring is found after this long. */
const reloadIntervalMs = 60_000;
const retryDelayMs = 250;
const retryDelayMsMax = 5_000;

/** Nothing is read or made before `start`; mounted keys are in the ring at once. */
export class SigningKeys {
  readonly ring = new KeyRing();
  /** Reads the keys again; what is known stays where they cannot be read. Never rejects. */
  readonly reload = oneAtATime(() => this.#readAndPlan());
  readonly #options: SigningKeysOptions;
  readonly #mounted: readonly SigningKey[];
  readonly #mountedFault: string | undefined;
  #records: readonly SigningKeyRecord[] = [];
  /** What has been seen revoked stays so, though the store may lose it. */
  readonly #revoked: Set<string>;
  #lastRefusal: Outage | undefined;
  #retries = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
    this.#revoked = new Set(options.revoked);
    const parsed = options.settings.keys.signingKeys.map((pem, index) =>
      parseSigningKey(pem, `item ${index + 1} of keys.signingKeys`),
    );
    this.#mounted = parsed.flatMap((key) => (isKeyFault(key) ? [] : [key]));
    this.#mountedFault = parsed.find(isKeyFault)?.message;
    this.ring.replace(this.#mounted);
  }

  /** Reads the keys, making the first of each algorithm. After an Outage it goes on trying by itself. */
  async start(): Promise<'ready' | Outage> {
    await this.reload();
    return this.state();
  }

  /** Whether this replica can sign now. An Outage's cause says what to do. */
  state(): 'ready' | Outage {
    if (this.#mountedFault !== undefined) return keysUnavailable(this.#mountedFault);
    const nowMs = this.#options.now();
    if (this.#algorithms.every((algorithm) => this.ring.signingKey(algorithm, nowMs) !== undefined))
      return 'ready';
    return this.#lastRefusal ?? keysUnavailable('the signing keys have not been read yet');
  }

  /**
   * Publishes a new key now, signs with it `publishLeadMs` later, keeps the old until its last token has expired.
   * Refused where the old one cannot be opened here, unless the command is to abandon it.
   */
  async rotate(
    algorithm: SigningAlgorithm,
    { abandonsOld } = { abandonsOld: false },
  ): Promise<RotatedKey | CommandError | Outage> {
    if (this.#isMounted(algorithm))
      return commandError(
        'key_mounted',
        `The ${algorithm} key is mounted as a file. Put the new key first in keys.signingKeys, and keep the old one after it until its tokens have expired; each replica takes that over (or on SIGHUP, with reload.watch: false).`,
      );
    const { settings, now } = this.#options;
    const rotated = await this.#addNext(algorithm, now() + settings.keys.publishLeadMs, abandonsOld);
    if (!isFailure(rotated)) await this.reload();
    return rotated;
  }

  /**
   * Ends a key that has leaked: it is published no more, and nothing it has signed is believed. Where it is the newest of
   * its algorithm a new key is added first, and signs at once. Repeating it is safe.
   */
  async revoke(kid: string): Promise<RevokedKey | CommandError | Outage> {
    if (this.#mounted.some((key) => key.kid === kid))
      return commandError(
        'key_mounted',
        'That key is mounted as a file. Put a new one first in keys.signingKeys, and remove it; each replica takes that over (or on SIGHUP, with reload.watch: false).',
      );
    const { store, now } = this.#options;
    const listed = await store.listKeys();
    if (isOutage(listed)) return listed;
    const record = listed.find((key) => key.kid === kid);
    if (record === undefined)
      return commandError('key_unknown', `The store has no key ${kid}; see tollgate key list.`);
    const { algorithm } = record;
    const isNewest = record.retireAtMs === undefined && !this.#isMounted(algorithm);
    const replacedBy = isNewest ? await this.#addNext(algorithm, now()) : undefined;
    if (isFailure(replacedBy)) return replacedBy;
    const done = await store.revokeKey(kid, now());
    if (isOutage(done)) return done;
    await this.reload();
    return { kid, algorithm, replacedBy };
  }

  isRevoked(kid: string): boolean {
    return this.#revoked.has(kid);
  }

  get revoked(): ReadonlySet<string> {
    return this.#revoked;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  get #algorithms(): readonly SigningAlgorithm[] {
    return this.#options.algorithms ?? [this.#options.settings.tokens.algorithm];
  }

  #isMounted(algorithm: SigningAlgorithm): boolean {
    return this.#mounted.some((key) => key.algorithm === algorithm);
  }

  async #readAndPlan(): Promise<void> {
    const { log } = this.#options;
    const last = this.#lastRefusal;
    const refusal = await this.#read().catch((cause: unknown) => outage('keys_unavailable', cause));
    if (refusal !== undefined && (last === undefined || topicOf(refusal) !== topicOf(last)))
      log?.warn(`signing keys: ${messageOf(refusal)}`, { reason: refusal.reason });
    if (refusal === undefined && last !== undefined) log?.info('signing keys: read');
    this.#lastRefusal = refusal;
    this.#retries = refusal === undefined ? 0 : this.#retries + 1;
    this.#plan(refusal === undefined ? reloadIntervalMs : retryDelay(this.#retries));
  }

  async #read(): Promise<Outage | undefined> {
    const { now, onRevoked } = this.#options;
    const wanted = this.#algorithms.filter((algorithm) => !this.#isMounted(algorithm));
    const found = await readStoredKeys(this.#options, wanted, this.#records, this.#revoked);
    if (isOutage(found)) return found;
    this.#records = found.records;
    const believed = new Set(this.ring.published(now()).map(({ kid }) => kid));
    this.ring.replace([...this.#mounted, ...found.keys]);
    const newly = found.records.filter((key) => isRevokedKey(key) && !this.#revoked.has(key.kid));
    for (const { kid } of newly) this.#revoked.add(kid);
    if (newly.some(({ kid }) => believed.has(kid))) onRevoked?.();
    return found.fault === undefined ? undefined : keysUnavailable(found.fault);
  }

  #plan(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.reload(), delayMs).unref();
  }

  async #addNext(
    algorithm: SigningAlgorithm,
    activeFromMs: number,
    abandonsOld = false,
  ): Promise<RotatedKey | CommandError | Outage> {
    const fault = abandonsOld ? undefined : await newestKeyFault(this.#options, algorithm);
    if (isOutage(fault)) return fault;
    if (fault !== undefined)
      return commandError(
        'key_sealed',
        `No new key was made, because the other replicas could not open what is sealed here. First mend this: ${fault}`,
      );
    const retireOthersAtMs = activeFromMs + lastTokenMs(this.#options.settings);
    const added = await addNextKey(this.#options, algorithm, { activeFromMs, retireOthersAtMs });
    return isOutage(added) ? added : { kid: added.kid, algorithm, activeFromMs, retireOthersAtMs };
  }
}

/** After a new key signs, how long something signed with the old one may still be shown: by a replica that learned late, too. */
const lastTokenMs = ({ tokens, identity }: SigningKeysOptions['settings']): number =>
  Math.max(tokens.accessTokenLifetimeMs, identity.jwtLifetimeMs) + tokens.clockLeewayMs + reloadIntervalMs;

const retryDelay = (retries: number): number => Math.min(retryDelayMs * 2 ** (retries - 1), retryDelayMsMax);

/** What is worth a line of the log once: an outage of the store by its reason, a fault of a key by its message. */
const topicOf = (refusal: Outage): string =>
  refusal.reason === 'keys_unavailable' ? messageOf(refusal) : refusal.reason;

const messageOf = ({ cause, reason }: Outage): string => (cause instanceof Error ? cause.message : reason);

/** Runs a task never twice at once; who asks while it runs gets one more run after it, shared by all who ask meanwhile. */
const oneAtATime = (task: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  let following: Promise<void> | undefined;
  const run = (): Promise<void> => {
    following = undefined;
    running = task().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return run();
    following ??= running.then(run);
    return following;
  };
};
