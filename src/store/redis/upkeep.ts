// Tasks of a serving process in the background: they bring an older version's data up to date, and remove what has vanished.
// They run one after the other, in small steps between requests, each safe to repeat: several replicas may do it at once.
// Those here keep the sets whole by which API tokens are listed.

import { shardOfAccount } from '../../tokens/shard.ts';
import { DamagedRecord } from '../record-reader.ts';
import { loadToken } from './api-tokens.ts';
import { listIndex, type StoreContext } from './context.ts';
import { faultOf, RedisFault } from './fault.ts';
import { allShards } from './key-space.ts';
import { indexToken, parseVanishing } from './token-sets.ts';

export interface UpkeepTask {
  readonly work: (context: StoreContext, isClosed: () => boolean) => Promise<void>;
  /** How long after it ended well it is done again. */
  readonly everyMs: number;
}

/** After a failure, such as a server that is down. */
const tryAgainMs = 15_000;

export type Upkeep = ReturnType<typeof createUpkeep>;

/** Begins nothing yet. A bug is thrown on; what the server refuses is tried again. */
export const createUpkeep = (context: StoreContext, tasks: readonly UpkeepTask[]) => {
  let isBegun = false;
  let isClosed = false;
  const timers = new Set<NodeJS.Timeout>();
  const runAfter = (task: UpkeepTask, waitMs: number): void => {
    if (isClosed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void run(task);
    }, waitMs).unref();
    timers.add(timer);
  };
  const run = async (task: UpkeepTask): Promise<void> => {
    try {
      await task.work(context, () => isClosed);
      runAfter(task, task.everyMs);
    } catch (error) {
      const { code } = faultOf(error, []);
      if (!isClosed) context.log.warn('upkeep of the store failed; trying again', { code });
      runAfter(task, tryAgainMs);
    }
  };
  return {
    get isBegun(): boolean {
      return isBegun;
    },
    /** Begins, once. */
    begin: (): void => {
      if (isBegun) return;
      isBegun = true;
      void (async () => {
        for (const task of tasks) if (!isClosed) await run(task);
      })();
    },
    close: (): void => {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
};

const atOnce = 50;

/** Puts every token of every user into the sets, and writes down that none of an earlier version is left out. */
export const indexEarlierTokens = async (context: StoreContext, isClosed: () => boolean): Promise<void> => {
  const { keys, reads } = context;
  const writes = context.unacknowledged('sweep');
  for (const shard of allShards)
    await eachOf(context, isClosed, keys.orgs(shard), (orgId) =>
      eachOf(context, isClosed, keys.usersOf(orgId), (userId) => indexTokensOf(context, orgId, userId)),
    );
  const mark = keys.tokensIndexed();
  if (!isClosed() && (await reads.on(mark, (client) => client.get(mark))) === null)
    await writes.on(mark, (client) => client.set(mark, '1'));
};

/** Of one user: costs three counts where nothing is missing. */
const indexTokensOf = async (context: StoreContext, orgId: string, userId: string): Promise<void> => {
  const { keys, reads } = context;
  const writes = context.unacknowledged('sweep');
  const shard = shardOfAccount(orgId, userId);
  const all = keys.tokensOf(orgId, userId);
  const account = keys.account(orgId, userId);
  const sets = [
    all,
    keys.tokenIndex(shard, 'live', 'createdAtMs', account),
    keys.tokenIndex(shard, 'revoked', 'createdAtMs', account),
  ];
  const [known = 0, live = 0, revoked = 0] = await Promise.all(
    sets.map((set) => reads.on(set, (client) => client.zcard(set))),
  );
  if (known <= live + revoked) return;
  const isClosed = (): boolean => false;
  await eachOf(context, isClosed, all, async (tokenId) => {
    const token = await loadToken(context, tokenId);
    if (token === undefined) await writes.on(all, (client) => client.zrem(all, tokenId));
    else await indexToken(context, token);
  });
};

/** Does something with each member of an index, a few at a time. */
const eachOf = async (
  { reads }: StoreContext,
  isClosed: () => boolean,
  index: string,
  work: (member: string) => Promise<void>,
): Promise<void> => {
  let last: string | undefined;
  do {
    const members = await listIndex(reads, index, last, atOnce);
    await Promise.all(members.map((member) => unlessDamaged(() => work(member))));
    last = members.length < atOnce ? undefined : members.at(-1);
  } while (last !== undefined && !isClosed());
};

/** One record that cannot be read must not keep the others from being listed. */
const unlessDamaged = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error;
  }
};

/**
 * Takes records that have vanished by now out of the sets. `nowMs`: ms since the epoch by the store's clock: by one that is
 * fast, records that are still there would be read again and again.
 */
export const sweepVanished = async (
  context: StoreContext,
  isClosed: () => boolean,
  nowMs: () => number,
): Promise<void> => {
  const { keys, reads } = context;
  for (const shard of allShards) {
    const set = keys.vanishing(shard);
    for (let found = atOnce; found === atOnce && !isClosed();) {
      const members = await reads.on(set, (client) =>
        client.zrangebyscore(set, '-inf', nowMs(), 'LIMIT', 0, atOnce),
      );
      // A record that is still there gets the time at which it will be gone.
      await Promise.all(
        members.map((member) => unlessDamaged(() => indexToken(context, parseVanishing(member)))),
      );
      found = members.length;
    }
  }
};

/**
 * While an earlier version's tokens are put into the sets, a listing of an org would leave some out: it is refused, for a
 * moment; that of a user waits for the user's. Throws the fault.
 */
export const createIndexGuard = (
  context: StoreContext,
): ((orgId: string, userId: string | undefined) => Promise<void>) => {
  const { keys, reads } = context;
  let isIndexed = false;
  return async (orgId, userId) => {
    if (isIndexed) return;
    const mark = keys.tokensIndexed();
    isIndexed = (await reads.on(mark, (client) => client.get(mark))) !== null;
    if (isIndexed) return;
    if (userId !== undefined) return indexTokensOf(context, orgId, userId);
    if (context.isServing())
      throw new RedisFault(
        'INDEXING',
        'the API tokens of an earlier version are being indexed; they are listed in a moment',
      );
  };
};
