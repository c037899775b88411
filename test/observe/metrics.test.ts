// What Prometheus sees: right numbers, right names, and a number of series that callers cannot change.

import { randomBytes } from 'node:crypto';
import t from 'tap';
import { denial, denialReasons, outage } from '../../src/decision/outcome.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { sampleOutcome } from './request-outcome-samples.ts';

const create = (): Metrics =>
  createMetrics({
    version: '1.2.3',
    routes: [
      { name: 'read-things', upstream: 'main' },
      { name: 'odd "name"\\', upstream: 'main' },
    ],
    extraRoutes: ['(oauth)'],
    storeCommands: ['findApiToken'],
    authenticators: ['api_token', 'session'],
  });

const linesOf = async (metrics: Metrics, start: string): Promise<string[]> =>
  (await metrics.render()).split('\n').filter((line) => line.startsWith(start));

t.test('a request is counted by route, method class and status', async (t) => {
  const metrics = create();
  metrics.record(sampleOutcome());
  metrics.record(sampleOutcome({ method: 'HEAD' }));
  metrics.record(sampleOutcome({ method: 'DELETE', status: 403, result: 'denial', reason: 'scope_missing' }));
  metrics.record(sampleOutcome({ method: 'BREW', status: 418 }));
  metrics.record(sampleOutcome({ status: 0, reason: 'client_gone' }));
  t.strictSame(await linesOf(metrics, 'tollgate_requests_total{'), [
    'tollgate_requests_total{route="read-things",method="read",status="none"} 1',
    'tollgate_requests_total{route="read-things",method="read",status="200"} 2',
    'tollgate_requests_total{route="read-things",method="write",status="403"} 1',
    'tollgate_requests_total{route="read-things",method="other",status="4xx"} 1',
  ]);
});

t.test('a decision is counted by result, reason and kind of credential', async (t) => {
  const metrics = create();
  metrics.record(sampleOutcome());
  metrics.record(
    sampleOutcome({ status: 401, result: 'denial', reason: 'credential_missing', credentialKind: undefined }),
  );
  metrics.record(sampleOutcome({ credentialKind: 'access_token' }));
  const lines = (await linesOf(metrics, 'tollgate_decisions_total{')).filter((line) => !line.endsWith(' 0'));
  t.strictSame(lines, [
    'tollgate_decisions_total{result="permit",reason="none",credential_kind="api_token"} 1',
    'tollgate_decisions_total{result="permit",reason="none",credential_kind="access_token"} 1',
    'tollgate_decisions_total{result="denial",reason="credential_missing",credential_kind="none"} 1',
  ]);
});

t.test('a decision in shadow mode is counted by route, result and reason', async (t) => {
  const metrics = create();
  t.strictSame(await linesOf(metrics, 'tollgate_shadow_decisions_total{'), []);
  metrics.shadow('read-things', 'permit');
  metrics.shadow('read-things', 'permit');
  metrics.shadow('read-things', denial('scope_missing', 'things:read'));
  metrics.shadow('(none)', denial('route_unknown'));
  metrics.shadow('read-things', outage('store_unavailable'));
  t.strictSame(await linesOf(metrics, 'tollgate_shadow_decisions_total{'), [
    'tollgate_shadow_decisions_total{route="read-things",result="permit",reason="none"} 2',
    'tollgate_shadow_decisions_total{route="read-things",result="denial",reason="scope_missing"} 1',
    'tollgate_shadow_decisions_total{route="read-things",result="outage",reason="store_unavailable"} 1',
    'tollgate_shadow_decisions_total{route="(none)",result="denial",reason="route_unknown"} 1',
  ]);
});

t.test('what a route in shadow mode decided is forgotten with the route', async (t) => {
  const metrics = create();
  metrics.shadow('read-things', 'permit');
  metrics.shadow('(none)', denial('route_unknown'));
  const kept = async (): Promise<readonly string[]> =>
    (await linesOf(metrics, 'tollgate_shadow_decisions_total{')).map((line) => line.split('"')[1]!);
  metrics.setRoutes([{ name: 'others', upstream: 'main' }]);
  t.strictSame(await kept(), ['read-things', '(none)'], 'a reload keeps it once, for what is under way');
  metrics.setRoutes([{ name: 'others', upstream: 'main' }]);
  t.strictSame(await kept(), ['(none)']);
});

t.test('an identified request is counted by who vouched for its credential, and by result', async (t) => {
  const metrics = create();
  metrics.record(sampleOutcome());
  metrics.record(sampleOutcome({ status: 403, result: 'denial', reason: 'scope_missing' }));
  metrics.record(
    sampleOutcome({ status: 401, result: 'denial', reason: 'token_unknown', identity: undefined }),
  );
  const lines = await linesOf(metrics, 'tollgate_identified_requests_total{');
  t.strictSame(
    lines.filter((line) => !line.endsWith(' 0')),
    [
      'tollgate_identified_requests_total{authenticator="api_token",result="permit"} 1',
      'tollgate_identified_requests_total{authenticator="api_token",result="denial"} 1',
    ],
  );
});

t.test('outages and bugs are there from zero, so that the first one shows', async (t) => {
  const lines = await linesOf(create(), 'tollgate_decisions_total{');
  t.ok(
    lines.includes(
      'tollgate_decisions_total{result="outage",reason="store_unavailable",credential_kind="none"} 0',
    ),
  );
  t.ok(lines.includes('tollgate_decisions_total{result="bug",reason="none",credential_kind="none"} 0'));
});

t.test('durations fall into cumulative buckets from half a millisecond', async (t) => {
  const metrics = create();
  for (const durationMs of [0.4, 0.5, 3, 40_000]) metrics.record(sampleOutcome({ durationMs }));
  metrics.record(sampleOutcome({ status: 101, durationMs: 3_600_000 }));
  const lines = await linesOf(metrics, 'tollgate_request_duration_seconds');
  const value = (start: string): string | undefined =>
    lines
      .find((line) => line.startsWith(start) && line.includes('read-things'))
      ?.split(' ')
      .at(-1);
  t.equal(value('tollgate_request_duration_seconds_bucket{le="0.0005"'), '2');
  t.equal(value('tollgate_request_duration_seconds_bucket{le="0.0025"'), '2');
  t.equal(value('tollgate_request_duration_seconds_bucket{le="0.005"'), '3');
  t.equal(value('tollgate_request_duration_seconds_bucket{le="30"'), '3');
  t.equal(value('tollgate_request_duration_seconds_bucket{le="+Inf"'), '4');
  t.equal(value('tollgate_request_duration_seconds_count'), '4', 'an upgraded connection has no duration');
  t.equal(Number(value('tollgate_request_duration_seconds_sum')).toFixed(4), '40.0039');
});

t.test('the upstream is timed and its failures are counted by reason', async (t) => {
  const metrics = create();
  metrics.record(sampleOutcome({ upstreamMs: 2 }));
  metrics.record(
    sampleOutcome({ status: 504, result: 'outage', reason: 'upstream_timeout', upstreamMs: undefined }),
  );
  metrics.record(
    sampleOutcome({ status: 503, result: 'outage', reason: 'feed_stale', upstreamMs: undefined }),
  );
  t.strictSame(await linesOf(metrics, 'tollgate_upstream_errors_total{'), [
    'tollgate_upstream_errors_total{upstream="main",reason="upstream_unreachable"} 0',
    'tollgate_upstream_errors_total{upstream="main",reason="upstream_timeout"} 1',
    'tollgate_upstream_errors_total{upstream="main",reason="upstream_invalid"} 0',
  ]);
  t.match(await metrics.render(), 'tollgate_upstream_response_seconds_count{upstream="main"} 1');
});

t.test('100,000 random paths, methods, routes and tokens make no new series', async (t) => {
  const metrics = create();
  const seriesCount = async (): Promise<number> =>
    (await linesOf(metrics, 'tollgate_')).filter((line) => !line.startsWith('#')).length;
  const flood = (count: number): void => {
    for (let index = 0; index < count; index += 1) {
      const random = randomBytes(8).toString('hex');
      metrics.record(
        sampleOutcome({
          route: index % 2 === 0 ? 'read-things' : `/${random}`,
          path: `/${random}`,
          method: index % 3 === 0 ? random.toUpperCase() : 'GET',
          status: 400 + (index % 100),
          result: 'denial',
          reason: denialReasons[index % denialReasons.length],
          credentialKind: index % 5 === 0 ? undefined : 'api_token',
        }),
      );
    }
  };
  flood(20_000);
  const before = await seriesCount();
  flood(100_000);
  t.equal(await seriesCount(), before);
  t.match(await metrics.render(), 'tollgate_requests_total{route="(other)"', 'a strange route is "(other)"');
});

t.test('store commands are timed by name, an unknown name is "other"', async (t) => {
  const metrics = create();
  metrics.storeCommand('findApiToken', 0.8, false);
  metrics.storeCommand('findApiToken', 100, true);
  metrics.storeCommand('somethingNew', 1, true);
  const text = await metrics.render();
  t.match(text, 'tollgate_store_command_duration_seconds_count{command="findApiToken"} 2');
  t.match(text, 'tollgate_store_errors_total{command="findApiToken"} 1');
  t.match(text, 'tollgate_store_errors_total{command="other"} 1');
});

t.test(
  'cache, feed, connections and keys are read when asked, and absent until somebody counts them',
  async (t) => {
    const metrics = create();
    t.strictSame(await linesOf(metrics, 'tollgate_identity_cache_hits_total '), []);
    t.strictSame(await linesOf(metrics, 'tollgate_feed_connected '), []);
    let hits = 7;
    metrics.watch({
      cache: () => ({ hits, misses: 3, unknownHits: 2, identities: 5, unknowns: 1 }),
      feed: () => ({
        connected: true,
        lastHeardAtMs: Date.now() - 2000,
        lastChangeAtMs: 1_700_000_000_000,
        resets: { trimmed: 1, server_replaced: 0 },
        tombstones: 9,
        lag: { count: 0, lastMs: undefined, maxMs: undefined },
      }),
      clockOffsetMs: () => -1500,
      connections: () => ({
        client: 11,
        upgraded: 4,
        refused: 6,
        refusedByAddress: 4,
        refusedByProxyHeader: 2,
      }),
      upstreams: () => ({ main: { busy: 3, idle: 2, waiting: 1, callersAtShare: 2 } }),
      upstreamAddresses: () => ({
        main: {
          addresses: [
            { address: '10.0.0.7:8081', state: 'up', fault: undefined, busy: 1, open: 2 },
            { address: '10.0.0.8:8081', state: 'unknown', fault: undefined, busy: 0, open: 0 },
            { address: '[fd00::7]:8081', state: 'unreachable', fault: 'refused', busy: 0, open: 0 },
          ],
          lookupFault: undefined,
          certificateExpiryMs: 1_800_000_000_500,
          connectFailures: 5,
          retries: 3,
        },
      }),
      signingKeys: () => ({ ES256: 2 }),
      readiness: () => ({ ready: false, reasons: ['a reason'], warnings: [] }),
      storeAnswers: () => true,
      limits: () => undefined,
      usageUncounted: () => 3,
      certificateExpiryMs: () => 1_800_000_000_500,
    });
    hits = 8;
    const text = await metrics.render();
    t.notMatch(text, '10.0.0.8:8081', 'of an address that nothing has been asked of nothing is said');
    for (const line of [
      'tollgate_identity_cache_hits_total 8',
      'tollgate_identity_cache_misses_total 3',
      'tollgate_identity_cache_unknown_hits_total 2',
      'tollgate_identity_cache_entries{kind="identity"} 5',
      'tollgate_identity_cache_entries{kind="unknown"} 1',
      'tollgate_feed_connected 1',
      'tollgate_feed_last_event_timestamp_seconds 1700000000',
      'tollgate_feed_resets_total{reason="trimmed"} 1',
      'tollgate_tombstones 9',
      'tollgate_store_clock_offset_seconds -1.5',
      'tollgate_client_connections 11',
      'tollgate_upgraded_connections 4',
      'tollgate_client_connections_refused_total 6',
      'tollgate_client_connections_refused_by_address_total 4',
      'tollgate_client_connections_refused_by_proxy_header_total 2',
      'tollgate_usage_uncounted_total 3',
      'tollgate_upstream_connections{upstream="main",state="busy"} 3',
      'tollgate_upstream_connections{upstream="main",state="idle"} 2',
      'tollgate_upstream_requests_waiting{upstream="main"} 1',
      'tollgate_upstream_callers_at_share{upstream="main"} 2',
      'tollgate_upstream_address_up{upstream="main",address="10.0.0.7:8081"} 1',
      'tollgate_upstream_address_up{upstream="main",address="[fd00::7]:8081"} 0',
      'tollgate_upstream_connect_failures_total{upstream="main"} 5',
      'tollgate_upstream_retries_total{upstream="main"} 3',
      'tollgate_upstream_certificate_expiry_timestamp_seconds{upstream="main"} 1800000000.5',
      'tollgate_signing_keys{algorithm="ES256"} 2',
      'tollgate_ready 0',
      'tollgate_tls_certificate_expiry_timestamp_seconds 1800000000.5',
      'tollgate_build_info{version="1.2.3",',
    ])
      t.match(text, line);
    const lag = Number((await linesOf(metrics, 'tollgate_feed_lag_seconds '))[0]?.split(' ')[1]);
    t.ok(lag >= 2 && lag < 60, `lag ${lag}`);
  },
);

t.test("Node's own metrics are there, and names with quotes are escaped", async (t) => {
  const metrics = create();
  metrics.record(sampleOutcome({ route: 'odd "name"\\' }));
  const text = await metrics.render();
  t.match(text, 'nodejs_eventloop_lag_p99_seconds ');
  t.match(text, 'process_resident_memory_bytes ');
  t.match(text, 'tollgate_requests_total{route="odd \\"name\\"\\\\",method="read",status="200"} 1');
});

t.test('at rest there is no histogram of what has not happened, however many routes there are', async (t) => {
  const routes = Array.from({ length: 100 }, (_, n) => ({ name: `route-${n}`, upstream: 'main' }));
  const metrics = createMetrics({
    version: '1',
    routes,
    extraRoutes: ['csp:token'],
    storeCommands: ['findOrg'],
    authenticators: ['api_token', 'session'],
  });
  const seriesOf = async (): Promise<readonly string[]> =>
    (await metrics.render()).split('\n').filter((line) => line.startsWith('tollgate_'));
  const atRest = await seriesOf();
  t.ok(atRest.length < 100, `${atRest.length} series at rest`);
  t.ok(
    atRest.some((line) => line.startsWith('tollgate_upstream_response_seconds_count{upstream="main"} 0')),
    'an upstream that never answers has one from the beginning: the alert divides by it',
  );
  metrics.record(sampleOutcome({ route: 'route-7' }));
  metrics.storeCommand('findOrg', 1, false);
  const later = (await seriesOf()).filter((line) => /_count\{(?:route|command)/.test(line));
  t.strictSame(later, [
    'tollgate_request_duration_seconds_count{route="route-7"} 1',
    'tollgate_store_command_duration_seconds_count{command="findOrg"} 1',
  ]);
});
