// Number 11 of issue 9 on the wire: preflights, and the fields of CORS on every answer, whoever makes it.

import t, { type Test } from 'tap';
import type { CorsRule } from '../../src/decision/cors.ts';
import { outage } from '../../src/decision/outcome.ts';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import type { RawMessage } from '../support/raw-connection.ts';
import { type RawUpstreamOptions, startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const origin = 'https://app.example.com';
const cors: CorsRule = {
  origins: [origin],
  methods: ['GET', 'POST', 'HEAD'],
  headers: ['Authorization'],
  exposedHeaders: ['X-Request-Id'],
  credentials: true,
  maxAgeMs: 600_900,
};

const routes = [
  aRule({ scopes: ['things:read'], cors }),
  aRule({ name: 'admin', path: '/admin', methods: ['GET'], scopes: ['things:admin'], cors }),
  aRule({ name: 'plain', path: '/plain/*', scopes: ['things:read'] }),
  aRule({ name: 'preflights', path: '/plain/*', methods: ['OPTIONS'], public: true }),
].map((rule) => (rule.name === 'plain' ? { ...rule, methods: ['GET'] } : rule));

const apiAnswer =
  'HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\naccess-control-allow-methods: DELETE\r\nVary: Accept\r\nContent-Length: 2\r\n\r\nok';

const setScene = async (
  t: Test,
  options: EdgeOptions = {},
  upstreamOptions: RawUpstreamOptions = { answer: apiAnswer },
) => {
  const upstream = await startRawUpstream(upstreamOptions);
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, { routes, ...options });
  t.teardown(() => edge.close());
  const send = (line: string, ...lines: readonly string[]): Promise<RawMessage> =>
    exchangeRaw(edge.port, [`${line} HTTP/1.1`, 'Host: api', ...lines, '', ''].join('\r\n'));
  return { edge, upstream, send };
};

const preflight = [`Origin: ${origin}`, 'Access-Control-Request-Method: GET'];
const good = 'Authorization: Bearer good';

const readers = (answer: RawMessage) => ({
  origin: answer.all('access-control-allow-origin'),
  credentials: answer.all('access-control-allow-credentials'),
  vary: answer.all('vary'),
});
const readable = { origin: [origin], credentials: ['true'], vary: ['Origin'] };

t.test(
  '11: a preflight is answered here, without a credential, by the rule that the request would meet',
  async (t) => {
    const { edge, upstream, send } = await setScene(t);
    const answer = await send(
      'OPTIONS /things/7',
      ...preflight,
      'Access-Control-Request-Headers: authorization',
    );
    t.match(answer, { status: 204, body: '' });
    t.equal(answer.header('content-length'), undefined, 'RFC 9110 section 8.6');
    t.ok(answer.header('x-request-id'));
    t.equal(answer.header('access-control-allow-methods'), 'GET, POST, HEAD');
    t.equal(answer.header('access-control-allow-headers'), 'Authorization');
    t.equal(answer.header('access-control-max-age'), '600');
    t.same(readers(answer), {
      ...readable,
      vary: ['Origin, Access-Control-Request-Method, Access-Control-Request-Headers'],
    });
    t.match(await edge.nextOutcome(), {
      route: 'things',
      status: 204,
      result: 'permit',
      identity: undefined,
    });
    t.equal((await send('OPTIONS /admin', ...preflight)).status, 204, 'a rule that does not name OPTIONS');
    t.equal(upstream.requests.length, 0);
  },
);

t.test(
  '11: a preflight of another origin is told nothing, nor one for a private network that it may',
  async (t) => {
    const { send } = await setScene(t);
    const answer = await send('OPTIONS /things/7', 'Origin: https://evil.example', preflight[1] ?? '');
    t.equal(answer.status, 204);
    t.same(readers(answer).origin, []);
    t.equal(answer.header('access-control-allow-methods'), undefined);
    const asking = await send(
      'OPTIONS /things/7',
      ...preflight,
      'Access-Control-Request-Private-Network: true',
    );
    t.equal(asking.header('access-control-allow-private-network'), undefined);
  },
);

t.test('11: what is no preflight, or meets a rule without CORS, is judged as before', async (t) => {
  const { upstream, send } = await setScene(t);
  t.equal((await send('OPTIONS /things/7', `Origin: ${origin}`)).status, 401, 'no method is asked for');
  t.equal((await send('OPTIONS /things/7', preflight[1] ?? '')).status, 401, 'no origin');
  t.equal((await send('GET /things/7', ...preflight)).status, 401, 'another method');
  t.equal((await send('OPTIONS /unknown', ...preflight)).status, 403);
  t.equal(
    (await send('OPTIONS /things/7', `Origin: ${origin}`, 'Access-Control-Request-Method: BREW')).status,
    401,
  );
  t.equal((await send('OPTIONS /THINGS/7', ...preflight)).status, 403, 'another path');
  t.equal(upstream.requests.length, 0);
  t.equal((await send('OPTIONS /plain/1', ...preflight)).status, 200, 'the API answers it by a public rule');
  t.match(upstream.requests.at(-1)?.all('access-control-request-method'), ['GET'], 'as it came');
});

t.test('11: the API’s own fields are replaced, and its Vary is added to', async (t) => {
  const { upstream, send } = await setScene(t);
  const answer = await send('GET /things/7', good, `Origin: ${origin}`);
  t.equal(answer.status, 200);
  t.same(readers(answer), { ...readable, vary: ['Accept', 'Origin'] });
  t.equal(answer.header('access-control-allow-methods'), undefined);
  t.equal(answer.header('access-control-expose-headers'), 'X-Request-Id');
  t.same(upstream.requests[0]?.all('origin'), [origin], 'the API hears of the origin');
  t.same(readers(await send('GET /things/7', good)), {
    origin: [],
    credentials: [],
    vary: ['Accept', 'Origin'],
  });
  const other = await send('GET /things/7', good, 'Origin: https://evil.example');
  t.match([other.status, readers(other)], [200, { origin: [], vary: ['Accept', 'Origin'] }]);
  const twice = await send('GET /things/7', good, `Origin: ${origin}`, `Origin: ${origin}`);
  t.same(readers(twice).origin, []);
  const plain = await send('GET /plain/1', good, `Origin: ${origin}`);
  t.match(readers(plain), { origin: ['*'], vary: ['Accept'] }, 'off: nothing changes');
  t.equal(plain.header('access-control-allow-methods'), 'DELETE');
});

t.test('11: a page may read why it was refused', async (t) => {
  const { send, edge } = await setScene(t, {
    answers: { out: outage('store_unavailable') },
    cors: { ...cors, origins: [origin, 'https://other.example'] },
  });
  const from = `Origin: ${origin}`;
  for (const [status, line, ...lines] of [
    [401, 'GET /things/7'],
    [401, 'GET /things/7', 'Authorization: Bearer unknown'],
    [403, 'GET /admin', good],
    [405, 'DELETE /admin', good],
    [503, 'GET /things/7', 'Authorization: Bearer out'],
    [413, 'POST /things/7', good, 'Content-Length: 99999999'],
    [403, 'GET /unknown', good],
    [400, 'GET /a//b', good],
  ] as const) {
    const answer = await send(line, from, ...lines);
    t.match([answer.status, readers(answer)], [status, { ...readable }], `${status} ${line}`);
  }
  t.equal((await send('DELETE /admin', from)).header('allow'), 'GET, HEAD');
  t.same(
    readers(await send('DELETE /admin', 'Origin: https://other.example')).origin,
    [],
    'by the rule beside it',
  );
  t.same(readers(await send('GET /unknown', 'Origin: https://other.example')).origin, [
    'https://other.example',
  ]);
  edge.beginShutdown();
  t.equal((await send('OPTIONS /things/7', ...preflight)).header('connection'), 'close');
});

t.test('11: an API that cannot be reached is refused so that a page can read it', async (t) => {
  const { send } = await setScene(t, {}, { answer: 'nonsense\r\n\r\n' });
  const answer = await send('GET /things/7', good, `Origin: ${origin}`);
  t.match([answer.status, readers(answer)], [502, readable]);
});

t.test('11: a preflight that announces a body, or waits to send it, is answered all the same', async (t) => {
  const { upstream, send } = await setScene(t);
  t.equal((await send('OPTIONS /things/7', ...preflight, 'Content-Length: 99999')).status, 204);
  t.equal(
    (await send('OPTIONS /things/7', ...preflight, 'Content-Length: 5', 'Expect: 100-continue')).status,
    204,
  );
  t.equal(upstream.requests.length, 0);
});
