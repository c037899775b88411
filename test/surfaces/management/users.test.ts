// Users made, changed and deleted, roles defined and deleted, through the management surface; and what nobody may do by it.

import t from 'tap';
import { example } from '../../../src/surfaces/management/examples.ts';
import { itemsOf, startManagement } from './management-server.ts';

const ben = '/orgs/acme/users/ben';

t.test('an owner makes a user, who signs in with the password and has what the roles grant', async (t) => {
  const server = await startManagement(t);
  const owner = await server.signIn();
  const made = await server.order(owner, 'POST /orgs/acme/users', {
    id: 'cai',
    name: 'Cai <b>',
    email: 'cai@example.com',
    roles: ['member'],
    password: 'a password for cai',
  });
  t.match(made, { status: 201, body: { id: 'cai', email: 'cai@example.com', hasPassword: true } });
  t.equal(made.header('location'), '/tollgate/v1/orgs/acme/users/cai');
  t.notMatch(made.text, /scrypt|a password for cai/);
  const signedIn = await server.order(undefined, 'POST /sessions', {
    org: 'acme',
    user: 'cai',
    password: 'a password for cai',
  });
  t.match(signedIn, {
    status: 201,
    body: { session: { scopes: ['things:read', 'tollgate:tokens:own'] } },
  });
  t.match(await server.order(owner, 'POST /orgs/acme/users', { id: 'cai' }), {
    status: 409,
    body: { code: 'user_exists' },
  });
  for (const [body, status, code] of [
    [{ id: 'has blank' }, 400, 'id_malformed'],
    [{ id: 'x', email: 'a@b.example\r\nBcc: c@d.example' }, 400, 'email_malformed'],
    [{ id: 'x', email: 'Ann <a@b.example>' }, 400, 'email_malformed'],
    [{ id: 'x', password: 'short' }, 400, 'password_malformed'],
    [{ id: 'x', roles: ['nothing'] }, 422, 'role_unknown'],
    [{ id: 'x', roles: ['auditor'] }, 403, 'scope_too_wide'],
    [{ id: 'x', isAdmin: true }, 400, 'request_malformed'],
  ] as const)
    t.match(await server.order(owner, 'POST /orgs/acme/users', body), { status, body: { code } });
  t.match(await server.order(owner, 'POST /orgs/other/users', { id: 'x' }), {
    status: 403,
    body: { code: 'tenant_mismatch' },
  });
  t.match(await server.order(await server.signIn('ben'), 'POST /orgs/acme/users', { id: 'x' }), {
    status: 403,
    body: { code: 'scope_missing' },
  });
});

t.test(
  'a deleted user has lost sessions, tokens and password at once; made again, has none of them',
  async (t) => {
    const server = await startManagement(t);
    const owner = await server.signIn();
    const bens = await server.signIn('ben');
    const token = await server.order(bens, `POST ${ben}/api-tokens`, { name: 'x', scopes: 'all' });
    const details = () =>
      server.order(undefined, 'POST /api-tokens/details', { token: token.body['secret'] });
    t.equal((await details()).status, 200);
    t.match(await server.order(owner, `DELETE ${ben}`), { status: 204, text: '' });
    t.match(await server.order(owner, `DELETE ${ben}`), { status: 204 }, 'repeated');
    t.match(await server.order(owner, 'DELETE /orgs/acme/users/nobody'), { status: 404 });
    t.equal((await server.order(bens, 'GET /sessions/current')).status, 401);
    t.equal((await details()).status, 404);
    t.match(await server.order(owner, `GET ${ben}`), { status: 404, body: { code: 'user_unknown' } });
    const listed = await server.order(owner, 'GET /orgs/acme/api-tokens');
    t.match(
      itemsOf(listed),
      [{ id: token.body['id'], state: 'revoked' }],
      'what there was can still be seen',
    );
    t.match(await server.order(owner, 'POST /orgs/acme/users', { id: 'ben', roles: ['member'] }), {
      status: 201,
      body: { hasPassword: false, name: 'ben' },
    });
    t.equal((await server.order(bens, 'GET /sessions/current')).status, 401, 'the session stays ended');
    t.not((await details()).body['state'], 'active', 'the API token stays dead');
    t.equal((await server.order(await server.signIn('ben'), 'GET /sessions/current')).status, 200);
    await server.audit.close();
    await server.accounts.setRoles('acme', 'ann', ['owner', 'auditor']);
    const audit = await server.order(
      await server.signIn(),
      'GET /orgs/acme/audit?action=user.delete&result=done',
    );
    t.match(itemsOf(audit), [{ subject: { org: 'acme', user: 'ben' }, actor: { user: 'ann' } }]);
    t.equal(itemsOf(audit).length, 1, 'a repetition is not written down');
  },
);

t.test('nobody locks themselves out, nor takes the right of an operator they are not', async (t) => {
  const server = await startManagement(t);
  await server.accounts.defineRole('acme', 'operator', ['tollgate:operate']);
  await server.accounts.setRoles('acme', 'ben', ['member', 'operator']);
  const owner = await server.signIn();
  const lockedOut = { status: 409, body: { code: 'would_lock_out', detail: /org:owner/ } };
  const me = '/orgs/acme/users/ann';
  t.match(await server.order(owner, `DELETE ${me}`), lockedOut);
  t.match(await server.order(owner, `PATCH ${me}`, { state: 'disabled' }), lockedOut);
  t.match(await server.order(owner, `PATCH ${me}`, { roles: ['member'] }), lockedOut);
  t.match(await server.order(owner, 'PUT /orgs/acme/roles/owner', { scopes: ['things:read'] }), lockedOut);
  t.match(await server.order(owner, 'DELETE /orgs/acme/roles/owner'), lockedOut);
  const wide = { status: 403, body: { code: 'scope_too_wide', detail: /tollgate:operate/ } };
  t.match(await server.order(owner, `DELETE ${ben}`), wide);
  t.match(await server.order(owner, `PATCH ${ben}`, { state: 'disabled' }), wide);
  t.match(await server.order(owner, `PATCH ${ben}`, { roles: ['member'] }), wide);
  t.match(await server.order(owner, 'DELETE /orgs/acme/roles/operator'), wide);
  t.match(await server.order(owner, 'PUT /orgs/acme/roles/operator', { scopes: [] }), wide);
  await server.accounts.setRoles('acme', 'ben', ['owner', 'operator']);
  const second = await server.signIn('ben');
  t.match(await server.order(second, `PATCH ${me}`, { roles: ['member'] }), { status: 200 });
  t.match(await server.order(second, `PATCH ${ben}`, { roles: ['owner'] }), {
    status: 409,
    body: { code: 'would_lock_out', detail: /tollgate:operate/ },
  });
});

t.test('a role is defined with scopes one has, in force at once, and deleted', async (t) => {
  const server = await startManagement(t);
  const owner = await server.signIn();
  const define = (role: string, scopes: unknown, who = owner) =>
    server.order(who, `PUT /orgs/acme/roles/${encodeURIComponent(role)}`, { scopes });
  t.match(await define('read only', ['things:read']), {
    status: 200,
    body: { name: 'read only', scopes: ['things:read'] },
  });
  t.match(
    await server.order(owner, 'GET /orgs/acme/roles'),
    { status: 401 },
    'sessions of the org have ended',
  );
  const again = await server.signIn();
  t.match(await define('x', ['tollgate:audit:read'], again), {
    status: 403,
    body: { code: 'scope_too_wide' },
  });
  t.match(await define('auditor', ['tollgate:audit:read', 'things:read'], again), { status: 200 });
  const third = await server.signIn();
  t.match(await define('x', ['two words'], third), { status: 403 });
  t.match(await define('__proto__', [], third), { status: 400, body: { code: 'role_malformed' } });
  t.match(await define('constructor', [], third), { status: 400, body: { code: 'role_malformed' } });
  t.match(await server.order(third, 'DELETE /orgs/acme/roles/nothing'), {
    status: 422,
    body: { code: 'role_unknown' },
  });
  t.match(await server.order(third, 'DELETE /orgs/acme/roles/read%20only'), { status: 204 });
  const bens = await server.signIn('ben');
  t.match(await define('x', [], bens), { status: 403, body: { code: 'scope_missing' } });
  t.match(await server.order(bens, 'PUT /orgs/other/roles/x', { scopes: [] }), {
    body: { code: 'tenant_mismatch' },
  });
});

t.test(
  'everybody sees themselves, changes their own e-mail address and ends their own sessions',
  async (t) => {
    const server = await startManagement(t);
    const [one, two] = [await server.signIn('ben'), await server.signIn('ben')];
    t.match(await server.order(one, `GET ${ben}`), { status: 200, body: { id: 'ben', email: null } });
    const email = (who: string, path: string, value: unknown) =>
      server.order(who, `PUT ${path}/email`, { email: value });
    t.match(await email(one, ben, 'ben@example.com'), { status: 200, body: { email: 'ben@example.com' } });
    t.match(await server.order(one, `GET ${ben}`), { body: { email: 'ben@example.com' } }, 'no session ends');
    for (const wrong of ['x', 'a@b@c', 'a b@c', '"a"@c.example', `${'x'.repeat(250)}@c.example`, 'a@b,c@d'])
      t.match(await email(one, ben, wrong), { status: 400 }, wrong);
    t.match(await email(one, ben, null), { body: { email: null } });
    t.match(await email(one, '/orgs/acme/users/ann', 'x@y.example'), { body: { code: 'scope_missing' } });
    t.match(await server.order(one, 'GET /orgs/acme/users/ann'), { body: { code: 'scope_missing' } });
    const token = await server.order(one, `POST ${ben}/api-tokens`, { name: 'x', scopes: 'all' });
    t.match(await server.order(one, 'DELETE /orgs/acme/users/ann/sessions'), {
      body: { code: 'scope_missing' },
    });
    t.match(await server.order(one, `DELETE ${ben}/sessions`), { status: 204 });
    for (const each of [one, two]) t.equal((await server.order(each, 'GET /sessions/current')).status, 401);
    const details = await server.order(undefined, 'POST /api-tokens/details', {
      token: token.body['secret'],
    });
    t.match(details.body, { state: 'active' }, 'API tokens live on');
    t.match(await server.order(await server.signIn(), `DELETE ${ben}/sessions`), { status: 204 });
  },
);

t.test('an API token, and a session made from one, manages no account', async (t) => {
  const server = await startManagement(t);
  const { secret } = await server.token('all');
  for (const order of [
    'GET /orgs/acme/users/ann',
    'POST /orgs/acme/users',
    'DELETE /orgs/acme/users/ben',
    'PUT /orgs/acme/users/ann/email',
    'DELETE /orgs/acme/users/ann/sessions',
    'PUT /orgs/acme/roles/x',
    'DELETE /orgs/acme/roles/reader',
    'GET /orgs',
    'POST /orgs',
    'DELETE /orgs/other',
    'GET /audit',
  ]) {
    const body = { 'POST /orgs/acme/users': { id: 'x' }, 'POST /orgs': { id: 'x' } }[order] ?? {
      ...(order.endsWith('email') && { email: null }),
      ...(order.startsWith('PUT /orgs/acme/roles') && { scopes: [] }),
    };
    const reply = await server.order(secret, order, Object.keys(body).length === 0 ? undefined : body);
    t.match(reply, { status: 403, body: { code: 'session_kind_refused' } }, order);
  }
  t.equal(example.org, 'acme');
});
