// What a surface can rely on, whatever its dialect: paths with places, several methods, headers, bodies that are not JSON.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { RequestOutcome } from '../../src/observe/request-outcome.ts';
import { type Answer, permitted, type Route, type SurfaceRequest } from '../../src/surfaces/answer.ts';
import { serveRoutes } from '../../src/surfaces/serve.ts';
import { connectRaw, exchangeRaw } from '../support/raw-client.ts';
import { testCaller } from './surface-server.ts';

const answer = (status: number, body: unknown, more: Partial<Answer> = {}): Answer => ({
  status,
  headers: {},
  body,
  note: permitted(undefined),
  ...more,
});

const shown = (request: SurfaceRequest): Answer =>
  answer(200, {
    method: request.method,
    parameters: request.parameters,
    query: request.query,
    body: request.body,
    bytes: request.bytes.toString('latin1'),
    twice: request.headerLines('X-Twice'),
  });

const onFault: Route['onFault'] = ({ status, description, note }, { headerLines }) => {
  const id = headerLines('X-Id').join();
  return answer(status, `<Error message="${description}" id="${id}"/>`, {
    mediaType: 'application/xml',
    headers: { 'x-echo': id },
    note,
  });
};

const routes: readonly Route[] = [
  {
    path: '/v1/tokens/?',
    name: 'test:tokens',
    endpoints: {
      GET: shown,
      POST: (request) =>
        answer(201, undefined, { headers: { location: `/v1/tokens/${request.bytes.length}` } }),
    },
    onFault,
  },
  {
    path: '/v1/tokens/{token}',
    name: 'test:token',
    endpoints: {
      GET: shown,
      DELETE: () => answer(204, undefined),
      PUT: () => {
        throw new Error('broken invariant');
      },
    },
    onFault,
  },
  {
    path: '/session',
    name: 'test:session',
    endpoints: {
      GET: () =>
        answer(200, '<Session org="acme"/>', {
          mediaType: 'application/*+xml;version=36.1',
          headers: { 'X-VMWARE-VCLOUD-ACCESS-TOKEN': 'token', link: '</a>;rel="x"' },
        }),
      POST: () => answer(200, '', { headers: { location: 'two\nlines' } }),
    },
    onFault,
  },
];

const serve = async (t: Test) => {
  const outcomes: RequestOutcome[] = [];
  const surfaces = serveRoutes(routes, {
    record: (outcome) => outcomes.push(outcome),
  });
  t.teardown(() => surfaces.close());
  const server = createServer((req, res) => surfaces.handle(req, res, testCaller)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const send = (lines: readonly string[], body = '') =>
    exchangeRaw(port, `${lines.join('\r\n')}\r\n\r\n${body}`);
  return { surfaces, outcomes, send, connect: () => connectRaw(port) };
};

t.test('a path may have parameters, read once, and a slash that may be left out', async (t) => {
  const { send, surfaces } = await serve(t);
  t.same(
    surfaces.ownedPaths.map(({ written }) => written),
    ['/v1/tokens', '/v1/tokens/', '/v1/tokens/{token}', '/session'],
  );
  for (const path of ['/v1/tokens', '/v1/tokens/', '/v1/tokens/7', '/session'])
    t.ok(surfaces.owns(path), path);
  for (const path of ['/v1/tokens/7/', '/v1', '/session/']) t.notOk(surfaces.owns(path), path);
  const { body } = await send(['GET /v1/tokens/urn%3Avcloud%3Atoken%3A7%2541?a=b&?c==d HTTP/1.1', 'Host: x']);
  t.match(JSON.parse(body), { parameters: { token: 'urn:vcloud:token:7%41' }, query: 'a=b&?c==d' });
});

t.test('every answer has the id of its request: of an endpoint, a fault, a bug', async (t) => {
  const { send } = await serve(t);
  for (const [line, status] of [
    ['GET /session', 200],
    ['DELETE /v1/tokens/7', 204],
    ['DELETE /session', 405],
    ['PUT /v1/tokens/7', 500],
  ] as const) {
    const answer = await send([`${line} HTTP/1.1`, 'Host: x', 'Content-Length: 0']);
    t.equal(answer.status, status);
    t.strictSame(answer.all('x-request-id'), [testCaller.requestId], line);
  }
});

t.test('a path may answer several methods; the others get 405 and are never forwarded', async (t) => {
  const { send, outcomes } = await serve(t);
  t.equal((await send(['GET /v1/tokens/7 HTTP/1.1', 'Host: x'])).status, 200);
  const deleted = await send(['DELETE /v1/tokens/7 HTTP/1.1', 'Host: x']);
  t.match(deleted, { status: 204, body: '' });
  const created = await send(['POST /v1/tokens HTTP/1.1', 'Host: x', 'Content-Length: 2'], '{}');
  t.match(created, { status: 201, body: '' });
  t.equal(created.header('location'), '/v1/tokens/2');
  for (const method of ['PATCH', 'POST', 'OPTIONS', 'PROPFIND']) {
    const refused = await send([`${method} /v1/tokens/7 HTTP/1.1`, 'Host: x', 'X-Id: 42']);
    t.equal(refused.status, 405, method);
    t.equal(refused.header('allow'), 'GET, HEAD, DELETE, PUT');
    t.match(
      refused.body,
      '<Error message="Use GET or DELETE or PUT here." id="42"/>',
      'in the surface’s shape',
    );
    t.match(outcomes.at(-1), { route: 'test:token', method, reason: 'method_refused' });
  }
});

t.test('an answer may have any header and any body', async (t) => {
  const { send } = await serve(t);
  const reply = await send(['GET /session HTTP/1.1', 'Host: x']);
  t.equal(reply.body, '<Session org="acme"/>');
  t.equal(reply.header('content-type'), 'application/*+xml;version=36.1');
  t.equal(reply.header('x-vmware-vcloud-access-token'), 'token');
  t.equal(reply.header('link'), '</a>;rel="x"');
  t.equal(reply.header('x-content-type-options'), 'nosniff');
  const head = await send(['HEAD /session HTTP/1.1', 'Host: x']);
  t.match(head, { status: 200, framing: 'none' });
  t.equal(head.header('content-length'), String(reply.body.length));
});

t.test('an endpoint sees header lines one by one, and the body as it came', async (t) => {
  const { send } = await serve(t);
  const twice = await send(['GET /v1/tokens HTTP/1.1', 'Host: x', 'x-TWICE: a', 'X-Twice: b, c']);
  t.match(JSON.parse(twice.body), { twice: ['a', 'b, c'] });
  const table: [string, string[], string, string][] = [
    ['nothing at all', [], '', 'none'],
    ['a type and no body', ['Content-Type: application/json'], '', 'none'],
    ['an empty body', ['Content-Type: application/json', 'Content-Length: 0'], '', 'none'],
    ['an empty version', ['Accept: application/json;version=', 'Content-Length: 0'], '', 'none'],
    ['no type', ['Content-Length: 2'], '{}', '{}'],
    ['not what it says', ['Content-Type: application/json', 'Content-Length: 5'], '{a=b}', '{a=b}'],
    ['chunked', ['Content-Type: text/plain', 'Transfer-Encoding: chunked'], '2\r\nab\r\n0\r\n\r\n', 'ab'],
  ];
  for (const [what, lines, body, bytes] of table) {
    const reply = await send(['POST /v1/tokens HTTP/1.1', 'Host: x', ...lines], body);
    t.equal(reply.status, 201, what);
    t.equal(reply.header('location'), `/v1/tokens/${bytes === 'none' ? 0 : bytes.length}`);
  }
});

t.test('a client of HTTP/1.0 is not sent 100 Continue, which it does not know', async (t) => {
  const { send } = await serve(t);
  const head = ['POST /v1/tokens HTTP/1.0', 'Host: x', 'Expect: 100-continue', 'Content-Length: 2'];
  t.equal((await send(head, '{}')).status, 201);
});

t.test('a GET with a body is answered, and the connection goes on', async (t) => {
  const { connect } = await serve(t);
  const client = await connect();
  t.teardown(() => client.socket.destroy());
  client.send(
    'GET /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  );
  t.equal((await client.readMessage()).status, 200);
  client.send('GET /session HTTP/1.1\r\nHost: x\r\n\r\n');
  t.match(await client.readMessage(), { status: 200, body: '<Session org="acme"/>' });
});

t.test('a bug has the shape of its surface', async (t) => {
  const { send, outcomes } = await serve(t);
  const reply = await send(['PUT /v1/tokens/7 HTTP/1.1', 'Host: x', 'X-Id: 42', 'Content-Length: 0']);
  t.equal(reply.status, 500);
  t.match(reply.body, /^<Error .* id="42"\/>$/);
  t.equal(reply.header('x-echo'), '42');
  t.notMatch(reply.body, /broken invariant/);
  t.match(outcomes.at(-1), { result: 'bug', status: 500 });
});

t.test('an answer that cannot be sent is a bug, and the next request is answered', async (t) => {
  const { send, outcomes } = await serve(t);
  const reply = await send(['POST /session HTTP/1.1', 'Host: x', 'Content-Length: 0']);
  t.match(reply, { status: 500, body: /^<Error / });
  t.match(outcomes.at(-1), { result: 'bug', status: 500, cause: { code: 'ERR_INVALID_CHAR' } });
  t.equal((await send(['GET /session HTTP/1.1', 'Host: x'])).status, 200);
});

t.test('a body over 64 KB is the last thing read from its connection', async (t) => {
  const { connect, outcomes } = await serve(t);
  const chunk = `ffff\r\n${'b'.repeat(0xffff)}\r\n`;
  for (const body of [
    `Content-Length: ${2 ** 16 + 1}\r\n\r\n`,
    `Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`,
  ]) {
    const client = await connect();
    t.teardown(() => client.socket.destroy());
    client.send(`POST /v1/tokens HTTP/1.1\r\nHost: x\r\n${body}`);
    const reply = await client.readMessage();
    t.equal(reply.status, 413);
    t.equal(reply.header('connection'), 'close');
    await client.closed;
    t.match(outcomes.at(-1), { status: 413, reason: 'request_too_large' });
  }
  t.equal(outcomes.length, 2, 'one record each');
});

t.test('a method that a path does not answer is refused before its body has come', async (t) => {
  const { connect } = await serve(t);
  const client = await connect();
  t.teardown(() => client.socket.destroy());
  client.send('POST /v1/tokens/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n');
  t.equal((await client.readMessage()).status, 405);
  client.send('{}GET /session HTTP/1.1\r\nHost: x\r\n\r\n');
  t.equal((await client.readMessage()).status, 200, 'and the connection goes on behind it');
});

t.test('a surface that fails to word its own fault ends the connection, with one record', async (t) => {
  const outcomes: RequestOutcome[] = [];
  const recorded = Promise.withResolvers<void>();
  const bug = new Error('broken invariant');
  const surfaces = serveRoutes(
    [
      {
        path: '/broken',
        name: 'test:broken',
        endpoints: {},
        onFault: () => {
          throw bug;
        },
      },
    ],
    {
      record: (outcome) => {
        outcomes.push(outcome);
        recorded.resolve();
      },
    },
  );
  const server = createServer((req, res) => surfaces.handle(req, res, testCaller)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const client = await connectRaw((server.address() as AddressInfo).port);
  client.send('GET /broken HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.closed;
  await recorded.promise;
  t.match(outcomes, [{ route: 'test:broken', result: 'bug', status: 0, cause: bug }]);
});
