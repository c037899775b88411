// Usage on Redis: a hash for each API token, user and org, with a field for each day. All three lie in the shard of the token, so
// that one script adds a batch's part of a shard; an org has a hash in each shard, which are read together. They expire.

import { shardOfAccount, shardOfTokenId } from '../../tokens/shard.ts';
import { integer, record } from '../record-reader.ts';
import {
  addDays,
  addSums,
  dayMs,
  type DayUsage,
  isWithin,
  sumsBySubject,
  type TokenUsage,
  type UsageBatch,
  type UsageStore,
  type UsageSubject,
  type UsageSum,
  writerKeptMs,
} from '../usage-store.ts';
import { commandsOf, readHash, runOn, type Step, type StoreContext } from './context.ts';
import { allShards, isStorableAccount, isStorableTokenId } from './key-space.ts';
import { script } from './script.ts';

/**
 * KEYS last number of the writer, hashes. ARGV number of the batch, how long that is remembered, day, first day that is kept,
 * how long hashes are kept, and for each hash what is added. Replies 0 when the batch was added before. A field is
 * `<requests> <refused> <bytes in> <bytes out>`. Nothing grows past what a reader takes for a whole number.
 */
const addSumsOfDay = script(`
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local day, oldest, keptMs = ARGV[3], ARGV[4], ARGV[5]
for i = 2, #KEYS do
  local sums, known = {}, redis.call('HGET', KEYS[i], day)
  for sum in string.gmatch(known or '', '%d+') do sums[#sums + 1] = tonumber(sum) end
  if not known then
    local fields = redis.call('HGETALL', KEYS[i])
    for at = 1, #fields, 2 do
      if fields[at] < oldest then redis.call('HDEL', KEYS[i], fields[at]) end
    end
  end
  local words = {}
  for at = 1, 4 do
    local sum = (sums[at] or 0) + tonumber(ARGV[5 + (i - 2) * 4 + at])
    words[at] = string.format('%.0f', math.min(sum, ${Number.MAX_SAFE_INTEGER}))
  end
  redis.call('HSET', KEYS[i], day, table.concat(words, ' '))
  if not known then redis.call('PEXPIRE', KEYS[i], keptMs) end
end
return 1
`);

const addInShard = async (
  { keys, unacknowledged }: StoreContext,
  shard: number,
  { writer, number, day, keepDays }: Omit<UsageBatch, 'sums'>,
  sums: readonly TokenUsage[],
): Promise<void> => {
  const bySubject = [...sumsBySubject(sums, (subject) => keys.usage(shard, subject))];
  const added = bySubject.flatMap(([, sum]) => [sum.requests, sum.refused, sum.bytesIn, sum.bytesOut]);
  await runOn(
    unacknowledged('usage'),
    addSumsOfDay,
    [keys.usageWriter(shard, writer), ...bySubject.map(([key]) => key)],
    [number, writerKeptMs, day, addDays(day, -keepDays), (keepDays + 2) * dayMs, ...added],
  );
};

const isStorable = ({ tokenId, orgId, userId }: TokenUsage): boolean =>
  isStorableTokenId(tokenId) && isStorableAccount(orgId, userId);

const add: Step<'addUsage'> = async (context, { sums, ...batch }) => {
  const byShard = Map.groupBy(sums.filter(isStorable), ({ tokenId }) => shardOfTokenId(tokenId));
  await Promise.all([...byShard].map(([shard, some]) => addInShard(context, shard, batch, some)));
  return 'done';
};

const shardsOf = (subject: UsageSubject): readonly number[] => {
  if ('tokenId' in subject)
    return isStorableTokenId(subject.tokenId) ? [shardOfTokenId(subject.tokenId)] : [];
  const { orgId, userId } = subject;
  if (!isStorableAccount(orgId, userId)) return [];
  return userId === undefined ? allShards : [shardOfAccount(orgId, userId)];
};

const readSum = record({ requests: integer, refused: integer, bytesIn: integer, bytesOut: integer });

const parseSum = (key: string, field: string): UsageSum => {
  const [requests, refused, bytesIn, bytesOut] = field.split(' ').map(Number);
  return readSum({ requests, refused, bytesIn, bytesOut }, `the usage ${key}`);
};

const read: Step<'readUsage'> = async ({ keys, reads }, subject, days) => {
  const byDay = new Map<string, UsageSum>();
  const readShard = async (shard: number): Promise<void> => {
    const key = keys.usage(shard, subject);
    for (const [day, field] of (await readHash(reads, key)) ?? []) {
      if (!isWithin(day, days)) continue;
      const sum = parseSum(key, field);
      const known = byDay.get(day);
      byDay.set(day, known === undefined ? sum : addSums(known, sum));
    }
  };
  await Promise.all(shardsOf(subject).map(readShard));
  return [...byDay]
    .map(([day, sum]): DayUsage => ({ day, ...sum }))
    .sort((one, other) => (one.day < other.day ? -1 : 1));
};

export const usage = (context: StoreContext): UsageStore => {
  const command = commandsOf(context);
  return { addUsage: command(add), readUsage: command(read) };
};
