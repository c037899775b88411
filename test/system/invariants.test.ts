// The seven invariants of ARCHITECTURE.md against a whole gate: those that are not the subject of a file of their own
// (4: partition.test.ts and prometheus-api.test.ts; 5: bounded.test.ts; 6: secrets.test.ts).

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createSecret } from '../../src/tokens/api-token.ts';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import {
  type Answer,
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  post,
  revoke,
  startGate,
  until,
} from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { connectRaw, exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const makeDirectory = (t: Test): string => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const routes = [
  { name: 'account', path: '/accounts/{org}/*', scopes: ['things:read'] },
  { name: 'write', path: '/write', methods: ['POST'], scopes: ['things:write'] },
  { name: 'people', path: '/people', scopes: [], sessions: 'interactive' },
  { name: 'things', path: '/things/*', methods: ['GET'], scopes: ['things:read'] },
  { name: 'public', path: '/public', public: true },
];

t.test(
  '1. nothing is forwarded without a permit for this credential, route, issuer and audience',
  async (t) => {
    const api: EchoApi = await startEchoApi(t);
    const directory = makeDirectory(t);
    const store = `sqlite:${join(directory, 'shared.db')}`;
    const start = (name: string, over: object = {}): Promise<GateProcess> =>
      startGate(t, { directory, name, settings: { upstream: api.url, store, routes, ...over } });
    const gate = await start('gate');
    const operator = await openOperator(t, gate.settingsFile);
    await operator.furnish();
    // The same store and so the same keys, under another name, and for another API.
    const [otherIssuer, otherAudience] = await Promise.all([
      start('issuer', { issuer: 'http://127.0.0.1:8090', audience: 'http://127.0.0.1:8080' }),
      start('audience', { audience: 'https://another.example' }),
    ]);
    await Promise.all([gate, otherIssuer, otherAudience].map((each) => each.whenReady()));
    const reader = (await operator.token({ scopes: ['things:read'] })).secret;
    const revoked = (await operator.token()).secret;
    await revoke(gate, revoked);
    const disabled = (await operator.token({ user: 'bob' })).secret;
    done(await operator.accounts.setUserState('acme', 'bob', 'disabled'));
    const good = await exchange(gate, reader);
    const [head = '', payload = '', signature = ''] = good.split('.');
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');

    const refused: readonly (readonly [
      why: string,
      method: string,
      path: string,
      token: string | undefined,
    ])[] = [
      ['no credential', 'GET', '/things/1', undefined],
      ['a token nobody made', 'GET', '/things/1', createSecret({ shard: 1, length: 65 })],
      ['garbage', 'GET', '/things/1', 'garbage'],
      ['a revoked token', 'GET', '/things/1', revoked],
      ['a disabled user', 'GET', '/things/1', disabled],
      ['a scope that is missing', 'POST', '/write', reader],
      ['a scope that is missing, by access token', 'POST', '/write', good],
      ['a method no rule names', 'DELETE', '/things/1', reader],
      ['a method outside HTTP', 'BREW', '/things/1', reader],
      ['a path no rule names', 'GET', '/other', reader],
      ['a path that walks', 'GET', '/things/%2e%2e/write', reader],
      ['a path with two readings', 'GET', '/things//1', reader],
      ["another org's account", 'GET', '/accounts/other/1', reader],
      ['no person, where a person is asked for', 'GET', '/people', reader],
      ['a token of another issuer with our keys', 'GET', '/things/1', await exchange(otherIssuer, reader)],
      ['a token for another audience', 'GET', '/things/1', await exchange(otherAudience, reader)],
      ['a token without signature', 'GET', '/things/1', `${unsigned}.${payload}.`],
      [
        'a changed signature',
        'GET',
        '/things/1',
        `${head}.${payload}.${signature.slice(0, -2)}${signature.endsWith('AA') ? 'QQ' : 'AA'}`,
      ],
      ['changed claims', 'GET', '/things/1', `${head}.${payload.slice(0, -2)}AA.${signature}`],
    ];
    for (const round of ['first', 'cached']) {
      const before = api.received.length;
      for (const [why, method, path, token] of refused) {
        const line = `${method} ${path} HTTP/1.1\r\nHost: api\r\nContent-Length: 0\r\n`;
        const credential = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
        const answer = await exchangeRaw(gate.port, `${line}${credential}\r\n`);
        t.match(String(answer.status), /^40[01345]$/, `${round}: ${why}: ${answer.status}`);
      }
      t.equal(api.received.length, before, `${round}: the API heard of none of it`);
    }
    for (const token of [reader, good]) {
      t.equal((await call(gate, '/things/1', token)).status, 200, 'and the good ones get through');
      t.equal((await call(gate, '/accounts/acme/1', token)).status, 200);
    }
    t.equal((await call(gate, '/public')).status, 200);
  },
);

/** Ways an upstream can misbehave, all of them seen in the wild. */
const misbehaviour: Readonly<Record<string, string | undefined>> = {
  garbage: 'garbage\r\n\r\n',
  'status 099': 'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n',
  'status 999': 'HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n',
  'status 000': 'HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n',
  'a control character in the reason': 'HTTP/1.1 200 O\u0001K\r\nContent-Length: 0\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'a length and chunks':
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a head of 64 KB': `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`,
  'an upgrade nobody asked for':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  'half a head': 'HTTP/1.1 200 OK\r\nContent-Le',
  'half a body': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc',
  'broken chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n',
  'bytes after the end':
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  nothing: undefined,
};

t.test(
  '2. the process ends only on a signal: not on garbage from callers, nor from the API, nor a lost log',
  async (t) => {
    const answers = Object.values(misbehaviour);
    let next = 0;
    const upstream = await startRawUpstream({
      serve: async (connection) => {
        for (;;) {
          await connection.readMessage();
          const answer = answers[next++ % answers.length];
          if (answer === undefined) return connection.reset();
          connection.send(answer);
          connection.end();
        }
      },
    });
    t.teardown(() => upstream.close());
    const directory = makeDirectory(t);
    const gate = await startGate(t, {
      directory,
      settings: {
        upstream: { url: upstream.origin, bodyIdleTimeout: '200ms' },
        routes: [{ name: 'all', path: '/*', public: true, responseTimeout: '200ms', upgrade: true }],
        log: { access: 'all' },
      },
    });
    await gate.whenReady();
    const bytes = [
      'garbage\r\n\r\n',
      '\u0000\u0001\u0002',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc',
      `GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20),
    ];
    for (const [index, each] of bytes.entries())
      for (const leave of ['reset', 'end'] as const) {
        const client = await connectRaw(gate.port);
        client.send(each);
        // Half of them leave at once, half with the answer, if one comes soon.
        const answered = Promise.race([client.closed, once(client.socket, 'data'), delay(200)]);
        if (index % 2 === 0) await answered.catch(() => undefined);
        client[leave]();
        client.socket.destroy();
      }
    const statuses = new Set<number | 'broken'>();
    for (let round = 0; round < 2 * answers.length; round += 1)
      statuses.add(
        await call(gate, '/x').then(
          ({ status }) => status,
          () => 'broken' as const,
        ),
      );
    t.ok(statuses.has(502), 'a broken answer is told as 502');
    gate.child.stdout?.destroy();
    await Promise.allSettled(Array.from({ length: 50 }, () => call(gate, '/y')));
    t.equal((await fetch(`${gate.opsUrl}/livez`)).status, 200, 'alive, though nobody reads its log');
    t.equal((await fetch(`${gate.opsUrl}/readyz`)).status, 200);
    t.equal(await gate.metric('tollgate_process_faults_total'), 0, 'and no exception went uncaught');
    t.equal(await gate.metric('tollgate_decisions_total', { result: 'bug' }), 0);
    t.equal(gate.child.exitCode, null);
    gate.child.kill('SIGTERM');
    t.strictSame(await gate.ended, { code: 0, signal: null }, 'until it is told to');
  },
);

t.test('3. every request ends in bounded time, whole, or with a visibly broken connection', async (t) => {
  const held = new Set<Socket>();
  /** Accepts and never says a word. */
  const mute = createServer((socket) => {
    held.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.teardown(() => {
    for (const socket of held) socket.destroy();
    mute.close();
  });
  const address = mute.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const directory = makeDirectory(t);
  // Each answer stands still where it ends: nothing more comes, and the connection stays.
  const standing = await startRawUpstream({
    answer: ({ startLine }) => {
      const name = decodeURIComponent(startLine.split(' ')[1]?.slice(1) ?? '');
      return misbehaviour[name] ?? 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    },
  });
  t.teardown(() => standing.close());
  const gate = await startGate(t, {
    directory,
    settings: {
      upstream: { url: standing.origin, bodyIdleTimeout: '300ms' },
      upstreams: { mute: `http://127.0.0.1:${port}` },
      routes: [
        { name: 'mute', path: '/mute', public: true, upstream: 'mute', responseTimeout: '300ms' },
        { name: 'all', path: '/*', public: true, responseTimeout: '300ms' },
      ],
      limits: { headersTimeout: '500ms', requestTimeout: '1s', writeStallTimeout: '1s' },
    },
  });
  await gate.whenReady();
  const muted = await call(gate, '/mute');
  t.equal(muted.status, 504, 'an API that says nothing is 504');
  const endOf = (name: string): Promise<string> =>
    call(gate, `/${encodeURIComponent(name)}`).then(
      ({ status, text }) => `${status} whole${status === 200 ? `: ${text}` : ''}`,
      () => 'broken',
    );
  for (const name of Object.keys(misbehaviour).filter((each) => misbehaviour[each] !== undefined)) {
    const end = await endOf(name);
    const wanted = ['half a body', 'broken chunks'].includes(name)
      ? /^(?:broken|502 whole)$/
      : name === 'bytes after the end'
        ? /^200 whole: ok$/
        : /^50[24] whole$/;
    t.match(end, wanted, `${name}: ${end}`);
  }
  for (const [what, bytes] of Object.entries({
    'half a head': 'GET / HTTP/1.1\r\nHo',
    'half a body': 'POST /mute HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc',
    nothing: '',
  })) {
    const socket = connect(gate.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
    t.pass(`a caller that sends ${what} is not waited for`);
  }
  await until(async () => (await gate.metric('tollgate_client_connections')) <= 3);
});

t.test('7. an outage never becomes a permit, and never a 401', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const gate = await startGate(t, {
    directory: makeDirectory(t),
    settings: {
      upstream: api.url,
      upstreams: { gone: 'http://127.0.0.1:9' },
      store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '1s' },
      keys: { encryptionKey },
      oauth: { clients: [{ id: 'reports', secret: 'a-client-secret-of-some-length' }] },
      routes: [...routes, { name: 'gone', path: '/gone', scopes: [], upstream: 'gone' }],
      feed: { maxStaleness: '1s' },
      cache: { identityTtl: '500ms' },
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  await gate.whenReady();
  const [known, unseen] = [(await operator.token()).secret, (await operator.token()).secret];
  const accessToken = await exchange(gate, known);
  const unseenAccessToken = await exchange(gate, known);
  for (const token of [known, accessToken]) t.equal((await call(gate, '/things/1', token)).status, 200);
  t.equal((await call(gate, '/gone', known)).status, 502, 'an API that is gone is 502');

  await redis.kill();
  await until(async () => (await call(gate, '/things/1', known)).status === 503);
  const before = api.received.length;
  const credentials = {
    known,
    unseen,
    accessToken,
    unseenAccessToken,
    unknown: createSecret({ shard: 2, length: 65 }),
  };
  for (const [what, token] of Object.entries(credentials)) {
    const answers: Record<string, Answer> = {
      request: await call(gate, '/things/1', token),
      'public request': await call(gate, '/public', token),
      exchange: await post(
        gate,
        '/oauth2/token',
        what.endsWith('ccessToken')
          ? {
              grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
              subject_token: token,
              subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
            }
          : { grant_type: 'refresh_token', refresh_token: token },
      ),
      revocation: await revoke(gate, token),
      introspection: await post(gate, '/oauth2/introspect', {
        token,
        client_id: 'reports',
        client_secret: 'a-client-secret-of-some-length',
      }),
    };
    for (const [name, { status, headers, text }] of Object.entries(answers)) {
      t.equal(status, 503, `${name} with ${what}: ${status} ${text}`);
      t.ok(headers.get('retry-after'), `${name} with ${what} says when to come back`);
    }
  }
  t.equal(api.received.length, before, 'nothing was let through');
});
