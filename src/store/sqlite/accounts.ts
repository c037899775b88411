// Orgs and users in the embedded store. What writes runs inside a transaction its caller holds.

import { isDeepStrictEqual } from 'node:util';
import { changeOfAccount, nextGeneration } from '../changes.ts';
import { pageOf } from '../paging.ts';
import type { OrgRecord, UserRecord } from '../records.ts';
import type { AccountStore, OrgChange } from '../token-store.ts';
import { appendLine, newestGeneration } from './change-log.ts';
import type { FileConnection } from './connection.ts';
import type { FileAccess, Step } from './file-access.ts';
import { integerOf, optionalIntegerOf, orgTable, parseOrg, parseUser, userTable } from './rows.ts';

export const findOrg: Step<'findOrg'> = (connection, orgId) => {
  const row = connection.get(
    `SELECT ${orgTable.columns} FROM orgs WHERE id = ? AND deleted_at_ms IS NULL`,
    orgId,
  );
  return row && parseOrg(row);
};

export const findUser: Step<'findUser'> = (connection, orgId, userId) => {
  const sql = `SELECT ${userTable.columns} FROM users WHERE org_id = ? AND id = ? AND deleted_at_ms IS NULL`;
  const row = connection.get(sql, orgId, userId);
  return row && parseUser(row);
};

export type Account = OrgRecord | UserRecord;

/** The table of an account, and what finds its row there. */
export const rowOf = (account: Account) =>
  'orgId' in account
    ? { table: 'users', condition: 'org_id = ? AND id = ?', ids: [account.orgId, account.id] }
    : { table: 'orgs', condition: 'id = ?', ids: [account.id] };

/** When the generation of an account began; undefined: not since it was made. */
export const changedAtMsOf = (connection: FileConnection, account: Account): number | undefined => {
  const { table, condition, ids } = rowOf(account);
  const row = connection.get(`SELECT changed_at_ms FROM ${table} WHERE ${condition}`, ...ids);
  return row && optionalIntegerOf(row, 'changed_at_ms');
};

/** `changedAtMs`: when its generation began; undefined: as before. */
export const writeAccount = (connection: FileConnection, account: Account, changedAtMs?: number): void => {
  if ('orgId' in account) connection.run(userTable.upsert, ...userTable.parameters(account));
  else connection.run(orgTable.upsert, ...orgTable.parameters(account));
  if (changedAtMs === undefined) return;
  const { table, condition, ids } = rowOf(account);
  connection.run(`UPDATE ${table} SET changed_at_ms = ? WHERE ${condition}`, changedAtMs, ...ids);
};

/** The newest generation of an account of this id that was deleted, or whose record was lost; -1: there was none. */
const generationBefore = (connection: FileConnection, account: Account): number => {
  const { table, condition, ids } = rowOf(account);
  const row = connection.get(`SELECT generation FROM ${table} WHERE ${condition}`, ...ids);
  const lost = changeOfAccount(account, account.createdAtMs);
  return Math.max(row === undefined ? -1 : integerOf(row, 'generation'), newestGeneration(connection, lost));
};

/**
 * An account whose record was deleted or lost goes on counting from its generation: replicas believe nothing below it, and no
 * API token of before lives again. So an earlier attempt to make the same account may have other generations.
 */
const create = <T extends Account>(
  connection: FileConnection,
  known: T | undefined,
  account: T,
): 'created' | 'exists' => {
  if (known !== undefined) {
    const { generation, tokenGenerationMin } = account;
    return isDeepStrictEqual({ ...known, generation, tokenGenerationMin }, account) ? 'created' : 'exists';
  }
  const before = generationBefore(connection, account);
  const isAbove = account.generation > before;
  const began = isAbove ? account : { ...account, generation: before, tokenGenerationMin: before };
  writeAccount(connection, began);
  const { table, condition, ids } = rowOf(account);
  connection.run(`UPDATE ${table} SET deleted_at_ms = NULL, changed_at_ms = NULL WHERE ${condition}`, ...ids);
  return 'created';
};

const createOrg: Step<'createOrg'> = (connection, org) =>
  create(connection, findOrg(connection, org.id), org);

const createUser: Step<'createUser'> = (connection, user) => {
  if (findOrg(connection, user.orgId) === undefined) return 'org_unknown';
  return create(connection, findUser(connection, user.orgId, user.id), user);
};

/** Writes an account. In a new generation with its line of the feed. */
const writeChanged = <T extends Account>(
  connection: FileConnection,
  account: T,
  isNewGeneration: boolean,
  nowMs: number,
): T => {
  const generation = isNewGeneration ? nextGeneration(account, nowMs) : account.generation;
  const changed = { ...account, generation };
  writeAccount(connection, changed, isNewGeneration ? nowMs : undefined);
  if (isNewGeneration) appendLine(connection, changeOfAccount(changed, nowMs));
  return changed;
};

/** `null` takes it away; undefined leaves it. */
const changedTo = <T>(change: T | null | undefined, before: T | undefined): T | undefined =>
  change === undefined ? before : (change ?? undefined);

/** A change that changes nothing begins no generation and writes no line, so it can be repeated. */
const changeOrg: Step<'changeOrg'> = (connection, orgId, change, nowMs) => {
  const org = findOrg(connection, orgId);
  if (org === undefined) return undefined;
  const { name = org.name, state = org.state } = change;
  const roles = mergeRoles(org.roles, change.roles ?? {});
  const isNewGeneration = state !== org.state || !isDeepStrictEqual(setsOf(org.roles), setsOf(roles));
  const changed = {
    ...org,
    name,
    state,
    roles,
    tokenLifetimeMsMax: changedTo(change.tokenLifetimeMsMax, org.tokenLifetimeMsMax),
    reminderThresholdsMs: changedTo(change.reminderThresholdsMs, org.reminderThresholdsMs),
  };
  return writeChanged(connection, changed, isNewGeneration, nowMs);
};

const changeUser: Step<'changeUser'> = (connection, orgId, userId, change, nowMs) => {
  const user = findUser(connection, orgId, userId);
  if (user === undefined) return undefined;
  const { name = user.name, state = user.state, roles = user.roles } = change;
  const passwordHash = changedTo(change.passwordHash, user.passwordHash);
  const email = changedTo(change.email, user.email);
  const isNewGeneration =
    change.endsSessions === true ||
    state !== user.state ||
    !isDeepStrictEqual(new Set(user.roles), new Set(roles)) ||
    passwordHash !== user.passwordHash;
  const changed = { ...user, name, state, roles, passwordHash, email };
  return writeChanged(connection, changed, isNewGeneration, nowMs);
};

const renewPasswordHash: Step<'renewPasswordHash'> = (connection, orgId, userId, { known, next }) => {
  const renew =
    'UPDATE users SET password_hash = ?1 WHERE org_id = ?2 AND id = ?3 AND password_hash IN (?1, ?4)';
  return connection.run(renew, next, orgId, userId, known) === 0 ? 'changed' : 'renewed';
};

/** One write, however many tokens: those made in an earlier generation are dead from now on. */
export const revokeAccount = (connection: FileConnection, account: Account, nowMs: number): void => {
  writeChanged(connection, { ...account, tokenGenerationMin: nextGeneration(account, nowMs) }, true, nowMs);
};

const revokeAll: Step<'revokeAll'> = (connection, orgId, userId, nowMs) => {
  const account = userId === undefined ? findOrg(connection, orgId) : findUser(connection, orgId, userId);
  if (account === undefined) return 'unknown';
  revokeAccount(connection, account, nowMs);
  return 'revoked';
};

const listOrgs: Step<'listOrgs'> = (connection, page) => {
  const sql = `SELECT ${orgTable.columns} FROM orgs WHERE id > ? AND deleted_at_ms IS NULL ORDER BY id LIMIT ?`;
  return pageOf(page, (after, count) => connection.all(sql, after, count).map(parseOrg));
};

const listUsers: Step<'listUsers'> = (connection, orgId, page) => {
  const sql = `SELECT ${userTable.columns} FROM users WHERE org_id = ? AND id > ? AND deleted_at_ms IS NULL ORDER BY id LIMIT ?`;
  return pageOf(page, (after, count) => connection.all(sql, orgId, after, count).map(parseUser));
};

export const accounts = (file: FileAccess): AccountStore => ({
  createOrg: file.writing(createOrg),
  changeOrg: file.writing(changeOrg),
  listOrgs: file.reading(listOrgs),
  createUser: file.writing(createUser),
  changeUser: file.writing(changeUser),
  renewPasswordHash: file.writing(renewPasswordHash),
  listUsers: file.reading(listUsers),
  revokeAll: file.writing(revokeAll),
});

const mergeRoles = (
  roles: OrgRecord['roles'],
  changes: NonNullable<OrgChange['roles']>,
): OrgRecord['roles'] => {
  const merged = new Map(Object.entries(roles));
  for (const [role, scopes] of Object.entries(changes))
    if (scopes === null) merged.delete(role);
    else merged.set(role, scopes);
  return Object.fromEntries(merged);
};

/** Roles and their scopes, in whatever order. */
const setsOf = (roles: OrgRecord['roles']): ReadonlyMap<string, ReadonlySet<string>> =>
  new Map(Object.entries(roles).map(([role, scopes]) => [role, new Set(scopes)]));
