// Keeps this replica's key ring: keys mounted as files and keys of the store, read again when the feed says so or a
// minute has passed, rotated by command. What is known goes on signing while the store is down. Logs no key.

import { isOutage, type Outage, outage } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';
import type { Settings } from '../settings/settings.ts';
import { surfaceAlgorithms } from '../settings/surface-paths.ts';
import type { SigningKeyRecord } from '../store/records.ts';
import { KeyRing } from '../tokens/key-ring.ts';
import type { SigningAlgorithm } from '../tokens/signature.ts';
import { isKeyFault, parseSigningKey } from '../tokens/signing-key.ts';
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

export interface SigningKeys {
  readonly ring: KeyRing;
  /** Reads the keys, making the first of each algorithm. After an Outage it goes on trying by itself. */
  start(): Promise<'ready' | Outage>;
  /** Whether this replica can sign now. An Outage's cause says what to do. */
  state(): 'ready' | Outage;
  /** Reads the keys again; what is known stays where they cannot be read. Never rejects. */
  reload(): Promise<void>;
  /**
   * Publishes a new key now, signs with it `publishLeadMs` later, keeps the old until its last token has expired.
   * Refused where the old one cannot be opened here, unless the command is to abandon it.
   */
  rotate(
    algorithm: SigningAlgorithm,
    command?: { readonly abandonsOld: boolean },
  ): Promise<RotatedKey | CommandError | Outage>;
  /**
   * Ends a key that has leaked: it is published no more, and nothing it has signed is believed. Where it is the newest of
   * its algorithm a new key is added first, and signs at once. Repeating it is safe.
   */
  revoke(kid: string): Promise<RevokedKey | CommandError | Outage>;
  /** Whether this replica has seen the key revoked. */
  isRevoked(kid: string): boolean;
  close(): void;
}

/** A change that the feed did not bring is found after this long. */
const reloadIntervalMs = 60_000;
const retryDelayMs = 250;
const retryDelayMsMax = 5_000;

/** Nothing is read or made before `start`; mounted keys are in the ring at once. */
export const createSigningKeys = (options: SigningKeysOptions): SigningKeys => {
  const { settings, now, log } = options;
  const { algorithms = [settings.tokens.algorithm] } = options;
  const ring = new KeyRing();
  const parsed = settings.keys.signingKeys.map((pem, index) =>
    parseSigningKey(pem, `item ${index + 1} of keys.signingKeys`),
  );
  const mounted = parsed.flatMap((key) => (isKeyFault(key) ? [] : [key]));
  const mountedFault = parsed.find(isKeyFault)?.message;
  const isMounted = (wanted: SigningAlgorithm): boolean => mounted.some((key) => key.algorithm === wanted);
  ring.replace(mounted);

  let records: readonly SigningKeyRecord[] = [];
  /** What has been seen revoked stays so, though the store may lose it. */
  const revoked = new Set<string>();
  let lastRefusal: Outage | undefined;
  let retries = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const state = (): 'ready' | Outage => {
    if (mountedFault !== undefined) return keysUnavailable(mountedFault);
    if (algorithms.every((algorithm) => ring.signingKey(algorithm, now()) !== undefined)) return 'ready';
    return lastRefusal ?? keysUnavailable('the signing keys have not been read yet');
  };

  const read = async (): Promise<Outage | undefined> => {
    const wanted = algorithms.filter((algorithm) => !isMounted(algorithm));
    const found = await readStoredKeys(options, wanted, records, revoked);
    if (isOutage(found)) return found;
    records = found.records;
    const believed = new Set(ring.published(now()).map(({ kid }) => kid));
    ring.replace([...mounted, ...found.keys]);
    const newly = records.filter((record) => isRevokedKey(record) && !revoked.has(record.kid));
    for (const { kid } of newly) revoked.add(kid);
    if (newly.some(({ kid }) => believed.has(kid))) options.onRevoked?.();
    return found.fault === undefined ? undefined : keysUnavailable(found.fault);
  };

  const readAndPlan = async (): Promise<void> => {
    const refusal = await read().catch((cause: unknown) => outage('keys_unavailable', cause));
    if (refusal !== undefined && (lastRefusal === undefined || topicOf(refusal) !== topicOf(lastRefusal)))
      log?.warn(`signing keys: ${messageOf(refusal)}`, { reason: refusal.reason });
    if (refusal === undefined && lastRefusal !== undefined) log?.info('signing keys: read');
    lastRefusal = refusal;
    retries = refusal === undefined ? 0 : retries + 1;
    plan(refusal === undefined ? reloadIntervalMs : retryDelay(retries));
  };

  const plan = (delayMs: number): void => {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => void reload(), delayMs);
    timer.unref();
  };

  const reload = oneAtATime(readAndPlan);

  const addNext = async (
    algorithm: SigningAlgorithm,
    activeFromMs: number,
    abandonsOld = false,
  ): Promise<RotatedKey | CommandError | Outage> => {
    const fault = abandonsOld ? undefined : await newestKeyFault(options, algorithm);
    if (isOutage(fault)) return fault;
    if (fault !== undefined)
      return commandError(
        'key_sealed',
        `No new key was made, because the other replicas could not open what is sealed here. First mend this: ${fault}`,
      );
    const retireOthersAtMs = activeFromMs + lastTokenMs(settings);
    const added = await addNextKey(options, algorithm, { activeFromMs, retireOthersAtMs });
    if (isOutage(added)) return added;
    return { kid: added.kid, algorithm, activeFromMs, retireOthersAtMs };
  };

  return {
    ring,
    state,
    reload,
    start: async () => {
      await reload();
      return state();
    },
    rotate: async (wanted, { abandonsOld } = { abandonsOld: false }) => {
      if (isMounted(wanted))
        return commandError(
          'key_mounted',
          `The ${wanted} key is mounted as a file. Put the new key first in keys.signingKeys, keep the old one after it until its tokens have expired, and restart each replica.`,
        );
      const rotated = await addNext(wanted, now() + settings.keys.publishLeadMs, abandonsOld);
      if (!isFailure(rotated)) await reload();
      return rotated;
    },
    revoke: async (kid) => {
      if (mounted.some((key) => key.kid === kid))
        return commandError(
          'key_mounted',
          'That key is mounted as a file. Put a new one first in keys.signingKeys, remove it, and restart each replica.',
        );
      const listed = await options.store.listKeys();
      if (isOutage(listed)) return listed;
      const record = listed.find((key) => key.kid === kid);
      if (record === undefined)
        return commandError('key_unknown', `The store has no key ${kid}; see tollgate key list.`);
      const { algorithm } = record;
      let replacedBy: RotatedKey | undefined;
      if (record.retireAtMs === undefined && !isMounted(algorithm)) {
        const next = await addNext(algorithm, now());
        if (isFailure(next)) return next;
        replacedBy = next;
      }
      const done = await options.store.revokeKey(kid, now());
      if (isOutage(done)) return done;
      await reload();
      return { kid, algorithm, replacedBy };
    },
    isRevoked: (kid) => revoked.has(kid),
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
};

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
