// The door for proxies that forward requests themselves: who is believed, what is judged, and what is answered. The real
// proxies are in test/system/forward-auth.test.ts.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { outage } from '../../../src/decision/outcome.ts';
import type { RequestOutcome } from '../../../src/observe/request-outcome.ts';
import { createAuthListener, withAuthPath } from '../../../src/proxy/forward-auth/auth-listener.ts';
import { createHeaderClassifier } from '../../../src/proxy/header-class.ts';
import { readOriginal } from '../../../src/proxy/forward-auth/original-request.ts';
import { createQuestionNames } from '../../../src/proxy/forward-auth/question-names.ts';
import { createForwardAuth } from '../../../src/proxy/forward-auth/forward-auth.ts';
import { createListener, type Handler, type Listener, type Serve } from '../../../src/proxy/listener.ts';
import { createTrust } from '../../../src/proxy/peer.ts';
import { expectProxyHeaders } from '../../../src/proxy/connections/proxy-protocol.ts';
import { createRouter } from '../../../src/proxy/routing/router.ts';
import { createRunning } from '../../../src/proxy/running.ts';
import type { Settings } from '../../../src/settings/settings.ts';
import { createFixedIdentifier } from '../../support/fixed-identifier.ts';
import { anIdentity } from '../../support/identity.ts';
import { lineHeader } from '../../support/proxy-header.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import { aRule } from '../../support/route-rule.ts';
import { settingsWith } from '../../support/settings.ts';

const routes = [
  aRule({ scopes: ['things:read'] }),
  aRule({ name: 'admin', path: '/admin', scopes: ['things:admin'] }),
  aRule({ name: 'public', path: '/public/*', public: true }),
  aRule({ name: 'vendor', path: '/vendor/*', errors: 'csp' }),
  aRule({ name: 'kept', path: '/kept/*', forwardCredential: 'keep', credentialQueryParameter: 'token' }),
  aRule({ name: 'written', path: '/written', methods: ['POST'] }),
  aRule({ name: 'query', path: '/query', credentialQueryParameter: 'token' }),
  aRule({ name: 'socket', path: '/socket', upgrade: true }),
  aRule({ name: 'tried', path: '/tried/*', scopes: ['things:read'], mode: 'shadow' }),
];

const startDoor = async (
  t: Test,
  forwardAuth: Partial<Settings['forwardAuth']> = {},
  listenerOf: (settings: Settings, answer: Serve) => Listener = ({ limits }, answer) =>
    createAuthListener(limits, answer),
  change: Pick<Partial<Settings>, 'cors'> & { readonly credential?: Partial<Settings['credential']> } = {},
) => {
  const outcomes: RequestOutcome[] = [];
  const shadowed: string[] = [];
  const warnings: { message: string; fields: unknown }[] = [];
  const settings = settingsWith({
    ...change,
    forwardAuth: { trustedPeers: ['127.0.0.1'], ...forwardAuth },
  });
  const identifier = createFixedIdentifier(
    { good: anIdentity({}), down: outage('store_unavailable') },
    settings.identity.headers,
  );
  const unused = (): never => {
    throw new Error('nothing is forwarded from here');
  };
  const made = createRunning(
    settings,
    {
      identifier,
      forwarder: { forward: unused, reading: unused, close: unused },
      upgrader: { upgrade: unused, close: unused, size: 0 } as never,
      surfaces: { handle: unused, refuseBody: unused },
      record: (outcome) => void outcomes.push(outcome),
      countShadow: (route, verdict) =>
        void shadowed.push(`${route} ${verdict === 'permit' ? verdict : verdict.reason}`),
    },
    Date.now,
  );
  const running = { ...made, pipeline: { ...made.pipeline, router: createRouter(routes) } };
  const answer = createForwardAuth({
    running: () => running,
    isShuttingDown: () => false,
    log: { warn: (message, fields) => void warnings.push({ message, fields }) },
  });
  const listener = listenerOf(settings, answer).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.teardown(() => {
    listener.closeAllConnections();
    listener.close();
  });
  const { port } = listener.address() as AddressInfo;
  const send = (lines: readonly string[], from?: string) =>
    exchangeRaw(from === undefined ? port : { port, from }, `${lines.join('\r\n')}\r\n\r\n`);
  return {
    port,
    outcomes,
    shadowed,
    warnings,
    send,
    /** Asks as nginx does. */
    ask: (request: string, ...headers: readonly string[]) => {
      const [method = '', target = ''] = request.split(' ');
      return send([
        'GET /auth HTTP/1.1',
        'Host: api.example',
        `X-Original-Method: ${method}`,
        `X-Original-URI: ${target}`,
        'X-Forwarded-For: 192.0.2.7',
        ...headers,
      ]);
    },
  };
};

const good = 'Authorization: Bearer good';

t.test('a request that may pass is answered with the identity and what to remove', async (t) => {
  const { ask, outcomes } = await startDoor(t);
  const answer = await ask('DELETE /things/1?a=b', good);
  t.equal(answer.status, 200);
  t.equal(answer.body, '');
  t.equal(answer.header('x-identity-user'), 'alice');
  t.ok(answer.header('x-identity'));
  t.equal(answer.header('x-tollgate-remove'), 'Authorization');
  t.equal(answer.header('authorization'), undefined);
  t.equal(answer.header('cache-control'), 'no-store');
  t.match(outcomes, [
    {
      route: 'things',
      method: 'DELETE',
      path: '/things/1',
      status: 200,
      result: 'permit',
      clientAddress: '192.0.2.7',
    },
  ]);
});

t.test('a public route passes without an identity', async (t) => {
  const { ask } = await startDoor(t);
  const answer = await ask('GET /public/x');
  t.equal(answer.status, 200);
  t.equal(answer.header('x-identity-user'), undefined);
});

t.test('a refusal is the one that the API’s caller should get', async (t) => {
  const { ask, outcomes } = await startDoor(t);
  for (const [request, status, header, value, ...lines] of [
    ['GET /things/1', 401, 'www-authenticate', /^Bearer realm="tollgate"$/],
    ['GET /things/1', 401, 'www-authenticate', /invalid_token/, 'Authorization: Bearer unknown'],
    ['GET /admin', 403, 'www-authenticate', /insufficient_scope/, good],
    ['GET /nothing', 403, 'content-type', /problem\+json/, good],
    ['GET /things/1', 503, 'retry-after', /^1$/, 'Authorization: Bearer down'],
  ] as const) {
    const answer = await ask(request, ...lines);
    t.equal(answer.status, status, request);
    t.match(answer.header(header), value, request);
    t.equal(answer.header('x-tollgate-status'), String(status));
    t.same(
      JSON.parse(answer.header('x-tollgate-body') ?? ''),
      JSON.parse(answer.body),
      'and again for nginx',
    );
  }
  t.match(outcomes[4], { route: 'things', result: 'outage', reason: 'store_unavailable', status: 503 });
});

t.test('a refusal speaks the dialect of its route', async (t) => {
  const { ask } = await startDoor(t);
  const answer = await ask('GET /vendor/x');
  t.equal(answer.status, 401);
  t.match(JSON.parse(answer.body), { statusCode: 401 });
});

t.test('an original header that is missing or stands twice is 400, and says what to do', async (t) => {
  const { send, warnings, outcomes } = await startDoor(t);
  const lines = ['X-Original-Method: GET', 'X-Original-URI: /public/x', 'X-Forwarded-For: 192.0.2.7'];
  const head = ['GET /auth HTTP/1.1', 'Host: api.example'];
  for (const missing of lines) {
    const name = missing.split(':')[0] ?? '';
    const answer = await send([...head, ...lines.filter((line) => line !== missing)]);
    t.equal(answer.status, 400, missing);
    t.match(answer.body, `${name} is missing`);
    const doubled = await send([...head, ...lines, missing]);
    t.equal(doubled.status, 400, missing);
    t.match(doubled.body, `${name} stands twice`);
    const spelled = await send([...head, ...lines, missing.toUpperCase()]);
    t.equal(spelled.status, 400, 'in whatever case');
  }
  for (const more of ['X-Original-URL: http://a/admin', 'Host: other'])
    t.equal((await send([...head, ...lines, more])).status, 400, more);
  for (const change of ['X-Forwarded-For: unknown', 'X-Original-Method: GE T', 'X-Original-URI:'])
    t.equal(
      (await send([...head, ...lines.filter((line) => !line.startsWith(change.split(':')[0]!)), change]))
        .status,
      400,
      change,
    );
  t.ok(warnings.length > 3 && warnings.length < 12, 'each fault is logged once');
  t.ok(outcomes.every(({ result, route }) => result === 'denial' && route === '(invalid)'));
});

t.test('a peer that is not trusted is refused, and the log says so once', async (t) => {
  const { send, warnings, outcomes } = await startDoor(t);
  const lines = [
    'GET /auth HTTP/1.1',
    'Host: api.example',
    'X-Original-Method: GET',
    'X-Original-URI: /public/x',
    'X-Forwarded-For: 192.0.2.7',
  ];
  for (let n = 0; n < 3; n++) {
    const answer = await send(lines, '127.0.0.2');
    t.equal(answer.status, 403);
    t.equal(answer.header('connection'), 'close');
    t.equal(answer.header('x-identity'), undefined);
  }
  t.match(warnings, [{ message: /not in forwardAuth.trustedPeers/, fields: { peer: '127.0.0.2' } }]);
  t.equal(warnings.length, 1);
  t.match(outcomes[0], { reason: 'peer_untrusted', clientAddress: '127.0.0.2', route: '(invalid)' });
});

t.test('behind a PROXY header it is the peer that the header names, not the load balancer', async (t) => {
  const { port, outcomes } = await startDoor(t, { trustedPeers: ['192.0.2.1'] }, ({ limits }, answer) => {
    const listener = createAuthListener(limits, answer);
    expectProxyHeaders(listener, {
      trusts: () => createTrust(['127.0.0.1']),
      timeoutMs: () => 60_000,
      onRefused: (why) => t.fail(why),
    });
    return listener;
  });
  const question = `GET /auth HTTP/1.1\r\nHost: a\r\nX-Original-Method: GET\r\nX-Original-URI: /public/x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n`;
  for (const [source, status] of [
    ['192.0.2.1', 200],
    ['127.0.0.1', 403],
    ['203.0.113.9', 403],
  ] as const)
    t.equal((await exchangeRaw(port, `${lineHeader('TCP4', source).toString()}${question}`)).status, status);
  t.match(outcomes.at(-1), { reason: 'peer_untrusted', clientAddress: '203.0.113.9' });
});

t.test('the target is judged byte for byte, or refused', async (t) => {
  const { ask } = await startDoor(t);
  for (const target of [
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public%2f..%2fadmin',
    '/public/%2fadmin',
    '//public/x',
    '/public//x',
    '/public/x;y',
    '/public/x#y',
    '/public/%252e',
    '/public/\\x',
    'http://api.example/public/x',
    'public/x',
    '*',
  ])
    t.equal((await ask(`GET ${target}`)).status, 400, target);
  for (const target of ['/public/a%20b', '/public/x?y=%2F..%2F&z=//', '/public/'])
    t.equal((await ask(`GET ${target}`)).status, 200, target);
});

t.test('the host that is asked about is the one that the proxy names', async (t) => {
  const classify = createHeaderClassifier({
    credential: { headers: [] },
    identity: { headers: {}, strip: [], keep: [] },
  });
  const hostOf = (
    style: 'original' | 'forwarded' | 'envoy',
    lines: readonly string[],
  ): string | undefined => {
    const rawHeaders = ['X-Forwarded-For: 203.0.113.9', 'Host: auth.internal', ...lines].flatMap((line) =>
      line.split(/: (.*)/s).slice(0, 2),
    );
    const asking = { method: 'GET', target: '/x', rawHeaders, peerAddress: '127.0.0.1' };
    const read = readOriginal(style, createQuestionNames(style, classify, undefined), asking);
    if ('fault' in read) throw new Error(read.fault);
    return read.head.host;
  };
  // Traefik asks with a Host of its own.
  const forwarded = [
    'X-Forwarded-Method: GET',
    'X-Forwarded-Uri: /x',
    'X-Forwarded-Host: api.example',
    'X-Forwarded-Proto: https',
  ];
  t.equal(hostOf('forwarded', forwarded), 'api.example');
  // So does the Ingress of nginx.
  t.equal(
    hostOf('original', ['X-Original-Method: GET', 'X-Original-URL: https://api.example:8443/x']),
    'api.example:8443',
  );
  t.equal(hostOf('original', ['X-Original-Method: GET', 'X-Original-URI: /x']), undefined, 'Host says it');
  t.equal(hostOf('envoy', ['X-Forwarded-Proto: https']), undefined, 'Host says it');
});

t.test('405 names the methods to the proxy, and to nginx by header too', async (t) => {
  const { ask } = await startDoor(t);
  const answer = await ask('PUT /written');
  t.equal(answer.status, 405);
  t.equal(answer.header('allow'), 'POST');
  t.equal(answer.header('x-tollgate-status'), '405');
});

t.test('a proxy may ask in absolute form itself (RFC 9112 section 3.2.2)', async (t) => {
  const { send } = await startDoor(t, { style: 'envoy' });
  const lines = ['X-Forwarded-For: 203.0.113.9', 'X-Forwarded-Proto: https', 'Host: other'];
  for (const [target, status] of [
    ['http://api.example/public/x', 200],
    ['http://api.example/admin', 401],
    ['http://api.example/public/../admin', 400],
    ['http://user@api.example/public/x', 400],
  ] as const)
    t.equal((await send([`GET ${target} HTTP/1.1`, ...lines])).status, status, target);
});

t.test(
  'a credential in the query would reach the API, so it is refused where the route does not keep it',
  async (t) => {
    const { ask, outcomes } = await startDoor(t);
    t.equal((await ask('GET /query?token=good')).status, 400);
    t.match(outcomes[0]?.evidence, /credential in the query/);
    t.equal((await ask('GET /query', good)).status, 200);
    t.equal((await ask('GET /kept/x?token=good')).status, 200);
    const kept = await ask('GET /kept/x', good);
    t.equal(kept.header('authorization'), 'Bearer good', 'the API is to get what the caller sent');
    t.equal(kept.header('x-tollgate-remove'), undefined);
  },
);

t.test('headers that only Tollgate may send are refused from a caller, or named', async (t) => {
  const spoofs = [
    'X-Identity: x',
    'x_identity_user: root',
    'X-Identity-Other: x',
    'Remote-User: root',
    'X-Forwarded_For: 10.0.0.1',
    'X-Rewrite-URL: /admin',
    'X-Forwarded-Prefix: /admin',
    'Proxy: http://evil.example',
    'Upgrade: h2c',
  ];
  const refusing = await startDoor(t);
  for (const spoof of spoofs) t.equal((await refusing.ask('GET /things/1', good, spoof)).status, 400, spoof);
  for (const plain of [
    'X-Real-IP: 192.0.2.7',
    'X-Forwarded-Port: 443',
    'X-Request-Id: r-1',
    'Forwarded: for=x',
  ])
    t.equal((await refusing.ask('GET /things/1', good, plain)).status, 200, plain);
  const listing = await startDoor(t, { spoofedHeaders: 'list' });
  for (const spoof of spoofs) {
    const answer = await listing.ask('GET /things/1', good, spoof, spoof);
    t.equal(answer.status, 200, spoof);
    t.equal(answer.header('x-tollgate-remove'), `Authorization, ${spoof.split(':')[0]}`);
    t.equal(answer.header('x-identity-user'), 'alice');
  }
});

t.test(
  'the length of the original body makes nobody wait, and its connection is not used again',
  async (t) => {
    const { port } = await startDoor(t);
    for (const line of [
      'Content-Length: 1000',
      'Transfer-Encoding: chunked',
      'Content-Length: 5\r\nExpect: 100-continue',
    ]) {
      const client = await connectRaw(port);
      t.teardown(() => client.socket.destroy());
      client.send(
        `GET /auth HTTP/1.1\r\nHost: a\r\nX-Original-Method: POST\r\nX-Original-URI: /things/1\r\nX-Forwarded-For: ::1\r\n${good}\r\n${line}\r\n\r\n`,
      );
      const answer = await client.readMessage();
      t.equal(answer.status, 200, line);
      t.equal(answer.header('connection'), 'close', line);
    }
  },
);

t.test('HEAD and OPTIONS are judged by their own rules', async (t) => {
  const { ask } = await startDoor(t);
  t.equal((await ask('HEAD /things/1', good)).status, 200);
  t.equal((await ask('OPTIONS /things/1')).status, 401, 'a preflight needs a public rule');
  t.equal((await ask('OPTIONS /public/x')).status, 200);
  t.equal((await ask('TRACE /public/x')).status, 405);
});

t.test('every answer has the id of its request, a question that cannot be read included', async (t) => {
  const { ask, send, outcomes, port } = await startDoor(t);
  for (const [request, ...lines] of [
    ['GET /public/x', 'X-Request-Id: my-id'],
    ['GET /things/1', 'X-Request-Id: my-id'],
    ['GET /nowhere'],
  ] as const) {
    const answer = await ask(request, ...lines);
    t.strictSame(answer.all('x-request-id'), [outcomes.at(-1)?.requestId], request);
  }
  const unread = await send(['GET /auth HTTP/1.1', 'Host: a', 'X-Request-Id: my-id']);
  t.match(unread, { status: 400 });
  t.ok(unread.header('x-request-id'));
  const broken = await exchangeRaw(port, 'no request\r\n\r\n');
  t.match(broken, { status: 400 });
  t.ok(broken.header('x-request-id'));
});

t.test('an upgrade is judged as one', async (t) => {
  const { ask } = await startDoor(t);
  t.equal((await ask('GET /socket', good, 'Upgrade: websocket')).status, 200);
  t.equal((await ask('GET /things/1', good, 'Upgrade: WebSocket')).status, 403);
  t.equal((await ask('GET /things/1', good, 'Upgrade: websocket', 'Connection: Upgrade')).status, 403);
  t.equal((await ask('POST /socket', good, 'Upgrade: websocket')).status, 400);
});

t.test('Caddy and Traefik describe a request by X-Forwarded-*', async (t) => {
  const { send, outcomes } = await startDoor(t, { style: 'forwarded' });
  const lines = [
    'X-Forwarded-Method: PUT',
    'X-Forwarded-Uri: /things/7?x',
    'X-Forwarded-Host: api.example',
    'X-Forwarded-Proto: https',
    'X-Forwarded-For: 198.51.100.1, 192.0.2.9',
  ];
  const head = ['GET /whatever HTTP/1.1', 'Host: tollgate', good];
  t.equal((await send([...head, ...lines])).status, 200);
  t.match(outcomes[0], { method: 'PUT', path: '/things/7', clientAddress: '192.0.2.9' });
  const withPort = lines.map((line) =>
    line.startsWith('X-Forwarded-For') ? 'X-Forwarded-For: [2001:db8::9]:80' : line,
  );
  t.equal((await send([...head, ...withPort, 'Forwarded: for=192.0.2.1'])).status, 200);
  t.equal(outcomes[1]?.clientAddress, '2001:db8::9', 'a Forwarded is the caller’s own, and says nothing');
  for (const missing of lines)
    t.equal((await send([...head, ...lines.filter((line) => line !== missing)])).status, 400, missing);
  t.equal((await send([...head, ...lines, 'X-Original-URI: /public/x'])).status, 400, 'that is a caller’s');
});

t.test('Envoy asks by the original method, path and host', async (t) => {
  const { send, outcomes } = await startDoor(t, { style: 'envoy' });
  const lines = [
    'Host: api.example',
    'X-Forwarded-For: 192.0.2.9',
    'X-Envoy-Internal: true',
    'Content-Length: 0',
  ];
  t.equal((await send(['POST /things/7?x=1 HTTP/1.1', ...lines, good])).status, 200);
  t.match(outcomes[0], { method: 'POST', path: '/things/7', clientAddress: '192.0.2.9' });
  t.equal((await send(['GET /public/%2e%2e/admin HTTP/1.1', ...lines])).status, 400);
  t.equal((await send(['GET /public/x HTTP/1.1', 'Host: a'])).status, 400, 'without the caller’s address');
});

t.test('the NGINX Ingress controller describes it by one URL', async (t) => {
  const { send, outcomes } = await startDoor(t);
  const ask = (url: string) =>
    send([
      'GET /auth HTTP/1.1',
      'Host: tollgate.svc',
      'X-Original-Method: GET',
      `X-Original-URL: ${url}`,
      'X-Forwarded-For: 192.0.2.7',
      'X-Real-IP: 192.0.2.7',
      'X-Sent-From: nginx-ingress-controller',
      'X-Auth-Request-Redirect: /things/1',
      good,
    ]);
  t.equal((await ask('https://api.example/things/1?a=/b')).status, 200);
  t.match(outcomes[0], { path: '/things/1' });
  for (const url of ['https://api.example', '/things/1', 'https://a/things/1/../x', 'https:///things/1'])
    t.equal((await ask(url)).status, 400, url);
});

t.test(
  'a route in shadow mode passes everybody with their own credential, and counts what is decided',
  async (t) => {
    const { ask, outcomes, shadowed } = await startDoor(t);
    const rows = [
      ['Bearer good', 'permit', ['alice']],
      ['Bearer nobody', 'token_unknown', []],
      ['Bearer down', 'store_unavailable', []],
    ] as const;
    for (const [authorization, , identity] of rows) {
      const answer = await ask('GET /tried/1', `Authorization: ${authorization}`);
      t.equal(answer.status, 200);
      t.same(answer.all('authorization'), [authorization]);
      t.same(answer.all('x-identity-user'), identity);
    }
    t.same(
      shadowed,
      rows.map(([, verdict]) => `tried ${verdict}`),
    );
    t.match(outcomes, [{ result: 'permit', shadow: 'permit' }, { shadow: { reason: 'token_unknown' } }, {}]);
    t.equal((await ask('GET /tried/1', 'X-Identity-User: mallory')).status, 400, 'no proxy strips it for us');
  },
);

/** The door at `/own/auth` of a listener whose other paths are the API's. */
const onCallersListener = () => {
  const callers: string[] = [];
  const hear = (request: IncomingMessage, response: ServerResponse): void => {
    callers.push(request.url ?? '');
    response.end('the API');
  };
  const handler: Handler = {
    connection: () => undefined,
    request: hear,
    checkContinue: hear,
    checkExpectation: hear,
    upgrade: (_request, socket) => socket.destroy(),
    connect: (_request, socket) => socket.destroy(),
    shouldUpgrade: () => true,
    clientError: (_error, socket) => socket.destroy(),
  };
  const listenerOf = (settings: Settings, answer: Serve): Listener =>
    createListener(settings, withAuthPath(handler, '/own/auth', answer));
  return { callers, listenerOf };
};

t.test('on a path of the callers’ listener everything else is theirs', async (t) => {
  const { callers, listenerOf } = onCallersListener();
  const { send, outcomes } = await startDoor(t, { path: '/own/auth', style: 'envoy' }, listenerOf);
  const ask = (line: string, ...more: readonly string[]) =>
    send([`${line} HTTP/1.1`, 'Host: api.example', 'X-Forwarded-For: 192.0.2.7', good, ...more]);
  t.equal((await ask('GET /own/auth/things/1?a=b')).header('x-identity-user'), 'alice');
  t.match(outcomes[0], { route: 'things', path: '/things/1' });
  t.equal((await ask('GET /own/auth/socket', 'Upgrade: websocket', 'Connection: Upgrade')).status, 200);
  t.equal((await ask('POST /own/auth/things/1', 'Content-Length: 3', 'Expect: 100-continue')).status, 200);
  for (const line of ['GET /own/auth', 'GET /own/auth?x', 'GET /own/auth//things/1'])
    t.equal((await ask(line)).status, 400, line);
  t.same(callers, []);
  for (const path of ['/own/authority', '/own', '/things/1', '/Own/auth/things/1'])
    t.equal((await ask(`GET ${path}`)).body, 'the API', path);
  t.equal(callers.length, 4);
});

t.test('a caller cannot ask for itself through a proxy that reads paths more leniently', async (t) => {
  const { callers, listenerOf } = onCallersListener();
  const { send, outcomes } = await startDoor(t, { path: '/own/auth' }, listenerOf);
  const ask = (target: string) =>
    send([
      `GET ${target} HTTP/1.1`,
      'Host: api.example',
      'X-Original-Method: GET',
      'X-Original-URI: /things/1',
      'X-Forwarded-For: 192.0.2.7',
      good,
    ]);
  for (const target of ['/own/auth', '/own/auth?x', '/own/auth/']) t.equal((await ask(target)).status, 200);
  t.match(outcomes[0], { result: 'permit' });
  for (const target of [
    '/own/auth/../../oauth2/token',
    '/own/auth/%2e%2e/%2e%2e/oauth2/token',
    '/own/auth/..%2f..%2foauth2%2ftoken',
    '/own/auth//../../../oauth2/token',
  ]) {
    const answer = await ask(target);
    t.equal(answer.status, 400, target);
    t.equal(answer.header('x-identity'), undefined);
  }
  t.same(callers, []);
});

const allListener = ({ limits }: Settings, answer: Serve): Listener => createAuthListener(limits, answer);

t.test(
  '13: a token among the subprotocols is named for removal, and what is left is to be set',
  async (t) => {
    const { ask } = await startDoor(t, {}, allListener, { credential: { webSocketProtocol: 'bearer.' } });
    const answer = await ask(
      'GET /socket',
      'Sec-WebSocket-Protocol: bearer.good, chat',
      'Upgrade: websocket',
    );
    t.match([answer.status, answer.header('x-identity-user')], [200, 'alice']);
    t.equal(answer.header('x-tollgate-remove'), 'Sec-WebSocket-Protocol');
    t.equal(answer.header('sec-websocket-protocol'), 'chat');
    const alone = await ask('GET /socket', 'sec-websocket-protocol: bearer.good', 'Upgrade: websocket');
    t.match(
      [alone.header('x-tollgate-remove'), alone.header('sec-websocket-protocol')],
      ['sec-websocket-protocol', undefined],
    );
    const other = await ask('GET /socket', good, 'Sec-WebSocket-Protocol: chat', 'Upgrade: websocket');
    t.match(
      [other.header('x-tollgate-remove'), other.header('sec-websocket-protocol')],
      ['Authorization', 'chat'],
    );
    const kept = await ask('GET /kept/1', 'Sec-WebSocket-Protocol: bearer.good, chat');
    t.match([kept.status, kept.header('x-tollgate-remove')], [200, undefined]);
    t.equal(kept.header('sec-websocket-protocol'), 'bearer.good, chat');
  },
);

t.test('13: Basic is asked for and taken, and named for removal', async (t) => {
  const { ask } = await startDoor(t, {}, allListener, { credential: { basic: true } });
  t.equal((await ask('GET /things/1')).all('www-authenticate').length, 2);
  const answer = await ask(
    'GET /things/1',
    `Authorization: Basic ${Buffer.from('git:good').toString('base64')}`,
  );
  t.match([answer.status, answer.header('x-tollgate-remove')], [200, 'Authorization']);
});

t.test(
  '13: the cookie of a page that may not use it is refused, also where the proxy took Upgrade away',
  async (t) => {
    const { ask } = await startDoor(t, {}, allListener, { credential: { cookie: 'session' } });
    const lines = ['Cookie: session=good', 'Origin: https://evil.example', 'Sec-Fetch-Site: cross-site'];
    t.equal((await ask('GET /things/1', ...lines)).status, 200);
    t.equal((await ask('DELETE /things/1', ...lines)).status, 403);
    t.equal(
      (await ask('GET /things/1', ...lines, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')).status,
      403,
    );
  },
);

t.test(
  '11: a preflight is judged as the OPTIONS it is, because a proxy forwards what is answered with 2xx',
  async (t) => {
    const cors = {
      origins: ['https://app.example.com'],
      methods: ['GET'],
      headers: [],
      exposedHeaders: [],
      credentials: false,
      maxAgeMs: 0,
    };
    const { ask } = await startDoor(t, {}, allListener, { cors });
    const from = 'Origin: https://app.example.com';
    t.equal((await ask('OPTIONS /things/1', from, 'Access-Control-Request-Method: GET')).status, 401);
    const unknown = await ask('GET /unknown', from);
    t.match(
      [unknown.status, unknown.header('access-control-allow-origin')],
      [403, 'https://app.example.com'],
    );
  },
);
