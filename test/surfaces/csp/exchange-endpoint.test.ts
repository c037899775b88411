// POST /auth/api-tokens/authorize, as csp clients send it.

import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import t from 'tap';
import { minuteMs } from '../../lifecycle/world.ts';
import { csp, formType, jsonType, startVendors } from '../vendor-server.ts';

const path = `${csp}/auth/api-tokens/authorize`;

const sixKeys = ['access_token', 'expires_in', 'id_token', 'refresh_token', 'scope', 'token_type'];

t.test('every request form in use gets an access token', async (t) => {
  const server = await startVendors(t);
  const { secret: x } = await server.token();
  const table: [string, string, string[], string][] = [
    ['form with api_token', path, [formType], `api_token=${x}`],
    ['form with refresh_token', path, [formType], `refresh_token=${x}`],
    ['form with grant_type=refresh_token', path, [formType], `grant_type=refresh_token&refresh_token=${x}`],
    ['form with grant_type=api_token', path, [formType], `grant_type=api_token&api_token=${x}`],
    ['grant_type=refresh_token with api_token', path, [formType], `grant_type=refresh_token&api_token=${x}`],
    ['form with a charset', path, [`${formType};charset=UTF-8`], `api_token=${x}`],
    ['form with a stray slash', path, [`${formType}/`], `api_token=${x}`],
    ['form type in capitals', path, [formType.toUpperCase()], `api_token=${x}`],
    ['query with Content-Length: 0', `${path}?api_token=${x}`, [formType, 'Content-Length: 0'], ''],
    ['query without a body, JSON type', `${path}?refresh_token=${x}`, [jsonType], ''],
    ['query without any type', `${path}?refresh_token=${x}`, [], ''],
    [
      'query with csp-auth-token beside',
      `${path}?refresh_token=${x}`,
      [jsonType, `csp-auth-token: ${x}`],
      '',
    ],
    [
      'query with a stale csp-auth-token',
      `${path}?refresh_token=${x}`,
      [jsonType, 'csp-auth-token: a.b.c'],
      '',
    ],
    [
      'query with a stale bearer',
      `${path}?refresh_token=${x}`,
      [jsonType, 'authorization: bearer a.b.c'],
      '',
    ],
    ['JSON', path, [jsonType], JSON.stringify({ refresh_token: x })],
    ['JSON with a charset', path, [`${jsonType}; charset=utf-8`], JSON.stringify({ refresh_token: x })],
    ['form with a passcode', path, [formType], `refresh_token=${x}&passcode=123456`],
    ['form and query alike', `${path}?refresh_token=${x}`, [formType], `refresh_token=${x}`],
    ['both names alike', path, [formType], `refresh_token=${x}&api_token=${x}`],
  ];
  for (const [what, target, headers, body] of table) {
    const reply = await server.send(`POST ${target}`, headers, body);
    t.equal(reply.status, 200, what);
    t.same(Object.keys(reply.json).sort(), sixKeys, 'exactly six keys');
    t.equal(reply.json['refresh_token'], x);
    t.match(reply.json['access_token'], /^eyJ/);
  }
  t.notOk(JSON.stringify(server.outcomes).includes(x), 'no token is logged, not even one of a query');
});

t.test('the body of the answer is byte for byte in shape', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  const reply = await server.postForm(path, `api_token=${secret}`);
  t.equal(
    reply.body.replace(/"access_token":"[^"]+"/, '"access_token":"eyJ..."'),
    `{"id_token":null,"token_type":"bearer","expires_in":1799,"scope":"ALL_PERMISSIONS customer_number openid","access_token":"eyJ...","refresh_token":"${secret}"}`,
  );
  t.match(reply.header('content-type'), /^application\/json/);
  t.equal(reply.header('cache-control'), 'no-store');
});

t.test('expires_in is 1799 of 30 minutes, and less of a token that ends before', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token('all', 5 * minuteMs);
  const reply = await server.postForm(path, `api_token=${secret}`);
  t.ok(Number(reply.json['expires_in']) < 300);
  t.ok(Number.isInteger(reply.json['expires_in']));
});

t.test('scope names what a token of some scopes may do', async (t) => {
  const server = await startVendors(t);
  await server.accounts.defineRole('acme', 'reader', ['things:read', 'org:owner', 'external/vmc/admin']);
  const { secret } = await server.token(['org:owner', 'external/vmc/admin', 'things:read']);
  const reply = await server.postForm(path, `api_token=${secret}`);
  t.equal(reply.json['scope'], 'csp:org_member csp:org_owner external/vmc/admin customer_number openid');
});

t.test('id_token is a JWT when the token was made with OpenID', async (t) => {
  const server = await startVendors(t);
  const secret = await server.openIdToken();
  const reply = await server.postForm(path, `api_token=${secret}`);
  t.same(Object.keys(reply.json).sort(), sixKeys);
  const idToken = String(reply.json['id_token']);
  const keys = createLocalJWKSet(server.keys.jwks(server.now()) as never);
  const { payload, protectedHeader } = await jwtVerify(idToken, keys, { issuer: 'https://id.example' });
  t.equal(protectedHeader.alg, 'RS256');
  t.match(payload, { acct: 'ann@corp.example', domain: 'corp.example', username: 'ann', name: 'Ann' });
  t.equal(payload.sub, decodeJwt(String(reply.json['access_token'])).sub);
  t.not(payload.aud, 'https://api.example', 'an ID token is not for the API');
  const credential = { form: 'jwt', value: idToken } as const;
  t.match(await server.identifier.identify(credential, server.now()), { reason: 'token_invalid' });
});

t.test('the access token is RS256 with kid, and its claims are the vendor’s', async (t) => {
  const server = await startVendors(t);
  const { secret, record } = await server.token();
  await server.accounts.defineRole('acme', 'reader', ['things:read', 'org:owner', 'external/vmc/admin']);
  const reply = await server.postForm(path, `api_token=${secret}`);
  const token = String(reply.json['access_token']);
  t.match(decodeProtectedHeader(token), { alg: 'RS256', kid: /^[\w-]{43}$/ });
  const published = await server.send(`GET ${csp}/auth/token-public-key?format=jwks`);
  const { payload } = await jwtVerify(token, createLocalJWKSet(published.json as never), {
    algorithms: ['RS256'],
    issuer: 'https://id.example',
  });
  t.match(payload, {
    sub: /^corp\.example:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    context_name: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    context: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    azp: String,
    acct: 'ann@corp.example',
    domain: 'corp.example',
    username: 'ann',
    perms: ['csp:org_member', 'csp:org_owner', 'external/vmc/admin'],
    iss: 'https://id.example',
    iat: Number,
    exp: Number,
    jti: String,
  });
  const found = await server.identifier.identify({ form: 'jwt', value: token }, server.now());
  t.match(
    found,
    { identity: { user: { id: 'ann' }, org: { id: 'acme' }, sessionKind: 'api_token', tokenId: record.id } },
    'the gate still reads our own user in it',
  );
});

t.test('ids that are UUIDs and users that are e-mail addresses stay as they are', async (t) => {
  const server = await startVendors(t);
  const orgId = '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c';
  await server.accounts.createOrg({ id: orgId, name: 'Org', roles: {}, tokenLifetimeMsMax: undefined });
  await server.accounts.createUser({ orgId, id: 'bob@customer.example', name: 'Bob', roles: [] });
  const made = await server.apiTokens.createApiToken({
    orgId,
    userId: 'bob@customer.example',
    name: 'ci',
    scopes: 'all',
    lifetimeMs: undefined,
    length: 65,
  });
  if (!('secret' in made)) throw new Error('no token');
  const reply = await server.postForm(path, `api_token=${made.secret}`);
  t.match(decodeJwt(String(reply.json['access_token'])), {
    context_name: orgId,
    acct: 'bob@customer.example',
    username: 'bob',
    domain: 'customer.example',
    sub: /^customer\.example:/,
  });
});

t.test('a token that is no good is 400 in the vendor’s shape, with the token masked', async (t) => {
  const server = await startVendors(t);
  const good = await server.token();
  const access = String((await server.postForm(path, `api_token=${good.secret}`)).json['access_token']);
  const expired = await server.token('all', minuteMs);
  const revoked = await server.token();
  await server.apiTokens.revokeApiToken(revoked.record.id);
  server.clock.nowMs += minuteMs;
  const table: [string, string, string][] = [
    ['unknown', `${good.secret.slice(0, -5)}tN3NK`, 'token_unknown'],
    ['expired', expired.secret, 'token_expired'],
    ['revoked', revoked.secret, 'token_revoked'],
    ['malformed', 'no token at all, with blanks', 'credential_malformed'],
    ['600 bytes', 'a'.repeat(600), 'credential_malformed'],
    ['an access token', access, 'credential_malformed'],
  ];
  for (const [what, token, reason] of table) {
    const reply = await server.postForm(path, `refresh_token=${encodeURIComponent(token)}`);
    const { json } = reply;
    t.equal(reply.status, 400, what);
    t.same(
      Object.keys(json).sort(),
      ['cspErrorCode', 'message', 'metadata', 'moduleCode', 'requestId', 'statusCode', 'traceId'],
      'exactly these keys',
    );
    t.match(json, {
      metadata: null,
      traceId: /^[0-9a-f]{16}$/,
      requestId: /^[0-9a-f]{16}$/,
      cspErrorCode: '540.120-340.800',
      moduleCode: 340,
      statusCode: 400,
    });
    t.equal(
      json['message'],
      `invalid_grant: Invalid refresh token: xxxx...${token.slice(-5).replace(/ /g, '?')}`,
    );
    t.notOk(reply.body.includes(token), 'never the token itself');
    t.match(server.outcomes.at(-1), { route: 'csp:exchange', result: 'denial', reason });
    t.notOk(JSON.stringify(server.outcomes.at(-1)).includes(token));
  }
  t.equal(
    (await server.postForm(path, 'api_token=short')).json['message'],
    'invalid_grant: Invalid refresh token: xxxx...',
    'of a short token nothing is shown',
  );
});

t.test('a token of a disabled user or org is 400 like any other', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  await server.accounts.setUserState('acme', 'ann', 'disabled');
  t.match(await server.postForm(path, `api_token=${secret}`), {
    status: 400,
    json: { cspErrorCode: '540.120-340.800' },
  });
});

t.test('a request that cannot be read is 400 and changes nothing', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  const table: [string, string, string[], string][] = [
    ['nothing', path, [], ''],
    ['an empty token', path, [formType], 'api_token='],
    ['two different tokens', path, [formType], `api_token=${secret}&refresh_token=x`],
    ['one name, two values', path, [formType], `api_token=${secret}&api_token=x`],
    ['query and body at odds', `${path}?api_token=x`, [formType], `api_token=${secret}`],
    ['broken JSON', path, [jsonType], '{'],
    ['JSON that is a list', path, [jsonType], '[]'],
    ['deep JSON', path, [jsonType], '['.repeat(60_000)],
    ['a poisoned prototype', path, [jsonType], '{"__proto__":{}}'],
    ['broken percent-encoding', path, [formType], 'api_token=%zz'],
    ['XML', path, ['Content-Type: application/xml'], '<a/>'],
    ['another grant', path, [formType], `grant_type=password&api_token=${secret}`],
  ];
  for (const [what, target, headers, body] of table) {
    const reply = await server.send(`POST ${target}`, headers, body);
    t.match(reply, { status: 400, json: { statusCode: 400, moduleCode: 340 } }, what);
    t.notOk(reply.body.includes(secret));
  }
});

t.test('method and size are told in the vendor’s shape', async (t) => {
  const server = await startVendors(t);
  const wrong = await server.send(`GET ${path}`);
  t.match(wrong, { status: 405, json: { statusCode: 405, message: 'invalid_request: Use POST here.' } });
  t.equal(wrong.header('allow'), 'POST');
  const large = await server.postForm(path, `api_token=${'a'.repeat(65 * 1024)}`);
  t.match(large, { status: 413, json: { statusCode: 413 } });
  t.match(server.outcomes.at(-1), { reason: 'request_too_large' });
});

t.test('an outage is 503 with Retry-After, never the fault of the caller', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  await server.store.close();
  const reply = await server.postForm(path, `api_token=${secret}`);
  t.match(reply, { status: 503, json: { statusCode: 503, message: /^service_unavailable: / } });
  t.equal(reply.header('retry-after'), '1');
  t.match(server.outcomes.at(-1), { result: 'outage', reason: 'store_unavailable' });
});

t.test('without an RS256 key it is 503, never a token signed with something else', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  const keys = server.keys.published(server.now());
  server.keys.replace(keys.filter(({ algorithm }) => algorithm !== 'RS256'));
  t.match(await server.postForm(path, `api_token=${secret}`), { status: 503, json: { statusCode: 503 } });
});

t.test('an address that tries many unknown tokens gets 429 with Retry-After', async (t) => {
  const server = await startVendors(t, { limits: { unknownTokensPerMinute: 5 } as never });
  let reply = await server.postForm(path, 'api_token=garbage');
  for (let index = 0; index < 10; index++) reply = await server.postForm(path, `api_token=garbage-${index}`);
  t.match(reply, { status: 429, json: { statusCode: 429 } });
  t.ok(Number(reply.header('retry-after')) > 0);
});

t.test('an API token that is exchanged too often gets 429 with Retry-After', async (t) => {
  const server = await startVendors(t, {
    limits: { exchangesPerMinute: 1, unknownTokensPerMinute: 0 } as never,
  });
  const { secret } = await server.token();
  t.match(await server.postForm(path, `api_token=${secret}`), { status: 200 });
  const reply = await server.postForm(path, `api_token=${secret}`);
  t.match(reply, { status: 429, json: { statusCode: 429 } });
  t.ok(Number(reply.header('retry-after')) > 0);
});

t.test('a surface that is shutting down answers 503 in the vendor’s shape', async (t) => {
  const server = await startVendors(t);
  server.surfaces.close();
  const reply = await server.postForm(path, 'api_token=x');
  t.match(reply, { status: 503, json: { statusCode: 503 } });
  t.ok(reply.header('retry-after'));
});
