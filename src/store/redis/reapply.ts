// Writes back what this replica knew after a server lost it. Only raises generations and revokes; never lowers, never
// revives. The line of a change that the stream has lost is written again, also where the record has the change: a replica
// that starts later reads the stream alone.

import { shardOfAccount, shardOfDigest, shardOfTokenId } from '../../tokens/shard.ts';
import { subjectOf } from '../changes.ts';
import type { Change } from '../records.ts';
import { accountLine, lineOf } from './change-codec.ts';
import { runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { type KeySpace, isStorableId, shardOfSession } from './key-space.ts';
import { isKnownLine, readKnownLines } from './known-lines.ts';
import { reapplyAccount, reapplySecret, reapplyToken } from './reapply-scripts.ts';
import type { Script } from './script.ts';
import { endOnce } from './token-scripts.ts';

/** How many changes are on their way at once. */
const batch = 100;

/** One change and where its record lies. */
interface Located {
  readonly change: Exclude<Change, { readonly kind: 'keys' }>;
  readonly shard: number;
}

/** Lines older than the retention are not written again; nothing they ended is still alive without its record. */
export const writeBack = async (
  context: StoreContext,
  changes: readonly Change[],
  nowMs: number,
): Promise<'done'> => {
  const { keys, retentionMs } = context;
  const connections = context.unacknowledged('write_back');
  const located = changes.flatMap((change) => locate(change) ?? []);
  const lines = await readKnownLines(connections, keys, new Set(located.map(({ shard }) => shard)));
  const write = async (one: Located): Promise<unknown> => {
    const { change } = one;
    const isMissing = change.atMs >= nowMs - retentionMs && !isKnownLine(lines, change);
    // Of a session nothing is kept but its line, and a mark beside it.
    if (change.kind === 'session' && !isMissing) return;
    const { script, touched, args } = commandOf(keys, one, isMissing ? '1' : '0');
    return runOn(connections, script, touched, [retentionMs, ...args, ...lineOf(change)]);
  };
  for (let from = 0; from < located.length; from += batch)
    await Promise.all(located.slice(from, from + batch).map(write));
  return 'done';
};

/** Undefined for what has no record and needs none, or could not be stored by anybody. */
const locate = (change: Change): Located | undefined => {
  switch (change.kind) {
    case 'token':
    case 'secret': {
      const shard = shardOfTokenId(change.tokenId);
      if (Number.isNaN(shard) || !isStorableId(change.tokenId)) return undefined;
      return change.kind === 'secret' && shard !== shardOfDigest(change.digest)
        ? undefined
        : { change, shard };
    }
    case 'session':
      return { change, shard: shardOfSession(change.sessionId) };
    case 'user':
      return isStorableId(change.orgId) && isStorableId(change.userId)
        ? { change, shard: shardOfAccount(change.orgId, change.userId) }
        : undefined;
    case 'org':
      return isStorableId(change.orgId) ? { change, shard: shardOfAccount(change.orgId) } : undefined;
    case 'keys':
      return undefined;
  }
};

interface Command {
  readonly script: Script;
  readonly touched: readonly string[];
  /** Between the retention and the words of the line. */
  readonly args: readonly (string | number)[];
}

/** `isMissing`: '1' when the stream lacks the line. */
const commandOf = (keys: KeySpace, { change, shard }: Located, isMissing: string): Command => {
  const stream = keys.changes(shard);
  const mark = keys.lineWrittenBack(shard, subjectOf(change));
  switch (change.kind) {
    case 'session':
      return {
        script: endOnce,
        touched: [keys.ended(shard, `session:${change.sessionId}`), stream],
        args: [],
      };
    case 'token': {
      const touched = [keys.token(change.tokenId), keys.ended(shard, `token:${change.tokenId}`), stream];
      return { script: reapplyToken, touched, args: [isMissing, change.atMs] };
    }
    case 'secret': {
      const { tokenId, digest, secretNumber, previousUntilMs } = change;
      const ended = keys.ended(shard, `secret:${tokenId}`);
      const touched = [keys.token(tokenId), ended, keys.digest(digest), stream, mark];
      const args = [isMissing, tokenId, digest, secretNumber, `${previousUntilMs ?? ''}`];
      return { script: reapplySecret, touched, args };
    }
    case 'user':
    case 'org': {
      const { orgId, generation, tokenGenerationMin, state, atMs } = change;
      const userId = change.kind === 'user' ? change.userId : undefined;
      const account = keys.record(orgId, userId);
      const name = userId === undefined ? orgId : keys.account(orgId, userId);
      const touched = [account, keys.ended(shard, `${change.kind}:${name}`), stream, mark];
      const wordsBefore = accountLine(orgId, userId, atMs).length;
      const args = [isMissing, generation, `${tokenGenerationMin ?? ''}`, state ?? '', wordsBefore];
      return { script: reapplyAccount, touched, args };
    }
  }
};
