// What limits count, in the embedded store: a row for each allowance, tally and living replica, which is deleted after its time.

import { takeFromBucket } from '../../decision/bucket.ts';
import {
  type Allowance,
  allowanceOfQuota,
  type CountStore,
  type TallyPart,
  type TallyTotal,
} from '../count-store.ts';
import type { FileConnection } from './connection.ts';
import type { FileAccess, Step } from './file-access.ts';

interface Count {
  /** How many; of a rate, when its bucket is full. */
  readonly value: number;
  readonly untilMs: number;
}

const read = (connection: FileConnection, name: string, nowMs: number): Count | undefined => {
  const row = connection.get('SELECT value, until_ms FROM counts WHERE name = ?', name);
  const count = { value: Number(row?.['value']), untilMs: Number(row?.['until_ms']) };
  return count.untilMs > nowMs && Number.isFinite(count.value) ? count : undefined;
};

const write = (connection: FileConnection, name: string, { value, untilMs }: Count): void => {
  connection.run(
    'INSERT INTO counts (name, value, until_ms) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, until_ms = ?3',
    name,
    value,
    Math.ceil(untilMs),
  );
};

const takeAllowance: Step<'takeAllowance'> = (
  connection,
  { key, terms, spent, wanted },
  nowMs,
): Allowance => {
  const known = read(connection, key, nowMs);
  const isChanged = (granted: number): boolean => spent !== 0 || granted > 0;
  if (terms.kind === 'rate') {
    const state = takeFromBucket(terms, known?.value ?? nowMs, nowMs, spent, wanted);
    const { fullAtMs, granted, left, retryAfterMs } = state;
    if (isChanged(granted)) write(connection, key, { value: fullAtMs, untilMs: fullAtMs });
    return { granted, left, retryAfterMs, fullAfterMs: Math.ceil(fullAtMs - nowMs) };
  }
  const used = Math.max(0, (known?.value ?? 0) + spent);
  const granted = Math.max(0, Math.min(wanted, terms.requests - used));
  if (isChanged(granted)) write(connection, key, { value: used + granted, untilMs: terms.untilMs });
  const left = Math.max(0, terms.requests - used - granted);
  return allowanceOfQuota(terms, granted, left, nowMs);
};

const addTally = (
  connection: FileConnection,
  { key, delta, windowMs }: TallyPart,
  nowMs: number,
): TallyTotal => {
  const known = read(connection, key, nowMs);
  const total = Math.max(0, (known?.value ?? 0) + delta);
  const untilMs = known?.untilMs ?? nowMs + windowMs;
  if (total === 0) connection.run('DELETE FROM counts WHERE name = ?', key);
  else write(connection, key, { value: total, untilMs });
  return { total, endsAfterMs: untilMs - nowMs };
};

const addTallies: Step<'addTallies'> = (connection, parts, nowMs) =>
  parts.map((part) => addTally(connection, part, nowMs));

const noteReplica: Step<'noteReplica'> = (connection, replica, nowMs, forMs) => {
  write(connection, `replica:${replica}`, { value: 1, untilMs: nowMs + forMs });
  const sql = `SELECT count(*) AS living FROM counts WHERE name > 'replica:' AND name < 'replica;' AND until_ms > ?`;
  return Number(connection.get(sql, nowMs)?.['living']);
};

const prunedAtOnce = 500;

export const pruneCounts = (connection: FileConnection, nowMs: number): void => {
  connection.run(
    `DELETE FROM counts WHERE name IN (SELECT name FROM counts WHERE until_ms < ? LIMIT ${prunedAtOnce})`,
    nowMs,
  );
};

export const counts = (file: FileAccess): CountStore => ({
  takeAllowance: file.counting(takeAllowance),
  addTallies: file.counting(addTallies),
  noteReplica: file.counting(noteReplica),
});
