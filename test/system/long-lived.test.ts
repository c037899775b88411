// WebSockets and long streaming responses live no longer than the token that let them in.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  revoke,
  startGate,
  until,
} from '../support/gate-process.ts';
import { done, openOperator, type Operator } from '../support/operator.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

let api: EchoApi;
let [a, b] = [] as unknown as [GateProcess, GateProcess];
let operator: Operator;

t.before(async () => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const redis = await startRedis();
  t.teardown(() => redis.close());
  api = await startEchoApi(t);
  const settings = {
    upstream: api.url,
    store: `redis+unix:${redis.socketPath}`,
    keys: { encryptionKey },
    routes: [
      { name: 'no-socket', path: '/ws-not', scopes: ['things:read'] },
      { name: 'public-socket', methods: ['GET'], path: '/ws-public', public: true, upgrade: true },
      { name: 'all', path: '/*', scopes: ['things:read'], upgrade: true },
    ],
    tokens: { accessTokenLifetime: '10s' },
    log: { access: 'all' },
  };
  const start = (name: string): Promise<GateProcess> => startGate(t, { directory, name, settings });
  [a, b] = await Promise.all([start('a'), start('b')]);
  operator = await openOperator(t, a.settingsFile);
  await operator.furnish();
  await Promise.all([a.whenReady(), b.whenReady()]);
});

/** Something long-lived: `over` resolves when the gate has ended it. */
interface Long {
  readonly over: Promise<unknown>;
  readonly greeting: string;
}

const openSocket = async (
  t: Test,
  gate: GateProcess,
  token: string | undefined,
  path = '/ws',
): Promise<Long> => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${gate.url.replace('http', 'ws')}${path}`, { headers });
  t.teardown(() => socket.terminate());
  const failed = once(socket, 'error').then(([error]) => {
    throw error as Error;
  });
  failed.catch(() => undefined);
  const [greeting] = (await Promise.race([once(socket, 'message'), failed])) as [Buffer];
  return { over: once(socket, 'close'), greeting: greeting.toString() };
};

const openStream = async (t: Test, gate: GateProcess, token: string): Promise<Long> => {
  const client = await connectRaw(gate.port);
  t.teardown(() => client.socket.destroy());
  client.send(`GET /stream HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  const head = await client.readHead();
  t.match(head.startLine, '200');
  const greeting = await client.readUntil('data: tick\n\n');
  return {
    greeting,
    over: client.closed.then(() => {
      if (client.received.endsWith('\r\n0\r\n\r\n')) throw new Error('what was broken off passes for whole');
    }),
  };
};

const ways = { 'a WebSocket': openSocket, 'a stream': openStream } as const;

for (const [what, open] of Object.entries(ways)) {
  t.test(
    `${what} ends when its API token is revoked, on whichever replica; the caller's others go on`,
    async (t) => {
      const [doomed, other] = [await operator.token(), await operator.token()];
      const ended = [await open(t, a, doomed.secret), await open(t, b, doomed.secret)];
      const kept = await open(t, a, other.secret);
      let isKept = true;
      void kept.over.then(() => {
        isKept = false;
      });
      t.equal((await revoke(a, doomed.secret)).status, 200);
      await Promise.all(ended.map(({ over }) => over));
      t.pass('both have ended');
      t.match(await a.logged(endedBy('token_revoked', doomed.id)), { user: 'ada' });
      t.match(await b.logged(endedBy('token_revoked', doomed.id)), { user: 'ada' });
      t.equal((await call(a, '/things', other.secret)).status, 200);
      t.ok(isKept, 'and nobody else has');
    },
  );

  t.test(`${what} by an access token ends with the API token behind it`, async (t) => {
    const { secret } = await operator.token();
    const long = await open(t, b, await exchange(a, secret));
    await revoke(a, secret);
    await long.over;
    t.pass('the session has ended');
  });

  t.test(`${what} ends when its user is disabled`, async (t) => {
    const { secret } = await operator.token({ user: 'bob' });
    const long = await open(t, a, secret);
    done(await operator.accounts.setUserState('acme', 'bob', 'disabled'));
    await long.over;
    t.pass('let in yesterday is not let in today');
    done(await operator.accounts.setUserState('acme', 'bob', 'active'));
  });
}

t.test('both end when their token expires, though nothing happens', async (t) => {
  const { secret } = await operator.token();
  const accessToken = await exchange(a, secret);
  const claims = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  const { exp } = JSON.parse(claims) as { exp: number };
  const all = [await openSocket(t, a, accessToken), await openStream(t, a, accessToken)];
  await Promise.all(all.map(({ over }) => over));
  t.ok(Date.now() >= exp * 1000, 'not before its time');
});

t.test('a WebSocket reaches the API as an HTTP request does: identity in, credential out', async (t) => {
  const { secret } = await operator.token();
  const { greeting } = await openSocket(t, a, secret);
  t.match(JSON.parse(greeting), { 'x-identity-user': 'ada', 'x-identity-org': 'acme' });
  t.notMatch(greeting, secret);
  const everyone = await openSocket(t, a, undefined, '/ws-public');
  t.notMatch(everyone.greeting, /x-identity/);
  t.ok((await a.metric('tollgate_upgraded_connections')) >= 2, 'and is counted');
});

t.test('an upgrade is refused as a request would be: 401, 403, and nothing reaches the API', async (t) => {
  const { secret } = await operator.token({ scopes: ['things:write'] });
  const { secret: good } = await operator.token();
  const before = api.received.length;
  await t.rejects(openSocket(t, a, undefined), { message: 'Unexpected server response: 401' });
  await t.rejects(openSocket(t, a, `tg${'0'.repeat(63)}`), { message: 'Unexpected server response: 401' });
  await t.rejects(openSocket(t, a, secret), { message: 'Unexpected server response: 403' });
  await t.rejects(openSocket(t, a, good, '/ws-not'), { message: 'Unexpected server response: 403' });
  t.equal(api.received.length, before);
});

t.test('a caller that leaves takes its stream and its tunnel with it', async (t) => {
  const { secret } = await operator.token();
  await until(() => api.open === 0);
  const socket = connect(a.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`GET /stream HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${secret}\r\n\r\n`);
  await until(() => api.open === 1);
  socket.destroy();
  await until(() => api.open === 0);
  t.pass('the API need not go on for nobody');
  await until(async () => (await a.metric('tollgate_upgraded_connections')) === 0);
});

const endedBy =
  (reason: string, tokenId: string) =>
  (line: Readonly<Record<string, unknown>>): boolean =>
    line['msg'] === 'request' && line['reason'] === reason && line['tokenId'] === tokenId;
