// Signing keys: public halves, and private halves that arrive sealed. All in one hash of one shard.

import type { TokenStore } from '../token-store.ts';
import { lineOf } from './change-codec.ts';
import { readHash, runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { keyDocument, parseKeys } from './record-codec.ts';
import { addKey } from './token-scripts.ts';

type SigningKeys = Pick<TokenStore, 'listKeys' | 'addKey'>;

export const signingKeys = ({ keys, reads, writes, attempt, retentionMs }: StoreContext): SigningKeys => ({
  listKeys: () => attempt(async () => parseKeys((await readHash(reads, keys.signingKeys())) ?? new Map())),

  addKey: (key, { ifNone, retireOthersAtMs }) =>
    attempt(async () => {
      const made = await runOn(
        writes,
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
});
