// Reminders in the embedded store: the next look at each token is a column of it with an index of its own. What writes runs
// inside a transaction its caller holds.

import { integer, oneOf, record, text } from '../record-reader.ts';
import {
  reminderChannels,
  type ReminderKey,
  type ReminderLook,
  type ReminderRecord,
  reminderStates,
  type ReminderStore,
} from '../reminder-store.ts';
import type { FileConnection } from './connection.ts';
import type { FileAccess, Step } from './file-access.ts';
import { type TableRow, textOf } from './rows.ts';

/** Its plan is tested. */
export const dueLooks = `SELECT id FROM tokens
  WHERE state = 'active' AND expires_at_ms IS NOT NULL AND remind_at_ms <= ?
  ORDER BY remind_at_ms, id LIMIT ?`;

const listReminderLooks: Step<'listReminderLooks'> = (connection, nowMs, limit) =>
  connection.all(dueLooks, nowMs, limit).map((row) => textOf(row, 'id'));

const planReminderLooks = (connection: FileConnection, looks: readonly ReminderLook[]): void => {
  for (const { tokenId, atMs } of looks)
    connection.run('UPDATE tokens SET remind_at_ms = ? WHERE id = ?', atMs ?? null, tokenId);
};

/** Named, so that other work of one process alone may get a lease too. */
const leaseName = 'reminders';

const leaseReminders: Step<'leaseReminders'> = (connection, holder, nowMs, forMs) => {
  const taken = connection.run(
    `INSERT INTO leases (name, holder, until_ms) VALUES (?1, ?2, ?3)
       ON CONFLICT (name) DO UPDATE SET holder = ?2, until_ms = ?3 WHERE holder = ?2 OR until_ms <= ?4`,
    leaseName,
    holder,
    nowMs + forMs,
    nowMs,
  );
  return taken === 0 ? 'taken' : 'held';
};

const readReminder = record({
  thresholdMs: integer,
  channel: oneOf(reminderChannels),
  state: oneOf(reminderStates),
  attempts: integer,
  atMs: integer,
  holder: text,
});

const columns = 'threshold_ms AS thresholdMs, channel, state, attempts, at_ms AS atMs, holder';

const parseReminder = (row: TableRow): ReminderRecord => readReminder({ ...row }, 'a reminder');

const findReminders: Step<'findReminders'> = (connection, tokenId) =>
  connection.all(`SELECT ${columns} FROM reminders WHERE token_id = ?`, tokenId).map(parseReminder);

const findReminder = (
  connection: FileConnection,
  { tokenId, thresholdMs, channel }: ReminderKey,
): ReminderRecord | undefined => {
  const sql = `SELECT ${columns} FROM reminders WHERE token_id = ? AND threshold_ms = ? AND channel = ?`;
  const row = connection.get(sql, tokenId, thresholdMs, channel);
  return row && parseReminder(row);
};

const claimReminder: Step<'claimReminder'> = (connection, key, claim) => {
  const { holder, nowMs, staleMs, keepUntilMs, sinceMs = -Infinity } = claim;
  const found = findReminder(connection, key);
  const known = found !== undefined && found.atMs >= sinceMs ? found : undefined;
  if (known?.state === 'sent' || known?.state === 'given_up') return 'settled';
  const isBegun = known?.state === 'sending';
  if (isBegun && known.holder !== holder && nowMs < known.atMs + staleMs) return 'busy';
  const values = [key.tokenId, key.thresholdMs, key.channel, (known?.attempts ?? 0) + 1];
  connection.run(
    `INSERT OR REPLACE INTO reminders (token_id, threshold_ms, channel, state, attempts, at_ms, holder, keep_until_ms)
      VALUES (?, ?, ?, 'sending', ?, ?, ?, ?)`,
    ...values,
    nowMs,
    holder,
    keepUntilMs,
  );
  return isBegun ? 'repeated' : 'claimed';
};

const settleReminder: Step<'settleReminder'> = (connection, key, { holder, state, atMs }) => {
  connection.run(
    `UPDATE reminders SET state = ?1, at_ms = ?2
      WHERE token_id = ?3 AND threshold_ms = ?4 AND channel = ?5 AND state <> 'sent'
        AND (?1 = 'sent' OR (holder = ?6 AND state = 'sending'))`,
    state,
    atMs,
    key.tokenId,
    key.thresholdMs,
    key.channel,
    holder,
  );
  return 'done';
};

const prunedAtOnce = 500;

/** Of tokens that have expired. */
export const pruneReminders = (connection: FileConnection, nowMs: number): void => {
  connection.run(
    `DELETE FROM reminders WHERE (token_id, threshold_ms, channel) IN
      (SELECT token_id, threshold_ms, channel FROM reminders WHERE keep_until_ms < ? LIMIT ${prunedAtOnce})`,
    nowMs,
  );
};

export const reminders = (file: FileAccess): ReminderStore => ({
  listReminderLooks: file.reading(listReminderLooks),
  planReminderLooks: file.noting(planReminderLooks),
  leaseReminders: file.writing(leaseReminders),
  findReminders: file.reading(findReminders),
  claimReminder: file.writing(claimReminder),
  settleReminder: file.writing(settleReminder),
});
