// Asks every server that look-ups go to for a look-up and for the time.

import type { ClockReading, StoreProbe } from '../token-store.ts';
import { runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { DamagedRecord } from '../record-reader.ts';
import { allShards } from './key-space.ts';
import { script } from './script.ts';
import { msOf } from './server-info.ts';

/** KEYS a digest. Reads as a look-up does. Replies the server's TIME: seconds and microseconds. */
const askTime = script(`
redis.call('GET', KEYS[1])
return redis.call('TIME')
`);

/** One of each shard, with a meaning of its own nowhere: a digest is the SHA-256 of a secret. */
const digestOfNothing = (shard: number): string => `0${shard.toString(16)}`.padEnd(64, '0');

/** On a single server one shard speaks for all. */
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
