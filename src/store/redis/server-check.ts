// What a server must be like for this store to keep its promises. Nothing can be done about it from here but to say so,
// loudly, of every server a connection is made to.

import type { Redis } from 'ioredis';
import type { StoreLog } from '../store-log.ts';
import { infoField } from './info.ts';

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
