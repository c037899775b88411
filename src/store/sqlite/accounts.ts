// Orgs and users in the embedded store. What writes runs inside a transaction its caller holds.

import { isDeepStrictEqual } from 'node:util';
import type { OrgRecord, UserRecord } from '../records.ts';
import type { OrgChange, Page, PageRequest, UserChange } from '../token-store.ts';
import { appendLine } from './change-log.ts';
import type { Connection } from './connection.ts';
import { pageOf } from './paging.ts';
import { orgColumns, parseOrg, parseUser, userColumns } from './rows.ts';

export const findOrg = (connection: Connection, orgId: string): OrgRecord | undefined => {
  const row = connection.get(`SELECT ${orgColumns} FROM orgs WHERE id = ?`, orgId);
  return row && parseOrg(row);
};

export const findUser = (connection: Connection, orgId: string, userId: string): UserRecord | undefined => {
  const row = connection.get(`SELECT ${userColumns} FROM users WHERE org_id = ? AND id = ?`, orgId, userId);
  return row && parseUser(row);
};

export const createOrg = (connection: Connection, org: OrgRecord): 'created' | 'exists' => {
  const known = findOrg(connection, org.id);
  if (known !== undefined) return isDeepStrictEqual(known, org) ? 'created' : 'exists';
  writeOrg(connection, org);
  return 'created';
};

export const createUser = (
  connection: Connection,
  user: UserRecord,
): 'created' | 'exists' | 'org_unknown' => {
  if (findOrg(connection, user.orgId) === undefined) return 'org_unknown';
  const known = findUser(connection, user.orgId, user.id);
  if (known !== undefined) return isDeepStrictEqual(known, user) ? 'created' : 'exists';
  writeUser(connection, user);
  return 'created';
};

/** A change that changes nothing moves no generation and writes no line, so it can be repeated. */
export const changeOrg = (
  connection: Connection,
  orgId: string,
  change: OrgChange,
  nowMs: number,
): OrgRecord | undefined => {
  const org = findOrg(connection, orgId);
  if (org === undefined) return undefined;
  const roles = mergeRoles(org.roles, change.roles ?? {});
  const state = change.state ?? org.state;
  const isPassed = state !== org.state || !sameRoles(org.roles, roles);
  const lifetime = change.tokenLifetimeMsMax;
  const changed: OrgRecord = {
    ...org,
    name: change.name ?? org.name,
    state,
    roles,
    tokenLifetimeMsMax: lifetime === undefined ? org.tokenLifetimeMsMax : (lifetime ?? undefined),
    generation: org.generation + (isPassed ? 1 : 0),
  };
  writeOrg(connection, changed);
  if (isPassed) appendOrgLine(connection, changed, nowMs);
  return changed;
};

export const renewPasswordHash = (
  connection: Connection,
  orgId: string,
  userId: string,
  { known, next }: { readonly known: string; readonly next: string },
): 'renewed' | 'changed' => {
  const renew =
    'UPDATE users SET password_hash = ?1 WHERE org_id = ?2 AND id = ?3 AND password_hash IN (?1, ?4)';
  return connection.run(renew, next, orgId, userId, known) === 0 ? 'changed' : 'renewed';
};

export const changeUser = (
  connection: Connection,
  orgId: string,
  userId: string,
  change: UserChange,
  nowMs: number,
): UserRecord | undefined => {
  const user = findUser(connection, orgId, userId);
  if (user === undefined) return undefined;
  const state = change.state ?? user.state;
  const roles = change.roles ?? user.roles;
  const passwordHash =
    change.passwordHash === undefined ? user.passwordHash : (change.passwordHash ?? undefined);
  const isPassed = state !== user.state || !sameSet(user.roles, roles) || passwordHash !== user.passwordHash;
  const changed: UserRecord = {
    ...user,
    name: change.name ?? user.name,
    state,
    roles,
    passwordHash,
    generation: user.generation + (isPassed ? 1 : 0),
  };
  writeUser(connection, changed);
  if (isPassed) appendUserLine(connection, changed, nowMs);
  return changed;
};

/** One write, however many tokens: those made in an earlier generation are dead from now on. */
export const revokeAll = (
  connection: Connection,
  orgId: string,
  userId: string | undefined,
  nowMs: number,
): 'revoked' | 'unknown' => {
  if (userId === undefined) {
    const org = findOrg(connection, orgId);
    if (org === undefined) return 'unknown';
    const generation = org.generation + 1;
    const changed = { ...org, generation, tokenGenerationMin: generation };
    writeOrg(connection, changed);
    appendOrgLine(connection, changed, nowMs);
    return 'revoked';
  }
  const user = findUser(connection, orgId, userId);
  if (user === undefined) return 'unknown';
  const generation = user.generation + 1;
  const changed = { ...user, generation, tokenGenerationMin: generation };
  writeUser(connection, changed);
  appendUserLine(connection, changed, nowMs);
  return 'revoked';
};

export const listOrgs = (connection: Connection, page: PageRequest): Page<OrgRecord> =>
  pageOf(page, (after, count) =>
    connection
      .all(`SELECT ${orgColumns} FROM orgs WHERE id > ? ORDER BY id LIMIT ?`, after, count)
      .map((row) => parseOrg(row)),
  );

export const listUsers = (connection: Connection, orgId: string, page: PageRequest): Page<UserRecord> =>
  pageOf(page, (after, count) =>
    connection
      .all(
        `SELECT ${userColumns} FROM users WHERE org_id = ? AND id > ? ORDER BY id LIMIT ?`,
        orgId,
        after,
        count,
      )
      .map((row) => parseUser(row)),
  );

export const writeOrg = (connection: Connection, org: OrgRecord): void => {
  connection.run(
    `INSERT INTO orgs (${orgColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, state = excluded.state, roles = excluded.roles,
       token_lifetime_ms_max = excluded.token_lifetime_ms_max, generation = excluded.generation,
       token_generation_min = excluded.token_generation_min`,
    org.id,
    org.name,
    org.state,
    JSON.stringify(org.roles),
    org.tokenLifetimeMsMax ?? null,
    org.generation,
    org.tokenGenerationMin,
    org.createdAtMs,
  );
};

export const writeUser = (connection: Connection, user: UserRecord): void => {
  connection.run(
    `INSERT INTO users (${userColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (org_id, id) DO UPDATE SET name = excluded.name, state = excluded.state, roles = excluded.roles,
       generation = excluded.generation, token_generation_min = excluded.token_generation_min,
       password_hash = excluded.password_hash`,
    user.orgId,
    user.id,
    user.name,
    user.state,
    JSON.stringify(user.roles),
    user.generation,
    user.tokenGenerationMin,
    user.createdAtMs,
    user.passwordHash ?? null,
  );
};

const appendOrgLine = (connection: Connection, org: OrgRecord, atMs: number): void =>
  appendLine(connection, {
    kind: 'org',
    orgId: org.id,
    generation: org.generation,
    tokenGenerationMin: org.tokenGenerationMin,
    state: org.state,
    atMs,
  });

const appendUserLine = (connection: Connection, user: UserRecord, atMs: number): void =>
  appendLine(connection, {
    kind: 'user',
    orgId: user.orgId,
    userId: user.id,
    generation: user.generation,
    tokenGenerationMin: user.tokenGenerationMin,
    state: user.state,
    atMs,
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

const sameRoles = (one: OrgRecord['roles'], other: OrgRecord['roles']): boolean => {
  const names = Object.keys(one);
  return (
    sameSet(names, Object.keys(other)) &&
    names.every((name) => Object.hasOwn(other, name) && sameSet(one[name] ?? [], other[name] ?? []))
  );
};

const sameSet = (one: readonly string[], other: readonly string[]): boolean =>
  new Set(one).symmetricDifference(new Set(other)).size === 0;
