// The look-ups of the request path. Reads only, on the connection that fails fast; nothing is cached here. The look-up of a
// secret's digest is one script in one round trip: the only ones that compute keys, of their own shard.

import { DamagedRecord } from '../record-reader.ts';
import type { LookUps } from '../token-store.ts';
import { commandsOf, readHash, runOn, type Step, type StoreContext } from './context.ts';
import { allShards, isStorableId } from './key-space.ts';
import { parseFound, parseOrg, parseUser } from './record-codec.ts';
import { sameShard, script } from './script.ts';

/**
 * `found(base, id, digest)`: the reply to a look-up; false too where the user was deleted. The secret's number is that of the present one, or of the one before it; a
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
  if not user[1] and not user[4] then return false end
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
const findByDigest = script(`${sameShard}${found}
local id = redis.call('GET', KEYS[1])
if not id then return false end
if not sameShard(id, KEYS[1]) then return id end
return found(string.sub(KEYS[1], 1, -72), id, string.sub(KEYS[1], -64))
`);

/** KEYS token (in its user's shard). ARGV its id, the digest it must have or have had. Replies as `findByDigest`. */
const findByToken = script(`${found}
local base = string.sub(KEYS[1], 1, string.find(KEYS[1], '}:', 1, true) + 1)
return found(base, ARGV[1], ARGV[2])
`);

const findApiToken: Step<'findApiToken'> = async ({ keys, reads }, digest) => {
  let reply = await runOn(reads, findByDigest, [keys.digest(digest)], []);
  if (reply === null) return undefined;
  // The digest of an imported token may lie in any shard; its token lies in the user's: a second round trip.
  if (typeof reply === 'string' && !reply.startsWith('['))
    reply = await runOn(reads, findByToken, [keys.token(reply)], [reply, digest]);
  if (reply === null) return undefined;
  if (typeof reply !== 'string') throw new DamagedRecord('the reply to a look-up');
  return parseFound(reply);
};

export const findOrg: Step<'findOrg'> = async ({ keys, reads }, orgId) => {
  if (!isStorableId(orgId)) return undefined;
  const fields = await readHash(reads, keys.org(orgId));
  return fields && parseOrg(orgId, fields);
};

export const findUser: Step<'findUser'> = async ({ keys, reads }, orgId, userId) => {
  if (!isStorableId(orgId) || !isStorableId(userId)) return undefined;
  const fields = await readHash(reads, keys.user(orgId, userId));
  return fields && parseUser(orgId, userId, fields);
};

/** A mark per shard, because a mark lost with one shard of a Cluster must not hide the imports of the others. */
const hasImports: Step<'hasImports'> = async ({ keys, reads }) => {
  const marks = await Promise.all(
    allShards.map((shard) => reads.on(keys.imports(shard), (client) => client.exists(keys.imports(shard)))),
  );
  return marks.some((mark) => mark > 0);
};

export const lookUps = (context: StoreContext): LookUps => {
  const command = commandsOf(context);
  return {
    findApiToken: command(findApiToken),
    findOrg: command(findOrg),
    findUser: command(findUser),
    hasImports: command(hasImports),
  };
};
