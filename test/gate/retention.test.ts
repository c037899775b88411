import t from 'tap';
import { feedRetentionMs } from '../../src/gate/retention.ts';
import type { IssuerSettings, Settings } from '../../src/settings/settings.ts';
import { settingsWith } from '../support/settings.ts';

const minuteMs = 60_000;
type Wanted = Parameters<typeof feedRetentionMs>[0];

const settings = (change: {
  readonly accessTokenLifetimeMs?: number;
  readonly clockLeewayMs?: number;
  readonly issuerAgesMs?: readonly number[];
  readonly identityTtlMs?: number;
  readonly maxStalenessMs?: number;
  readonly console?: Partial<Settings['surfaces']['console']>;
}): Wanted => ({
  oauth: settingsWith().oauth,
  surfaces: {
    ...settingsWith().surfaces,
    console: { ...settingsWith().surfaces.console, ...change.console },
  },
  tokens: {
    algorithm: 'ES256',
    accessTokenLifetimeMs: change.accessTokenLifetimeMs ?? 30 * minuteMs,
    apiTokenLifetimeMs: undefined,
    perUserMax: 1_000,
    clockLeewayMs: change.clockLeewayMs ?? 0,
  },
  issuers: (change.issuerAgesMs ?? []).map((tokenAgeMsMax): IssuerSettings => ({
    issuer: 'https://login.example.com',
    jwksUrl: 'https://login.example.com/keys',
    ca: undefined,
    audiences: [],
    audienceClaim: 'aud',
    advertised: true,
    algorithms: ['ES256'],
    type: undefined,
    tokenAgeMsMax,
    staleKeysMsMax: 0,
    claims: { org: 'org', user: 'sub', userName: 'name', scope: 'scope' },
    fixedOrg: undefined,
    orgs: undefined,
    sessions: undefined,
    scopePrefix: '',
    introspection: undefined,
  })),
  cache: { identitiesMax: 1, identityTtlMs: change.identityTtlMs ?? 0, unknownMax: 1, unknownTtlMs: 0 },
  feed: { maxStalenessMs: change.maxStalenessMs ?? 1_000, whenStale: 'refuse' } satisfies Settings['feed'],
});

t.test('the feed remembers longer than any access token can live', async (t) => {
  t.ok(feedRetentionMs(settings({})) > 30 * minuteMs);
  t.ok(feedRetentionMs(settings({ accessTokenLifetimeMs: 24 * 60 * minuteMs })) > 24 * 60 * minuteMs);
});

t.test("an external issuer's longest life counts, whichever it is", async (t) => {
  const ages = [10 * minuteMs, 600 * minuteMs, 60 * minuteMs];
  t.ok(feedRetentionMs(settings({ issuerAgesMs: ages })) > 600 * minuteMs);
});

t.test('what a cache may serve through an outage counts as well', async (t) => {
  const longer = settings({
    accessTokenLifetimeMs: 10_000,
    identityTtlMs: minuteMs,
    maxStalenessMs: 60 * minuteMs,
  });
  t.ok(feedRetentionMs(longer) > 61 * minuteMs);
});

t.test('clocks that are apart make it longer by as much', async (t) => {
  t.equal(feedRetentionMs(settings({ clockLeewayMs: 30_000 })) - feedRetentionMs(settings({})), 30_000);
});

t.test(
  'a session of the console that was ended is remembered while a cookie of it could be good',
  async (t) => {
    const idle = { idleTimeoutMs: 24 * 60 * minuteMs };
    t.ok(feedRetentionMs(settings({ console: { ...idle, enabled: true } })) > 24 * 60 * minuteMs);
    t.equal(
      feedRetentionMs(settings({ console: { ...idle, enabled: false } })),
      feedRetentionMs(settings({})),
    );
  },
);
