// What a server says of itself (INFO, TIME): who it is, what time it is, and whether it can keep this store's promises.

import type { Redis } from 'ioredis';
import type { StoreLog } from '../store-options.ts';

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
