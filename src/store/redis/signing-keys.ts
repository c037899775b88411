// Signing keys: public halves, and private halves that arrive sealed. All in one hash of one shard.

import type { TokenStore } from '../token-store.ts';
import { lineOf } from './change-codec.ts';
import { readHash } from './connections.ts';
import type { StoreContext } from './context.ts';
import { keyDocument, parseKeys } from './record-codec.ts';
import { addKey, revokeKey } from './token-scripts.ts';

type SigningKeys = Pick<TokenStore, 'listKeys' | 'addKey' | 'revokeKey'>;

export const signingKeys = ({ keys, reads, write, attempt, retentionMs }: StoreContext): SigningKeys => ({
  listKeys: () => attempt(async () => parseKeys((await readHash(reads, keys.signingKeys())) ?? new Map())),

  addKey: (key, { ifNone, retireOthersAtMs }) =>
    attempt(async () => {
      const made = await write(
        addKey,
        [keys.signingKeys(), keys.changes(0)],
        [
          retentionMs,
          key.kid,
          key.algorithm,
          keyDocument(key),
          retireOthersAtMs,
          ifNone ? '1' : '0',
          `${key.retireAtMs ?? ''}`,
          ...lineOf({ kind: 'keys', atMs: key.createdAtMs }),
        ],
      );
      return made === 'added' ? 'added' : 'exists';
    }),

  revokeKey: (kid, nowMs) =>
    attempt(async () => {
      const line = lineOf({ kind: 'keys', atMs: nowMs });
      const touched = [keys.signingKeys(), keys.changes(0)];
      const done = await write(revokeKey, touched, [retentionMs, kid, ...line]);
      return done === 'revoked' ? 'revoked' : 'unknown';
    }),
});
