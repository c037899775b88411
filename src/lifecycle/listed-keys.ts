// Signing keys as an operator sees them: every one, mounted or of the store, and what it is for now. No private half.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { SigningKeyRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { isBetter, isRetired } from '../tokens/key-ring.ts';
import type { SigningAlgorithm } from '../tokens/signature.ts';
import { isKeyFault, parseSigningKey } from '../tokens/signing-key.ts';
import { isRevokedKey } from './stored-signing-keys.ts';

interface KnownKey extends Pick<SigningKeyRecord, 'kid' | 'algorithm' | 'activeFromMs' | 'retireAtMs'> {
  readonly origin: 'file' | 'store';
  /** Of a file it is not known. */
  readonly createdAtMs?: number;
}

export interface ListedKey extends KnownKey {
  readonly state: 'next' | 'signing' | 'verifying' | 'retired' | 'revoked';
}

export const listSigningKeys = async (
  store: Pick<TokenStore, 'listKeys'>,
  { signingKeys }: Pick<Settings['keys'], 'signingKeys'>,
  nowMs: number,
): Promise<readonly ListedKey[] | Outage> => {
  const stored = await store.listKeys();
  if (isOutage(stored)) return stored;
  const kept = stored.map(
    ({ kid, algorithm, createdAtMs, activeFromMs, retireAtMs }) =>
      ({ kid, algorithm, createdAtMs, activeFromMs, retireAtMs, origin: 'store' }) as const,
  );
  return withStates([...signingKeys.flatMap(mountedKey), ...kept], nowMs);
};

const mountedKey = (pem: string, index: number): readonly KnownKey[] => {
  const key = parseSigningKey(pem, `item ${index + 1} of keys.signingKeys`);
  if (isKeyFault(key)) return [];
  const { kid, algorithm, activeFromMs, retireAtMs } = key;
  return [{ kid, algorithm, activeFromMs, retireAtMs, origin: 'file' }];
};

/** `signing`: the first mounted file of its algorithm, else the newest active key of the store, else the next one. */
const withStates = (keys: readonly KnownKey[], nowMs: number): readonly ListedKey[] => {
  const signing = new Map<SigningAlgorithm, KnownKey>();
  for (const key of keys) {
    const best = signing.get(key.algorithm);
    if (!isRetired(key, nowMs) && (best === undefined || isBetter(key, best, nowMs)))
      signing.set(key.algorithm, key);
  }
  const stateOf = (key: KnownKey): ListedKey['state'] => {
    if (isRevokedKey(key)) return 'revoked';
    if (isRetired(key, nowMs)) return 'retired';
    if (signing.get(key.algorithm) === key) return 'signing';
    return key.activeFromMs > nowMs ? 'next' : 'verifying';
  };
  return keys.map((key) => ({ ...key, state: stateOf(key) }));
};
