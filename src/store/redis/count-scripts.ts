// Scripts that count requests. Each touches keys of one shard alone, which expire by themselves, and uses the server's clock.

import { script } from './script.ts';

const now = `
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end
`;

/**
 * As `takeFromBucket` in decision/bucket.ts. KEYS when the bucket is full; none: it is. ARGV interval, capacity, spent, wanted.
 * Replies granted, left, ms until one more can be granted, ms until it is full.
 */
export const takeFromRate = script(`${now}
local interval, capacity, spent, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now, whole = nowMs(), interval * capacity
local full = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '') or now, now), now + 2 * whole)
full = math.min(math.max(full + spent * interval, now), now + 2 * whole)
local free = math.floor((now + whole - full) / interval + 1e-6)
local granted = math.max(0, math.min(wanted, free))
full = full + granted * interval
if spent ~= 0 or granted > 0 then
  local lifetime = math.ceil(full - now)
  if lifetime > 0 then redis.call('SET', KEYS[1], string.format('%.4f', full), 'PX', string.format('%.0f', lifetime))
  else redis.call('DEL', KEYS[1]) end
end
local left = math.max(0, free - granted)
local retry = left > 0 and 0 or math.max(1, math.ceil(full + interval - whole - now))
return {granted, left, retry, math.ceil(full - now)}
`);

/** KEYS how many were used in the period. ARGV most, spent, wanted, until when the key is kept. Replies granted, left. */
export const takeFromQuota = script(`
local most, spent, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = math.max(0, (tonumber(redis.call('GET', KEYS[1]) or '') or 0) + spent)
local granted = math.max(0, math.min(wanted, most - used))
used = used + granted
if spent ~= 0 or granted > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', used))
  redis.call('PEXPIREAT', KEYS[1], ARGV[4])
end
return {granted, math.max(0, most - used)}
`);

/** KEYS counts. ARGV delta and window of each. Replies total and ms until its end of each. */
export const addToTallies = script(`
local totals = {}
for i, key in ipairs(KEYS) do
  local delta, window = tonumber(ARGV[2 * i - 1]), ARGV[2 * i]
  local known = tonumber(redis.call('GET', key) or '') or 0
  local left = redis.call('PTTL', key)
  if left <= 0 then known, left = 0, tonumber(window) end
  local total = math.max(0, known + delta)
  if total == 0 then redis.call('DEL', key)
  else redis.call('SET', key, string.format('%.0f', total), 'PX', string.format('%.0f', left)) end
  totals[#totals + 1] = total
  totals[#totals + 1] = left
end
return totals
`);

/** KEYS the replicas, by until when each is known to live. ARGV replica, for how many ms. Replies how many live. */
export const addReplica = script(`${now}
local now = nowMs()
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now), 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], gone)
end
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2])))
return redis.call('ZCARD', KEYS[1])
`);
