// Which long-lived connections end when, without any socket.

import t from 'tap';
import { ownApiToken } from '../../../src/identity/authenticators.ts';
import type { Identity, Standing } from '../../../src/decision/identity.ts';
import { LiveConnections, type RequestUnderWay } from '../../../src/proxy/upstream/live-connections.ts';

const identityOf = (tokenId: string, expiresAtMs = Infinity): Identity => ({
  authenticator: ownApiToken,
  sessionKind: 'api_token',
  issuer: 'http://issuer.test',
  org: { id: 'acme', name: 'Acme' },
  user: { id: 'alice', name: 'Alice', roles: [] },
  scopes: new Set(),
  tokenId,
  secretNumber: 0,
  sessionId: undefined,
  generation: { org: 0, user: 0 },
  issuedAtMs: 0,
  expiresAtMs,
});

const requestOf = (identity: Identity | undefined, onEnd: (reason: string) => void): RequestUnderWay => ({
  permit: { kind: 'identified', identity },
  index: -1,
  isLive: false,
  end: ({ reason }) => onEnd(reason),
});

const reasonsFor = (standing: Standing): unknown[] => {
  const live = new LiveConnections();
  const reasons: unknown[] = [];
  live.watchLive(requestOf(identityOf('t1'), (reason) => reasons.push(reason)));
  live.sweep(() => standing, 1_000);
  return reasons;
};

t.test('a standing ends a connection, or not', async (t) => {
  t.strictSame(reasonsFor('live'), []);
  t.strictSame(reasonsFor('unknown'), [], 'a silent feed says nothing against anybody');
  t.strictSame(reasonsFor('revoked'), ['token_revoked']);
  t.strictSame(reasonsFor('ended'), ['session_ended']);
  t.strictSame(reasonsFor('outdated'), ['session_ended'], 'only a new request is judged again');
});

t.test('a sweep ends exactly those that fall, and says how many', async (t) => {
  const live = new LiveConnections();
  const ended: string[] = [];
  for (const id of ['t1', 't2', 't3'])
    live.watchLive(requestOf(identityOf(id, id === 't3' ? 500 : Infinity), () => ended.push(id)));
  live.watchLive(requestOf(undefined, () => ended.push('public')));
  t.equal(live.size, 4);
  const standing = (identity: Identity): Standing => (identity.tokenId === 't2' ? 'revoked' : 'live');
  t.equal(live.sweep(standing, 500), 2);
  t.strictSame(ended, ['t2', 't3']);
  t.equal(live.size, 2);
  t.equal(live.sweep(standing, 500), 0, 'each is ended once');
  live.endAll();
  t.strictSame(ended, ['t2', 't3', 't1', 'public'], 'a public connection ends only at shutdown');
  t.equal(live.size, 0);
});

t.test('what a route in shadow mode let in outlives its token, but not the process', async (t) => {
  const live = new LiveConnections();
  const ended: string[] = [];
  const request = requestOf(identityOf('t1', 500), (reason) => ended.push(reason));
  const shadowed: RequestUnderWay = { ...request, permit: { ...request.permit, kind: 'shadow' } };
  live.watch(shadowed);
  live.watchLive(shadowed);
  t.equal(
    live.sweep(() => 'revoked', 1_000),
    0,
  );
  live.endAll();
  t.strictSame(ended, ['shutting_down']);
});

t.test('a connection that is over is forgotten', async (t) => {
  const live = new LiveConnections();
  const request = requestOf(identityOf('t1'), () => t.fail('ended after its end'));
  live.watch(request);
  live.watchLive(request);
  t.equal(live.size, 1);
  live.unwatch(request);
  live.unwatch(request);
  t.equal(live.size, 0);
  live.endAll();
});

t.test('connections may remove themselves and each other while they are ended', async (t) => {
  const live = new LiveConnections();
  const ended: string[] = [];
  const requests: readonly RequestUnderWay[] = ['t1', 't2', 't3'].map((id) =>
    requestOf(identityOf(id), () => {
      ended.push(id);
      for (const request of requests) live.unwatch(request);
    }),
  );
  for (const request of requests) live.watchLive(request);
  live.endAll();
  t.strictSame(ended, ['t1']);
  t.equal(live.size, 0);
});

t.test(
  'a request without an answer falls with its identity, not by age, and is no live connection',
  async (t) => {
    for (const [standing, reason] of [
      ['live', undefined],
      ['unknown', undefined],
      ['unread', undefined],
      ['revoked', 'token_revoked'],
      ['ended', 'session_ended'],
      ['outdated', 'store_unavailable'],
    ] as const) {
      const live = new LiveConnections();
      const reasons: string[] = [];
      const request = requestOf(identityOf('t1', 500), (fallen) => reasons.push(fallen));
      live.watch(request);
      t.equal(live.size, 0);
      live.endAll();
      live.sweep(() => standing, 1_000);
      live.sweep(() => standing, 1_000);
      t.strictSame(reasons, reason === undefined ? [] : [reason], standing);
      live.watch(request);
      live.unwatch(request);
      live.sweep(() => 'revoked', 1_000);
      t.equal(reasons.length, reason === undefined ? 0 : 1, 'and is forgotten');
    }
  },
);
