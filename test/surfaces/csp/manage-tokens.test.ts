// POST /loggedin/user/api-tokens and POST /orgs/{orgId}/api-tokens/deactivate.

import { decodeJwt } from 'jose';
import t, { type Test } from 'tap';
import { uuidOfOrg } from '../../../src/identity/vendor-ids.ts';
import { dayMs, minuteMs } from '../../lifecycle/world.ts';
import { tokensOfUser } from '../../support/tokens-of-user.ts';
import { noSurfaces } from '../surface-server.ts';
import {
  basicLine,
  csp,
  jsonType,
  startVendors,
  type VendorReply,
  type VendorServer,
} from '../vendor-server.ts';

const create = `${csp}/loggedin/user/api-tokens`;
const details = `${csp}/auth/api-tokens/details`;
const deactivate = (org: string, kind = 'api-tokens') => `${csp}/orgs/${org}/${kind}/deactivate`;

/** Ann owns acme; bob is another of its users; eve is of another org. */
const startOrg = async (t: Test, change: Parameters<typeof startVendors>[1] = {}): Promise<VendorServer> => {
  const server = await startVendors(t, change);
  const { accounts } = server;
  await accounts.defineRole('acme', 'admin', ['things:write', 'tollgate:tokens:own', 'tollgate:tokens:all']);
  await accounts.defineRole('acme', 'owner', ['org:owner', 'external/vmc/admin', 'external/vmc/nsx']);
  await accounts.setRoles('acme', 'ann', ['reader', 'admin', 'owner']);
  await accounts.createUser({ orgId: 'acme', id: 'bob', name: 'Bob', roles: ['reader'] });
  await accounts.createOrg({ id: 'other', name: 'Other', roles: {}, tokenLifetimeMsMax: undefined });
  await accounts.createUser({ orgId: 'other', id: 'eve', name: 'Eve', roles: [] });
  return server;
};

const tokenOf = async (server: VendorServer, orgId: string, userId: string) => {
  const order = { orgId, userId, name: 'ci', scopes: 'all', lifetimeMs: undefined, length: 65 } as const;
  const made = await server.apiTokens.createApiToken(order);
  if (!('secret' in made)) throw new Error(JSON.stringify(made));
  return made;
};

const detailsOf = async (server: VendorServer, reply: VendorReply): Promise<Record<string, unknown>> =>
  (await server.postJson(details, { tokenValue: reply.json['apiToken'] })).json;

t.test('whoever is signed in makes an API token with the documented body', async (t) => {
  const server = await startOrg(t);
  const session = await server.signIn();
  const allowedScopes = {
    generalScopes: ['openid'],
    organizationScopes: { allRoles: false, roles: [{ name: 'org_owner', resource: null }] },
    servicesScopes: [{ serviceDefinitionId: 'vmc', roles: [{ name: 'admin', resource: '' }] }],
  };
  const body = {
    tokenName: 'ci',
    refreshTokenTTL: 3600,
    allowedScopes,
    idToken: 'eyJ...',
    notifyBeforeExpiry: 7,
    orgId: uuidOfOrg('acme'),
  };
  for (const line of [`Authorization: Bearer ${session}`, `csp-auth-token: ${session}`]) {
    const reply = await server.postJson(create, body, [line]);
    t.equal(reply.status, 200);
    t.same(Object.keys(reply.json), ['apiToken']);
    t.match(reply.json['apiToken'], /^tg[0-9A-Za-z]{63}$/);
    const shown = await detailsOf(server, reply);
    t.match(shown, {
      tokenName: 'ci',
      username: 'ann',
      allowedScopes: {
        generalScopes: ['openid'],
        organizationScopes: { roles: [{ name: 'org_owner' }] },
        servicesScopes: [{ serviceDefinitionId: 'vmc', roles: [{ name: 'admin' }] }],
      },
    });
    t.equal(Number(shown['expiresAt']) - Number(shown['createdAt']), 3600_000);
    const record = await server.apiTokens.findApiToken(String(shown['tokenId']));
    t.match(record, { openid: true, notifyBeforeExpiryMs: 7 * dayMs });
  }
  t.notOk(JSON.stringify(server.outcomes).includes('"tg'), 'the new token is not logged');
});

t.test('org_member may be asked for: every user of the org has it', async (t) => {
  const server = await startOrg(t);
  const session = [`csp-auth-token: ${await server.signIn()}`];
  for (const roles of [['org_member'], ['csp:org_member'], ['org_member', 'org_owner']]) {
    const organizationScopes = { roles: roles.map((name) => ({ name, resource: '' })) };
    const body = { tokenName: 'ci', allowedScopes: { organizationScopes } };
    const reply = await server.postJson(create, body, session);
    t.equal(reply.status, 200, roles.join());
    const token = String(reply.json['apiToken']);
    const exchanged = await server.postForm(`${csp}/auth/api-tokens/authorize`, `api_token=${token}`);
    const owner = roles.includes('org_owner') ? ['csp:org_owner'] : [];
    t.same(decodeJwt(String(exchanged.json['access_token']))['perms'], ['csp:org_member', ...owner]);
  }
});

t.test('refreshTokenTTL: seconds; 0 or none is the default, -1 is never', async (t) => {
  const server = await startOrg(t);
  const session = [`csp-auth-token: ${await server.signIn()}`];
  const lifeOf = async (more: object) => {
    const shown = await detailsOf(
      server,
      await server.postJson(create, { tokenName: 'ci', ...more }, session),
    );
    return Number(shown['expiresAt']) - Number(shown['createdAt']);
  };
  t.equal(await lifeOf({ refreshTokenTTL: 60 }), minuteMs);
  for (const none of [{}, { refreshTokenTTL: 0 }, { refreshTokenTTL: null }])
    t.equal(await lifeOf(none), 180 * dayMs);
  t.ok((await lifeOf({ refreshTokenTTL: -1 })) > 1000 * 365 * dayMs);
});

t.test('a user may have 50 tokens: the 51st is refused', async (t) => {
  const server = await startOrg(t);
  const session = [`csp-auth-token: ${await server.signIn()}`];
  for (let count = 0; count < 49; count++) await tokenOf(server, 'acme', 'ann');
  t.equal((await server.postJson(create, { tokenName: 'the 50th' }, session)).status, 200);
  const refused = await server.postJson(create, { tokenName: 'the 51st' }, session);
  t.match(refused, { status: 409, json: { statusCode: 409, message: /^conflict: .*50/ } });
});

t.test('the setting says how many tokens there may be, and dead ones do not count', async (t) => {
  const csps = { ...noSurfaces.csp, enabled: true, tokensPerUserMax: 3 };
  const server = await startOrg(t, { surfaces: { ...noSurfaces, csp: csps } });
  const session = [`csp-auth-token: ${await server.signIn()}`];
  const made: VendorReply[] = [];
  for (let index = 0; index < 3; index++)
    made.push(await server.postJson(create, { tokenName: 'ci' }, session));
  t.same(
    made.map(({ status }) => status),
    [200, 200, 200],
  );
  const refused = await server.postJson(create, { tokenName: 'ci' }, session);
  t.match(refused, { status: 409, json: { statusCode: 409, message: /^conflict: / } });
  await server.apiTokens.revokeApiToken(String((await detailsOf(server, made[0] ?? refused))['tokenId']));
  t.equal(
    (await server.postJson(create, { tokenName: 'ci' }, session)).status,
    200,
    'dead ones do not count',
  );
});

t.test('no token is wider than its maker, nor than the session it is made in', async (t) => {
  const server = await startOrg(t);
  const asked = (permissionId: string) => ({
    tokenName: 'ci',
    allowedScopes: { organizationScopes: { permissions: [{ permissionId }] } },
  });
  const all = [`csp-auth-token: ${await server.signIn()}`];
  t.equal((await server.postJson(create, asked('things:write'), all)).status, 200);
  const wide = await server.postJson(create, asked('everything:write'), all);
  t.match(wide, { status: 400, json: { message: /^invalid_scope: / } });
  const narrow = [`csp-auth-token: ${await server.signIn(['tollgate:tokens:own'])}`];
  t.match(await server.postJson(create, asked('things:write'), narrow), { status: 400 });
  t.match(
    await server.postJson(create, { tokenName: 'ci' }, narrow),
    { status: 400 },
    'all roles are more, too',
  );
});

t.test('who may not make tokens is 401 or 403', async (t) => {
  const server = await startOrg(t);
  const order = { tokenName: 'ci' };
  const { secret } = await server.token();
  const exchanged = await server.postForm(`${csp}/auth/api-tokens/authorize`, `api_token=${secret}`);
  const session = await server.signIn();
  const table: [string, number, string[], object][] = [
    ['nobody', 401, [], order],
    ['a stale session', 401, ['csp-auth-token: a.b.c'], order],
    ['two different sessions', 401, [`csp-auth-token: ${session}`, 'Authorization: Bearer x'], order],
    ['an API token', 403, [`csp-auth-token: ${secret}`], order],
    [
      'a session made from an API token',
      403,
      [`csp-auth-token: ${String(exchanged.json['access_token'])}`],
      order,
    ],
    ['a session without the right', 403, [`csp-auth-token: ${await server.signIn(['things:write'])}`], order],
    ['another org', 403, [`csp-auth-token: ${session}`], { ...order, orgId: 'other' }],
  ];
  for (const [what, status, headers, body] of table) {
    const reply = await server.postJson(create, body, headers);
    t.match(reply, { status, json: { statusCode: status, moduleCode: 340 } }, what);
  }
  t.match(server.outcomes.at(-1), { route: 'csp:create', result: 'denial', reason: 'tenant_mismatch' });
});

t.test('an order that cannot be read is 400 and makes nothing', async (t) => {
  const server = await startOrg(t);
  const session = [`csp-auth-token: ${await server.signIn()}`];
  for (const body of [
    {},
    { tokenName: '' },
    { tokenName: 7 },
    { tokenName: ' x ' },
    { tokenName: 'x'.repeat(200) },
    { tokenName: 'ci', refreshTokenTTL: '60' },
    { tokenName: 'ci', refreshTokenTTL: 1.5 },
    { tokenName: 'ci', refreshTokenTTL: 1 },
    { tokenName: 'ci', refreshTokenTTL: -2 },
    { tokenName: 'ci', allowedScopes: 'all' },
    { tokenName: 'ci', notifyBeforeExpiry: -1 },
    { tokenName: 'ci', orgId: 7 },
    [],
  ])
    t.match(
      await server.postJson(create, body, session),
      { status: 400, json: { statusCode: 400 } },
      JSON.stringify(body),
    );
  t.match(await server.send(`POST ${create}`, [jsonType, ...session], '{'), { status: 400 });
  t.same(await tokensOfUser(server.store, 'acme', 'ann'), []);
});

t.test('deactivate ends tokens by id and tells of each', async (t) => {
  const server = await startOrg(t);
  const session = [`csp-auth-token: ${await server.signIn()}`];
  const [own, bobs, eves] = [
    await tokenOf(server, 'acme', 'ann'),
    await tokenOf(server, 'acme', 'bob'),
    await tokenOf(server, 'other', 'eve'),
  ];
  const unknown = own.record.id.replace(/^.{8}/, '00000000');
  const ids = [own.record.id, bobs.record.id, eves.record.id, unknown, 'no id', own.record.id];
  for (const org of ['acme', uuidOfOrg('acme')])
    for (const kind of ['api-tokens', 'tokens']) {
      const reply = await server.postJson(deactivate(org, kind), { ids }, session);
      t.equal(reply.status, 200);
      t.same(Object.keys(reply.json), ['successes', 'failures']);
      t.same(reply.json['successes'], [own.record.id, bobs.record.id], 'again and again: the same');
      t.match(reply.json['failures'], [
        { id: eves.record.id, message: String },
        { id: unknown, message: String },
        { id: 'no id', message: String },
      ]);
    }
  t.match(await server.apiTokens.findApiToken(bobs.record.id), { state: 'revoked' });
  t.match(await server.apiTokens.findApiToken(eves.record.id), { state: 'active' }, 'never another org’s');
});

t.test('deactivate is for the org’s owner only, in a session of a person', async (t) => {
  const server = await startOrg(t);
  const { record, secret } = await tokenOf(server, 'acme', 'bob');
  const body = { ids: [record.id] };
  const admin = await server.signIn(['tollgate:tokens:own', 'tollgate:tokens:all']);
  const owner = await server.signIn();
  const table: [string, number, string, string[]][] = [
    ['nobody', 401, 'acme', []],
    ['an administrator who is not the owner', 403, 'acme', [`csp-auth-token: ${admin}`]],
    ['the owner of another org', 403, 'other', [`csp-auth-token: ${owner}`]],
    ['an API token', 403, 'acme', [`csp-auth-token: ${secret}`]],
  ];
  for (const [what, status, org, headers] of table)
    t.match(
      await server.postJson(deactivate(org), body, headers),
      { status, json: { statusCode: status } },
      what,
    );
  t.match(await server.apiTokens.findApiToken(record.id), { state: 'active' });
});

t.test('deactivate takes 1 to 15 ids', async (t) => {
  const server = await startOrg(t);
  const session = [`csp-auth-token: ${await server.signIn()}`];
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `id-${index}`);
  t.equal((await server.postJson(deactivate('acme'), { ids: ids(15) }, session)).status, 200);
  for (const body of [{}, { ids: [] }, { ids: ids(16) }, { ids: 'x' }, { ids: [7] }, []])
    t.match(await server.postJson(deactivate('acme'), body, session), {
      status: 400,
      json: { statusCode: 400 },
    });
});

t.test('every order is written down, the refused ones too', async (t) => {
  const server = await startOrg(t);
  const session = [`csp-auth-token: ${await server.signIn()}`];
  const made = await server.postJson(create, { tokenName: 'ci' }, session);
  const id = String((await detailsOf(server, made))['tokenId']);
  const secret = String(made.json['apiToken']);
  await server.postForm(`${csp}/auth/api-tokens/authorize`, `api_token=${secret}`);
  await server.postForm(`${csp}/auth/token`, 'grant_type=client_credentials', [
    basicLine('reports', 's3cret'),
  ]);
  await server.postJson(create, { tokenName: 'ci' }, [`csp-auth-token: ${secret}`]);
  await server.postJson(deactivate('acme'), { ids: [id] }, session);
  await server.audit.close();
  const written = await server.store.readAudit('acme', { limit: 100, cursor: undefined });
  if (!('items' in written)) throw new Error('no audit');
  const lines = written.items.map(
    ({ action, result, reason, actor }) => `${action} ${result} ${reason ?? ''} ${actor.user ?? ''}`,
  );
  for (const line of [
    'token.create done  ann',
    'token.exchange done  ann',
    'session.begin done  ann',
    'token.create refused session_kind_refused ann',
    'token.revoke done  ann',
  ])
    t.ok(lines.includes(line), line);
  t.notOk(JSON.stringify(written).includes(secret));
});

t.test('an outage is 503 with Retry-After', async (t) => {
  const server = await startOrg(t);
  const { record } = await tokenOf(server, 'acme', 'bob');
  const session = [`csp-auth-token: ${await server.signIn()}`];
  await server.postJson(deactivate('acme'), { ids: ['x'] }, session);
  await server.store.close();
  for (const reply of [
    await server.postJson(create, { tokenName: 'ci' }, session),
    await server.postJson(deactivate('acme'), { ids: [record.id] }, session),
  ]) {
    t.match(reply, { status: 503, json: { statusCode: 503 } });
    t.ok(reply.header('retry-after'));
  }
});
