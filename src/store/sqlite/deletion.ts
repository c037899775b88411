// Deleting orgs and users in the embedded store. A row stays behind, emptied, so that an account made later with the same id
// begins above the generations of this one, and is removed once no API token refers to it.

import { isOutage } from '../../decision/outcome.ts';
import { recordRetentionMs } from '../api-token-state.ts';
import { changeOfDeletion } from '../changes.ts';
import type { Change } from '../records.ts';
import type { AccountDeletions, Deletion } from '../token-store.ts';
import { type Account, findOrg, findUser, revokeAccount, rowOf, writeAccount } from './accounts.ts';
import { appendLine } from './change-log.ts';
import type { FileConnection } from './connection.ts';
import type { FileAccess } from './file-access.ts';
import { textOf } from './rows.ts';
import { markRevoked } from './tokens.ts';

const usersAtOnce = 100;
const tokensAtOnce = 500;
/** Somebody waits for the answer. */
const buryingMsMax = 2_000;

/** `line`: of the deletion. Nothing of the account stays but its id and its generation. */
export const writeDeletion = (
  connection: FileConnection,
  account: Account,
  { generation, atMs }: Extract<Change, { generation: number }>,
): void => {
  const of = { generation, tokenGenerationMin: generation, state: 'disabled', name: '' } as const;
  writeAccount(
    connection,
    'orgId' in account
      ? { ...account, ...of, roles: [], passwordHash: undefined, email: undefined }
      : { ...account, ...of, roles: {}, tokenLifetimeMsMax: undefined, reminderThresholdsMs: undefined },
  );
  const { table, condition, ids } = rowOf(account);
  connection.run(`UPDATE ${table} SET deleted_at_ms = ? WHERE ${condition}`, atMs, ...ids);
};

const remove = (connection: FileConnection, account: Account, nowMs: number): void => {
  const line = changeOfDeletion(account, nowMs);
  writeDeletion(connection, account, line);
  appendLine(connection, line);
};

const deleteUser = (connection: FileConnection, orgId: string, userId: string, nowMs: number): Deletion => {
  const user = findUser(connection, orgId, userId);
  if (user !== undefined) remove(connection, user, nowMs);
  else if (connection.get('SELECT 1 FROM users WHERE org_id = ? AND id = ?', orgId, userId) === undefined)
    return 'unknown';
  return user === undefined ? 'already_deleted' : 'deleted';
};

/** Ends everything of the org before its users are deleted one by one. */
const endOrg = (connection: FileConnection, orgId: string, nowMs: number): Deletion => {
  const org = findOrg(connection, orgId);
  if (org !== undefined) revokeAccount(connection, { ...org, state: 'disabled' }, nowMs);
  else if (connection.get('SELECT 1 FROM orgs WHERE id = ?', orgId) === undefined) return 'unknown';
  return org === undefined ? 'already_deleted' : 'deleted';
};

/** Some of the users, and the org itself once there are none. Answers whether it is gone. */
const deleteSome = (connection: FileConnection, orgId: string, nowMs: number): boolean => {
  const org = findOrg(connection, orgId);
  if (org === undefined) return true;
  const users = connection
    .all('SELECT id FROM users WHERE org_id = ? AND deleted_at_ms IS NULL LIMIT ?', orgId, usersAtOnce)
    .map((row) => textOf(row, 'id'));
  for (const userId of users) deleteUser(connection, orgId, userId, nowMs);
  if (users.length > 0) return false;
  remove(connection, org, nowMs);
  return true;
};

/** They are dead already: marking them keeps counts from meeting them among the live ones. A listing that meets one marks it too. */
const buryTokens = async (
  file: FileAccess,
  condition: string,
  ids: readonly string[],
  nowMs: number,
): Promise<void> => {
  const sql = `SELECT id FROM tokens WHERE ${condition} AND state = 'active' LIMIT ${tokensAtOnce}`;
  const find = file.reading((connection) => connection.all(sql, ...ids).map((row) => textOf(row, 'id')));
  const mark = file.noting((connection, tokenIds: readonly string[]) => {
    for (const tokenId of tokenIds) markRevoked(connection, tokenId, nowMs);
  });
  const untilMs = performance.now() + buryingMsMax;
  while (performance.now() < untilMs) {
    const found = await find();
    if (isOutage(found) || found.length === 0 || isOutage(await mark(found))) return;
  }
};

export const deletions = (file: FileAccess): AccountDeletions => {
  const [removeUser, end, removeSome] = [
    file.writing(deleteUser),
    file.writing(endOrg),
    file.writing(deleteSome),
  ];
  return {
    deleteUser: async (orgId, userId, nowMs) => {
      const answer = await removeUser(orgId, userId, nowMs);
      if (answer === 'deleted') await buryTokens(file, 'org_id = ? AND user_id = ?', [orgId, userId], nowMs);
      return answer;
    },

    deleteOrg: async (orgId, nowMs) => {
      const answer = await end(orgId, nowMs);
      if (answer !== 'deleted') return answer;
      for (let isGone = false; !isGone;) {
        const step = await removeSome(orgId, nowMs);
        if (isOutage(step)) return step;
        isGone = step;
      }
      await buryTokens(file, 'org_id = ?', [orgId], nowMs);
      return 'deleted';
    },
  };
};

/** Takes out the rows of what was deleted long ago and has no API token left, users before their orgs. */
export const pruneDeleted = (connection: FileConnection, nowMs: number): void => {
  const beforeMs = nowMs - recordRetentionMs;
  connection.run(
    `DELETE FROM users WHERE (org_id, id) IN (SELECT org_id, id FROM users WHERE deleted_at_ms < ?
       AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.org_id = users.org_id AND tokens.user_id = users.id)
       LIMIT ${tokensAtOnce})`,
    beforeMs,
  );
  connection.run(
    `DELETE FROM orgs WHERE id IN (SELECT id FROM orgs WHERE deleted_at_ms < ?
       AND NOT EXISTS (SELECT 1 FROM users WHERE users.org_id = orgs.id) LIMIT ${tokensAtOnce})`,
    beforeMs,
  );
};
