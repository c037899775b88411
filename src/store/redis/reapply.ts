// Writes back what this replica knew after a server lost it. Only raises generations and revokes; never lowers, never
// revives. The line of a change that the stream has lost is written again, also where the record has the change: a replica
// that starts later reads the stream alone.

import { shardOfAccount, shardOfDigest, shardOfTokenId } from '../../tokens/shard.ts';
import { generationOf, subjectOf } from '../changes.ts';
import type { Change } from '../records.ts';
import { expiryOf } from '../token-listing.ts';
import { keepUntil, loadToken } from './api-tokens.ts';
import { accountLine, lineOf, parseLine } from './change-codec.ts';
import { type MasterConnections, runOn, type StoreContext } from './context.ts';
import { isStorableAccount, isStorableTokenId, type KeySpace, shardOfSession } from './key-space.ts';
import { endOnce } from './token-scripts.ts';
import { expiryText, reindexToken } from './token-sets.ts';
import {
  allowAtMaxmemory,
  appendLine,
  endWithoutRecord,
  expireRecord,
  type Script,
  script,
  withGeneration,
  writeExpiry,
} from './script.ts';

/**
 * `appendAgain(stream, mark, retentionMs, generation, line)` appends a line unless one that was written back before, of that
 * generation or a later one, is still in the stream. The mark keeps `<generation> <id>` of it.
 */
const appendAgain = `
local function appendAgain(stream, mark, retentionMs, generation, line)
  local before, id = string.match(redis.call('GET', mark) or '', '^(%d+) (%S+)$')
  if hasLine(stream, id, line) and tonumber(before) >= tonumber(generation) then return end
  id = appendLine(stream, retentionMs, line)
  redis.call('SET', mark, generation .. ' ' .. id, 'PX', retentionOf(stream, retentionMs) or retentionMs)
end
`;

/**
 * Revokes a token again. KEYS token, mark of its end for the case that there is no record, stream. ARGV retentionMs, '1'
 * when the stream lacks the line, revokedAtMs, words of the line.
 */
const reapplyToken = script(`${appendLine}${endWithoutRecord}${expireRecord}${allowAtMaxmemory}
allowAtMaxmemory(KEYS[3])
local isMissing, line = ARGV[2] == '1', {unpack(ARGV, 4)}
local found = redis.call('HMGET', KEYS[1], 'doc', 'revokedAtMs', 'revokedLine')
if not found[1] then
  if isMissing then endWithoutRecord(KEYS[2], KEYS[3], ARGV[1], line) end
  return 1
end
if not found[2] then redis.call('HSET', KEYS[1], 'revokedAtMs', ARGV[3]) end
if isMissing and not hasLine(KEYS[3], found[3], line) then
  redis.call('HSET', KEYS[1], 'revokedLine', appendLine(KEYS[3], ARGV[1], line))
end
if not found[2] then expireRecord(KEYS[1]) end
return 1
`);

/**
 * Gives a token its newest secret again: the one it replaced is dead, or good until it said. KEYS token, mark of the
 * number for the case that there is no record, digest of the secret, stream, mark of the line. ARGV retentionMs, '1' when
 * the stream lacks the line, id, digest, number, previousUntilMs or '', the expiry (three of `writeExpiry`; each '' where it
 * keeps its own), words of the line.
 */
const reapplySecret = script(`${appendLine}${appendAgain}${writeExpiry}${allowAtMaxmemory}
allowAtMaxmemory(KEYS[4])
local id, digest, number, previousUntilMs = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local before = redis.call('HMGET', KEYS[1], 'doc', 'secretNumber', 'digest', 'revokedAtMs')
local present = tonumber(before[2] or '0')
if not before[1] then
  if tonumber(redis.call('GET', KEYS[2]) or '-1') < number then
    redis.call('SET', KEYS[2], ARGV[5], 'PX', retentionOf(KEYS[4], ARGV[1]) or ARGV[1])
  end
elseif present < number then
  if ARGV[7] ~= '' and not before[4] then writeExpiry(KEYS[1], before[1], ARGV[7], ARGV[8], ARGV[9]) end
  redis.call('HSET', KEYS[1], 'digest', digest, 'secretNumber', ARGV[5])
  if present + 1 == number then redis.call('HSET', KEYS[1], 'previousDigest', before[3])
  else redis.call('HDEL', KEYS[1], 'previousDigest') end
  if previousUntilMs == '' then redis.call('HDEL', KEYS[1], 'previousUntilMs')
  else redis.call('HSET', KEYS[1], 'previousUntilMs', previousUntilMs) end
  if redis.call('EXISTS', KEYS[3]) == 0 then
    redis.call('SET', KEYS[3], id)
    local left = redis.call('PTTL', KEYS[1])
    if left > 0 then redis.call('PEXPIRE', KEYS[3], left) end
  end
end
if ARGV[2] == '1' then appendAgain(KEYS[4], KEYS[5], ARGV[1], number, {unpack(ARGV, 10)}) end
return 1
`);

/**
 * Raises the generations of an org or a user again; never lowers one. The line says what the record says then. KEYS
 * account, mark of the generation for the case that there is no record, stream, mark of the line. ARGV retentionMs, '1'
 * when the stream lacks the line, generation, tokenGenerationMin or '', state or '' (taken only by an older record), how
 * many words of the line come before the generation, the time of the line last, words of the line.
 *
 * A deletion takes the record away again, unless that is of an account made or changed later.
 *
 * The record may have been changed since the loss, in a generation not above a lost one. That change is the newer one, so it
 * stands: its line gets a generation above the lost ones, or sessions made in those would outlive it.
 */
const reapplyAccount = script(`${appendLine}${appendAgain}${withGeneration}${allowAtMaxmemory}
allowAtMaxmemory(KEYS[3])
local account, generation, tokenGenerationMin = KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local line, isNewer, isDeletion = {unpack(ARGV, 7)}, false, ARGV[5] == 'deleted'
local atMs = tonumber(ARGV[6 + tonumber(ARGV[6])])
local function changedAt()
  local changed = redis.call('HGET', account, 'changedAtMs')
  return tonumber(changed or isDeletion and redis.call('HGET', account, 'createdAtMs') or '-1')
end
if isDeletion and redis.call('EXISTS', account) == 1
  and tonumber(redis.call('HGET', account, 'generation')) < generation and changedAt() <= atMs then
  redis.call('DEL', account)
end
if redis.call('EXISTS', account) == 1 then
  local present = tonumber(redis.call('HGET', account, 'generation'))
  if present <= generation then
    isNewer = changedAt() > atMs
    if isNewer then
      generation = generation + 1
      if tonumber(redis.call('HGET', account, 'tokenGenerationMin')) == present then tokenGenerationMin = generation end
    elseif present < generation then
      redis.call('HSET', account, 'changedAtMs', ARGV[6 + tonumber(ARGV[6])])
      if ARGV[5] ~= '' then redis.call('HSET', account, 'state', '"' .. ARGV[5] .. '"') end
    end
    redis.call('HSET', account, 'generation', generation)
  end
  if tokenGenerationMin and tonumber(redis.call('HGET', account, 'tokenGenerationMin')) < tokenGenerationMin then
    redis.call('HSET', account, 'tokenGenerationMin', tokenGenerationMin)
  end
  local head = {unpack(ARGV, 7, 6 + tonumber(ARGV[6]))}
  if isNewer then head[#head] = string.format('%.0f', changedAt()) end
  line = withGeneration(account, head)
  generation = math.max(present, generation)
elseif tonumber(redis.call('GET', KEYS[2]) or '-1') < generation then
  redis.call('SET', KEYS[2], generation, 'PX', retentionOf(KEYS[3], ARGV[1]) or ARGV[1])
end
if ARGV[2] == '1' or isNewer then appendAgain(KEYS[3], KEYS[4], ARGV[1], string.format('%.0f', generation), line) end
return 1
`);

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
    const run = (): Promise<unknown> =>
      runOn(connections, script, touched, [retentionMs, ...flag, ...args, ...lineOf(change)]);
    return change.kind === 'secret' && change.endsAtMs !== undefined
      ? reindexAfter(context, change.tokenId, run)
      : run();
  };
  for (let from = 0; from < commands.length; from += batch)
    await Promise.all(commands.slice(from, from + batch).map(write));
  return 'done';
};

/** The sets have the expiry that a token had before; should they keep it, the next listing corrects them. */
const reindexAfter = async (
  context: StoreContext,
  tokenId: string,
  run: () => Promise<unknown>,
): Promise<void> => {
  const connections = context.unacknowledged('write_back');
  const before = await loadToken(context, tokenId, connections);
  await run();
  const now = await loadToken(context, tokenId, connections);
  if (before !== undefined && now !== undefined && before.expiresAtMs !== now.expiresAtMs)
    await reindexToken(context, before, now);
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
      const { tokenId, digest, secretNumber, previousUntilMs, endsAtMs } = change;
      const shard = shardOfTokenId(tokenId);
      if (!isStorableTokenId(tokenId) || shard !== shardOfDigest(digest)) return undefined;
      const touched = [keys.token(tokenId), keys.ended(shard, `secret:${tokenId}`), keys.digest(digest)];
      const expiry = endsAtMs === undefined ? ['', '', ''] : expiryArgs(endsAtMs, change.atMs);
      const args = [tokenId, digest, secretNumber, `${previousUntilMs ?? ''}`, ...expiry];
      return { shard, script: reapplySecret, touched: [...touched, ...linesOf(keys, shard, change)], args };
    }
    case 'user':
    case 'org': {
      const { orgId, generation, tokenGenerationMin, state, atMs } = change;
      const userId = change.kind === 'user' ? change.userId : undefined;
      if (!isStorableAccount(orgId, userId)) return undefined;
      const shard = shardOfAccount(orgId, userId);
      const touched = [keys.record(orgId, userId), keys.endedAccount(orgId, userId)];
      const wordsBefore = accountLine(orgId, userId, atMs).length;
      const args = [generation, `${tokenGenerationMin ?? ''}`, state ?? '', wordsBefore];
      return { shard, script: reapplyAccount, touched: [...touched, ...linesOf(keys, shard, change)], args };
    }
    case 'keys':
      return undefined;
  }
};

const expiryArgs = (endsAtMs: number, renewedAtMs: number): string[] => {
  const renewed = { expiresAtMs: expiryOf(endsAtMs) };
  return [expiryText(renewed), `${renewedAtMs}`, keepUntil(renewed)];
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
