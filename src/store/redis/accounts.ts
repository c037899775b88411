// Orgs and users. An org and its users lie in different shards, so making a user is three steps: its name goes into the
// org's list, the record is made, and the list is looked at again. A listed name without a record is skipped when the list is
// read.

import { shardOfAccount } from '../../tokens/shard.ts';
import { changeOfAccount } from '../changes.ts';
import { pageOfIndex } from '../paging.ts';
import { DamagedRecord } from '../record-reader.ts';
import type { AccountStore, OrgChange, UserChange } from '../token-store.ts';
import { changeAccount, createAccount, renewPasswordHash, revokeAccount } from './account-scripts.ts';
import { accountLine } from './change-codec.ts';
import { commandsOf, listIndex, type Step, type StoreContext } from './context.ts';
import { deleteUser, listUser, unlistUser } from './deletion.ts';
import { accountKeys, allShards, isStorableAccount, isStorableId } from './key-space.ts';
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

const createOrg: Step<'createOrg'> = async ({ keys, write }, org) => {
  mustBeStorable(org.id);
  const touched = [keys.org(org.id), keys.orgs(shardOfAccount(org.id))];
  return (await write(createAccount, touched, [org.id, ...orgFields(org)])) === 1 ? 'created' : 'exists';
};

const createUser: Step<'createUser'> = async (context, user) => {
  const { keys, write } = context;
  mustBeStorable(user.id);
  if (!isStorableId(user.orgId)) return 'org_unknown';
  if (!(await listUser(context, user.orgId, user.id))) return 'org_unknown';
  const touched = [keys.user(user.orgId, user.id)];
  const made = await write(createAccount, touched, [user.id, ...userFields(user)]);
  // Its org, or an earlier user of its id, may have been deleted meanwhile, and taken off the list.
  if (await listUser(context, user.orgId, user.id)) return made === 1 ? 'created' : 'exists';
  await deleteUser(context, user.orgId, user.id, user.createdAtMs);
  return 'org_unknown';
};

const mustBeStorable = (id: string): void => {
  if (!isStorableId(id)) throw new DamagedRecord('an id with a lone surrogate');
};

/** `triples`: of the script. Undefined: there is no such account. */
const change = async (
  context: StoreContext,
  [orgId, userId]: readonly [orgId: string, userId?: string],
  triples: readonly string[],
  nowMs: number,
): Promise<HashFields | undefined> => {
  if (!isStorableAccount(orgId, userId)) return undefined;
  const line = accountLine(orgId, userId, nowMs);
  const touched = accountKeys(context.keys, orgId, userId);
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
  const { state, passwordHash, endsSessions } = userChange;
  const ends = state === 'disabled' || passwordHash !== undefined || endsSessions === true;
  if (user !== undefined && ends) context.own.note(changeOfAccount(user, nowMs));
  return user;
};

/** Field, value and what it is: of the script `changeAccount`. `null` deletes; undefined changes nothing. */
const triple = (field: string, value: unknown, kind: 'plain' | 'state' | 'set' | 'ends'): string[] =>
  value === undefined ? [] : [field, value === null ? '' : JSON.stringify(value), kind];

const orgTriples = ({
  name,
  state,
  tokenLifetimeMsMax,
  reminderThresholdsMs,
  roles = {},
}: OrgChange): string[] => [
  ...triple('name', name, 'plain'),
  ...triple('state', state, 'state'),
  ...triple('tokenLifetimeMsMax', tokenLifetimeMsMax, 'plain'),
  ...triple('reminderThresholdsMs', reminderThresholdsMs, 'plain'),
  ...Object.entries(roles).flatMap(([role, scopes]) => triple(roleField(role), scopes, 'set')),
];

const userTriples = ({ name, state, roles, passwordHash, email, endsSessions }: UserChange): string[] => [
  ...triple('name', name, 'plain'),
  ...triple('state', state, 'state'),
  ...triple('roles', roles, 'set'),
  ...triple('passwordHash', passwordHash, 'state'),
  ...triple('email', email, 'plain'),
  ...triple('sessions', endsSessions, 'ends'),
];

const renewHash: Step<'renewPasswordHash'> = async ({ keys, write }, orgId, userId, { known, next }) => {
  if (!isStorableAccount(orgId, userId)) return 'changed';
  const hashes = [JSON.stringify(known), JSON.stringify(next)];
  return (await write(renewPasswordHash, [keys.user(orgId, userId)], hashes)) === 1 ? 'renewed' : 'changed';
};

const revokeAll: Step<'revokeAll'> = async (context, orgId, userId, nowMs) => {
  if (!isStorableAccount(orgId, userId)) return 'unknown';
  const args = [context.retentionMs, ...accountLine(orgId, userId, nowMs)];
  const reply = await context.write(revokeAccount, accountKeys(context.keys, orgId, userId), args);
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
    async (userId) => {
      const user = await findUser(context, orgId, userId);
      // Best effort: the next listing tries again.
      if (user === undefined) void context.attempt(() => unlistUser(context, orgId, userId));
      return user;
    },
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
