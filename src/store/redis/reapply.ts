// Writes back what this replica knew after a server lost it. Only raises generations and revokes; never lowers, never
// revives. The line of a change that the stream has lost is written again, also where the record has the change: a replica
// that starts later reads the stream alone.

import { shardOfAccount, shardOfDigest, shardOfTokenId } from '../../tokens/shard.ts';
import { generationOf, subjectOf } from '../changes.ts';
import type { Change } from '../records.ts';
import { accountLine, lineOf, parseLine } from './change-codec.ts';
import { type MasterConnections, runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { isStorableId, isStorableTokenId, type KeySpace, shardOfSession } from './key-space.ts';
import { reapplyAccount, reapplySecret, reapplyToken } from './reapply-scripts.ts';
import type { Script } from './script.ts';
import { endOnce } from './token-scripts.ts';

/** How many changes are on their way at once. */
const batch = 100;
const linesPerRead = 1000;

/** What writes one change back. */
interface Command {
  readonly shard: number;
  readonly script: Script;
  readonly touched: readonly string[];
  /** Between the retention, whether the stream lacks the line, and the words of the line. */
  readonly args: readonly (string | number)[];
}

/** Lines older than the retention are not written again; nothing they ended is still alive without its record. */
export const writeBack = async (
  context: StoreContext,
  changes: readonly Change[],
  nowMs: number,
): Promise<'done'> => {
  const { keys, retentionMs } = context;
  const connections = context.unacknowledged('write_back');
  const commands = changes.flatMap((change) => {
    const command = commandOf(keys, change);
    return command === undefined ? [] : [{ change, ...command }];
  });
  const lines = await readKnownLines(connections, keys, new Set(commands.map(({ shard }) => shard)));
  const write = async ({ change, script, touched, args }: (typeof commands)[number]): Promise<unknown> => {
    const isMissing = change.atMs >= nowMs - retentionMs && !isKnownLine(lines, change);
    // Of a session nothing is kept but its line, and a mark beside it.
    if (change.kind === 'session' && !isMissing) return;
    const flag = change.kind === 'session' ? [] : [isMissing ? '1' : '0'];
    return runOn(connections, script, touched, [retentionMs, ...flag, ...args, ...lineOf(change)]);
  };
  for (let from = 0; from < commands.length; from += batch)
    await Promise.all(commands.slice(from, from + batch).map(write));
  return 'done';
};

/** Undefined for what has no record and needs none, or could not be stored by anybody. */
const commandOf = (keys: KeySpace, change: Change): Command | undefined => {
  switch (change.kind) {
    case 'session': {
      const shard = shardOfSession(change.sessionId);
      const touched = [keys.ended(shard, `session:${change.sessionId}`), keys.changes(shard)];
      return { shard, script: endOnce, touched, args: [] };
    }
    case 'token': {
      const { tokenId, atMs } = change;
      if (!isStorableTokenId(tokenId)) return undefined;
      const shard = shardOfTokenId(tokenId);
      const touched = [keys.token(tokenId), keys.ended(shard, `token:${tokenId}`), keys.changes(shard)];
      return { shard, script: reapplyToken, touched, args: [atMs] };
    }
    case 'secret': {
      const { tokenId, digest, secretNumber, previousUntilMs } = change;
      const shard = shardOfTokenId(tokenId);
      if (!isStorableTokenId(tokenId) || shard !== shardOfDigest(digest)) return undefined;
      const touched = [keys.token(tokenId), keys.ended(shard, `secret:${tokenId}`), keys.digest(digest)];
      const args = [tokenId, digest, secretNumber, `${previousUntilMs ?? ''}`];
      return { shard, script: reapplySecret, touched: [...touched, ...linesOf(keys, shard, change)], args };
    }
    case 'user':
    case 'org': {
      const { orgId, generation, tokenGenerationMin, state, atMs } = change;
      const userId = change.kind === 'user' ? change.userId : undefined;
      if (!isStorableId(orgId) || (userId !== undefined && !isStorableId(userId))) return undefined;
      const shard = shardOfAccount(orgId, userId);
      const name = userId === undefined ? orgId : keys.account(orgId, userId);
      const touched = [keys.record(orgId, userId), keys.ended(shard, `${change.kind}:${name}`)];
      const wordsBefore = accountLine(orgId, userId, atMs).length;
      const args = [generation, `${tokenGenerationMin ?? ''}`, state ?? '', wordsBefore];
      return { shard, script: reapplyAccount, touched: [...touched, ...linesOf(keys, shard, change)], args };
    }
    case 'keys':
      return undefined;
  }
};

/** The stream, and the mark of the line that was written back to it. */
const linesOf = (keys: KeySpace, shard: number, change: Change): readonly string[] => [
  keys.changes(shard),
  keys.lineWrittenBack(shard, subjectOf(change)),
];

/** What the streams hold now: subject of a change -> the highest generation, or number of a secret, that a line of it has. */
type KnownLines = ReadonlyMap<string, number>;

/** Whether the streams hold a change, or one of the same subject that says more. */
const isKnownLine = (lines: KnownLines, change: Change): boolean =>
  (lines.get(subjectOf(change)) ?? -1) >= generationOf(change);

/** Reads the streams of these shards whole, in pieces. Rejects with the library's error. */
const readKnownLines = async (
  connections: MasterConnections,
  keys: KeySpace,
  shards: Iterable<number>,
): Promise<KnownLines> => {
  const lines = new Map<string, number>();
  for (const shard of shards) {
    const stream = keys.changes(shard);
    for (let from = '-'; ;) {
      const read = await connections.on(stream, (client) =>
        client.xrange(stream, from, '+', 'COUNT', linesPerRead),
      );
      for (const [, words] of read) {
        const change = parseLine(words);
        if (change === undefined || isKnownLine(lines, change)) continue;
        lines.set(subjectOf(change), generationOf(change));
      }
      const last = read.at(-1)?.[0];
      if (last === undefined || read.length < linesPerRead) break;
      from = `(${last}`;
    }
  }
  return lines;
};
