// Reminders on Redis: the next look at each token stands in a sorted set of its shard, what was sent in a hash of the token,
// which goes with it. The lease is one key.

import { shardOfTokenId } from '../../tokens/shard.ts';
import { DamagedRecord, integer, oneOf, record, text } from '../record-reader.ts';
import {
  reminderChannels,
  type ReminderKey,
  type ReminderLook,
  type ReminderRecord,
  reminderStates,
  type ReminderStore,
} from '../reminder-store.ts';
import { commandsOf, readHash, type Step, type StoreContext } from './context.ts';
import { allShards, isStorableTokenId } from './key-space.ts';
import { claimReminder, settleReminder, takeLease } from './reminder-scripts.ts';
import { parseVanishing } from './token-sets.ts';

const list: Step<'listReminderLooks'> = async ({ keys, reads }, nowMs, limit) => {
  const due: string[] = [];
  for (const shard of allShards) {
    if (due.length >= limit) return due;
    const set = keys.looks(shard);
    const found = await reads.on(set, (client) =>
      client.zrangebyscore(set, '-inf', nowMs, 'LIMIT', 0, limit - due.length),
    );
    due.push(...found);
  }
  return due;
};

/** Of one shard; a token that has left the set meanwhile stays out of it. */
const planInShard = async (
  { keys, unacknowledged }: StoreContext,
  shard: number,
  looks: readonly ReminderLook[],
): Promise<void> => {
  const set = keys.looks(shard);
  const writes = unacknowledged('sweep');
  const planned = looks.flatMap(({ tokenId, atMs }) => (atMs === undefined ? [] : [atMs, tokenId]));
  const ended = looks.flatMap(({ tokenId, atMs }) => (atMs === undefined ? [tokenId] : []));
  if (planned.length > 0) await writes.on(set, (client) => client.zadd(set, 'XX', ...planned));
  if (ended.length > 0) await writes.on(set, (client) => client.zrem(set, ...ended));
};

const plan: Step<'planReminderLooks'> = async (context, looks) => {
  const byShard = Map.groupBy(
    looks.filter(({ tokenId }) => isStorableTokenId(tokenId)),
    ({ tokenId }) => shardOfTokenId(tokenId),
  );
  await Promise.all([...byShard].map(([shard, some]) => planInShard(context, shard, some)));
  return 'done';
};

/** The server's own clock ends a lease. */
const lease: Step<'leaseReminders'> = async ({ keys, write }, holder, _nowMs, forMs) =>
  (await write(takeLease, [keys.reminderLease()], [holder, forMs])) === 1 ? 'held' : 'taken';

const fieldOf = ({ thresholdMs, channel }: Omit<ReminderKey, 'tokenId'>): string =>
  `${thresholdMs}:${channel}`;

const readReminder = record({
  thresholdMs: integer,
  channel: oneOf(reminderChannels),
  state: oneOf(reminderStates),
  attempts: integer,
  atMs: integer,
  holder: text,
});

const parseReminder = (tokenId: string, field: string, value: string): ReminderRecord => {
  const what = `a reminder of the API token ${tokenId}`;
  const [thresholdMs, channel] = field.split(':');
  const [state, attempts, atMs, holder] = value.split(' ');
  return readReminder(
    {
      thresholdMs: Number(thresholdMs),
      channel,
      state,
      attempts: Number(attempts),
      atMs: Number(atMs),
      holder,
    },
    what,
  );
};

const find: Step<'findReminders'> = async ({ keys, reads }, tokenId) => {
  if (!isStorableTokenId(tokenId)) return [];
  const fields = await readHash(reads, keys.reminders(tokenId));
  return [...(fields ?? [])].map(([field, value]) => parseReminder(tokenId, field, value));
};

const claim: Step<'claimReminder'> = async (
  { keys, write },
  key,
  { holder, nowMs, staleMs, keepUntilMs, sinceMs = 0 },
) => {
  const reply = await write(
    claimReminder,
    [keys.reminders(key.tokenId)],
    [fieldOf(key), holder, nowMs, nowMs - staleMs, keepUntilMs, sinceMs],
  );
  return oneOf(['claimed', 'repeated', 'busy', 'settled'])(reply, 'the reply to a write');
};

const settle: Step<'settleReminder'> = async ({ keys, write }, key, { holder, state, atMs }) => {
  await write(settleReminder, [keys.reminders(key.tokenId)], [fieldOf(key), holder, state, atMs]);
  return 'done';
};

export const reminders = (context: StoreContext): ReminderStore => {
  const command = commandsOf(context);
  return {
    listReminderLooks: command(list),
    planReminderLooks: command(plan),
    leaseReminders: command(lease),
    findReminders: command(find),
    claimReminder: command(claim),
    settleReminder: command(settle),
  };
};

const atOnce = 500;

type LooksContext = Pick<StoreContext, 'keys' | 'reads' | 'unacknowledged'>;

/** Plans a look at each token of an earlier version, and writes down that this was done. */
export const planEarlierLooks = async (context: LooksContext, isClosed: () => boolean): Promise<void> => {
  const { keys, reads, unacknowledged } = context;
  const mark = keys.looksPlanned();
  if ((await reads.on(mark, (client) => client.get(mark))) !== null) return;
  for (const shard of allShards) await planShard(context, shard, isClosed);
  if (!isClosed()) await unacknowledged('sweep').on(mark, (client) => client.set(mark, '1'));
};

/** All tokens that will expire stand among the records that vanish. Many may do so at the same time: an offset counts those. */
const planShard = async (
  { keys, reads, unacknowledged }: LooksContext,
  shard: number,
  isClosed: () => boolean,
): Promise<void> => {
  const [vanishing, set] = [keys.vanishing(shard), keys.looks(shard)];
  let [from, offset] = ['-inf', 0];
  while (!isClosed()) {
    const page = await reads.on(vanishing, (client) =>
      client.zrangebyscore(vanishing, from, '+inf', 'WITHSCORES', 'LIMIT', offset, atOnce),
    );
    const scores = page.filter((_, index) => index % 2 === 1);
    const ids = page.flatMap((member, index) => (index % 2 === 0 ? idsOf(member) : []));
    const looks = ids.flatMap((id) => [0, id]);
    if (looks.length > 0) await unacknowledged('sweep').on(set, (client) => client.zadd(set, 'NX', ...looks));
    const last = scores.at(-1);
    if (last === undefined || scores.length < atOnce) return;
    const ofLast = scores.filter((score) => score === last).length;
    offset = last === from ? offset + atOnce : ofLast;
    from = last;
  }
};

const idsOf = (member: string): readonly string[] => {
  try {
    return [parseVanishing(member).id];
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error;
    return [];
  }
};
