// Signing keys and the numbers of a replica, for the operator, through the management surface.

import t from 'tap';
import { createMetrics } from '../../../src/observe/metrics.ts';
import { itemsOf, startManagement } from './management-server.ts';
import { showStatus, serverStatus } from '../../../src/surfaces/management/status-shape.ts';

t.test('the operator lists and rotates signing keys, and sees no private half', async (t) => {
  const server = await startManagement(t);
  await server.accounts.defineRole('acme', 'operator', ['tollgate:operate']);
  await server.accounts.setRoles('acme', 'ann', ['owner', 'operator']);
  const operator = await server.signIn();
  t.same(itemsOf(await server.order(operator, 'GET /keys')), []);
  const first = await server.order(operator, 'POST /keys/rotate', {});
  t.match(first, { status: 200, body: { algorithm: 'ES256', kid: String } });
  const second = await server.order(operator, 'POST /keys/rotate', { algorithm: 'ES256' });
  const listed = await server.order(operator, 'GET /keys');
  t.equal(itemsOf(listed).length, 2);
  const [old, next] = [first, second].map(({ body }) =>
    itemsOf(listed).find(({ kid }) => kid === body['kid']),
  );
  t.match(old, { origin: 'store', retiresAt: second.body['othersRetireAt'] });
  t.match(next, { retiresAt: null, activeFrom: second.body['activeFrom'] });
  t.notMatch(listed.text, /sealed|private|"d"/i);
  t.match(await server.order(operator, 'POST /keys/rotate', { algorithm: 'HS256' }), { status: 400 });
  t.match(await server.order(operator, 'GET /status'), {
    status: 200,
    body: { version: '1.2.3', ready: false, store: { kind: 'sqlite', answers: false } },
  });
  await server.audit.close();
  const audit = itemsOf(await server.order(operator, 'GET /audit?action=key.rotate'));
  t.match(audit, [{ actor: { user: 'ann' } }, { result: 'done' }]);
  const bens = await server.signIn('ben');
  const owner = await server.signIn('eve', undefined, 'other');
  for (const order of ['GET /keys', 'GET /status'])
    for (const who of [bens, owner])
      t.match(await server.order(who, order), {
        status: 403,
        body: { code: 'scope_missing', detail: /tollgate:operate/ },
      });
  t.match(await server.order(owner, 'POST /keys/rotate', {}), { body: { code: 'scope_missing' } });
});

t.test('what has been counted is told: requests, refusals by reason, latency, feed and store', (t) => {
  const metrics = createMetrics({
    version: '9.9.9',
    routes: [{ name: 'things', upstream: 'main' }],
    extraRoutes: [],
    storeCommands: [],
    authenticators: ['api_token'],
  });
  const outcome = (result: 'permit' | 'denial' | 'outage', reason: string | undefined, durationMs: number) =>
    metrics.record({
      route: 'things',
      method: 'GET',
      status: 200,
      durationMs,
      result,
      reason,
      credentialKind: 'api_token',
      identity: undefined,
      upstreamMs: undefined,
    } as Parameters<typeof metrics.record>[0]);
  for (let index = 0; index < 98; index++) outcome('permit', undefined, 2);
  outcome('denial', 'token_expired', 40);
  outcome('denial', 'token_expired', 40);
  outcome('denial', 'scope_missing', 40);
  outcome('outage', 'store_unavailable', 40);
  metrics.watch({
    cache: () => ({ hits: 5, misses: 2, unknownHits: 0, identities: 3, unknowns: 0 }),
    feed: () => ({
      connected: true,
      lastHeardAtMs: Date.now() - 1_000,
      lastChangeAtMs: undefined,
      resets: { trimmed: 1, server_replaced: 1 },
      tombstones: 4,
      lag: { count: 2, lastMs: 3, maxMs: 7 },
    }),
    clockOffsetMs: () => undefined,
    connections: () => ({ client: 1, upgraded: 0, refused: 0, refusedByAddress: 0, refusedByProxyHeader: 0 }),
    upstreams: () => ({}),
    upstreamAddresses: () => ({}),
    signingKeys: () => ({}),
    readiness: () => ({ ready: false, reasons: ['why'], warnings: [] }),
    storeAnswers: () => true,
    limits: () => undefined,
    usageUncounted: () => 0,
    certificateExpiryMs: () => undefined,
  });
  const shown = showStatus(metrics.status(), 'redis', 1_800_000_000_000);
  t.ok(serverStatus.safeParse(shown).success);
  t.match(shown, {
    version: '9.9.9',
    reasons: ['why'],
    requests: { total: 102, forwarded: 98, refused: 3, failed: 1 },
    refusals: [
      { reason: 'token_expired', count: 2 },
      { reason: 'scope_missing', count: 1 },
      { reason: 'store_unavailable', count: 1 },
    ],
    latency: { p50Ms: 2.5, p99Ms: 50 },
    feed: { connected: true, resets: 2, tombstones: 4, lastChangeAt: null },
    revocation: { count: 2, lastLagMs: 3, maxLagMs: 7 },
    store: { kind: 'redis', answers: true, clockOffsetMs: null },
  });
  t.ok((shown.feed.silentMs ?? 0) >= 1_000);
  t.end();
});
