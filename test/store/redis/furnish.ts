// A Redis store for a test: opened, closed with the test, and with one org, one user and one API token in it.

import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { isOutage, type Outage } from '../../../src/decision/outcome.ts';
import type { RedisSettings } from '../../../src/settings/settings.ts';
import type { OrgRecord, UserRecord } from '../../../src/store/records.ts';
import { createRedisStore } from '../../../src/store/redis/redis-store.ts';
import type { StoreOptions } from '../../../src/store/store-options.ts';
import type { TokenStore } from '../../../src/store/token-store.ts';
import { type ExampleToken, exampleOrg, exampleToken, exampleUser } from '../../contract/examples.ts';
import { type RecordedFeed, recordFeed } from '../../contract/recorded-feed.ts';
import { redisSettings } from '../../support/redis-settings.ts';

export const hourMs = 3_600_000;

/** The time-outs of the settings room's defaults; only tests about time-outs want them so tight. */
export const tight = { connectTimeoutMs: 500, readTimeoutMs: 250, writeTimeoutMs: 1000 } as const;

/** Opens a store; `over` says where the server is. */
export const openStore = async (
  t: Test,
  over: Partial<RedisSettings>,
  options: Partial<StoreOptions> = {},
): Promise<TokenStore> => {
  const store = createRedisStore(redisSettings(over), { retentionMs: hourMs, ...options });
  t.teardown(() => store.close());
  await store.open();
  return store;
};

export interface Furniture {
  readonly org: OrgRecord;
  readonly user: UserRecord;
  readonly made: ExampleToken;
}

/** Puts an org, a user and an API token in. */
export const furnish = async (t: Test, store: TokenStore): Promise<Furniture> => {
  const org = exampleOrg();
  const user = exampleUser(org.id);
  const made = exampleToken(user);
  t.equal(await store.createOrg(org), 'created');
  t.equal(await store.createUser(user), 'created');
  t.equal(await store.createToken(made.token, made.digest), 'created');
  return { org, user, made };
};

/** Follows the feed and waits until it has caught up. */
export const followed = async (t: Test, store: TokenStore): Promise<RecordedFeed> => {
  const told = recordFeed();
  const subscription = store.follow(told);
  t.teardown(() => subscription.close());
  await told.until(() => told.events.includes('caughtUp'));
  return told;
};

/** Asks again and again until it is so; for what no event announces. */
export const eventually = async (isSo: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await isSo())) await delay(10);
};

/** Asks until the answer is no outage. */
export const answered = async <T>(ask: () => Promise<T | Outage>): Promise<T> => {
  for (;;) {
    const answer = await ask();
    if (!isOutage(answer)) return answer as T;
    await delay(10);
  }
};

/** The code of an outage's cause; 'no outage' for an answer. */
export const codeOf = (answer: unknown): string => {
  if (!isOutage(answer)) return 'no outage';
  const { cause } = answer;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'no code';
};

/** How long something took, in ms, and what came of it. */
export const timed = async <T>(work: () => Promise<T>): Promise<[result: T, tookMs: number]> => {
  const startedAt = performance.now();
  const result = await work();
  return [result, performance.now() - startedAt];
};

/** A log that keeps its lines. */
export const keptLog = () => {
  const lines: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  const keep =
    (level: string) =>
    (message: string, fields: object): void =>
      void lines.push({ level, fields, message });
  return { lines, info: keep('info'), warn: keep('warn'), error: keep('error') };
};
