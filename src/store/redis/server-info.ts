// What servers say of themselves (INFO, TIME): who they are, what time it is, whether they answer look-ups, and whether they
// can keep this store's promises.

import type { Redis } from 'ioredis';
import { DamagedRecord } from '../record-reader.ts';
import type { StoreLog } from '../store-options.ts';
import type { ClockReading, StoreProbe } from '../token-store.ts';
import { runOn, type StoreContext } from './context.ts';
import { allShards } from './key-space.ts';
import { script } from './script.ts';

/** The value of one field of INFO; empty where the server does not say. */
export const infoField = (info: string, name: string): string =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';

/** Who answers: the process and the history it serves. Both change when another server takes the address. */
export interface ServerIdentity {
  readonly role: string;
  readonly runId: string;
  /** `master_replid`. */
  readonly history: string;
  /** The server's clock, ms since the epoch: it, not ours, ages the streams. */
  readonly nowMs: number;
}

/** TIME: seconds and microseconds, as ms since the epoch. */
export const msOf = ([seconds, micros]: readonly unknown[]): number =>
  Number(seconds) * 1000 + Number(micros) / 1000;

export const readServerIdentity = async (client: Redis): Promise<ServerIdentity> => {
  const [info, time] = await Promise.all([client.info(), client.time()]);
  return {
    role: infoField(info, 'role'),
    runId: infoField(info, 'run_id'),
    history: infoField(info, 'master_replid'),
    nowMs: Math.floor(msOf(time)),
  };
};

/** The server's clock, in ms since the epoch. */
export const readServerTime = async (client: Redis): Promise<number> => Math.floor(msOf(await client.time()));

/**
 * Logs an error for a server that would make room by forgetting (it would forget revocations), or that is too old
 * (XADD MINID came with 6.2). INFO, because managed servers refuse CONFIG.
 */
export const checkServer = async (client: Redis, log: StoreLog): Promise<void> => {
  const info = await client.info();
  const version = infoField(info, 'redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2))
    log.error(`Redis ${version} is too old to keep a change feed: use 6.2 or newer`, { version });
  const policy = infoField(info, 'maxmemory_policy');
  const maxmemory = Number(infoField(info, 'maxmemory'));
  if (maxmemory === 0 || policy === 'noeviction' || policy === '') return;
  log.error(
    `Redis evicts keys when its memory is full (maxmemory-policy ${policy}), and with them tokens and revocations: ` +
      'set maxmemory-policy noeviction',
    { policy, maxmemory },
  );
};

/** KEYS a digest. Reads as a look-up does. Replies the server's TIME: seconds and microseconds. */
const askTime = script(`
redis.call('GET', KEYS[1])
return redis.call('TIME')
`);

/** One of each shard, with a meaning of its own nowhere: a digest is the SHA-256 of a secret. */
const digestOfNothing = (shard: number): string => `0${shard.toString(16)}`.padEnd(64, '0');

/** Asks every server that look-ups go to for a look-up and for the time. On a single server one shard speaks for all. */
export const probe = async (context: StoreContext, isCluster: boolean): Promise<StoreProbe> => {
  const shards = isCluster ? allShards : allShards.slice(0, 1);
  return { readings: await Promise.all(shards.map((shard) => readClock(context, shard))) };
};

const readClock = async ({ keys, reads }: StoreContext, shard: number): Promise<ClockReading> => {
  const askedAtMs = performance.now();
  const reply = await runOn(reads, askTime, [keys.digest(digestOfNothing(shard))], []);
  const answeredAtMs = performance.now();
  const timeMs = Array.isArray(reply) ? msOf(reply) : NaN;
  if (!Number.isFinite(timeMs)) throw new DamagedRecord('the reply to a probe');
  return {
    originMs: timeMs - (askedAtMs + answeredAtMs) / 2,
    uncertaintyMs: (answeredAtMs - askedAtMs) / 2,
  };
};
