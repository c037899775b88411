// A Redis that may evict keys may evict a revocation. Nothing can be done about it from here but to say so, loudly.

import type { Redis } from 'ioredis';
import { infoField } from './info.ts';
import type { StoreLog } from './link.ts';

/** Logs an error when the server would make room by forgetting. INFO, because managed servers refuse CONFIG. */
export const warnOfEviction = async (client: Redis, log: StoreLog): Promise<void> => {
  const info = await client.info('memory');
  const policy = infoField(info, 'maxmemory_policy');
  const maxmemory = Number(infoField(info, 'maxmemory'));
  if (maxmemory === 0 || policy === 'noeviction' || policy === '') return;
  log.error(
    { policy, maxmemory },
    `Redis evicts keys when its memory is full (maxmemory-policy ${policy}), and with them tokens and revocations: ` +
      'set maxmemory-policy noeviction',
  );
};
