// Signing keys: public halves, and private halves that arrive sealed. All in one hash of one shard.

import type { SigningKeyStore } from '../token-store.ts';
import { lineOf } from './change-codec.ts';
import { commandsOf, readHash, type Step, type StoreContext } from './context.ts';
import { keyDocument, parseKeys } from './record-codec.ts';
import { addKey, revokeKey } from './token-scripts.ts';

const list: Step<'listKeys'> = async ({ keys, reads }) =>
  parseKeys((await readHash(reads, keys.signingKeys())) ?? new Map());

const add: Step<'addKey'> = async ({ keys, write, retentionMs }, key, { ifNone, retireOthersAtMs }) => {
  const { kid, algorithm, retireAtMs, createdAtMs } = key;
  const facts = [
    kid,
    algorithm,
    keyDocument(key),
    retireOthersAtMs,
    ifNone ? '1' : '0',
    `${retireAtMs ?? ''}`,
  ];
  const line = lineOf({ kind: 'keys', atMs: createdAtMs });
  const reply = await write(addKey, [keys.signingKeys(), keys.changes(0)], [retentionMs, ...facts, ...line]);
  return reply === 'added' ? 'added' : 'exists';
};

const revoke: Step<'revokeKey'> = async ({ keys, write, retentionMs }, kid, nowMs) => {
  const line = lineOf({ kind: 'keys', atMs: nowMs });
  const reply = await write(revokeKey, [keys.signingKeys(), keys.changes(0)], [retentionMs, kid, ...line]);
  return reply === 'revoked' ? 'revoked' : 'unknown';
};

export const signingKeys = (context: StoreContext): SigningKeyStore => {
  const command = commandsOf(context);
  return { listKeys: command(list), addKey: command(add), revokeKey: command(revoke) };
};
