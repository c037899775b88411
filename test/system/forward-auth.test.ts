// Forward-auth as people run it: the real nginx, Caddy and HAProxy, each with its file of config/proxies, ask a gate about
// requests to an API and forward them themselves. What reaches the API is what it says that it received.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { t, type Test } from 'tap';
import { WebSocket } from 'ws';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import { call, exchange, type GateProcess, revoke, startGate, until } from '../support/gate-process.ts';
import { openOperator, type Operator } from '../support/operator.ts';
import { type Proxy, type ProxyKind, startProxy } from '../support/proxies.ts';
import { exchangeRaw } from '../support/raw-client.ts';

interface Deployment {
  readonly kind: ProxyKind;
  readonly gate: GateProcess;
  readonly proxy: Proxy;
  readonly api: EchoApi;
  readonly operator: Operator;
}

const settings = {
  trustedProxies: ['127.0.0.1'],
  limits: { unknownTokensPerMinute: 20 },
  cache: { unknownTtl: '0s' },
  routes: [
    { name: 'things', path: '/things/*', scopes: ['things:read'] },
    { name: 'admin', path: '/admin/*', scopes: ['things:admin'] },
    { name: 'public', path: '/public/*', public: true },
    { name: 'written', path: '/written', methods: ['POST'], scopes: [] },
    { name: 'socket', path: '/ws', scopes: ['things:read'], upgrade: true },
    { name: 'beside', path: '/{first}/beside', public: true },
    { name: 'swapped', path: '/swapped', scopes: [], forwardCredential: 'access-token' },
  ],
};

const start = async (t: Test, kind: ProxyKind, directory: string, api: EchoApi): Promise<Deployment> => {
  const socket = join(directory, `${kind}.sock`);
  const forwardAuth = {
    nginx: { listen: `unix:${socket}`, trustedPeers: ['unix'] },
    caddy: { listen: `unix:${socket}`, trustedPeers: ['unix'], style: 'forwarded' },
    haproxy: { listen: '127.0.0.1:0', trustedPeers: ['127.0.0.1'], spoofedHeaders: 'list' },
  }[kind];
  const gate = await startGate(t, {
    directory,
    name: kind,
    settings: { ...settings, upstream: api.url, forwardAuth },
  });
  const { forwardAuth: address } = await gate.logged(({ msg }) => msg === 'listening');
  const auth = kind === 'haproxy' ? Number(String(address).split(':').at(-1)) : socket;
  const proxy = await startProxy(t, kind, { gatePort: gate.port, auth, apiPort: api.port });
  const operator = await openOperator(t, gate.settingsFile);
  await gate.whenReady();
  return { kind, gate, proxy, api, operator };
};

t.test('a proxy asks, and forwards what may pass', async (t) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  const nginx = await start(t, 'nginx', directory, api);
  await nginx.operator.furnish();
  const others = await Promise.all([start(t, 'caddy', directory, api), start(t, 'haproxy', directory, api)]);
  for (const deployment of [nginx, ...others])
    await t.test(deployment.kind, async (t) => {
      await passes(t, deployment);
      await refuses(t, deployment);
      await cannotBeSpoofed(t, deployment);
      await asksBesideOwnEndpoints(t, deployment);
      await forwardsWhatIsJudged(t, deployment);
      await passesWebSockets(t, deployment);
      await hearsOfRevocations(t, deployment);
      await recordsEachRequest(t, deployment);
      await limitsGuesses(t, deployment);
      await failsClosed(t, deployment);
    });
});

/** What the API received of the last request. */
const lastOf = ({ api }: Deployment) => {
  const last = api.received.at(-1);
  if (last === undefined) throw new Error('nothing reached the API');
  return last;
};

const raw = ({ proxy }: Deployment, line: string, ...headers: readonly string[]) =>
  exchangeRaw(
    proxy.port,
    `${[`${line} HTTP/1.1`, 'Host: api.example', ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`,
    { bodiless: line.startsWith('HEAD') },
  );

const passes = async (t: Test, deployment: Deployment): Promise<void> => {
  const { proxy, operator } = deployment;
  const { secret } = await operator.token();
  const answer = await call(proxy, '/things/1?a=b', secret, { method: 'POST', body: 'hello' });
  t.equal(answer.status, 200, 'a good token passes');
  const { method, url, headers } = lastOf(deployment);
  t.same([method, url, headers['content-length']], ['POST', '/things/1?a=b', '5']);
  t.match(headers, { 'x-identity-user': 'ada', 'x-identity-org': 'acme', 'x-forwarded-for': '127.0.0.1' });
  t.match(headers['x-identity'], /^ey/);
  t.equal(headers['authorization'], undefined, 'the credential stays outside');
  t.equal((await call(proxy, '/things/1', secret, { method: 'HEAD' })).status, 200);

  t.equal((await call(proxy, '/public/x')).status, 200, 'a public path passes without a token');
  t.notMatch(Object.keys(lastOf(deployment).headers).join(' '), /identity/);

  const session = await exchange(proxy, secret);
  t.match(session, /^ey/, 'Tollgate’s own endpoints are reached through the proxy');
  t.equal((await call(proxy, '/things/1', session)).status, 200);
  await call(proxy, '/swapped', secret);
  t.match(
    lastOf(deployment).headers['authorization'],
    /^Bearer ey/,
    'a route may swap the token for a session',
  );
};

const refuses = async (t: Test, deployment: Deployment): Promise<void> => {
  const { proxy, operator, api } = deployment;
  const { secret } = await operator.token({ scopes: ['things:read'] });
  const before = api.received.length;
  const none = await call(proxy, '/things/1');
  t.equal(none.status, 401);
  t.equal(none.headers.get('www-authenticate'), 'Bearer realm="tollgate"', 'once');
  t.match(none.headers.get('content-type'), 'application/problem+json');
  t.match(none.json(), { status: 401, title: 'Unauthorized' });
  t.equal((await call(proxy, '/things/1', undefined, { method: 'OPTIONS' })).status, 401);
  t.equal((await call(proxy, '/things/1', undefined, { method: 'HEAD' })).status, 401);
  const scope = await call(proxy, '/admin/x', secret);
  t.equal(scope.status, 403);
  t.match(scope.headers.get('www-authenticate'), 'error="insufficient_scope"');
  t.match(scope.json(), { status: 403 });
  const ambiguous = await raw(deployment, 'GET /public//x');
  t.equal(ambiguous.status, 400, 'a status that is neither 401 nor 403');
  t.match(JSON.parse(ambiguous.body), { status: 400, detail: /more than one way/ });
  const method = await call(proxy, '/written', secret, { method: 'PUT' });
  t.equal(method.status, 405);
  t.equal(method.headers.get('allow'), 'POST');
  t.equal(api.received.length, before, 'nothing of it reached the API');
};

const spoofs = [
  'X-Identity: eyJ.spoof.ed',
  'X-Identity-User: root',
  'X-Identity-Other: root',
  'X_Identity_User: root',
  'x-identity-org: globex',
  'Remote-User: root',
  'X-Original-URL: /admin',
  'X-Rewrite-URL: /admin',
  'Forwarded: for=10.0.0.1',
  'X-Forwarded-Prefix: /admin',
];

const cannotBeSpoofed = async (t: Test, deployment: Deployment): Promise<void> => {
  const { api, operator } = deployment;
  const { secret } = await operator.token();
  const good = `Authorization: Bearer ${secret}`;
  for (const line of ['GET /things/1', 'GET /public/x'])
    for (const spoof of spoofs) {
      const before = api.received.length;
      const { status } = await raw(deployment, line, spoof, ...(line === 'GET /things/1' ? [good] : []));
      if (status === 400) t.equal(api.received.length, before, `${spoof} is refused`);
      else {
        t.equal(status, 200, spoof);
        const [name = '', value = ''] = spoof.toLowerCase().split(': ');
        t.not(lastOf(deployment).headers[name], value, `${line}: ${spoof} does not reach the API`);
      }
    }
  t.equal(
    (await raw(deployment, 'GET /things/1', good, 'Connection: X-Identity-User, X-Identity')).status,
    200,
  );
  t.match(lastOf(deployment).headers, { 'x-identity-user': 'ada' }, 'nor taken away');
  t.notMatch(lastOf(deployment).headers['connection'], /identity/i, 'nor by a server behind');
  await raw(deployment, 'GET /things/1', good, 'Upgrade: h2c', 'Connection: Upgrade');
  t.equal(lastOf(deployment).headers['upgrade'], undefined, 'no other way to the API is opened');
  const before = api.received.length;
  const described = [
    'X-Original-Method: GET',
    'X-Original-URI: /public/x',
    'X-Forwarded-Method: GET',
    'X-Forwarded-Uri: /public/x',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-For: 10.9.9.9',
  ];
  for (const one of [...described.map((line) => [line]), described])
    t.ok((await raw(deployment, 'DELETE /things/1', ...one)).status >= 400, `${one.join()} opens nothing`);
  t.equal(api.received.length, before);
  const { status } = await raw(deployment, 'GET /things/1', good, ...described.slice(4));
  t.equal(status, 200);
  t.match(lastOf(deployment).headers, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'api.example' });
};

/** The gate believes the proxy: what it forwards itself must be nothing that a caller can choose. */
const asksBesideOwnEndpoints = async (t: Test, deployment: Deployment): Promise<void> => {
  const { api } = deployment;
  for (const line of ['GET /oauth2/beside', 'GET /.well-known/beside', 'GET /x/../oauth2/beside']) {
    const before = api.received.length;
    await raw(deployment, line, 'X-Client-Cert: MIIB', 'X-Rewrite-URL: /admin');
    if (api.received.length === before) continue;
    const { headers } = lastOf(deployment);
    t.same([headers['x-client-cert'], headers['x-rewrite-url']], [undefined, undefined], line);
  }
};

const targets = [
  '/things/a%2Fb',
  '/things/a%2fb',
  '/things/%2e%2e/admin/x',
  '/things/../admin/x',
  '/things/..%2fadmin/x',
  '/things/./x',
  '/things//x',
  '//things/x',
  '/things/x;a=b',
  '/things/%5cx',
  '/things/%41',
  '/things/a%20b',
  '/things/%E2%82%AC',
  '/things/a+b',
  '/things/x?q=%2F..%2F//&r=a%20b',
  '/things/x?',
  '/things/x?a?b=//../',
  '/things/x#y',
  '/things/%00',
  '/things/%252e',
  '/Things/x',
  '/things/',
  'http://api.example/things/x',
  'http://api.example/things/../admin/x',
];

const forwardsWhatIsJudged = async (t: Test, deployment: Deployment): Promise<void> => {
  const { api, operator } = deployment;
  const { secret } = await operator.token();
  const passed = new Set<string>();
  for (const target of targets) {
    const before = api.received.length;
    const { status } = await raw(deployment, `GET ${target}`, `Authorization: Bearer ${secret}`);
    if (api.received.length === before) {
      t.ok(status >= 400, `${target} is refused: ${status}`);
      continue;
    }
    passed.add(target);
    // The form with scheme and host names the same target (RFC 9112 section 3.2.2).
    t.equal(
      lastOf(deployment).url,
      target.replace('http://api.example', ''),
      `${target} is forwarded as it came`,
    );
  }
  for (const target of ['/things/a%20b', '/things/x?q=%2F..%2F//&r=a%20b', '/things/x?a?b=//../', '/things/'])
    t.ok(passed.has(target), `${target} passes`);
  for (const target of [
    '/things/a%2Fb',
    '/things/../admin/x',
    '/things/..%2fadmin/x',
    '/things//x',
    '/things/%252e',
  ])
    t.notOk(passed.has(target), `${target} does not`);
};

const passesWebSockets = async (t: Test, deployment: Deployment): Promise<void> => {
  const { proxy, operator } = deployment;
  const { secret } = await operator.token();
  const url = `ws://127.0.0.1:${proxy.port}`;
  const greeted = await new Promise<string>((resolve, reject) => {
    const socket = new WebSocket(`${url}/ws`, { headers: { authorization: `Bearer ${secret}` } });
    socket.once('message', (data: Buffer) => {
      socket.terminate();
      resolve(data.toString());
    });
    socket.once('error', reject);
  });
  t.match(JSON.parse(greeted), { 'x-identity-user': 'ada' }, 'a WebSocket has the identity');
  const refusal = (path: string, headers: Readonly<Record<string, string>>) =>
    new Promise<number>((resolve, reject) => {
      const socket = new WebSocket(`${url}${path}`, { headers });
      socket.once('unexpected-response', (request, response) => {
        request.destroy();
        resolve(response.statusCode ?? 0);
      });
      socket.once('open', () => reject(new Error(`${path} was opened`)));
      socket.once('error', () => undefined);
    });
  t.equal(await refusal('/ws', {}), 401);
  t.equal(
    await refusal('/things/1', { authorization: `Bearer ${secret}` }),
    403,
    'not where the route has none',
  );
};

const hearsOfRevocations = async (t: Test, { gate, proxy, operator }: Deployment): Promise<void> => {
  const { secret } = await operator.token();
  t.equal((await call(proxy, '/things/1', secret)).status, 200);
  t.equal((await revoke(gate, secret)).status, 200);
  await until(async () => (await call(proxy, '/things/1', secret)).status === 401);
};

const recordsEachRequest = async (t: Test, { gate }: Deployment): Promise<void> => {
  t.ok((await gate.metric('tollgate_requests_total', { route: 'things' })) > 10, 'by its route');
  t.ok((await gate.metric('tollgate_decisions_total', { reason: 'scope_missing' })) > 0, 'with its reason');
};

/** After everything else: from now on a token that is not in the cache is not looked up. */
const limitsGuesses = async (t: Test, { proxy }: Deployment): Promise<void> => {
  let limited = await call(proxy, '/things/1', 'guess-0');
  for (let n = 1; n < 60 && limited.status === 401; n++)
    limited = await call(proxy, '/things/1', `guess-${n}`);
  t.equal(limited.status, 429);
  t.match(limited.headers.get('retry-after'), /^\d+$/);
  t.match(limited.json(), { status: 429 });
};

const failsClosed = async (t: Test, { gate, proxy, api }: Deployment): Promise<void> => {
  await gate.stop();
  const before = api.received.length;
  t.ok((await call(proxy, '/public/x')).status >= 500, 'nobody passes while nobody judges');
  t.equal(api.received.length, before);
};
