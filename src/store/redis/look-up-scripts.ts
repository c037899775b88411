// The look-up of a secret's digest: one script, one round trip. The only scripts that compute keys, of their own shard,
// and they only read. Their reply is put together from JSON texts and parsed once.

import { script } from './script.ts';

/** `sameShard(id, digestKey)`: an id names its shard in its last hex digit, a digest in its second. */
export const sameShard = `
local function sameShard(id, digestKey) return string.sub(id, -1) == string.sub(digestKey, -63, -63) end
`;

/**
 * `found(base, id, digest)`: the reply to a look-up. The secret's number is that of the present one, or of the one before it; a
 * digest that is neither was replaced longer ago and leads nowhere.
 */
const found = `
local function found(base, id, digest)
  local token = redis.call('HMGET', base .. 'token:' .. id, 'doc', 'revokedAtMs', 'secretNumber', 'previousUntilMs',
    'lastUsedAtMs', 'account', 'digest', 'previousDigest')
  if not token[1] then return false end
  local number = tonumber(token[3] or '0')
  if token[7] ~= digest then
    if token[8] ~= digest then return false end
    number = number - 1
  end
  local user = redis.call('HMGET', base .. 'user:' .. token[6],
    'name', 'state', 'roles', 'generation', 'tokenGenerationMin', 'createdAtMs')
  local reply = '[' .. number
  for i = 1, 5 do reply = reply .. ',' .. (token[i] or 'null') end
  for i = 1, 6 do reply = reply .. ',' .. (user[i] or 'null') end
  return reply .. ']'
end
`;

/**
 * KEYS digest. Replies nil, or the bare token id when its user lies in another shard (imported tokens), or the JSON
 * array [secretNumber, doc, revokedAtMs, secretNumber, previousUntilMs, lastUsedAtMs, name, state, roles, generation,
 * tokenGenerationMin, createdAtMs]: of the secret looked up, of the token, of the user.
 */
export const findByDigest = script(`${sameShard}${found}
local id = redis.call('GET', KEYS[1])
if not id then return false end
if not sameShard(id, KEYS[1]) then return id end
return found(string.sub(KEYS[1], 1, -72), id, string.sub(KEYS[1], -64))
`);

/** KEYS token (in its user's shard). ARGV its id, the digest it must have or have had. Replies as `findByDigest`. */
export const findByToken = script(`${found}
local base = string.sub(KEYS[1], 1, string.find(KEYS[1], '}:', 1, true) + 1)
return found(base, ARGV[1], ARGV[2])
`);
