// No caller holds more of an upstream's connections than its share, so that the others are served whatever it does.
// The callers come from several addresses of this machine: 127.0.0.2 and others.

import t, { type Test } from 'tap';
import { anIdentity } from '../../support/identity.ts';
import { aRule } from '../../support/route-rule.ts';
import { get, type SharedUpstream, startSharedUpstream, until } from '../../support/shared-upstream.ts';

const greedyAddress = '127.0.0.2';
const otherAddress = '127.0.0.3';
/** Of eight connections two for a caller, four for an address. */
const eighths = { connectionsMax: 8, callerShare: 0.25, addressShare: 0.5 };

const bearer = (token: string): string => `Authorization: Bearer ${token}`;
const answers = {
  ann: anIdentity({ user: { id: 'ann', name: 'Ann', roles: [] } }),
  ann2: anIdentity({ user: { id: 'ann', name: 'Ann', roles: [] }, tokenId: 'another' }),
  bob: anIdentity({ user: { id: 'bob', name: 'Bob', roles: [] } }),
  carol: anIdentity({ user: { id: 'carol', name: 'Carol', roles: [] } }),
};

const setUp = (t: Test, shares: Parameters<typeof startSharedUpstream>[1] = eighths) =>
  startSharedUpstream(t, shares, {
    answers,
    trustedProxies: ['127.0.0.9'],
    routes: [
      aRule({ scopes: ['things:read'] }),
      aRule({ name: 'public', path: '/public/*', public: true, upgrade: true }),
    ],
  });

/** Sends each request on a connection of its own. */
const sendAll = (scene: SharedUpstream, from: string, requests: readonly string[]) =>
  Promise.all(
    requests.map(async (request) => {
      const client = await scene.connect(from);
      client.send(request);
      return client;
    }),
  );

t.test('a caller without a credential holds its share of a slow API, and others are served', async (t) => {
  const scene = await setUp(t);
  const greedy = await sendAll(scene, greedyAddress, Array(6).fill(get('/public/held')));
  await until(() => scene.reached.length === 2);
  for (let n = 0; n < 20; n += 1) t.equal((await scene.ask(otherAddress, get('/public/x'))).status, 200);
  t.equal(scene.reached.filter(({ startLine }) => startLine.includes('held')).length, 2);
  scene.release();
  for (const client of greedy) t.equal((await client.readMessage()).status, 200, 'the rest had its turn');
  t.ok(scene.upstream.connections.length <= 3);
});

t.test('a caller that waits too long for its own share is told so: 429, not 503', async (t) => {
  const scene = await setUp(t, { ...eighths, connectTimeoutMs: 200 });
  await sendAll(scene, greedyAddress, Array(2).fill(get('/public/held')));
  await until(() => scene.reached.length === 2);
  const answer = await scene.ask(greedyAddress, get('/public/x'));
  t.equal(answer.status, 429);
  t.equal(answer.header('retry-after'), '1');
  t.match(answer.body, /requests under way/);
  t.match(await scene.edge.nextOutcome(), {
    result: 'denial',
    reason: 'share_used_up',
    evidence: 'callerShare',
    status: 429,
  });
});

t.test('one valid token beside another: a user has one share, with whichever of its tokens', async (t) => {
  const scene = await setUp(t);
  await sendAll(scene, greedyAddress, [
    ...Array<string>(3).fill(get('/things/held', bearer('ann'))),
    ...Array<string>(3).fill(get('/things/held', bearer('ann2'))),
  ]);
  await until(() => scene.reached.length === 2);
  for (let n = 0; n < 20; n += 1) {
    t.equal((await scene.ask(otherAddress, get('/things/x', bearer('bob')))).status, 200);
    t.equal((await scene.ask(greedyAddress, get('/things/x', bearer('bob')))).status, 200, 'beside it');
  }
  t.equal(scene.reached.length, 42);
});

t.test('many users of one address hold the share of an address', async (t) => {
  const scene = await setUp(t);
  await sendAll(
    scene,
    greedyAddress,
    ['ann', 'bob', 'carol'].flatMap((name) => Array<string>(2).fill(get('/things/held', bearer(name)))),
  );
  await until(() => scene.reached.length === 4);
  t.equal((await scene.ask(otherAddress, get('/public/x'))).status, 200);
  t.equal((await scene.ask(otherAddress, get('/things/x', bearer('carol')))).status, 200);
  t.equal(scene.reached.length, 6);
});

t.test('behind a trusted proxy the callers are those it names', async (t) => {
  const scene = await setUp(t);
  const proxied = (path: string, caller: string): string => get(path, `X-Forwarded-For: ${caller}`);
  await sendAll(scene, '127.0.0.9', Array(6).fill(proxied('/public/held', '198.51.100.1')));
  await until(() => scene.reached.length === 2);
  for (let n = 0; n < 20; n += 1)
    t.equal((await scene.ask('127.0.0.9', proxied('/public/x', '198.51.100.2'))).status, 200);
  await sendAll(
    scene,
    '127.0.0.9',
    [1, 2, 3, 4].map((n) => proxied('/public/held', `2001:db8::${n}`)),
  );
  await until(() => scene.reached.length === 24);
  t.equal((await scene.ask('127.0.0.9', proxied('/public/x', '2001:db8:0:1::1'))).status, 200);
  t.equal(scene.reached.length, 25, 'a /64 is one caller');
});

t.test('the requests that wait are served in turns, a request of each caller', async (t) => {
  const one = { connectionsMax: 4, callerShare: 1, addressShare: 1, connectTimeoutMs: 60_000 };
  const scene = await setUp(t, one);
  const clients = await sendAll(scene, greedyAddress, Array(4).fill(get('/public/held')));
  await until(() => scene.reached.length === 4);
  for (const [waiting, [from, path]] of [
    [greedyAddress, '/public/1'],
    [greedyAddress, '/public/2'],
    [greedyAddress, '/public/3'],
    [otherAddress, '/public/other'],
  ].entries()) {
    await sendAll(scene, from!, [get(path!)]);
    await until(() => scene.edge.upstreamReading().waiting > waiting);
  }
  // One connection becomes free: every turn is seen.
  clients[0]!.reset();
  await until(() => scene.reached.length === 8);
  t.same(
    scene.reached.slice(4).map(({ startLine }) => startLine.split(' ')[1]),
    ['/public/1', '/public/other', '/public/2', '/public/3'],
  );
});

t.test('tunnels count too: a caller has its share of them, and others open theirs', async (t) => {
  const scene = await setUp(t);
  const handshake = get('/public/held', 'Connection: Upgrade', 'Upgrade: websocket');
  const greedy = await sendAll(scene, greedyAddress, Array(2).fill(handshake));
  await until(() => scene.reached.length === 2);
  const refused = await scene.ask(greedyAddress, handshake);
  t.equal(refused.status, 429);
  await sendAll(scene, otherAddress, [handshake]);
  await until(() => scene.reached.length === 3);
  for (const client of greedy) client.reset();
  for (let n = 0; n < 2; n += 1) await scene.edge.nextOutcome();
  await scene.edge.nextOutcome();
  await sendAll(scene, greedyAddress, [handshake, handshake]);
  await until(() => scene.reached.length === 5);
});
