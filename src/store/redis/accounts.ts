// Orgs and users. An org and its users lie in different shards, so making a user is two steps: first its name goes
// into the org's list, then the record is made. A listed name without a record is skipped when the list is read.

import { shardOfAccount } from '../../tokens/shard.ts';
import type { OrgChange, TokenStore, UserChange } from '../token-store.ts';
import { accountLine } from './change-codec.ts';
import { listIndex, readHash } from './connections.ts';
import type { StoreContext } from './context.ts';
import { corrupt } from './fault.ts';
import { allShards, isStorableId } from './key-space.ts';
import { pageOf } from './paging.ts';
import {
  type Fields,
  orgFields,
  parseFields,
  parseOrg,
  parseUser,
  roleField,
  userFields,
} from './record-codec.ts';
import {
  changeAccount,
  createAccount,
  listUserInOrg,
  renewPasswordHash,
  revokeAccount,
} from './account-scripts.ts';

type Accounts = Pick<
  TokenStore,
  | 'createOrg'
  | 'changeOrg'
  | 'listOrgs'
  | 'createUser'
  | 'changeUser'
  | 'renewPasswordHash'
  | 'listUsers'
  | 'revokeAll'
>;

export const accounts = (context: StoreContext): Accounts => {
  const { keys, write, reads, attempt, retentionMs } = context;

  const change = async (
    what: { readonly orgId: string; readonly userId: string | undefined; readonly atMs: number },
    triples: readonly string[],
  ): Promise<Fields | undefined> => {
    const { orgId, userId, atMs } = what;
    const account = userId === undefined ? keys.org(orgId) : keys.user(orgId, userId);
    const line = accountLine(orgId, userId, atMs);
    const touched = [account, keys.changes(shardOfAccount(orgId, userId))];
    const args = [retentionMs, line.length, ...line, ...triples];
    const reply = await write(changeAccount, touched, args);
    return reply === null ? undefined : parseFields(reply, account);
  };

  return {
    createOrg: (org) =>
      attempt(async () => {
        mustBeStorable(org.id);
        const touched = [keys.org(org.id), keys.orgs(shardOfAccount(org.id))];
        const made = await write(createAccount, touched, [org.id, ...orgFields(org)]);
        return made === 1 ? 'created' : 'exists';
      }),

    changeOrg: (orgId, orgChange, nowMs) =>
      attempt(async () => {
        if (!isStorableId(orgId)) return undefined;
        const fields = await change({ orgId, userId: undefined, atMs: nowMs }, orgTriples(orgChange));
        return fields && parseOrg(orgId, fields);
      }),

    listOrgs: (page) =>
      attempt(() =>
        pageOf(
          page,
          async (after, count) => {
            const lists = await Promise.all(
              allShards.map((shard) => listIndex(reads, keys.orgs(shard), after, count)),
            );
            return lists.flat().sort(byBytes).slice(0, count);
          },
          async (orgId) => {
            const fields = await readHash(reads, keys.org(orgId));
            return fields && parseOrg(orgId, fields);
          },
        ),
      ),

    createUser: (user) =>
      attempt(async () => {
        mustBeStorable(user.id);
        if (!isStorableId(user.orgId)) return 'org_unknown';
        const listed = [keys.org(user.orgId), keys.usersOf(user.orgId)];
        if ((await write(listUserInOrg, listed, [user.id])) !== 1) return 'org_unknown';
        const touched = [keys.user(user.orgId, user.id)];
        const made = await write(createAccount, touched, [user.id, ...userFields(user)]);
        return made === 1 ? 'created' : 'exists';
      }),

    changeUser: (orgId, userId, userChange, nowMs) =>
      attempt(async () => {
        if (!isStorableId(orgId) || !isStorableId(userId)) return undefined;
        const fields = await change({ orgId, userId, atMs: nowMs }, userTriples(userChange));
        return fields && parseUser(orgId, userId, fields);
      }),

    renewPasswordHash: (orgId, userId, { known, next }) =>
      attempt(async () => {
        if (!isStorableId(orgId) || !isStorableId(userId)) return 'changed';
        const texts = [JSON.stringify(known), JSON.stringify(next)];
        const renewed = await write(renewPasswordHash, [keys.user(orgId, userId)], texts);
        return renewed === 1 ? 'renewed' : 'changed';
      }),

    listUsers: (orgId, page) =>
      attempt(async () => {
        if (!isStorableId(orgId)) return { items: [], nextCursor: undefined };
        return pageOf(
          page,
          (after, count) => listIndex(reads, keys.usersOf(orgId), after, count),
          async (userId) => {
            const fields = await readHash(reads, keys.user(orgId, userId));
            return fields && parseUser(orgId, userId, fields);
          },
        );
      }),

    revokeAll: (orgId, userId, nowMs) =>
      attempt(async () => {
        if (!isStorableId(orgId) || (userId !== undefined && !isStorableId(userId))) return 'unknown';
        const account = userId === undefined ? keys.org(orgId) : keys.user(orgId, userId);
        const touched = [account, keys.changes(shardOfAccount(orgId, userId))];
        const args = [retentionMs, ...accountLine(orgId, userId, nowMs)];
        return (await write(revokeAccount, touched, args)) === 1 ? 'revoked' : 'unknown';
      }),
  };
};

const mustBeStorable = (id: string): void => {
  if (!isStorableId(id)) throw corrupt('an id with a lone surrogate');
};

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Triples of the `change_account` script: field, value, kind. */
const orgTriples = (change: OrgChange): string[] => [
  ...(change.name === undefined ? [] : ['name', JSON.stringify(change.name), 'plain']),
  ...(change.state === undefined ? [] : ['state', JSON.stringify(change.state), 'state']),
  ...(change.tokenLifetimeMsMax === undefined
    ? []
    : ['tokenLifetimeMsMax', `${change.tokenLifetimeMsMax ?? ''}`, 'plain']),
  ...Object.entries(change.roles ?? {}).flatMap(([role, scopes]) => [
    roleField(role),
    scopes === null ? '' : JSON.stringify(scopes),
    'set',
  ]),
];

const userTriples = (change: UserChange): string[] => [
  ...(change.name === undefined ? [] : ['name', JSON.stringify(change.name), 'plain']),
  ...(change.state === undefined ? [] : ['state', JSON.stringify(change.state), 'state']),
  ...(change.roles === undefined ? [] : ['roles', JSON.stringify(change.roles), 'set']),
  ...(change.passwordHash === undefined
    ? []
    : ['passwordHash', change.passwordHash === null ? '' : JSON.stringify(change.passwordHash), 'state']),
];
