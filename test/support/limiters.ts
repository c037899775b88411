// Replicas that count together, in one process: a limiter each, with a connection of its own to one real Redis.

import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import type { Outage } from '../../src/decision/outcome.ts';
import type { RouteRule } from '../../src/decision/route-rule.ts';
import { Limiter, type LimiterSettings, type LimitVerdict } from '../../src/limits/limiter.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { until } from './gate-process.ts';
import { anIdentity } from './identity.ts';
import { redisSettings } from './redis-settings.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { aRule } from './route-rule.ts';

export const limiterSettings = (over: Partial<LimiterSettings>): LimiterSettings => ({
  rateLimits: [],
  quotas: [],
  rateLimitHeaders: true,
  ...over,
});

export interface LimitedReplicas {
  readonly server: RedisServer;
  readonly limiters: readonly Limiter[];
  readonly stores: readonly TokenStore[];
  readonly outages: (Outage | undefined)[];
  /** By the clock of the server, in ms since the epoch. */
  readonly storeMs: () => Promise<number>;
}

/** One that is there. */
export const theOnly = <T>([first]: readonly T[]): T => {
  if (first === undefined) throw new Error('none');
  return first;
};

/** Replicas who have heard of each other. */
export const startLimiters = async (
  t: Test,
  settings: LimiterSettings,
  count = 3,
  now: () => number = Date.now,
): Promise<LimitedReplicas> => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const { socketPath } = server;
  const asking = new Redis({ path: socketPath, retryStrategy: () => 50 });
  asking.on('error', () => undefined);
  t.teardown(() => asking.disconnect());
  const outages: (Outage | undefined)[] = [];
  const stores: TokenStore[] = [];
  const limiters: Limiter[] = [];
  for (let at = 0; at < count; at++) {
    const store = createRedisStore(
      redisSettings({ socketPath, readTimeoutMs: 1_000, writeTimeoutMs: 1_000 }),
      {
        retentionMs: 3_600_000,
      },
    );
    await store.open();
    t.teardown(() => store.close());
    const limiter = new Limiter(settings, { store, now, onOutage: (outage) => void outages.push(outage) });
    t.teardown(() => limiter.close());
    limiter.begin();
    stores.push(store);
    limiters.push(limiter);
  }
  await until(() => limiters.every((limiter) => limiter.reading().replicas === count));
  return {
    server,
    limiters,
    stores,
    outages,
    storeMs: async () => {
      const [seconds = 0, micros = 0] = (await asking.time()).map(Number);
      return seconds * 1_000 + micros / 1_000;
    },
  };
};

export const limitedRule: RouteRule = aRule({ name: 'things' });
const alice = anIdentity({});

/** One request of the same caller, on its way; undefined: nothing limits it. */
export const judged = async (
  limiter: Limiter,
  { nowMs = Date.now(), rule = limitedRule, identity = alice, address = '192.0.2.1' } = {},
): Promise<LimitVerdict> => {
  const verdict = await limiter.judge(rule, identity, address, nowMs);
  if (verdict === undefined) throw new Error('no limit is about this request');
  return verdict;
};

/** So many requests at once; how many passed. */
export const passedOf = async (limiter: Limiter, requests: number, asked = {}): Promise<number> => {
  const verdicts = await Promise.all(Array.from({ length: requests }, () => judged(limiter, asked)));
  return verdicts.filter(({ refusal }) => refusal === undefined).length;
};

/** Sends as fast as it can until the time has come; how many passed. */
export const passedUntil = async (limiter: Limiter, isOver: () => boolean): Promise<number> => {
  let passed = 0;
  while (!isOver()) {
    passed += await passedOf(limiter, 20);
    await setImmediate();
  }
  return passed;
};
