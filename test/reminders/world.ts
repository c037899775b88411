// A store with an org, a user and tokens about to expire; and rounds of reminders on it, at a time the test says.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Test } from 'tap';
import { createPace, openChannels, roundSettings } from '../../src/reminders/round.ts';
import { type RoundEnd, type SendingReport, sendRound } from '../../src/reminders/send-due.ts';
import type { ApiTokenRecord, OrgRecord, UserRecord } from '../../src/store/records.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { exampleOrg, exampleToken, exampleUser, startMs } from '../contract/examples.ts';
import { settingsWith } from '../support/settings.ts';
import { webhookKey } from '../support/webhook-receiver.ts';

export const dayMs = 86_400_000;

export type ReminderChange = Partial<Settings['reminders']>;

export const smtpOn = (port: number, over: Partial<NonNullable<Settings['reminders']['smtp']>> = {}) => ({
  host: '127.0.0.1',
  port,
  tls: 'opportunistic' as const,
  ca: undefined,
  user: undefined,
  password: undefined,
  from: 'Tollgate <tollgate@example.com>',
  timeoutMs: 2_000,
  ...over,
});

export const webhookOn = (
  url: string,
  over: Partial<NonNullable<Settings['reminders']['webhook']>> = {},
) => ({
  url,
  secret: webhookKey,
  timeoutMs: 1_000,
  attempts: 3,
  ...over,
});

export interface World {
  readonly store: TokenStore;
  readonly org: OrgRecord;
  readonly user: UserRecord;
  /** The time by the store's clock. */
  nowMs: number;
  /** A token made 100 days before it expires, so many days from `startMs`. */
  make(expiresInDays: number, over?: Partial<ApiTokenRecord>, owner?: UserRecord): Promise<ApiTokenRecord>;
  /** One round, by a process of its own unless `holder` says otherwise. */
  round(
    change: ReminderChange,
    over?: { readonly holder?: string; readonly store?: TokenStore; readonly dueMax?: number },
  ): Promise<{ readonly end: RoundEnd; readonly reports: readonly SendingReport[] }>;
}

export const openWorld = async (t: Test, given: { readonly store?: TokenStore } = {}): Promise<World> => {
  const file = join(t.testdir(), 'tollgate.db');
  const store = given.store ?? createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
  if (given.store === undefined) {
    await store.open();
    t.teardown(() => store.close());
  }
  const org = exampleOrg({ id: `acme-${randomUUID().slice(0, 8)}` });
  const user = exampleUser(org.id, { email: 'ann@example.com' });
  await store.createOrg(org);
  await store.createUser(user);
  const world: World = {
    store,
    org,
    user,
    nowMs: startMs,
    make: async (expiresInDays, over = {}, owner = user) => {
      const expiresAtMs = startMs + expiresInDays * dayMs;
      const { token, digest } = exampleToken(owner, {
        createdAtMs: expiresAtMs - 100 * dayMs,
        expiresAtMs,
        ...over,
      });
      t.equal(await store.createToken(token, digest), 'created');
      return token;
    },
    round: async (change, over = {}) => {
      const settings = settingsWith({ reminders: { perMinute: 6_000, ...change } });
      const now = (): number => world.nowMs;
      const channels = openChannels(settings, now);
      const reports: SendingReport[] = [];
      const deps = {
        ...roundSettings(settings),
        store: over.store ?? store,
        now,
        channels,
        holder: over.holder ?? randomUUID(),
        pace: createPace(() => settings.reminders.perMinute, new AbortController().signal),
        report: (report: SendingReport) => void reports.push(report),
      };
      try {
        return { end: await sendRound(deps, over.dueMax ?? 100), reports };
      } finally {
        for (const channel of channels) channel.close();
      }
    },
  };
  return world;
};

/** What became of each attempt. */
export const resultsOf = (reports: readonly SendingReport[]): readonly string[] =>
  reports.map(({ channel, result, why }) => [channel, result, ...(why === undefined ? [] : [why])].join(' '));
