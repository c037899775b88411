// Scripts that write API tokens, ended sessions and signing keys. Each is atomic and safe to repeat. Those that take
// something away or replace it append their line to the shard's change stream.

import {
  allowAtMaxmemory,
  appendLine,
  endWithoutRecord,
  expireRecord,
  sameShard,
  script,
  writeExpiry,
} from './script.ts';

/**
 * KEYS token, user, index of the user's tokens, vanishing records, six indexes (token-sets.ts), the user's live
 * tokens by expiry, looks for reminders; then, as flagged, the mark of imports; then, as flagged, the digest.
 * ARGV id, digest, doc, account, keepUntilMs ('' for ever), '1' when KEYS[13] is the mark of imports, '1' when the last
 * key is the digest (it lies in this shard), revokedAtMs or '', most live tokens of the user or '', which of them have not
 * expired, member of the vanishing records, six members.
 * Replies 'created', 'user_unknown', 'digest_taken' or 'too_many'. A token whose id was revoked before it had a
 * record is revoked.
 */
export const createToken = script(`${sameShard}
local id, digest, doc, account, keepUntilMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local pointer = ARGV[7] == '1' and KEYS[#KEYS] or nil
if redis.call('EXISTS', KEYS[2]) == 0 then return 'user_unknown' end
if pointer then
  local taken = redis.call('GET', pointer)
  if taken and taken ~= id then
    local base = string.sub(pointer, 1, -72)
    if redis.call('EXISTS', base .. 'token:' .. taken) == 1 or not sameShard(taken, pointer) then
      return 'digest_taken'
    end
  end
end
local known = redis.call('HGET', KEYS[1], 'digest')
if known then return known == digest and 'created' or 'digest_taken' end
if ARGV[9] ~= '' and redis.call('ZLEXCOUNT', KEYS[11], ARGV[10], '+') >= tonumber(ARGV[9]) then return 'too_many' end
redis.call('HSET', KEYS[1], 'doc', doc, 'account', account, 'digest', digest)
redis.call('ZADD', KEYS[3], 0, id)
for i = 1, 6 do redis.call('ZADD', KEYS[4 + i], 0, ARGV[11 + i]) end
if keepUntilMs ~= '' then
  redis.call('ZADD', KEYS[4], keepUntilMs, ARGV[11])
  redis.call('ZADD', KEYS[12], 0, id)
end
local revokedAtMs = ARGV[8]
local base = string.sub(KEYS[1], 1, string.find(KEYS[1], '}:', 1, true) + 1)
if revokedAtMs == '' and redis.call('EXISTS', base .. 'ended:token:' .. id) == 1 then
  local now = redis.call('TIME')
  revokedAtMs = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
end
if revokedAtMs ~= '' then redis.call('HSET', KEYS[1], 'revokedAtMs', revokedAtMs) end
if ARGV[6] == '1' then redis.call('SET', KEYS[13], '1') end
if pointer then redis.call('SET', pointer, id) end
if keepUntilMs ~= '' then
  redis.call('PEXPIREAT', KEYS[1], keepUntilMs)
  if pointer then redis.call('PEXPIREAT', pointer, keepUntilMs) end
end
return 'created'
`);

/** Points a digest of another shard to a token. KEYS digest. ARGV id, keepUntilMs, id it may replace. Replies the id it points to. */
export const claimDigest = script(`
local taken = redis.call('GET', KEYS[1])
if taken and taken ~= ARGV[1] and taken ~= ARGV[3] then return taken end
redis.call('SET', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end
return ARGV[1]
`);

/** Takes back a record whose digest turned out to belong to another token. KEYS token, index. ARGV digest, id. */
export const withdrawToken = script(`
if redis.call('HGET', KEYS[1], 'digest') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
return 1
`);

/**
 * Gives a token its next secret. KEYS token, digest of the secret, stream; then, where it gets an expiry, vanishing records,
 * live tokens by expiry of the user and of the org, looks for reminders. ARGV retentionMs, id, digest, number,
 * previousUntilMs or '', until when the secret before is remembered, the expiry (three of `writeExpiry`; each '' where it keeps
 * its own), member by expiry before and then, vanishing member before and then, words of the line. Replies the fields of
 * the token, or 'unknown', 'revoked', 'outdated' or 'digest_taken'.
 */
export const regenerateToken = script(`${appendLine}${writeExpiry}
local id, digest, number, previousUntilMs = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local function renew(doc)
  writeExpiry(KEYS[1], doc, ARGV[7], ARGV[8], ARGV[9])
  redis.call('ZREM', KEYS[4], ARGV[12])
  for _, index in ipairs({KEYS[5], KEYS[6]}) do
    redis.call('ZREM', index, ARGV[10])
    redis.call('ZADD', index, 0, ARGV[11])
  end
  if ARGV[9] == '' then return redis.call('ZREM', KEYS[7], id) end
  redis.call('ZADD', KEYS[4], ARGV[9], ARGV[13])
  redis.call('ZADD', KEYS[7], 0, id)
end
local function fields()
  return redis.call('HMGET', KEYS[1], 'doc', 'revokedAtMs', 'secretNumber', 'previousUntilMs', 'lastUsedAtMs')
end
local before = redis.call('HMGET', KEYS[1], 'doc', 'revokedAtMs', 'secretNumber', 'digest')
if not before[1] then return 'unknown' end
if before[2] then return 'revoked' end
local present = tonumber(before[3] or '0')
if present == number and before[4] == digest then return fields() end
if present + 1 ~= number then return 'outdated' end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'digest_taken' end
if ARGV[7] ~= '' then renew(before[1]) end
redis.call('HSET', KEYS[1], 'digest', digest, 'secretNumber', ARGV[4], 'previousDigest', before[4])
if previousUntilMs == '' then redis.call('HDEL', KEYS[1], 'previousUntilMs')
else redis.call('HSET', KEYS[1], 'previousUntilMs', previousUntilMs) end
redis.call('SET', KEYS[2], id)
local left = redis.call('PTTL', KEYS[1])
if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end
appendLine(KEYS[3], ARGV[1], {unpack(ARGV, 14)})
if string.sub(before[4], 2, 2) == string.sub(digest, 2, 2) then
  redis.pcall('PEXPIREAT', string.sub(KEYS[2], 1, -65) .. before[4], ARGV[6])
end
return fields()
`);

/** KEYS token. ARGV when it was used. */
export const recordUse = script(`
local known = redis.call('HMGET', KEYS[1], 'doc', 'lastUsedAtMs')
if known[1] and tonumber(known[2] or '0') < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'lastUsedAtMs', ARGV[1])
end
return 1
`);

/**
 * KEYS token, stream. ARGV retentionMs, revokedAtMs, digest of the secret that must be good still or '', words of the
 * line. Replies 'revoked', 'already_revoked', 'replaced' (the secret is good no more), or 'unknown': there is no
 * record. A repetition appends its line again only when the stream has lost it.
 */
export const revokeToken = script(`${appendLine}${expireRecord}${allowAtMaxmemory}
local line = {unpack(ARGV, 4)}
local found = redis.call('HMGET', KEYS[1],
  'doc', 'revokedAtMs', 'revokedLine', 'digest', 'previousDigest', 'previousUntilMs')
if not found[1] then return 'unknown' end
local digest = ARGV[3]
if digest ~= '' and digest ~= found[4] then
  local isInOverlap = digest == found[5] and tonumber(found[6] or '0') > tonumber(ARGV[2])
  if not isInOverlap then return 'replaced' end
end
if found[2] and hasLine(KEYS[2], found[3], line) then return 'already_revoked' end
allowAtMaxmemory(KEYS[2])
if not found[2] then redis.call('HSET', KEYS[1], 'revokedAtMs', ARGV[2]) end
redis.call('HSET', KEYS[1], 'revokedLine', appendLine(KEYS[2], ARGV[1], line))
expireRecord(KEYS[1])
return found[2] and 'already_revoked' or 'revoked'
`);

/** Ends what has no record: a session, or an API token that was lost. KEYS mark, stream. ARGV retentionMs, words of the line. */
export const endOnce = script(`${appendLine}${endWithoutRecord}${allowAtMaxmemory}
allowAtMaxmemory(KEYS[2])
endWithoutRecord(KEYS[1], KEYS[2], ARGV[1], {unpack(ARGV, 2)})
return 1
`);

/**
 * KEYS keys, stream. ARGV retentionMs, kid, algorithm, doc, retireOthersAtMs, ifNone ('1'), retireAtMs or '', words
 * of the line. Replies 'added' or 'exists'.
 */
export const addKey = script(`${appendLine}
local kid, algorithm = ARGV[2], ARGV[3]
if redis.call('HEXISTS', KEYS[1], 'doc:' .. kid) == 1 then return 'added' end
local others = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 10) == 'algorithm:' and fields[i + 1] == algorithm then
    others[#others + 1] = string.sub(fields[i], 11)
  end
end
if ARGV[6] == '1' and #others > 0 then return 'exists' end
redis.call('HSET', KEYS[1], 'doc:' .. kid, ARGV[4], 'algorithm:' .. kid, algorithm)
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'retire:' .. kid, ARGV[7]) end
for _, other in ipairs(others) do redis.call('HSETNX', KEYS[1], 'retire:' .. other, ARGV[5]) end
appendLine(KEYS[2], ARGV[1], {unpack(ARGV, 8)})
return 'added'
`);

/** KEYS signing keys, stream. ARGV retention, key id, fields of the line. Replies 'revoked' or 'unknown'. */
export const revokeKey = script(`${appendLine}${allowAtMaxmemory}
if redis.call('HEXISTS', KEYS[1], 'doc:' .. ARGV[2]) == 0 then return 'unknown' end
allowAtMaxmemory(KEYS[2])
redis.call('HSET', KEYS[1], 'retire:' .. ARGV[2], '0')
appendLine(KEYS[2], ARGV[1], {unpack(ARGV, 3)})
return 'revoked'
`);
