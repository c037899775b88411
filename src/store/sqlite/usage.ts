// Usage in the embedded store: a row for each API token, user and org, and each day. A batch is added in one transaction.

import { integer, record, text } from '../record-reader.ts';
import {
  addDays,
  type DayUsage,
  sumsBySubject,
  type UsageBatch,
  type UsageStore,
  type UsageSubject,
  writerKeptMs,
  dayMs,
} from '../usage-store.ts';
import type { FileConnection } from './connection.ts';
import type { FileAccess, Step } from './file-access.ts';

/** No id of an org or user holds a blank. */
const nameOf = (subject: UsageSubject): string => {
  if ('tokenId' in subject) return `token ${subject.tokenId}`;
  const { orgId, userId } = subject;
  return userId === undefined ? `org ${orgId}` : `user ${orgId}/${userId}`;
};

/** Nothing grows past what a reader takes for a whole number. */
const grown = (column: string): string =>
  `${column} = min(${column} + excluded.${column}, ${Number.MAX_SAFE_INTEGER})`;

const addToDay = `INSERT INTO usage_sums (subject, day, requests, refused, bytes_in, bytes_out, keep_until)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (subject, day) DO UPDATE
    SET ${['requests', 'refused', 'bytes_in', 'bytes_out'].map(grown).join(', ')}`;

/** Changes nothing where the writer's batch was added before. */
const takeNumber = `INSERT INTO usage_writers (writer, number, keep_until) VALUES (?1, ?2, ?3)
  ON CONFLICT (writer) DO UPDATE SET number = ?2, keep_until = ?3 WHERE number < ?2`;

const addBatch = (connection: FileConnection, batch: UsageBatch): void => {
  const { writer, number, day, keepDays, sums } = batch;
  const writerKeepUntil = addDays(day, writerKeptMs / dayMs + 1);
  if (connection.run(takeNumber, writer, number, writerKeepUntil) === 0) return;
  const keepUntil = addDays(day, keepDays);
  for (const [subject, sum] of sumsBySubject(sums, nameOf)) {
    const { requests, refused, bytesIn, bytesOut } = sum;
    connection.run(addToDay, subject, day, requests, refused, bytesIn, bytesOut, keepUntil);
  }
  pruneUsage(connection, day);
};

const addUsage = (connection: FileConnection, batches: readonly UsageBatch[]): void => {
  for (const batch of batches) addBatch(connection, batch);
};

const readDay = record({
  day: text,
  requests: integer,
  refused: integer,
  bytesIn: integer,
  bytesOut: integer,
});

const readUsage: Step<'readUsage'> = (connection, subject, { from, to }) =>
  connection
    .all(
      `SELECT day, requests, refused, bytes_in AS bytesIn, bytes_out AS bytesOut FROM usage_sums
        WHERE subject = ? AND day BETWEEN ? AND ? ORDER BY day`,
      nameOf(subject),
      from,
      to,
    )
    .map((row): DayUsage => readDay({ ...row }, 'usage'));

const prunedAtOnce = 500;

/** What need not be kept on this day any more. */
export const pruneUsage = (connection: FileConnection, day: string): void => {
  connection.run(
    `DELETE FROM usage_sums WHERE (subject, day) IN
      (SELECT subject, day FROM usage_sums WHERE keep_until < ? LIMIT ${prunedAtOnce})`,
    day,
  );
  connection.run('DELETE FROM usage_writers WHERE keep_until < ?', day);
};

export const usage = (file: FileAccess): UsageStore => {
  const add = file.noting(addUsage);
  return { addUsage: (batch) => add([batch]), readUsage: file.reading(readUsage) };
};
