// Scripts that write orgs and users. Each is atomic and safe to repeat. Those that take something away or replace it append
// their line to the shard's change stream.

import { script } from './script.ts';
import { withGeneration, allowAtMaxmemory, appendLine } from './script-parts.ts';

/**
 * KEYS account, index. ARGV id, then field and value pairs. Replies 1 when made, now or by an earlier attempt with the same
 * record; 0 when another exists. An account whose record was lost goes on counting from the generation that was written
 * back: replicas believe nothing below it.
 */
export const createAccount = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then
  for i = 2, #ARGV, 2 do
    if ARGV[i] ~= 'generation' and redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
  end
  return 1
end
local cut = string.find(KEYS[1], '}:', 1, true) + 1
local mark = redis.call('GET', string.sub(KEYS[1], 1, cut) .. 'ended:' .. string.sub(KEYS[1], cut + 1))
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
if mark then redis.call('HSET', KEYS[1], 'generation', mark) end
if KEYS[2] then redis.call('ZADD', KEYS[2], 0, ARGV[1]) end
return 1
`);

/** KEYS org, index of its users. ARGV user id. Replies 0 when the org is unknown. */
export const listUserInOrg = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1
`);

/** KEYS user. ARGV the hash it must have, the hash it gets. Replies 0 when it has another, 1 when it has the new one. */
export const renewPasswordHash = script(`
local hash = redis.call('HGET', KEYS[1], 'passwordHash')
if hash == ARGV[2] then return 1 end
if hash ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'passwordHash', ARGV[2])
return 1
`);

/** `sameSet(a, b)`: whether two JSON arrays of strings hold the same strings. */
const sameSet = `
local function sameSet(a, b)
  if a == b then return true end
  local left, right = {}, {}
  for _, word in ipairs(cjson.decode(a)) do left[word] = true end
  for _, word in ipairs(cjson.decode(b)) do
    if not left[word] then return false end
    right[word] = true
  end
  for word in pairs(left) do if not right[word] then return false end end
  return true
end
`;

/**
 * `beginGeneration(account, atMs)`: the next one, at least the time. Numbers that a lost record has given are passed even
 * where nobody knows them any more, so a change after a loss ends what was made before it.
 */
const beginGeneration = `
local function beginGeneration(account, atMs)
  local generation = math.max(tonumber(redis.call('HGET', account, 'generation')) + 1, tonumber(atMs))
  redis.call('HSET', account, 'generation', string.format('%.0f', generation), 'changedAtMs', atMs)
  return string.format('%.0f', generation)
end
`;

/**
 * Changes an org or a user. KEYS account, stream. ARGV retentionMs, n, n words of the line, its time last, then triples of field,
 * value ('' deletes) and what it is: 'plain', or 'state' or 'set', whose change ends the generation.
 * Replies all fields, or nil: unknown.
 */
export const changeAccount =
  script(`${appendLine}${withGeneration}${sameSet}${allowAtMaxmemory}${beginGeneration}
local account, stream = KEYS[1], KEYS[2]
if redis.call('EXISTS', account) == 0 then return false end
allowAtMaxmemory(stream)
local n = tonumber(ARGV[2])
local isNewGeneration = false
for i = 3 + n, #ARGV, 3 do
  local field, value, kind = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local before = redis.call('HGET', account, field) or ''
  if before ~= value then
    if value == '' then redis.call('HDEL', account, field) else redis.call('HSET', account, field, value) end
    if kind == 'state' or (kind == 'set' and (before == '' or value == '' or not sameSet(before, value))) then
      isNewGeneration = true
    end
  end
end
if isNewGeneration then
  beginGeneration(account, ARGV[2 + n])
  appendLine(stream, ARGV[1], withGeneration(account, {unpack(ARGV, 3, 2 + n)}))
end
return redis.call('HGETALL', account)
`);

/** Ends every API token and session of an org or a user. KEYS account, stream. ARGV retentionMs, words of the line, its time last. */
export const revokeAccount = script(`${appendLine}${withGeneration}${allowAtMaxmemory}${beginGeneration}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
allowAtMaxmemory(KEYS[2])
redis.call('HSET', KEYS[1], 'tokenGenerationMin', beginGeneration(KEYS[1], ARGV[#ARGV]))
appendLine(KEYS[2], ARGV[1], withGeneration(KEYS[1], {unpack(ARGV, 2)}))
return 1
`);
