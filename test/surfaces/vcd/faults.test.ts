// What goes wrong around the endpoints, in the vendor's shapes: methods, sizes, limits, outages, bugs.

import t, { type Test } from 'tap';
import { exchangeRaw } from '../../support/raw-client.ts';
import { formType, jsonType, type VendorReply } from '../vendor-server.ts';
import { bearer, password, requestId, signInLine, startFailing, startVcd } from './vcd-server.ts';

const token = '/oauth/tenant/acme/token';
const errorKeys = ['minorErrorCode', 'message', 'stackTrace'];

const isShaped = (t: Test, reply: VendorReply, status: number, code: string, what: string): void => {
  t.equal(reply.status, status, what);
  t.same(Object.keys(reply.json), errorKeys, what);
  t.match(reply.json, { minorErrorCode: code, message: /^\[ client-7 \] [A-Z]/, stackTrace: null }, what);
  t.equal(reply.header('x-vmware-vcloud-request-id'), 'client-7', what);
};

t.test('a method that is not answered is 405, and none reaches the API behind', async (t) => {
  const server = await startVcd(t);
  for (const [line, allow] of [
    [`GET ${token}`, 'POST'],
    ['PUT /oauth/provider/register', 'POST'],
    ['POST /cloudapi/1.0.0/tokens', 'GET, HEAD'],
    ['PATCH /cloudapi/1.0.0/tokens/urn:vcloud:token:x', 'GET, HEAD, DELETE'],
    ['GET /cloudapi/1.0.0/sessions', 'POST, DELETE'],
    ['POST /cloudapi/1.0.0/sessions/current/rights', 'GET, HEAD'],
  ] as const) {
    const reply = await server.send(line, [requestId]);
    isShaped(t, reply, 405, 'METHOD_NOT_ALLOWED', line);
    t.equal(reply.header('allow'), allow);
  }
});

t.test('the vendor’s own paths beside these are not taken', async (t) => {
  const { surfaces } = await startVcd(t);
  for (const path of [
    '/api/versions',
    '/api/org',
    '/api/sessions/provider',
    '/cloudapi/1.0.0/users',
    '/cloudapi/1.0.0/sessions/current/x',
    '/cloudapi/1.0.0/tokens/a/b',
    '/cloudapi/2.0.0/tokens',
    '/oauth/tenant/acme/device_authorization',
    '/oauth/tenant/a/b/token',
    '/oauth/token',
  ])
    t.notOk(surfaces.owns(path), path);
});

t.test('a body of more than 64 KB is 413', async (t) => {
  const server = await startVcd(t);
  const body = `grant_type=refresh_token&refresh_token=${'x'.repeat(64 * 1024)}`;
  isShaped(t, await server.postForm(token, body, [requestId]), 413, 'REQUEST_TOO_LARGE', 'form');
  const session = await server.session();
  const json = JSON.stringify({ client_name: 'x'.repeat(64 * 1024) });
  const reply = await server.send(
    'POST /oauth/tenant/acme/register',
    [jsonType, bearer(session), requestId],
    json,
  );
  isShaped(t, reply, 413, 'REQUEST_TOO_LARGE', 'JSON');
});

t.test(
  'a flood of unknown tokens is 429 with Retry-After, as are too many sessions of one token',
  async (t) => {
    const flooded = await startVcd(t, { limits: { unknownTokensPerMinute: 5 } as never });
    const ask = () => flooded.postForm(token, 'grant_type=refresh_token&refresh_token=unknown', [requestId]);
    for (let index = 0; index < 10; index++)
      await flooded.postForm(token, `grant_type=refresh_token&refresh_token=x${index}`);
    const reply = await ask();
    isShaped(t, reply, 429, 'TOO_MANY_REQUESTS', 'guessing');
    t.ok(Number(reply.header('retry-after')) > 0);
    const limits = { exchangesPerMinute: 1, unknownTokensPerMinute: 0 } as never;
    const busy = await startVcd(t, { limits });
    const { secret } = await busy.apiToken('acme', 'ann');
    const exchange = () =>
      busy.postForm(token, `grant_type=refresh_token&refresh_token=${secret}`, [requestId]);
    t.equal((await exchange()).status, 200);
    isShaped(t, await exchange(), 429, 'TOO_MANY_REQUESTS', 'exchanging');
  },
);

t.test('an outage is 503 with Retry-After, never 401 and never "invalid"', async (t) => {
  const server = await startVcd(t);
  const { secret } = await server.apiToken('acme', 'ann');
  const session = await server.session();
  await server.store.close();
  const jwtBearer = `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&client_id=00000000-0000-4000-8000-000000000000&assertion=${session}`;
  for (const [line, headers, body] of [
    [`POST ${token}`, [formType], `grant_type=refresh_token&refresh_token=${secret}`],
    [`POST ${token}`, [formType], jwtBearer],
    ['POST /oauth/tenant/acme/register', [jsonType, bearer(session)], '{"client_name":"n"}'],
    ['GET /cloudapi/1.0.0/tokens', [bearer(session)], ''],
    [
      'DELETE /cloudapi/1.0.0/tokens/urn:vcloud:token:00000000-0000-4000-8000-000000000000',
      [bearer(session)],
      '',
    ],
    ['POST /cloudapi/1.0.0/sessions', [signInLine('ann@acme', password)], ''],
    ['DELETE /cloudapi/1.0.0/sessions/current', [bearer(session)], ''],
  ] as const) {
    const reply = await server.send(line, [...headers, requestId], body);
    isShaped(t, reply, 503, 'SERVICE_UNAVAILABLE', line);
    t.ok(Number(reply.header('retry-after')) > 0, line);
  }
  const legacy = await server.send('POST /api/sessions', [signInLine('ann@acme', password), requestId]);
  t.match(legacy, {
    status: 503,
    body: /<Error [^>]*majorErrorCode="503" minorErrorCode="SERVICE_UNAVAILABLE"/,
  });
  t.ok(legacy.header('retry-after'));
});

t.test('a server that shuts down says 503 in the vendor’s shape', async (t) => {
  const server = await startVcd(t);
  server.surfaces.close();
  const reply = await server.postForm(token, 'grant_type=refresh_token&refresh_token=x', [requestId]);
  isShaped(t, reply, 503, 'SERVICE_UNAVAILABLE', 'shutdown');
  t.equal(reply.header('retry-after'), '1');
});

t.test('a client that reads every field of an error as text finds text or null', async (t) => {
  const server = await startVcd(t);
  const { body } = await server.postForm(token, '');
  for (const value of Object.values(JSON.parse(body) as object))
    t.ok(value === null || typeof value === 'string');
});

t.test('a bug is 500 in the shape of its path, and tells nothing of itself', async (t) => {
  const server = await startVcd(t);
  const port = await startFailing(t, server, () => Promise.reject(new Error('s3cret')));
  const ask = (path: string) =>
    exchangeRaw(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${bearer('a.b.c')}\r\n\r\n`);
  const json = await ask('/cloudapi/1.0.0/tokens');
  t.equal(json.status, 500);
  t.match(JSON.parse(json.body), { minorErrorCode: 'INTERNAL_SERVER_ERROR', stackTrace: null });
  const xml = await ask('/api/session');
  t.match(xml, { status: 500, body: /<Error [^>]*minorErrorCode="INTERNAL_SERVER_ERROR"/ });
  for (const { body } of [json, xml]) t.notMatch(body, 's3cret');
});
