// Signing keys and the store, step by step: read them, make the first, add the next. Private halves leave here sealed.
// One attempt a call; when to try again is signing-keys.ts's business.

import type { SigningAlgorithm } from '../tokens/signature.ts';
import { isOutage, type Outage, outage } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { SigningKeyRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { isKeyFault, type KeyFault, type VerificationKey } from '../tokens/signing-key.ts';
import { generateStoredKey, openPublicHalf, openStoredKey } from '../tokens/stored-key.ts';
import { loadSealingKey } from './sealing-key.ts';

export interface StoredKeysDependencies {
  readonly store: Pick<TokenStore, 'listKeys' | 'addKey' | 'revokeKey'>;
  readonly settings: Pick<Settings, 'keys' | 'store'>;
  readonly now: () => number;
}

export interface StoredKeysRead {
  readonly records: readonly SigningKeyRecord[];
  /** Those that could be opened; without the private half where only that stays sealed. */
  readonly keys: readonly VerificationKey[];
  /** What is wrong with the others, and what to do; undefined when nothing is. */
  readonly fault: string | undefined;
}

/**
 * Reads and opens the keys of the store. Each of `wanted` of which there is none is made, out of `known` if it was lost.
 * `revoked`: keys this replica has seen revoked, never opened again, though a store that lost a write has them as good.
 */
export const readStoredKeys = async (
  deps: StoredKeysDependencies,
  wanted: readonly SigningAlgorithm[],
  known: readonly SigningKeyRecord[],
  revoked: ReadonlySet<string>,
): Promise<StoredKeysRead | Outage> => {
  const listed = await deps.store.listKeys();
  if (isOutage(listed)) return listed;
  const isGood = (key: SigningKeyRecord): boolean => !isRevokedKey(key) && !revoked.has(key.kid);
  for (const key of listed)
    if (!isGood(key) && !isRevokedKey(key)) {
      const answer = await deps.store.revokeKey(key.kid, deps.now());
      if (isOutage(answer)) return answer;
    }
  const good = listed.filter(isGood);
  const missing = wanted.filter((one) => !good.some(({ algorithm }) => algorithm === one));
  if (missing.length === 0) return openAll(deps, listed, isGood);
  for (const algorithm of missing) {
    const added = await addFirst(deps, algorithm, known.filter(isGood), listed);
    if (added !== 'done') return added;
  }
  // Another replica may have been faster: the store says whose key it is.
  const again = await deps.store.listKeys();
  return isOutage(again) ? again : openAll(deps, again, isGood);
};

/** Retired from the beginning of time. */
export const isRevokedKey = ({ retireAtMs }: Pick<SigningKeyRecord, 'retireAtMs'>): boolean =>
  retireAtMs === 0;

/**
 * Why this process cannot open the newest key of an algorithm, and what to do; undefined where it can, or there is none.
 * One that cannot has another sealing key than the fleet: what it seals, no other replica could open.
 */
export const newestKeyFault = async (
  deps: StoredKeysDependencies,
  algorithm: SigningAlgorithm,
): Promise<string | undefined | Outage> => {
  const listed = await deps.store.listKeys();
  if (isOutage(listed)) return listed;
  const newest = listed.filter((key) => key.algorithm === algorithm && key.retireAtMs === undefined);
  if (newest.length === 0) return undefined;
  const sealingKey = await sealingKeyFor(deps, false);
  if (isKeyFault(sealingKey)) return sealingKey.message;
  return newest.map((key) => openStoredKey(key, sealingKey)).find(isKeyFault)?.message;
};

/** Adds the next key of an algorithm; those before it retire at `retireOthersAtMs`. */
export const addNextKey = async (
  deps: StoredKeysDependencies,
  algorithm: SigningAlgorithm,
  times: { readonly activeFromMs: number; readonly retireOthersAtMs: number },
): Promise<SigningKeyRecord | Outage> => {
  const sealingKey = await sealingKeyFor(deps, true);
  if (isKeyFault(sealingKey)) return keysUnavailable(sealingKey.message);
  const { activeFromMs, retireOthersAtMs } = times;
  const key = await generateStoredKey(algorithm, sealingKey, { createdAtMs: deps.now(), activeFromMs });
  const added = await deps.store.addKey(key, { ifNone: false, retireOthersAtMs });
  return isOutage(added) ? added : key;
};

/** Why this replica cannot sign, and what to do about it. */
export const keysUnavailable = (message: string): Outage => outage('keys_unavailable', new Error(message));

const addFirst = async (
  deps: StoredKeysDependencies,
  algorithm: SigningAlgorithm,
  known: readonly SigningKeyRecord[],
  listed: readonly SigningKeyRecord[],
): Promise<'done' | Outage> => {
  const sealingKey = await sealingKeyFor(deps, listed.length === 0);
  if (isKeyFault(sealingKey)) return keysUnavailable(sealingKey.message);
  const createdAtMs = deps.now();
  const key =
    known.findLast((record) => record.algorithm === algorithm && record.retireAtMs === undefined) ??
    // The first of an algorithm signs at once, whatever the other replicas' clocks say.
    (await generateStoredKey(algorithm, sealingKey, { createdAtMs, activeFromMs: 0 }));
  // Where there are only revoked ones, the store cannot tell that there is none.
  const ifNone = !listed.some((record) => record.algorithm === algorithm);
  const added = await deps.store.addKey(key, { ifNone, retireOthersAtMs: createdAtMs });
  return isOutage(added) ? added : 'done';
};

const openAll = async (
  deps: StoredKeysDependencies,
  records: readonly SigningKeyRecord[],
  isGood: (key: SigningKeyRecord) => boolean,
): Promise<StoredKeysRead> => {
  const nowMs = deps.now();
  const live = records.filter(
    (key) => isGood(key) && (key.retireAtMs === undefined || key.retireAtMs > nowMs),
  );
  if (live.length === 0) return { records, keys: [], fault: undefined };
  const sealingKey = await sealingKeyFor(deps, false);
  const faults: KeyFault[] = isKeyFault(sealingKey) ? [sealingKey] : [];
  const keys: VerificationKey[] = [];
  for (const record of live) {
    const opened = isKeyFault(sealingKey) ? openPublicHalf(record) : openStoredKey(record, sealingKey);
    if (isKeyFault(opened)) faults.push(opened);
    // What cannot sign here can still verify.
    const usable = isKeyFault(opened) ? openPublicHalf(record) : opened;
    if (!isKeyFault(usable)) keys.push(usable);
  }
  return { records, keys, fault: faults[0]?.message };
};

const sealingKeyFor = ({ settings }: StoredKeysDependencies, mayCreate: boolean) =>
  loadSealingKey(settings.keys, mayCreate && settings.store.kind === 'sqlite');
