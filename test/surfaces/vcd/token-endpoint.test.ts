// POST /oauth/tenant/{org}/token and /oauth/provider/token with grant_type=refresh_token.

import { decodeJwt, decodeProtectedHeader } from 'jose';
import t from 'tap';
import { minuteMs } from '../../lifecycle/world.ts';
import { formType } from '../vendor-server.ts';
import { bearer, requestId, startVcd } from './vcd-server.ts';

const acme = '/oauth/tenant/acme/token';
const provider = '/oauth/provider/token';
const fiveKeys = ['access_token', 'token_type', 'expires_in', 'refresh_token', 'scope'];
const errorKeys = ['minorErrorCode', 'message', 'stackTrace'];
const form = (token: string) => `grant_type=refresh_token&refresh_token=${token}`;

t.test('POST oauth/tenant/{org}/token exchanges an API token of 32 characters', async (t) => {
  const server = await startVcd(t);
  const { secret, id } = await server.apiToken('acme', 'ann');
  t.equal(secret.length, 32);
  const reply = await server.postForm(acme, form(secret));
  t.equal(reply.status, 200);
  t.same(Object.keys(reply.json), fiveKeys);
  t.match(reply.json, {
    access_token: /^eyJ/,
    token_type: 'Bearer',
    expires_in: Number,
    refresh_token: null,
    scope: null,
  });
  const expiresIn = Number(reply.json['expires_in']);
  t.ok(Number.isInteger(expiresIn) && expiresIn > 0 && expiresIn <= 1800);
  const access = String(reply.json['access_token']);
  t.match(decodeProtectedHeader(access), { alg: 'ES256', typ: 'at+jwt' });
  t.match(decodeJwt(access), { iss: 'https://id.example', sub: 'ann', org: 'acme', tid: id });
  t.match(reply.header('cache-control'), 'no-store');
  t.notOk(JSON.stringify(server.outcomes).includes(secret));
});

t.test('the session’s life is what the provider sets: tokens.accessTokenLifetime', async (t) => {
  const tokens = { ...(await startVcd(t)).settings.tokens, accessTokenLifetimeMs: 60 * minuteMs };
  const server = await startVcd(t, { tokens });
  server.clock.nowMs = Math.floor(server.clock.nowMs / 1000) * 1000;
  const { secret } = await server.apiToken('acme', 'ann');
  t.match(await server.postForm(acme, form(secret)), { json: { expires_in: 3600 } });
});

t.test('every way in which clients send the form works', async (t) => {
  const server = await startVcd(t);
  const { secret } = await server.apiToken('acme', 'ann');
  const body = form(secret);
  const query = `?grant_type=refresh_token&refresh_token=${secret}`;
  for (const [what, line, headers, sent] of [
    [
      'Accept: application/*;version=36.1',
      `POST ${acme}`,
      [formType, 'Accept: application/*;version=36.1'],
      body,
    ],
    ['Accept: application/json', `POST ${acme}`, [formType, 'Accept: application/json'], body],
    ['two Accept headers', `POST ${acme}`, [formType, 'Accept: */*', 'ACCEPT: application/json'], body],
    [
      'a stray slash in the media type',
      `POST ${acme}`,
      ['content-type: application/x-www-form-urlencoded/'],
      body,
    ],
    ['no Content-Type: go-vcloud-director before 2.20, CSI driver 1.4.1', `POST ${acme}`, [], body],
    ['a charset', `POST ${acme}`, [`${formType};charset=UTF-8`], body],
    ['a stale bearer', `POST ${acme}`, [formType, bearer('eyJhbGciOiJSUzI1NiJ9.e30.c2ln')], body],
    ['a stale session header', `POST ${acme}`, [formType, 'X-Vmware-Vcloud-Access-Token: a.b.c'], body],
    ['the parameters in the query, no body, no Content-Length', `POST ${acme}${query}`, [], ''],
    ['the parameters in the query, Content-Length: 0', `POST ${acme}${query}`, ['Content-Length: 0'], ''],
  ] as const) {
    const reply = await server.send(line, headers, sent);
    t.equal(reply.status, 200, what);
    t.same(Object.keys(reply.json), fiveKeys, what);
  }
  t.notOk(JSON.stringify(server.outcomes).includes(secret), 'in no record');
});

t.test('POST oauth/provider/token is for the provider’s org, whose name may be in any case', async (t) => {
  const server = await startVcd(t);
  const { secret } = await server.apiToken('System', 'root');
  for (const path of [provider, '/oauth/tenant/System/token', '/oauth/tenant/SYSTEM/token'])
    t.equal((await server.postForm(path, form(secret))).status, 200, path);
});

t.test('a tenant’s token at the provider’s path, or at another tenant’s, is 400 in JSON', async (t) => {
  const server = await startVcd(t);
  const { secret } = await server.apiToken('acme', 'ann');
  const { secret: root } = await server.apiToken('System', 'root');
  for (const [path, token] of [
    [provider, secret],
    ['/oauth/tenant/umbrella/token', secret],
    ['/oauth/tenant/ACME/token', secret],
    ['/oauth/tenant/system/token', secret],
    ['/oauth/tenant/nobody/token', secret],
    [acme, root],
  ] as const) {
    const reply = await server.postForm(path, form(token));
    t.equal(reply.status, 400, path);
    t.same(Object.keys(reply.json), errorKeys);
    t.match(reply.json, { minorErrorCode: 'invalid_grant', stackTrace: null });
  }
  t.match(await server.postForm(acme, form(secret)), { status: 200 }, 'and is still good at its own');
  await server.audit.close();
  const audit = await server.store.readAudit('acme', { limit: 10, cursor: undefined });
  t.match(audit, { items: [{ result: 'done' }, { action: 'token.exchange', reason: 'tenant_mismatch' }] });
});

t.test('errors are 400 JSON with the request’s id, and never empty', async (t) => {
  const server = await startVcd(t);
  const { secret, id } = await server.apiToken('acme', 'ann');
  await server.apiTokens.revokeApiToken(id);
  for (const [what, body, code] of [
    ['revoked', form(secret), 'invalid_grant'],
    ['unknown', form('tg0000000000000000000000000000'), 'invalid_grant'],
    ['a JWT', form('a.b.c'), 'invalid_grant'],
    ['too long', form('x'.repeat(600)), 'invalid_grant'],
    ['not UTF-8', 'grant_type=refresh_token&refresh_token=%ff', 'invalid_request'],
    ['two different ones', `${form('one')}&refresh_token=two`, 'invalid_request'],
    ['no token', 'grant_type=refresh_token', 'invalid_request'],
    ['no grant', `refresh_token=${secret}`, 'unsupported_grant_type'],
    ['another grant', 'grant_type=password&username=ann&password=x', 'unsupported_grant_type'],
    ['nothing', '', 'unsupported_grant_type'],
  ] as const) {
    const reply = await server.postForm(acme, body, [requestId]);
    t.equal(reply.status, 400, what);
    t.same(Object.keys(reply.json), errorKeys, what);
    t.match(reply.json, { minorErrorCode: code, message: /^\[ client-7 \] [A-Z]/, stackTrace: null }, what);
    t.equal(reply.header('x-vmware-vcloud-request-id'), 'client-7');
    t.match(reply.header('content-type'), /^application\/json/);
  }
  t.equal(
    (await server.postForm(acme, form('tgx'))).json['message'],
    '[ request-1 ] Invalid refresh token',
    'without a client’s id ours is told',
  );
});
