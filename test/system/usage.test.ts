// Issue 9, number 15: requests, refusals and bytes per API token and day, from replicas on one store.

import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { addSums, dayOf, noUsage, type UsageSum } from '../../src/store/usage-store.ts';
import { startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  startGate,
  until,
} from '../support/gate-process.ts';
import { openOperator, type Operator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { reload } from '../support/reload.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

t.setTimeout(120_000);

const everyDay = { from: '2000-01-01', to: '9999-12-31' };

const onASecond = { enabled: true, flushInterval: '1s' };

const startCounting = async (t: Test, usage: object = onASecond) => {
  const directory = makeDirectory(t);
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const settings = {
    upstream: api.url,
    store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '2s', writeTimeout: '2s' },
    keys: { encryptionKey },
    forwardAuth: { path: '/auth', trustedPeers: ['127.0.0.0/8'] },
    routes: [
      { name: 'public', path: '/public', public: true },
      { name: 'write', path: '/write', scopes: ['things:write'] },
      { name: 'small', path: '/small', scopes: ['things:read'], requestBodyBytesMax: 10 },
      { name: 'all', path: '/*', scopes: ['things:read'], upgrade: true },
    ],
    surfaces: { management: { enabled: true } },
    usage,
  };
  const start = (name: string) => startGate(t, { directory, name, settings });
  const a = await start('a');
  const operator = await openOperator(t, a.settingsFile);
  await operator.furnish();
  await a.whenReady();
  return { a, start, operator, redis };
};

const totalOf = async ({ store }: Operator, tokenId: string): Promise<UsageSum> => {
  const days = await store.readUsage({ tokenId }, everyDay);
  if ('kind' in days) throw new Error('an outage');
  // Two where midnight passes meanwhile.
  return days.reduce(addSums, noUsage);
};

/** Waits until as many requests are in the store. */
const counted = async (operator: Operator, tokenId: string, requests: number): Promise<UsageSum> => {
  await until(async () => (await totalOf(operator, tokenId)).requests >= requests, 30_000);
  return totalOf(operator, tokenId);
};

t.test('what a token does at every replica, itself or by its access tokens, is in its sums', async (t) => {
  const { a, start, operator } = await startCounting(t);
  const b = await start('b');
  await b.whenReady();
  const { id, secret } = await operator.token({ scopes: ['things:read'] });
  const other = await operator.token({ scopes: ['things:read'] });
  const session = await exchange(b, secret);
  let bytesOut = 0;
  for (const [gate, token] of [
    [a, secret],
    [b, secret],
    [b, session],
  ] as const) {
    const { status, text } = await call(gate, '/things', token, { method: 'POST', body: 'x'.repeat(1_000) });
    t.equal(status, 200);
    bytesOut += text.length;
  }
  t.equal((await call(a, '/things', secret, { method: 'HEAD' })).status, 200);
  t.same(await counted(operator, id, 4), { requests: 4, refused: 0, bytesIn: 3_000, bytesOut });

  t.equal((await call(a, '/write', session)).status, 403);
  t.equal((await call(b, '/small', secret, { method: 'POST', body: 'x'.repeat(11) })).status, 413);
  t.equal((await call(b, '/public')).status, 200);
  t.equal((await call(b, '/things')).status, 401);
  t.equal((await call(b, '/things', 'x'.repeat(65))).status, 401);
  t.same(await counted(operator, id, 6), { requests: 6, refused: 2, bytesIn: 3_000, bytesOut });
  t.same(await totalOf(operator, other.id), noUsage);
  const days = await operator.store.readUsage({ orgId: 'acme', userId: undefined }, everyDay);
  t.match(days, [{ requests: 6, refused: 2 }], 'nothing but the token was used in its org');
  t.ok('length' in days && days.every(({ day }) => day <= dayOf(Date.now())));
});

t.test(
  'a WebSocket counts once, with its bytes, when it ends; a question at forward-auth has none',
  async (t) => {
    const { a, operator } = await startCounting(t);
    const { id, secret } = await operator.token({ scopes: ['things:read'] });
    const headers = { authorization: `Bearer ${secret}` };
    const socket = new WebSocket(`${a.url.replace('http', 'ws')}/ws`, { headers });
    const [greeting] = (await once(socket, 'message')) as [Buffer];
    socket.send('x'.repeat(100));
    await once(socket, 'message');
    socket.close();
    await once(socket, 'close');
    // Each message has a head of 2 bytes up to 125 bytes, of 4 up to 65,535, and 4 more for the mask of a client (RFC 6455 section 5.2).
    const closing = { in: 2 + 4, out: 2 };
    t.match(await counted(operator, id, 1), {
      requests: 1,
      bytesIn: 6 + 100 + closing.in,
      bytesOut: 4 + greeting.length + 2 + 100 + closing.out,
    });
    const asking = {
      ...headers,
      'x-original-method': 'GET',
      'x-original-uri': '/things',
      'x-forwarded-for': '192.0.2.7',
    };
    t.equal((await call(a, '/auth', undefined, { headers: asking })).status, 200);
    t.equal((await counted(operator, id, 2)).bytesIn, 6 + 100 + closing.in);
  },
);

t.test('a replica that is stopped writes what it has counted', async (t) => {
  const { a, operator } = await startCounting(t, { enabled: true, flushInterval: '5m' });
  const { id, secret } = await operator.token({ scopes: ['things:read'] });
  for (let count = 0; count < 5; count++) await call(a, '/things', secret);
  t.same(await totalOf(operator, id), noUsage);
  await a.stop(20_000);
  t.equal((await totalOf(operator, id)).requests, 5);
});

t.test('by default nothing is counted; a reload turns it on and off', async (t) => {
  const { a, operator } = await startCounting(t, {});
  const { id, secret } = await operator.token({ scopes: ['things:read'] });
  await forwarded(a, secret, 1);
  t.match(await reload(a, { usage: onASecond }), { msg: 'the settings were read again and are in force' });
  await forwarded(a, secret, 2);
  t.equal((await counted(operator, id, 2)).requests, 2);
  await reload(a, { usage: {} });
  await forwarded(a, secret, 1);
  await a.stop(20_000);
  t.equal((await totalOf(operator, id)).requests, 2);
});

t.test('what is counted while the store is frozen is written when it answers again', async (t) => {
  const { a, operator, redis } = await startCounting(t);
  const { id, secret } = await operator.token({ scopes: ['things:read'] });
  await call(a, '/things', secret);
  await counted(operator, id, 1);
  redis.freeze();
  await forwarded(a, secret, 3);
  await a.logged(({ msg }) => msg === 'the store does not take usage; trying again');
  redis.thaw();
  t.equal((await counted(operator, id, 4)).requests, 4, 'each once');
  t.equal(await a.metric('tollgate_usage_uncounted_total'), 0);
});

/** Of an identity that is cached. */
const forwarded = async (gate: GateProcess, secret: string, count: number): Promise<void> => {
  for (let sent = 0; sent < count; sent++)
    if ((await call(gate, '/things', secret)).status !== 200) throw new Error('not forwarded');
};
