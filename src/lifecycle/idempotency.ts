// Commands with an idempotency key: a retry gives the same token id and the same secret without either being kept. Both are
// derived from the key under the sealing key, so they are the same on every replica and nobody else can compute them.

import { hkdfSync } from 'node:crypto';
import type { Settings } from '../settings/settings.ts';
import { shardOfAccount, shardOfTokenId } from '../tokens/shard.ts';
import { deriveSecret, deriveTokenId, type SecretLength } from '../tokens/api-token.ts';
import { isKeyFault } from '../tokens/signing-key.ts';
import { isCommandError, type CommandError, commandError } from './command-error.ts';
import { loadSealingKey } from './sealing-key.ts';

export type DerivedSecrets = ReturnType<typeof derivedWith>;

/** The derivation, once the sealing key can be had. */
export type OpenDerivedSecrets = () => Promise<DerivedSecrets | CommandError>;

const dayMs = 24 * 3600 * 1000;

export const createDerivedSecrets = (settings: Pick<Settings, 'keys'>): OpenDerivedSecrets => {
  let derived: DerivedSecrets | undefined;
  return async () => {
    if (derived !== undefined) return derived;
    const sealingKey = await loadSealingKey(settings.keys, false);
    if (isKeyFault(sealingKey)) return noSealingKey(settings.keys.encryptionKeyFile !== undefined);
    derived = derivedWith(new Uint8Array(hkdfSync('sha256', sealingKey, '', 'tollgate idempotency v1', 32)));
    return derived;
  };
};

/** `hasFile`: it may be in a file, which is made by the first `tollgate serve`. The caller is not told where it is. */
const noSealingKey = (hasFile: boolean): CommandError =>
  commandError(
    'idempotency_unavailable',
    'Commands with an idempotency key need a sealing key: ' +
      (hasFile
        ? 'the file of keys.encryptionKeyFile has none yet. `tollgate serve` makes it when it first starts; start it, or '
        : '') +
      'set keys.encryptionKey (TOLLGATE_KEYS_ENCRYPTION_KEY) to the output of `openssl rand -base64 32`, the same on ' +
      'every replica, or leave the idempotency key out.',
  );

const derivedWith = (key: Uint8Array) => ({
  /**
   * Ids that a token made for a user with this key may have by now, and the one a new token gets. A key is good for a day
   * at least and about two at most: less than a revoked token is remembered, or it could be made again.
   */
  tokenIds: (orgId: string, userId: string, idempotencyKey: string, nowMs: number) => {
    const today = Math.floor(nowMs / dayMs);
    const idOf = (day: number): string =>
      deriveTokenId(shardOfAccount(orgId, userId), key, [orgId, userId, idempotencyKey, day]);
    // Tomorrow too: another replica's clock may be ahead.
    return { known: [today - 1, today, today + 1].map(idOf), fresh: idOf(today) };
  },
  /** The secret of this number of a token, asked for with this key. */
  secret: (tokenId: string, number: number, idempotencyKey: string, length: SecretLength): string =>
    deriveSecret({ shard: shardOfTokenId(tokenId), length }, key, [tokenId, number, idempotencyKey]),
});

const keyGrammar = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** A header's worth of printable ASCII. */
const checkIdempotencyKey = (key: string): CommandError | undefined =>
  keyGrammar.test(key)
    ? undefined
    : commandError(
        'idempotency_malformed',
        'An idempotency key is 1 to 255 printable ASCII characters, best a new UUID for each command.',
      );

/** A user who gives a command; undefined: the operator. */
export type GivenBy = { readonly orgId: string; readonly userId: string } | undefined;

/**
 * The derivation for a command with a key; undefined for one without. `key` of the answer belongs to its giver: a caller who
 * guesses another's key gets nothing of theirs.
 */
export const derivationFor = async (
  open: OpenDerivedSecrets,
  key: string | undefined,
  by: GivenBy,
): Promise<{ readonly key: string; readonly derived: DerivedSecrets } | CommandError | undefined> => {
  if (key === undefined) return undefined;
  const malformed = checkIdempotencyKey(key);
  if (malformed !== undefined) return malformed;
  const derived = await open();
  if (isCommandError(derived)) return derived;
  // No id has a blank or a tab in it, and no key a tab.
  return { key: by === undefined ? key : `${by.orgId}/${by.userId}\t${key}`, derived };
};
