// Users, their roles and passwords, and the audit, through the management surface.

import t from 'tap';
import { createPasswords } from '../../../src/lifecycle/passwords.ts';
import { example } from '../../../src/surfaces/management/examples.ts';
import { itemsOf, startManagement } from './management-server.ts';

const ann = '/orgs/acme/users/ann';
const ben = '/orgs/acme/users/ben';

t.test('an owner sees the users and roles of the organization, never a password', async (t) => {
  const server = await startManagement(t);
  const owner = await server.signIn();
  const createdAt = new Date(server.now()).toISOString();
  const shown = [
    {
      id: 'ann',
      org: 'acme',
      name: 'Ann',
      email: null,
      state: 'active',
      roles: ['owner'],
      hasPassword: true,
      createdAt,
    },
    {
      id: 'ben',
      org: 'acme',
      name: 'Ben',
      email: null,
      state: 'active',
      roles: ['member'],
      hasPassword: false,
      createdAt,
    },
  ];
  t.same((await server.order(owner, 'GET /orgs/acme/users')).body, { items: shown, nextCursor: null });
  t.same((await server.order(owner, `GET ${ben}`)).body, shown[1]);
  const first = await server.order(owner, 'GET /orgs/acme/users?limit=1');
  t.same(itemsOf(first), [shown[0]]);
  const link = /^<(.*)>; rel="next"$/.exec(first.header('link') ?? '')?.[1];
  t.same((await server.order(owner, `GET /orgs/acme/users${link}`)).body, {
    items: [shown[1]],
    nextCursor: null,
  });
  t.match(itemsOf(await server.order(owner, 'GET /orgs/acme/roles')), [
    { name: 'admin' },
    { name: 'auditor', scopes: ['tollgate:audit:read'] },
    { name: 'member' },
    { name: 'owner' },
    { name: 'reader' },
  ]);
  t.match(await server.order(owner, 'GET /orgs/acme/users/nobody'), {
    status: 404,
    body: { code: 'user_unknown' },
  });
});

t.test('disabling a user and changing roles is in force at once', async (t) => {
  const server = await startManagement(t);
  const owner = await server.signIn();
  const bens = await server.signIn('ben');
  const path = 'GET /orgs/acme/users/ben/api-tokens';
  t.equal((await server.order(bens, path)).status, 200);
  t.match(await server.order(owner, `PATCH ${ben}`, { state: 'disabled' }), {
    status: 200,
    body: { state: 'disabled', roles: ['member'] },
  });
  t.equal((await server.order(bens, path)).status, 401);
  const both = await server.order(owner, `PATCH ${ben}`, { state: 'active', roles: ['owner', 'member'] });
  t.match(both.body, { state: 'active', roles: ['member', 'owner'] });
  t.equal((await server.order(bens, path)).status, 401, 'the session has ended for good');
  t.equal((await server.order(await server.signIn('ben'), 'GET /orgs/acme/users')).status, 200);
});

t.test('nobody gives a role that grants more than they may do', async (t) => {
  const server = await startManagement(t);
  const owner = await server.signIn();
  const change = (body: unknown, who = owner) => server.order(who, `PATCH ${ben}`, body);
  t.match(await change({ roles: ['member', 'auditor'] }), {
    status: 403,
    body: { code: 'scope_too_wide', detail: /tollgate:audit:read/ },
  });
  const narrow = await server.signIn('ann', ['org:owner']);
  t.match(await change({ roles: ['owner'] }, narrow), { body: { code: 'scope_too_wide' } });
  await server.accounts.setRoles('acme', 'ben', ['auditor', 'member']);
  t.match(await change({ roles: ['auditor'] }), { status: 200 }, 'what a user has already may stay');
  t.match(await change({ roles: ['nothing'] }), { status: 422, body: { code: 'role_unknown' } });
  for (const body of [{}, { roles: 'owner' }, { state: 'gone' }, { name: 1 }, { roles: [], extra: 1 }])
    t.match(await change(body), { status: 400, body: { code: 'request_malformed' } });
  const bens = await server.signIn('ben');
  const eve = await server.signIn('eve', undefined, 'other');
  t.match(await change({ roles: [] }, bens), {
    status: 403,
    body: { code: 'scope_missing', detail: /org:owner/ },
  });
  t.match(await change({ roles: [] }, eve), { status: 403, body: { code: 'tenant_mismatch' } });
});

t.test('a password is changed by who knows it, or by an owner, and ends the sessions', async (t) => {
  const server = await startManagement(t);
  const signIn = async (user: string, password: string) =>
    (await server.order(undefined, 'POST /sessions', { org: 'acme', user, password })).status;
  const mine = await server.signIn();
  const change = (who: string, path: string, body: unknown) =>
    server.order(who, `PUT ${path}/password`, body);
  const next = { currentPassword: example.password, newPassword: example.nextPassword };
  t.match(await change(mine, ann, { ...next, currentPassword: 'wrong' }), {
    status: 403,
    body: { code: 'password_wrong' },
  });
  t.match(await change(mine, ann, { newPassword: next.newPassword }), { status: 403 });
  t.match(await change(mine, ann, { ...next, newPassword: 'short' }), {
    status: 400,
    body: { code: 'password_malformed' },
  });
  t.match(await change(mine, ann, next), { status: 204, text: '' });
  t.equal((await server.order(mine, 'GET /sessions/current')).status, 401);
  t.same([await signIn('ann', example.password), await signIn('ann', example.nextPassword)], [401, 201]);
  const owner = await server.signIn();
  t.equal((await change(owner, ben, { newPassword: 'a password for ben' })).status, 204);
  t.equal(await signIn('ben', 'a password for ben'), 201);
  // With ben's password ann would be ben: no way to what she may not do.
  await server.accounts.setRoles('acme', 'ben', ['member', 'auditor']);
  t.match(await change(owner, ben, { newPassword: 'another password for ben' }), {
    status: 403,
    body: { code: 'scope_too_wide', detail: /tollgate:audit:read/ },
  });
  t.equal(await signIn('ben', 'a password for ben'), 201, 'it is as it was');
  await server.accounts.setRoles('acme', 'ben', ['member']);
  const narrow = await server.signIn('ann', ['org:owner']);
  t.match(await change(narrow, ben, { newPassword: 'another password for ben' }), {
    body: { code: 'scope_too_wide' },
  });
  t.match(await change(await server.signIn('ben'), ann, next), {
    status: 403,
    body: { code: 'scope_missing' },
  });
  t.match(await change(owner, '/orgs/other/users/eve', next), {
    status: 403,
    body: { code: 'tenant_mismatch' },
  });
  t.match(await change(owner, '/orgs/acme/users/nobody', next), { status: 404 });
});

t.test('the audit tells what the organization did, page by page, and of refused attempts', async (t) => {
  const server = await startManagement(t);
  await server.accounts.setRoles('acme', 'ben', ['auditor']);
  const owner = await server.signIn();
  const eve = await server.signIn('eve', undefined, 'other');
  const made = await server.order(owner, 'POST /orgs/acme/users/ann/api-tokens', {
    name: 'x',
    scopes: 'all',
  });
  await server.order(eve, 'GET /orgs/acme/api-tokens');
  await server.order(await server.signIn('ann', ['things:read']), 'GET /orgs/acme/api-tokens');
  await server.order(owner, `PATCH ${ben}`, { roles: ['auditor', 'member'] });
  await server.order(eve, `PATCH ${ben}`, { state: 'disabled' });
  await server.audit.close();
  const auditor = await server.signIn('ben');
  const party = (org: string | null, user: string | null, apiTokenId: string | null = null) => ({
    org,
    user,
    apiTokenId,
  });
  const expected = [
    {
      action: 'user.change',
      actor: party('acme', 'ann'),
      subject: party('acme', 'ben'),
      result: 'done',
      reason: null,
      expires: null,
    },
    {
      action: 'token.list',
      actor: party('acme', 'ann'),
      subject: party('acme', null),
      result: 'refused',
      reason: 'scope_missing',
      expires: null,
    },
    {
      action: 'token.create',
      actor: party('acme', 'ann'),
      subject: party('acme', 'ann', made.body['id'] as string),
      result: 'done',
      reason: null,
      expires: null,
    },
  ];
  const facts = ({ id: _id, at: _at, clientAddress, via, requestId, ...rest }: Record<string, unknown>) => {
    t.same([clientAddress, via, requestId], ['192.0.2.7', 'api', 'request-1']);
    return rest;
  };
  const own = (items: readonly Record<string, unknown>[]) =>
    // The clock of this server stands still: what was done and what was refused are in no order.
    items
      .filter(({ action }) => action !== 'session.begin')
      .map(facts)
      .toSorted((one, other) => (String(one['action']) < String(other['action']) ? 1 : -1));
  t.same(own(itemsOf(await server.order(auditor, 'GET /orgs/acme/audit'))), expected);
  const page = await server.order(auditor, 'GET /orgs/acme/audit?limit=2');
  const link = /^<(.*)>; rel="next"$/.exec(page.header('link') ?? '')?.[1] ?? '';
  const rest = itemsOf(
    await server.order(auditor, `GET /orgs/acme/audit${link.replace('limit=2', 'limit=100')}`),
  );
  t.equal(itemsOf(page).length, 2);
  t.same(own([...itemsOf(page), ...rest]), expected);
  for (const [who, code] of [
    [await server.signIn('ann', ['things:read']), 'scope_missing'],
    [eve, 'tenant_mismatch'],
  ] as const)
    t.match(await server.order(who, 'GET /orgs/acme/audit'), { status: 403, body: { code } });
});

t.test('a session is no longer an owner’s once the role is taken away', async (t) => {
  const server = await startManagement(t);
  const { store, passwords, signInLimit: limit, now } = server;
  await createPasswords({ store, passwords, limit, now }).setPassword('acme', 'ben', 'a password for ben');
  const owner = await server.signIn();
  await server.accounts.setRoles('acme', 'ann', ['member']);
  t.match(await server.order(owner, `PATCH ${ben}`, { state: 'disabled' }), { status: 401 });
  const again = await server.signIn();
  t.match(await server.order(again, `PATCH ${ben}`, { state: 'disabled' }), { status: 403 });
});
