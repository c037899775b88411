// The navigator surface: JSON in camel case, 201, trailing slashes.

import { createLocalJWKSet, jwtVerify } from 'jose';
import t from 'tap';
import { uuidOfOrg } from '../../../src/identity/vendor-ids.ts';
import { minuteMs } from '../../lifecycle/world.ts';
import { csp, jsonType, navigator, startVendors, type VendorServer } from '../vendor-server.ts';

const path = `${navigator}/authn/accesstoken`;
const fourKeys = ['accessToken', 'idToken', 'refreshToken', 'returnUrl'];

const orgIdOf = async (server: VendorServer): Promise<string> => {
  const { secret } = await server.token();
  const { json } = await server.postJson(`${csp}/auth/api-tokens/details`, { tokenValue: secret });
  return String(json['orgId']);
};

t.test('POST authn/accesstoken, with and without a trailing slash, is 201 in camel case', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  for (const target of [path, `${path}/`])
    for (const body of [{ refreshToken: secret }, { refreshToken: secret, passcode: '123456' }]) {
      const reply = await server.postJson(target, body, ['X-XSRF-TOKEN: whatever', 'Accept: */*']);
      t.equal(reply.status, 201, target);
      t.same(Object.keys(reply.json), fourKeys);
      t.match(reply.json, { idToken: null, refreshToken: secret, returnUrl: null });
      const published = await server.send(`GET ${csp}/auth/token-public-key?format=jwks`);
      const keys = createLocalJWKSet(published.json as never);
      const { payload } = await jwtVerify(String(reply.json['accessToken']), keys, { algorithms: ['RS256'] });
      t.match(payload, { sub: /^corp\.example:/, context_name: String, perms: ['csp:org_member'] });
    }
  t.notOk(JSON.stringify(server.outcomes).includes(secret));
});

t.test('idToken is there when the token was made with OpenID', async (t) => {
  const server = await startVendors(t);
  const reply = await server.postJson(path, { refreshToken: await server.openIdToken() });
  t.match(reply.json['idToken'], /^eyJ/);
});

t.test('POST authn/accounts/{orgId}/accesstoken takes client credentials', async (t) => {
  const server = await startVendors(t);
  const orgId = await orgIdOf(server);
  for (const org of ['acme', orgId])
    for (const slash of ['', '/']) {
      const target = `${navigator}/authn/accounts/${org}/accesstoken${slash}`;
      const reply = await server.postJson(target, { clientId: 'reports', clientSecret: 's3cret' });
      t.equal(reply.status, 201, target);
      t.same(Object.keys(reply.json), fourKeys);
      t.match(reply.json, { refreshToken: null, idToken: null, returnUrl: null });
      const value = String(reply.json['accessToken']);
      t.match(await server.identifier.identify({ form: 'jwt', value }, server.now()), {
        identity: { org: { id: 'acme' }, user: { id: 'ann' }, sessionKind: 'api_token' },
      });
    }
});

t.test('client credentials that are no good are 401, for another org 403, without any 400', async (t) => {
  const server = await startVendors(t);
  const ask = (org: string, body: object) =>
    server.postJson(`${navigator}/authn/accounts/${org}/accesstoken`, body);
  t.match(await ask('acme', { clientId: 'reports', clientSecret: 'x' }), {
    status: 401,
    json: { statusCode: 401 },
  });
  t.match(await ask('acme', { clientId: 'nobody', clientSecret: 's3cret' }), { status: 401 });
  t.match(await ask('acme', { clientId: 'resource', clientSecret: 'other' }), { status: 401 });
  t.match(await ask('other', { clientId: 'reports', clientSecret: 's3cret' }), {
    status: 403,
    json: { statusCode: 403 },
  });
  t.match(await ask('acme', { clientId: 'reports' }), { status: 400, json: { statusCode: 400 } });
});

t.test('GET loggedinuser/orgs lists the ids of the session’s orgs', async (t) => {
  const server = await startVendors(t);
  const orgId = await orgIdOf(server);
  const { secret } = await server.token();
  const access = String((await server.postJson(path, { refreshToken: secret })).json['accessToken']);
  for (const line of [
    `csp-auth-token: ${access}`,
    `CSP-AUTH-TOKEN: ${access}`,
    `Authorization: bearer ${access}`,
  ]) {
    const reply = await server.send(`GET ${navigator}/loggedinuser/orgs`, [line]);
    t.match(reply, { status: 200, body: JSON.stringify({ loggedInUserOrgs: [orgId] }) });
  }
  for (const headers of [
    [],
    ['csp-auth-token: a.b.c'],
    [`csp-auth-token: ${access}`, 'Authorization: Bearer x'],
  ])
    t.match(await server.send(`GET ${navigator}/loggedinuser/orgs`, headers), {
      status: 401,
      json: { statusCode: 401 },
    });
});

t.test('errors are in csp’s shape: 400 with the token masked, 405, 429, 503', async (t) => {
  const server = await startVendors(t, { limits: { unknownTokensPerMinute: 5 } as never });
  const { secret } = await server.token('all', minuteMs);
  server.clock.nowMs += minuteMs;
  const reply = await server.postJson(path, { refreshToken: secret });
  t.match(reply, {
    status: 400,
    json: {
      metadata: null,
      cspErrorCode: '540.120-340.800',
      message: `invalid_grant: Invalid refresh token: xxxx...${secret.slice(-5)}`,
      moduleCode: 340,
    },
  });
  for (const body of ['', '{}', '[]', '{"refreshToken":7.5e400}', `{"refreshToken":{"$ne":null}}`])
    t.equal((await server.send(`POST ${path}`, [jsonType], body)).status, 400, body);
  t.match(await server.send(`GET ${path}/`), { status: 405, json: { statusCode: 405 } });
  for (let index = 0; index < 10; index++) await server.postJson(path, { refreshToken: `x${index}` });
  t.match(await server.postJson(path, { refreshToken: 'y' }), { status: 429, json: { statusCode: 429 } });
});

t.test('an outage is 503 with Retry-After', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  await server.store.close();
  for (const reply of [
    await server.postJson(path, { refreshToken: secret }),
    await server.postJson(`${navigator}/authn/accounts/acme/accesstoken`, {
      clientId: 'reports',
      clientSecret: 's3cret',
    }),
  ]) {
    t.match(reply, { status: 503, json: { statusCode: 503 } });
    t.ok(reply.header('retry-after'));
  }
});

t.test('tokens are per org; one is regenerated, one revoked, all are revoked', async (t) => {
  const server = await startVendors(t);
  const { accounts, apiTokens } = server;
  await accounts.createOrg({ id: 'other', name: 'Other', roles: {}, tokenLifetimeMsMax: undefined });
  await accounts.createUser({ orgId: 'other', id: 'ann', name: 'Ann', roles: [] });
  const order = { userId: 'ann', name: 'ci', scopes: 'all', lifetimeMs: undefined, length: 65 } as const;
  const inOther = await apiTokens.createApiToken({ ...order, orgId: 'other' });
  if (!('secret' in inOther)) throw new Error('no token');
  const exchange = (refreshToken: string) => server.postJson(path, { refreshToken });
  const orgsOf = async (refreshToken: string): Promise<unknown> => {
    const session = String((await exchange(refreshToken)).json['accessToken']);
    return (await server.send(`GET ${navigator}/loggedinuser/orgs`, [`csp-auth-token: ${session}`])).json;
  };
  /** Fails by the test's time-out: the change feed takes a moment. */
  const untilRefused = async (refreshToken: string): Promise<void> => {
    while ((await exchange(refreshToken)).status !== 400);
  };
  const one = await server.token();
  const two = await server.token();
  const three = await server.token();
  t.same(await orgsOf(one.secret), { loggedInUserOrgs: [uuidOfOrg('acme')] });
  t.same(
    await orgsOf(inOther.secret),
    { loggedInUserOrgs: [uuidOfOrg('other')] },
    'the same person elsewhere',
  );

  const regenerated = await apiTokens.regenerateApiToken({
    tokenId: one.record.id,
    overlapMs: 0,
    length: 65,
  });
  if (!('secret' in regenerated)) throw new Error('no new secret');
  await untilRefused(one.secret);
  t.match(await exchange(regenerated.secret), { status: 201, json: { refreshToken: regenerated.secret } });
  await apiTokens.revokeApiToken(two.record.id);
  await untilRefused(two.secret);
  t.match(await exchange(three.secret), { status: 201 });
  await apiTokens.revokeAll('acme', 'ann');
  for (const secret of [regenerated.secret, three.secret]) await untilRefused(secret);
  t.match(await exchange(inOther.secret), { status: 201 }, 'the other org’s lives on');
});
