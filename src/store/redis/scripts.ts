// Every write of the store, each one atomic with its line in the shard's change stream, each safe to repeat.
// A script declares every key it writes, so that a Cluster moving the slot refuses it whole (TRYAGAIN) and never half
// way; only the look-up computes keys, of its own shard, and only reads. Field values are JSON texts, so that a reply
// is put together by concatenation and parsed once. The redis TIME is read here: the server's clock trims its stream.

import { script } from './script.ts';

/** Milliseconds a record outlives its expiry or revocation, so that listings and refusals can still name it. */
export const recordRetentionMs = 30 * 24 * 3600 * 1000;

/** `tell(stream, retentionMs, field, value, ...)` appends a line and trims what is older than the retention. */
const tell = `
local function tell(stream, retentionMs, line)
  local now = redis.call('TIME')
  local horizon = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) - retentionMs)
  redis.call('XADD', stream, 'MINID', '~', horizon, '*', unpack(line))
end
`;

/** `sameShard(id, digestKey)`: an id names its shard in its last hex digit, a digest in its second. */
const sameShard = `
local function sameShard(id, digestKey) return string.sub(id, -1) == string.sub(digestKey, -63, -63) end
`;

/**
 * KEYS digest. Replies nil, or the bare token id when its user lies in another shard (imported tokens), or the JSON
 * array [doc, revokedAtMs, name, state, roles, generation, tokenGenerationMin, createdAtMs] of token and user.
 */
export const findByDigest = script(
  'find_api_token',
  `${sameShard}
local id = redis.call('GET', KEYS[1])
if not id then return false end
if not sameShard(id, KEYS[1]) then return id end
local base = string.sub(KEYS[1], 1, -72)
local token = redis.call('HMGET', base .. 'token:' .. id, 'doc', 'account', 'revokedAtMs')
if not token[1] then return false end
local user = redis.call('HMGET', base .. 'user:' .. token[2],
  'name', 'state', 'roles', 'generation', 'tokenGenerationMin', 'createdAtMs')
return '[' .. token[1] .. ',' .. (token[3] or 'null') .. ',' .. (user[1] or 'null') .. ',' .. (user[2] or 'null')
  .. ',' .. (user[3] or 'null') .. ',' .. (user[4] or 'null') .. ',' .. (user[5] or 'null') .. ',' .. (user[6] or 'null') .. ']'
`,
);

/** KEYS token (in its user's shard). ARGV the digest it must belong to. Replies as `findByDigest`. */
export const findByToken = script(
  'find_imported_token',
  `
local token = redis.call('HMGET', KEYS[1], 'doc', 'account', 'revokedAtMs', 'digest')
if not token[1] or token[4] ~= ARGV[1] then return false end
local base = string.sub(KEYS[1], 1, string.find(KEYS[1], '}:', 1, true) + 1)
local user = redis.call('HMGET', base .. 'user:' .. token[2],
  'name', 'state', 'roles', 'generation', 'tokenGenerationMin', 'createdAtMs')
return '[' .. token[1] .. ',' .. (token[3] or 'null') .. ',' .. (user[1] or 'null') .. ',' .. (user[2] or 'null')
  .. ',' .. (user[3] or 'null') .. ',' .. (user[4] or 'null') .. ',' .. (user[5] or 'null') .. ',' .. (user[6] or 'null') .. ']'
`,
);

/** KEYS account, index. ARGV id, then field and value pairs. Replies 1 when made, 0 when it exists. */
export const createAccount = script(
  'create_account',
  `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
if KEYS[2] then redis.call('ZADD', KEYS[2], 0, ARGV[1]) end
return 1
`,
);

/** KEYS org, index of its users. ARGV user id. Replies 0 when the org is unknown. */
export const listUserInOrg = script(
  'list_user_in_org',
  `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1
`,
);

/** `counted(account, line)` adds the generation and what goes with it, as they stand now, to a line. */
const counted = `
local function counted(account, line)
  local now = redis.call('HMGET', account, 'generation', 'tokenGenerationMin', 'state')
  for i, name in ipairs({'generation', 'tokenGenerationMin', 'state'}) do
    line[#line + 1] = name
    line[#line + 1] = (string.gsub(now[i], '"', ''))
  end
  return line
end
`;

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
 * Changes an org or a user. KEYS account, stream. ARGV retentionMs, n, n words of the line, then triples of field,
 * value ('' deletes) and what it is: 'plain', or 'state' or 'set', whose change ends the generation.
 * Replies all fields, or nil: unknown.
 */
export const changeAccount = script(
  'change_account',
  `${tell}${counted}${sameSet}
local account, stream = KEYS[1], KEYS[2]
if redis.call('EXISTS', account) == 0 then return false end
local n = tonumber(ARGV[2])
local passed = false
for i = 3 + n, #ARGV, 3 do
  local field, value, kind = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local before = redis.call('HGET', account, field) or ''
  if before ~= value then
    if value == '' then redis.call('HDEL', account, field) else redis.call('HSET', account, field, value) end
    if kind == 'state' or (kind == 'set' and (before == '' or value == '' or not sameSet(before, value))) then
      passed = true
    end
  end
end
if passed then
  redis.call('HINCRBY', account, 'generation', 1)
  tell(stream, ARGV[1], counted(account, {unpack(ARGV, 3, 2 + n)}))
end
return redis.call('HGETALL', account)
`,
);

/** Ends every API token and session of an org or a user. KEYS account, stream. ARGV retentionMs, words of the line. */
export const revokeAccount = script(
  'revoke_all',
  `${tell}${counted}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local generation = redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('HSET', KEYS[1], 'tokenGenerationMin', generation)
tell(KEYS[2], ARGV[1], counted(KEYS[1], {unpack(ARGV, 2)}))
return 1
`,
);

/**
 * KEYS token, user, index of the user's tokens, then `imports` ('' for a created token) and digest ('' when the
 * digest lies in another shard) as flagged. ARGV id, digest, doc, account, keepUntilMs ('' for ever),
 * '1' when KEYS[4] is the mark of imports, '1' when the last key is the digest.
 * Replies 'created', 'user_unknown' or 'digest_taken'.
 */
export const createToken = script(
  'create_token',
  `${sameShard}
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
redis.call('HSET', KEYS[1], 'doc', doc, 'account', account, 'digest', digest)
redis.call('ZADD', KEYS[3], 0, id)
if ARGV[6] == '1' then redis.call('SET', KEYS[4], '1') end
if pointer then redis.call('SET', pointer, id) end
if keepUntilMs ~= '' then
  redis.call('PEXPIREAT', KEYS[1], keepUntilMs)
  if pointer then redis.call('PEXPIREAT', pointer, keepUntilMs) end
end
return 'created'
`,
);

/** Points a digest of another shard to a token. KEYS digest. ARGV id, keepUntilMs, id it may replace. Replies the id it points to. */
export const claimDigest = script(
  'claim_digest',
  `
local taken = redis.call('GET', KEYS[1])
if taken and taken ~= ARGV[1] and taken ~= ARGV[3] then return taken end
redis.call('SET', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end
return ARGV[1]
`,
);

/** Takes back a record whose digest turned out to belong to another token. KEYS token, index. ARGV digest, id. */
export const withdrawToken = script(
  'withdraw_token',
  `
if redis.call('HGET', KEYS[1], 'digest') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
return 1
`,
);

/**
 * Keeps a revoked record, and the digest that points to it, no longer than the record retention. The last step of a
 * script, and a digest that cannot be reached now is only kept longer.
 */
const letGo = `
local function letGo(key)
  local digest = redis.call('HGET', key, 'digest')
  local base = string.sub(key, 1, string.find(key, '}:', 1, true) + 1)
  for _, each in ipairs({key, digest and base .. 'digest:' .. digest}) do
    local left = redis.pcall('PTTL', each)
    if left == -1 or (type(left) == 'number' and left > ${recordRetentionMs}) then
      redis.pcall('PEXPIRE', each, ${recordRetentionMs})
    end
  end
end
`;

/** KEYS token, stream. ARGV retentionMs, revokedAtMs, words of the line. Replies 'revoked', 'already_revoked' or 'unknown'. */
export const revokeToken = script(
  'revoke_token',
  `${tell}${letGo}
local found = redis.call('HMGET', KEYS[1], 'doc', 'revokedAtMs')
if not found[1] then return 'unknown' end
if found[2] then return 'already_revoked' end
redis.call('HSET', KEYS[1], 'revokedAtMs', ARGV[2])
tell(KEYS[2], ARGV[1], {unpack(ARGV, 3)})
letGo(KEYS[1])
return 'revoked'
`,
);

/** Marks a session (or a revocation without a record) as over. KEYS mark, stream. ARGV retentionMs, words of the line. */
export const endOnce = script(
  'end_session',
  `${tell}
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then tell(KEYS[2], ARGV[1], {unpack(ARGV, 2)}) end
return 1
`,
);

/** Writes a lost revocation back. KEYS token, mark, stream. ARGV retentionMs, revokedAtMs, words of the line. */
export const reapplyToken = script(
  'reapply_token',
  `${tell}${letGo}
local exists = redis.call('EXISTS', KEYS[1]) == 1
if exists then
  if redis.call('HEXISTS', KEYS[1], 'revokedAtMs') == 1 then return 0 end
  redis.call('HSET', KEYS[1], 'revokedAtMs', ARGV[2])
elseif not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then
  return 0
end
tell(KEYS[3], ARGV[1], {unpack(ARGV, 3)})
if exists then letGo(KEYS[1]) end
return 1
`,
);

/**
 * Writes a lost generation back; never lowers one. KEYS account, mark, stream. ARGV retentionMs, generation,
 * tokenGenerationMin or '', state or '' (taken only by an older record), words of the line.
 */
export const reapplyAccount = script(
  'reapply_account',
  `${tell}
local generation, tokenGenerationMin = tonumber(ARGV[2]), tonumber(ARGV[3])
local lost = false
if redis.call('EXISTS', KEYS[1]) == 1 then
  if tonumber(redis.call('HGET', KEYS[1], 'generation')) < generation then
    lost = true
    redis.call('HSET', KEYS[1], 'generation', generation)
    if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'state', '"' .. ARGV[4] .. '"') end
  end
  if tokenGenerationMin and tonumber(redis.call('HGET', KEYS[1], 'tokenGenerationMin')) < tokenGenerationMin then
    lost = true
    redis.call('HSET', KEYS[1], 'tokenGenerationMin', tokenGenerationMin)
  end
elseif tonumber(redis.call('GET', KEYS[2]) or '-1') < generation then
  lost = true
  redis.call('SET', KEYS[2], generation, 'PX', ARGV[1])
end
if lost then tell(KEYS[3], ARGV[1], {unpack(ARGV, 5)}) end
return lost and 1 or 0
`,
);

/**
 * KEYS keys, stream. ARGV retentionMs, kid, algorithm, doc, retireOthersAtMs, ifNone ('1'), retireAtMs or '', words
 * of the line. Replies 'added' or 'exists'.
 */
export const addKey = script(
  'add_key',
  `${tell}
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
tell(KEYS[2], ARGV[1], {unpack(ARGV, 8)})
return 'added'
`,
);
