// Scripts that write orgs and users. Each is atomic and safe to repeat. Those that take something away or replace it append
// their line to the shard's change stream.

import { allowAtMaxmemory, appendLine, script, withGeneration } from './script.ts';

/**
 * KEYS account, index. ARGV id, then field and value pairs. Replies 1 when made, now or by an earlier attempt with the same
 * record; 0 when another exists. An account whose record was deleted or lost goes on counting from its generation: replicas
 * believe nothing below it, and no API token of before lives again.
 */
export const createAccount = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then
  for i = 2, #ARGV, 2 do
    local isCounted = ARGV[i] == 'generation' or ARGV[i] == 'tokenGenerationMin'
    if not isCounted and redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
  end
  return 1
end
local cut = string.find(KEYS[1], '}:', 1, true) + 1
local mark = redis.call('GET', string.sub(KEYS[1], 1, cut) .. 'ended:' .. string.sub(KEYS[1], cut + 1))
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
if mark and tonumber(redis.call('HGET', KEYS[1], 'generation')) <= tonumber(mark) then
  redis.call('HSET', KEYS[1], 'generation', mark, 'tokenGenerationMin', mark)
end
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

/** `beginGeneration(account, atMs)`: the next one, by the rule of `nextGeneration` in changes.ts. */
const beginGeneration = `
local function beginGeneration(account, atMs)
  local generation = math.max(tonumber(redis.call('HGET', account, 'generation')) + 1, tonumber(atMs))
  redis.call('HSET', account, 'generation', string.format('%.0f', generation), 'changedAtMs', atMs)
  return string.format('%.0f', generation)
end
`;

/**
 * Changes an org or a user. KEYS account, stream. ARGV retentionMs, n, n words of the line, its time last, then triples of field,
 * value ('' deletes) and what it is: 'plain', or 'state' or 'set', whose change ends the generation, or 'ends', which is no
 * field and ends it always.
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
  if kind == 'ends' then
    isNewGeneration = true
  elseif before ~= value then
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

/**
 * Deletes an org or a user, and ends every API token and session of it. KEYS account, stream, mark of its generation, which
 * an account made later begins above; of an org also the list of its users, and the list of orgs. ARGV retentionMs, id, words
 * of the line, its time last. Replies the generation of the line; '' when it was deleted before; nil: unknown; of an org that
 * still has users 0.
 */
export const deleteAccount = script(`${appendLine}${withGeneration}${allowAtMaxmemory}${beginGeneration}
local account, stream, mark = KEYS[1], KEYS[2], KEYS[3]
if redis.call('EXISTS', account) == 0 then
  if redis.call('EXISTS', mark) == 1 then return '' end
  return false
end
if KEYS[4] and redis.call('ZCARD', KEYS[4]) > 0 then return 0 end
allowAtMaxmemory(stream)
local generation = beginGeneration(account, ARGV[#ARGV])
redis.call('HSET', account, 'tokenGenerationMin', generation, 'state', 'deleted')
local line = withGeneration(account, {unpack(ARGV, 3)})
redis.call('SET', mark, generation, 'PX', retentionOf(stream, ARGV[1]) or ARGV[1])
redis.call('DEL', account)
if KEYS[5] then redis.call('ZREM', KEYS[5], ARGV[2]) end
appendLine(stream, ARGV[1], line)
return generation
`);
