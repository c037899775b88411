// Writes back what this replica knew after a server lost it. Only raises generations and revokes; never lowers, never
// revives. Each change is told to the other replicas only by the first that finds it missing.

import { shardOfAccount, shardOfDigest, shardOfTokenId } from '../../tokens/shard.ts';
import type { Change } from '../records.ts';
import type { TokenStore } from '../token-store.ts';
import { lineOf } from './change-codec.ts';
import { runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { isStorableId, shardOfSession } from './key-space.ts';
import { reapplyAccount } from './account-scripts.ts';
import { endOnce, reapplySecret, reapplyToken } from './token-scripts.ts';

/** How many changes are on their way at once. */
const batch = 100;

/** `now`: lines older than the retention are left alone; nothing they ended is still alive without its record. */
export const reapply = (context: StoreContext, now: () => number): Pick<TokenStore, 'reapply'> => ({
  reapply: (changes) =>
    context.attempt(async (): Promise<'done'> => {
      const horizonMs = now() - context.retentionMs;
      for (let from = 0; from < changes.length; from += batch)
        await Promise.all(
          changes.slice(from, from + batch).map((change) => reapplyOne(context, change, horizonMs)),
        );
      return 'done';
    }),
});

const reapplyOne = async (context: StoreContext, change: Change, horizonMs: number): Promise<void> => {
  const { keys, retentionMs } = context;
  const writes = context.unacknowledged('write_back');
  const line = lineOf(change);
  switch (change.kind) {
    case 'token': {
      const shard = shardOfTokenId(change.tokenId);
      if (Number.isNaN(shard)) return;
      const touched = [
        keys.token(change.tokenId),
        keys.ended(shard, `token:${change.tokenId}`),
        keys.changes(shard),
      ];
      await runOn(writes, reapplyToken, touched, [retentionMs, change.atMs, ...line]);
      return;
    }
    case 'secret': {
      const shard = shardOfTokenId(change.tokenId);
      if (Number.isNaN(shard) || shard !== shardOfDigest(change.digest)) return;
      const touched = [
        keys.token(change.tokenId),
        keys.ended(shard, `secret:${change.tokenId}`),
        keys.digest(change.digest),
        keys.changes(shard),
      ];
      const facts = [change.tokenId, change.digest, change.secretNumber, `${change.previousUntilMs ?? ''}`];
      await runOn(writes, reapplySecret, touched, [retentionMs, ...facts, ...line]);
      return;
    }
    case 'session': {
      if (change.atMs < horizonMs) return;
      const shard = shardOfSession(change.sessionId);
      const touched = [keys.ended(shard, `session:${change.sessionId}`), keys.changes(shard)];
      await runOn(writes, endOnce, touched, [retentionMs, ...line]);
      return;
    }
    case 'user':
    case 'org': {
      const userId = change.kind === 'user' ? change.userId : undefined;
      if (!isStorableId(change.orgId) || (userId !== undefined && !isStorableId(userId))) return;
      const shard = shardOfAccount(change.orgId, userId);
      const account = userId === undefined ? keys.org(change.orgId) : keys.user(change.orgId, userId);
      const name = userId === undefined ? change.orgId : keys.account(change.orgId, userId);
      const touched = [account, keys.ended(shard, `${change.kind}:${name}`), keys.changes(shard)];
      const facts = [change.generation, `${change.tokenGenerationMin ?? ''}`, change.state ?? ''];
      await runOn(writes, reapplyAccount, touched, [retentionMs, ...facts, ...line]);
      return;
    }
    case 'keys':
      return;
  }
};
