// Orgs and users. An org and its users lie in different shards, so making a user is two steps: first its name goes
// into the org's list, then the record is made. A listed name without a record is skipped when the list is read.

import { shardOfAccount } from '../../tokens/shard.ts';
import { changeOfAccount } from '../changes.ts';
import { pageOfIndex } from '../paging.ts';
import { DamagedRecord } from '../record-reader.ts';
import type { AccountStore, OrgChange, UserChange } from '../token-store.ts';
import { accountLine } from './change-codec.ts';
import { commandsOf, listIndex, type Step, type StoreContext } from './context.ts';
import { allShards, isStorableAccount, isStorableId } from './key-space.ts';
import { findOrg, findUser } from './lookups.ts';
import {
  type HashFields,
  orgFields,
  parseFields,
  parseOrg,
  parseUser,
  roleField,
  userFields,
} from './record-codec.ts';
import { allowAtMaxmemory, appendLine, script, withGeneration } from './script.ts';

/**
 * KEYS account, index. ARGV id, then field and value pairs. Replies 1 when made, now or by an earlier attempt with the same
 * record; 0 when another exists. An account whose record was lost goes on counting from the generation that was written
 * back: replicas believe nothing below it.
 */
const createAccount = script(`
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
const listUserInOrg = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1
`);

/** KEYS user. ARGV the hash it must have, the hash it gets. Replies 0 when it has another, 1 when it has the new one. */
const renewPasswordHash = script(`
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
 * value ('' deletes) and what it is: 'plain', or 'state' or 'set', whose change ends the generation.
 * Replies all fields, or nil: unknown.
 */
const changeAccount = script(`${appendLine}${withGeneration}${sameSet}${allowAtMaxmemory}${beginGeneration}
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
const revokeAccount = script(`${appendLine}${withGeneration}${allowAtMaxmemory}${beginGeneration}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
allowAtMaxmemory(KEYS[2])
redis.call('HSET', KEYS[1], 'tokenGenerationMin', beginGeneration(KEYS[1], ARGV[#ARGV]))
appendLine(KEYS[2], ARGV[1], withGeneration(KEYS[1], {unpack(ARGV, 2)}))
return 1
`);

const createOrg: Step<'createOrg'> = async ({ keys, write }, org) => {
  mustBeStorable(org.id);
  const touched = [keys.org(org.id), keys.orgs(shardOfAccount(org.id))];
  return (await write(createAccount, touched, [org.id, ...orgFields(org)])) === 1 ? 'created' : 'exists';
};

const createUser: Step<'createUser'> = async ({ keys, write }, user) => {
  mustBeStorable(user.id);
  if (!isStorableId(user.orgId)) return 'org_unknown';
  const listed = [keys.org(user.orgId), keys.usersOf(user.orgId)];
  if ((await write(listUserInOrg, listed, [user.id])) !== 1) return 'org_unknown';
  const touched = [keys.user(user.orgId, user.id)];
  return (await write(createAccount, touched, [user.id, ...userFields(user)])) === 1 ? 'created' : 'exists';
};

const mustBeStorable = (id: string): void => {
  if (!isStorableId(id)) throw new DamagedRecord('an id with a lone surrogate');
};

/** The record of an org or a user, and the stream of its shard. */
const keysOf = ({ keys }: StoreContext, orgId: string, userId: string | undefined): [string, string] => [
  keys.record(orgId, userId),
  keys.changes(shardOfAccount(orgId, userId)),
];

/** `triples`: of the script. Undefined: there is no such account. */
const change = async (
  context: StoreContext,
  [orgId, userId]: readonly [orgId: string, userId?: string],
  triples: readonly string[],
  nowMs: number,
): Promise<HashFields | undefined> => {
  if (!isStorableAccount(orgId, userId)) return undefined;
  const line = accountLine(orgId, userId, nowMs);
  const touched = keysOf(context, orgId, userId);
  const reply = await context.write(changeAccount, touched, [
    context.retentionMs,
    line.length,
    ...line,
    ...triples,
  ]);
  return reply === null ? undefined : parseFields(reply, touched[0]);
};

const changeOrg: Step<'changeOrg'> = async (context, orgId, orgChange, nowMs) => {
  const fields = await change(context, [orgId], orgTriples(orgChange), nowMs);
  const org = fields && parseOrg(orgId, fields);
  if (org !== undefined && orgChange.state === 'disabled') context.own.note(changeOfAccount(org, nowMs));
  return org;
};

const changeUser: Step<'changeUser'> = async (context, orgId, userId, userChange, nowMs) => {
  const fields = await change(context, [orgId, userId], userTriples(userChange), nowMs);
  const user = fields && parseUser(orgId, userId, fields);
  const ends = userChange.state === 'disabled' || userChange.passwordHash !== undefined;
  if (user !== undefined && ends) context.own.note(changeOfAccount(user, nowMs));
  return user;
};

/** Field, value and what it is: of the script `changeAccount`. `null` deletes; undefined changes nothing. */
const triple = (field: string, value: unknown, kind: 'plain' | 'state' | 'set'): string[] =>
  value === undefined ? [] : [field, value === null ? '' : JSON.stringify(value), kind];

const orgTriples = ({ name, state, tokenLifetimeMsMax, roles = {} }: OrgChange): string[] => [
  ...triple('name', name, 'plain'),
  ...triple('state', state, 'state'),
  ...triple('tokenLifetimeMsMax', tokenLifetimeMsMax, 'plain'),
  ...Object.entries(roles).flatMap(([role, scopes]) => triple(roleField(role), scopes, 'set')),
];

const userTriples = ({ name, state, roles, passwordHash }: UserChange): string[] => [
  ...triple('name', name, 'plain'),
  ...triple('state', state, 'state'),
  ...triple('roles', roles, 'set'),
  ...triple('passwordHash', passwordHash, 'state'),
];

const renewHash: Step<'renewPasswordHash'> = async ({ keys, write }, orgId, userId, { known, next }) => {
  if (!isStorableAccount(orgId, userId)) return 'changed';
  const hashes = [JSON.stringify(known), JSON.stringify(next)];
  return (await write(renewPasswordHash, [keys.user(orgId, userId)], hashes)) === 1 ? 'renewed' : 'changed';
};

const revokeAll: Step<'revokeAll'> = async (context, orgId, userId, nowMs) => {
  if (!isStorableAccount(orgId, userId)) return 'unknown';
  const args = [context.retentionMs, ...accountLine(orgId, userId, nowMs)];
  const reply = await context.write(revokeAccount, keysOf(context, orgId, userId), args);
  if (reply !== 1) return 'unknown';
  // The reply does not say in which generation it was done. Nobody waits for that.
  void context.attempt(async () => {
    const account = await (userId === undefined ? findOrg(context, orgId) : findUser(context, orgId, userId));
    if (account !== undefined) context.own.note(changeOfAccount(account, nowMs));
  });
  return 'revoked';
};

const listOrgs: Step<'listOrgs'> = (context, page) =>
  pageOfIndex(
    page,
    async (after, count) => {
      const { keys, reads } = context;
      const lists = await Promise.all(
        allShards.map((shard) => listIndex(reads, keys.orgs(shard), after, count)),
      );
      return lists.flat().sort(byBytes).slice(0, count);
    },
    (orgId) => findOrg(context, orgId),
  );

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const listUsers: Step<'listUsers'> = async (context, orgId, page) => {
  const { keys, reads } = context;
  if (!isStorableId(orgId)) return { items: [], nextCursor: undefined };
  return pageOfIndex(
    page,
    (after, count) => listIndex(reads, keys.usersOf(orgId), after, count),
    (userId) => findUser(context, orgId, userId),
  );
};

export const accounts = (context: StoreContext): AccountStore => {
  const command = commandsOf(context);
  return {
    createOrg: command(createOrg),
    changeOrg: command(changeOrg),
    listOrgs: command(listOrgs),
    createUser: command(createUser),
    changeUser: command(changeUser),
    renewPasswordHash: command(renewHash),
    listUsers: command(listUsers),
    revokeAll: command(revokeAll),
  };
};
