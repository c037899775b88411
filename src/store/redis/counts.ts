// What limits count, on Redis: one key for each allowance and each tally, which ends by itself. None of it waits for replicas: a
// failover may lose the counts of a moment, and no caller is answered that they are kept.

import { shardOfTokenId } from '../../tokens/shard.ts';
import {
  type Allowance,
  allowanceOfQuota,
  type CountStore,
  type TallyPart,
  type TallyTotal,
} from '../count-store.ts';
import { DamagedRecord } from '../record-reader.ts';
import { commandsOf, runOn, type Step, type StoreContext } from './context.ts';
import { addReplica, addToTallies, takeFromQuota, takeFromRate } from './count-scripts.ts';

/** A count of an ended period is of use to nobody; clocks of servers and replicas may differ by less than this. */
const keptAfterMs = 3_600_000;

const numbersOf = (reply: unknown): readonly number[] => {
  const numbers = Array.isArray(reply) ? reply.filter((each) => typeof each === 'number') : [];
  if (!Array.isArray(reply) || numbers.length < reply.length) throw new DamagedRecord('the reply to a count');
  return numbers;
};

const take: Step<'takeAllowance'> = async (
  { keys, unacknowledged },
  { key, terms, spent, wanted },
  nowMs,
): Promise<Allowance> => {
  const writes = unacknowledged('counts');
  if (terms.kind === 'rate') {
    const args = [terms.intervalMs, terms.capacity, spent, wanted];
    const reply = numbersOf(await runOn(writes, takeFromRate, [keys.count(key)], args));
    const [granted = 0, left = 0, retryAfterMs = 0, fullAfterMs = 0] = reply;
    return { granted, left, retryAfterMs, fullAfterMs };
  }
  const args = [terms.requests, spent, wanted, terms.untilMs + keptAfterMs];
  const [granted = 0, left = 0] = numbersOf(await runOn(writes, takeFromQuota, [keys.count(key)], args));
  return allowanceOfQuota(terms, granted, left, nowMs);
};

/** How many keys one script counts: it holds up the server for less than a millisecond. */
const keysAtOnce = 100;

const add: Step<'addTallies'> = async ({ keys, unacknowledged }, parts) => {
  const writes = unacknowledged('counts');
  const totals = new Map<TallyPart, TallyTotal>();
  const byShard = Map.groupBy(parts, ({ key }) => shardOfTokenId(key));
  const addSome = async (some: readonly TallyPart[]): Promise<void> => {
    const args = some.flatMap(({ delta, windowMs }) => [delta, windowMs]);
    const names = some.map(({ key }) => keys.count(key));
    const numbers = numbersOf(await runOn(writes, addToTallies, names, args));
    for (const [index, part] of some.entries())
      totals.set(part, { total: numbers[2 * index] ?? 0, endsAfterMs: numbers[2 * index + 1] ?? 0 });
  };
  const batches = [...byShard.values()].flatMap((some) =>
    Array.from({ length: Math.ceil(some.length / keysAtOnce) }, (_, at) =>
      some.slice(at * keysAtOnce, (at + 1) * keysAtOnce),
    ),
  );
  await Promise.all(batches.map(addSome));
  return parts.map((part) => totals.get(part) ?? { total: 0, endsAfterMs: 0 });
};

const note: Step<'noteReplica'> = async ({ keys, unacknowledged }, replica, _nowMs, forMs) =>
  Number(await runOn(unacknowledged('counts'), addReplica, [keys.replicas()], [replica, forMs]));

export const counts = (context: StoreContext): CountStore => {
  const command = commandsOf(context);
  return {
    takeAllowance: command(take),
    addTallies: command(add),
    noteReplica: command(note),
  };
};
