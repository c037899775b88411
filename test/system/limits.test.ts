// 15: three gates on one Redis let through together what the settings say, to 5 %, and tell callers how they stand.

import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  startGate,
  until,
} from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

const settings = {
  rateLimits: [
    { name: 'each-token', per: 'token', routes: ['things'], requests: 100, window: '1s', burst: 100 },
    { name: 'page', per: 'address', routes: ['page'], requests: 2, window: '1h' },
    { name: 'tried', per: 'org', routes: ['tried'], requests: 1, window: '1h' },
    { name: 'old', per: 'org', routes: ['old'], requests: 1, window: '1h' },
  ],
  quotas: [{ name: 'each-user', per: 'user', routes: ['reports'], requests: 20, period: 'day' }],
  limits: { exchangesPerMinute: 30 },
  routes: [
    { name: 'things', path: '/things/*', scopes: ['things:read'] },
    { name: 'reports', path: '/reports/*', scopes: ['things:read'] },
    { name: 'page', path: '/page', public: true },
    { name: 'tried', path: '/tried/*', scopes: ['things:read'], mode: 'shadow' },
    { name: 'old', path: '/old/*', scopes: ['things:read'], errors: 'vcd' },
  ],
};

const startThree = async (t: Test) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const directory = makeDirectory(t);
  const api = await startEchoApi(t);
  const all = {
    ...settings,
    upstream: api.url,
    store: { url: `redis+unix:${server.socketPath}`, readTimeout: '5s', writeTimeout: '5s' },
    keys: { encryptionKey },
  };
  const gates = await Promise.all(
    ['a', 'b', 'c'].map((name) => startGate(t, { directory, name, settings: all })),
  );
  const operator = await openOperator(t, gates[0]?.settingsFile ?? '');
  await operator.furnish();
  await Promise.all(gates.map((gate) => gate.whenReady()));
  const hasHeard = async (gate: GateProcess) => (await gate.metric('tollgate_limits_replicas')) === 3;
  await until(async () => (await Promise.all(gates.map(hasHeard))).every(Boolean));
  return { server, gates, operator };
};

const { server, gates, operator } = await startThree(t);
const clock = new Redis({ path: server.socketPath });
t.teardown(() => clock.disconnect());
const storeMs = async (): Promise<number> => {
  const [seconds = 0, micros = 0] = (await clock.time()).map(Number);
  return seconds * 1_000 + micros / 1_000;
};

t.test('what passes at three gates under load is what the rate says, to 5 %', async (t) => {
  const { secret } = await operator.token();
  let [passed, refused] = [0, 0];
  const over = new AbortController();
  const send = async (gate: GateProcess): Promise<void> => {
    while (!over.signal.aborted) {
      const { status } = await call(gate, '/things/1', secret);
      if (status === 200) passed += 1;
      else if (status === 429) refused += 1;
      else throw new Error(`${status}`);
    }
  };
  const startMs = await storeMs();
  const sending = gates.flatMap((gate) => Array.from({ length: 8 }, () => send(gate)));
  // Windows by the store's clock, until there was load enough to say something of each.
  await until(async () => (await storeMs()) > startMs + 4_000 && refused > 100, 60_000);
  const leastMs = await storeMs();
  over.abort();
  await Promise.all(sending);
  const mostMs = await storeMs();
  const most = 100 + (100 * (mostMs - startMs)) / 1_000;
  const least = 100 + (100 * (leastMs - startMs)) / 1_000;
  t.ok(passed <= 1.05 * most, `${passed} passed of at most ${most}`);
  t.ok(passed >= 0.95 * least, `${passed} passed of at least ${least}; ${refused} refused`);
});

t.test('answers say what is left, and a refusal when to come again', async (t) => {
  const [gate] = gates;
  if (gate === undefined) return t.end();
  const { secret } = await operator.token({ user: 'bob' });
  const first = await call(gate, '/reports/1', secret);
  t.equal(first.status, 200);
  // draft-ietf-httpapi-ratelimit-headers-10 sections 3 and 4.
  t.equal(first.headers.get('ratelimit-policy'), '"each-user";q=20;w=86400');
  t.match(first.headers.get('ratelimit'), /^"each-user";r=19;t=\d+$/);
  const answers = await Promise.all(
    gates.flatMap((each) => Array.from({ length: 10 }, () => call(each, '/reports/1', secret))),
  );
  const last = answers.filter(({ status }) => status === 429).at(-1);
  t.ok(last);
  const seconds = last?.headers.get('retry-after');
  // RFC 9110 section 10.2.3, RFC 6585 section 4: until midnight in UTC.
  const leftSeconds = 86_400 - ((Date.now() / 1_000) % 86_400);
  t.ok(Math.abs(Number(seconds) - leftSeconds) < 60, `${seconds} s of ${leftSeconds}`);
  t.equal(last?.headers.get('ratelimit'), `"each-user";r=0;t=${seconds}`);
  t.match(last?.json(), { status: 429, title: 'Too Many Requests', detail: /of this day or month/ });
  t.equal(answers.filter(({ status }) => status === 200).length <= 19, true, 'all gates together');
  t.ok((await gate.metric('tollgate_decisions_total', { reason: 'quota_exceeded' })) > 0 || gates.length > 1);
  return t.end();
});

t.test('callers without a credential are counted by address and route', async (t) => {
  const statuses: number[] = [];
  for (const gate of [...gates, ...gates]) statuses.push((await call(gate, '/page')).status);
  t.same(statuses.filter((status) => status === 200).length, 2, statuses.join(' '));
});

t.test('a vendor dialect says it in its own shape, with the seconds of this refusal', async (t) => {
  const [gate] = gates;
  if (gate === undefined) return t.end();
  const { secret } = await operator.token();
  t.equal((await call(gate, '/old/1', secret)).status, 200);
  const answer = await call(gate, '/old/1', secret);
  t.equal(answer.status, 429);
  t.match(answer.json(), { minorErrorCode: 'TOO_MANY_REQUESTS' });
  const seconds = Number(answer.headers.get('retry-after'));
  t.ok(seconds > 3_500 && seconds <= 3_600, `${seconds} s`);
  return t.end();
});

t.test('shadow mode counts and refuses nobody', async (t) => {
  const [gate] = gates;
  if (gate === undefined) return t.end();
  const { secret } = await operator.token();
  for (let at = 0; at < 4; at++) {
    const { status, headers } = await call(gate, '/tried/1', secret);
    t.equal(status, 200);
    t.equal(headers.get('retry-after'), null);
  }
  t.equal(await gate.metric('tollgate_limit_decisions_total', { limit: 'tried', result: 'refused' }), 3);
  t.equal(
    await gate.metric('tollgate_shadow_decisions_total', { route: 'tried', reason: 'limit_exceeded' }),
    3,
  );
  return t.end();
});

t.test('exchanges are counted at all gates', async (t) => {
  const { secret } = await operator.token();
  let made = 0;
  await until(async () => {
    for (const gate of gates) {
      const isMade = await exchange(gate, secret).then(
        () => true,
        () => false,
      );
      if (!isMade) return true;
      made += 1;
    }
    return false;
  }, 60_000);
  t.ok(made >= 30 && made < 45, `${made} of 30 a minute`);
});

t.test('without Redis each gate goes on by its share, says so, and recovers', async (t) => {
  const { secret } = await operator.token();
  for (const gate of gates) t.equal((await call(gate, '/things/1', secret)).status, 200);
  await server.kill();
  const statuses = await Promise.all(
    gates.flatMap((gate) =>
      Array.from({ length: 100 }, async () => (await call(gate, '/things/1', secret)).status),
    ),
  );
  const passed = statuses.filter((status) => status === 200).length;
  t.ok(passed > 0, `not shut: ${passed}`);
  // A second passes at most while they are sent, on a slow machine a few.
  t.ok(passed < 300, `not open: ${passed}`);
  for (const gate of gates)
    await gate.logged(({ msg }) => msg.startsWith('the store does not answer for rate limits'));
  await server.restart();
  for (const gate of gates)
    await until(async () => {
      await call(gate, '/page');
      return (await gate.metric('tollgate_limits_alone')) === 0;
    }, 60_000);
});
