// POST /auth/api-tokens/details: what a holder of an API token may know of it.

import t from 'tap';
import { dayMs, minuteMs } from '../../lifecycle/world.ts';
import { noSurfaces } from '../surface-server.ts';
import { csp, jsonType, startVendors } from '../vendor-server.ts';

const path = `${csp}/auth/api-tokens/details`;

t.test('the details have the documented keys', async (t) => {
  const server = await startVendors(t);
  const { secret, record } = await server.token(['things:read'], dayMs);
  const reply = await server.postJson(path, { tokenValue: secret });
  t.equal(reply.status, 200);
  t.same(reply.json, {
    tokenId: record.id,
    tokenName: 'ci',
    orgId: reply.json['orgId'],
    userId: reply.json['userId'],
    username: 'ann',
    acct: 'ann@corp.example',
    domain: 'corp.example',
    idpId: 'corp.example',
    scope: ['csp:org_member'],
    allowedScopes: {
      generalScopes: [],
      organizationScopes: {
        allRoles: false,
        allPermissions: false,
        keptInToken: [],
        roles: [],
        permissions: [{ permissionId: 'things:read', resources: [] }],
      },
      servicesScopes: [],
    },
    createdAt: record.createdAtMs,
    expiresAt: record.expiresAtMs,
    lastUsedAt: null,
    deactivated: false,
    deactivatedUpdatedBy: null,
    deactivatedUpdatedOn: null,
    token: `xxxx...${secret.slice(-5)}`,
  });
  t.notOk(reply.body.includes(secret), 'the token itself is not repeated');
});

t.test('the non-JSON {tokenValue=X} in a JSON content type is read too', async (t) => {
  const server = await startVendors(t);
  const { secret, record } = await server.token();
  for (const body of [`{tokenValue=${secret}}`, `{ tokenValue=${secret} }`, `{tokenValue = ${secret}}\n`]) {
    const reply = await server.send(`POST ${path}`, [jsonType], body);
    t.match(reply, { status: 200, json: { tokenId: record.id } }, JSON.stringify(body.replace(secret, 'X')));
  }
});

t.test('times are milliseconds, or seconds where the settings say so', async (t) => {
  const csps = { ...noSurfaces.csp, enabled: true, timestamps: 'seconds' as const };
  const server = await startVendors(t, { surfaces: { ...noSurfaces, csp: csps } });
  const { secret, record } = await server.token('all', dayMs);
  const { json } = await server.postJson(path, { tokenValue: secret });
  t.equal(json['createdAt'], Math.floor(record.createdAtMs / 1000));
  t.equal(json['expiresAt'], Math.floor((record.expiresAtMs ?? 0) / 1000));
});

t.test('a token that never expires has a time far beyond any', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token('all', null);
  const { json } = await server.postJson(path, { tokenValue: secret });
  t.equal(new Date(Number(json['expiresAt'])).getUTCFullYear(), 9999);
});

t.test('a deactivated token is told of, as such', async (t) => {
  const server = await startVendors(t);
  const { secret, record } = await server.token();
  const other = await server.token();
  await server.apiTokens.revokeApiToken(record.id);
  t.match(await server.postJson(path, { tokenValue: secret }), {
    status: 200,
    json: { deactivated: true, deactivatedUpdatedOn: Number },
  });
  await server.apiTokens.revokeAll('acme', 'ann');
  t.match(await server.postJson(path, { tokenValue: other.secret }), { json: { deactivated: true } });
});

t.test('an unknown or expired token is 404 in the vendor’s shape', async (t) => {
  const server = await startVendors(t);
  const expired = await server.token('all', minuteMs);
  server.clock.nowMs += minuteMs;
  for (const token of [
    'unknown',
    `${expired.secret.slice(0, -5)}AAAAA`,
    expired.secret,
    'a.b.c',
    'two words',
  ]) {
    const reply = await server.postJson(path, { tokenValue: token });
    t.match(reply, { status: 404, json: { statusCode: 404, moduleCode: 340, metadata: null } });
    if (token.length > 20) t.notOk(reply.body.includes(token));
  }
});

t.test('what names no token is 400; a token in the URL is not read', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  for (const body of ['{}', '{"tokenValue":""}', '{"tokenValue":{}}', '{tokenValue=}', '{tokenValue}', '"x"'])
    t.match(
      await server.send(`POST ${path}`, [jsonType], body),
      { status: 400, json: { statusCode: 400 } },
      body,
    );
  t.match(await server.send(`POST ${path}?tokenValue=${secret}`, [jsonType]), { status: 400 });
});

t.test('whoever tries out many tokens is held back; an outage is 503', async (t) => {
  const server = await startVendors(t, { limits: { unknownTokensPerMinute: 5 } as never });
  let reply = await server.postJson(path, { tokenValue: 'x' });
  for (let index = 0; index < 10; index++) reply = await server.postJson(path, { tokenValue: `x${index}` });
  t.match(reply, { status: 429 });
  const { secret } = await server.token();
  await server.store.close();
  const out = await server.postJson(path, { tokenValue: secret });
  t.ok(out.status === 503 || out.status === 429);
});
