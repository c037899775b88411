// The look-up of a secret's digest: one script, one round trip. The only scripts that compute keys, of their own shard,
// and they only read. Their reply is put together from JSON texts and parsed once.

import { script } from './script.ts';

/** `sameShard(id, digestKey)`: an id names its shard in its last hex digit, a digest in its second. */
export const sameShard = `
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
