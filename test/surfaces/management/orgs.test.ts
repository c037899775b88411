// Organizations made, changed and deleted by the operator, through the management surface.

import t, { type Test } from 'tap';
import { itemsOf, startManagement } from './management-server.ts';

/** Ann is an operator too. */
const startOperator = async (t: Test) => {
  const server = await startManagement(t);
  await server.accounts.defineRole('acme', 'operator', ['tollgate:operate']);
  await server.accounts.setRoles('acme', 'ann', ['owner', 'operator']);
  return { ...server, operator: await server.signIn() };
};

const roles = { owner: ['things:read', 'tollgate:tokens:own', 'org:owner'], none: [] };
const owner = { id: 'dee', email: 'dee@example.com', roles: ['owner'], password: 'a password for dee' };

t.test('the operator makes an organization with a first owner, who signs in and manages it', async (t) => {
  const { operator, ...server } = await startOperator(t);
  const made = await server.order(operator, 'POST /orgs', {
    id: 'globex',
    name: 'Globex',
    tokenLifetimeMax: 'P30D',
    remindBefore: ['P1D', 'P14D', 'P1D'],
    roles,
    owner,
  });
  t.match(made, {
    status: 201,
    body: {
      id: 'globex',
      name: 'Globex',
      state: 'active',
      tokenLifetimeMax: 'P30D',
      remindBefore: ['P14D', 'P1D'],
      roles: 2,
    },
  });
  t.equal(made.header('location'), '/tollgate/v1/orgs/globex');
  const listed = itemsOf(await server.order(operator, 'GET /orgs?limit=2'));
  t.match(listed, [{ id: 'acme', remindBefore: null, tokenLifetimeMax: null }, { id: 'globex' }]);
  const signedIn = await server.order(undefined, 'POST /sessions', {
    org: 'globex',
    user: 'dee',
    password: owner.password,
  });
  const dee = String(signedIn.body['accessToken']);
  t.match(await server.order(dee, 'POST /orgs/globex/users', { id: 'eli' }), { status: 201 });
  t.match(await server.order(dee, 'GET /orgs/globex'), { status: 200, body: { id: 'globex' } });
  t.match(await server.order(dee, 'PATCH /orgs/globex', { remindBefore: [], name: 'G' }), {
    status: 200,
    body: { remindBefore: [], name: 'G' },
  });
  t.match(await server.order(dee, 'GET /orgs/acme'), { body: { code: 'tenant_mismatch' } });
  for (const body of [{ state: 'disabled' }, { tokenLifetimeMax: null }])
    t.match(await server.order(dee, 'PATCH /orgs/globex', body), {
      status: 403,
      body: { code: 'scope_missing', detail: /tollgate:operate/ },
    });
  for (const order of ['GET /orgs', 'GET /audit', 'DELETE /orgs/globex', 'DELETE /orgs/acme'])
    t.match(await server.order(dee, order), { body: { code: 'scope_missing' } }, order);
});

t.test('nothing is made of an organization that cannot be whole', async (t) => {
  const { operator, ...server } = await startOperator(t);
  for (const [body, status, code] of [
    [{ id: 'has blank' }, 400, 'id_malformed'],
    [{ id: 'acme' }, 409, 'org_exists'],
    [{ id: 'x', roles: { a: ['reports:read'] } }, 403, 'scope_too_wide'],
    [{ id: 'x', roles: { a: ['tollgate:audit:read'] } }, 403, 'scope_too_wide'],
    [{ id: 'x', roles: { constructor: [] } }, 400, 'role_malformed'],
    [{ id: 'x', roles, owner: { ...owner, roles: ['boss'] } }, 422, 'role_unknown'],
    [{ id: 'x', roles, owner: { ...owner, email: 'no' } }, 400, 'email_malformed'],
    [{ id: 'x', roles, owner: { ...owner, password: 'short' } }, 400, 'password_malformed'],
    [{ id: 'x', roles, owner: { ...owner, id: 'no id' } }, 400, 'id_malformed'],
    [{ id: 'x', tokenLifetimeMax: 'PT1S' }, 400, 'lifetime_malformed'],
    [{ id: 'x', remindBefore: ['PT1S'] }, 400, 'reminder_malformed'],
    [{ id: 'x', remindBefore: Array.from({ length: 9 }, () => 'P1D') }, 400, 'reminder_malformed'],
    [{ id: 'x', name: ' x' }, 400, 'name_malformed'],
    [{}, 400, 'request_malformed'],
  ] as const)
    t.match(
      await server.order(operator, 'POST /orgs', body),
      { status, body: { code } },
      JSON.stringify(body),
    );
  t.match(await server.order(operator, 'GET /orgs/x'), { status: 404, body: { code: 'org_unknown' } });
});

t.test('a deleted organization is gone at once; made again it has nothing of before', async (t) => {
  const { operator, ...server } = await startOperator(t);
  const eve = await server.signIn('eve', undefined, 'other');
  const token = await server.order(eve, 'POST /orgs/other/users/eve/api-tokens', {
    name: 'x',
    scopes: 'all',
  });
  const details = () => server.order(undefined, 'POST /api-tokens/details', { token: token.body['secret'] });
  t.equal((await details()).status, 200);
  t.match(await server.order(operator, 'DELETE /orgs/other'), { status: 204 });
  t.match(await server.order(operator, 'DELETE /orgs/other'), { status: 204 }, 'repeated');
  t.match(await server.order(operator, 'DELETE /orgs/never'), { status: 404, body: { code: 'org_unknown' } });
  t.equal((await server.order(eve, 'GET /sessions/current')).status, 401);
  t.equal((await details()).status, 404);
  server.clock.nowMs += 1;
  const again = { id: 'other', roles, owner: { ...owner, id: 'eve' } };
  t.match(await server.order(operator, 'POST /orgs', again), { status: 201 });
  t.equal((await server.order(eve, 'GET /sessions/current')).status, 401, 'the session stays ended');
  t.not((await details()).body['state'], 'active', 'the API token stays dead');
  const other = await server.signIn('eve', undefined, 'other');
  t.same(itemsOf(await server.order(other, 'GET /orgs/other/api-tokens')), [], 'it lists none of them');
  t.match(await server.order(other, `GET /orgs/other/api-tokens/${String(token.body['id'])}`), {
    body: { code: 'token_unknown' },
  });
  await server.audit.close();
  const audit = itemsOf(await server.order(operator, 'GET /audit?user=eve&action=token.create'));
  t.match(audit, [{ subject: { org: 'other', user: 'eve' } }], 'its audit stays with the operator');
  for (const query of ['', '?user=eve', '?from=2020-01-01T00:00:00Z'])
    t.notOk(
      itemsOf(await server.order(other, `GET /orgs/other/audit${query}`)).some(
        ({ action }) => action === 'token.create',
      ),
      'and nobody else reads it',
    );
});

t.test('the operator neither disables nor deletes their own organization', async (t) => {
  const { operator, ...server } = await startOperator(t);
  const lockedOut = { status: 409, body: { code: 'would_lock_out' } };
  t.match(await server.order(operator, 'DELETE /orgs/acme'), lockedOut);
  t.match(await server.order(operator, 'PATCH /orgs/acme', { state: 'disabled' }), lockedOut);
  t.match(await server.order(operator, 'PATCH /orgs/acme', { name: 'Acme 2' }), { status: 200 });
  const eve = await server.signIn('eve', undefined, 'other');
  t.match(await server.order(operator, 'PATCH /orgs/other', { state: 'disabled' }), {
    status: 200,
    body: { state: 'disabled' },
  });
  t.equal((await server.order(eve, 'GET /sessions/current')).status, 401);
  t.match(await server.order(operator, 'PATCH /orgs/other', { state: 'active', tokenLifetimeMax: null }), {
    status: 200,
  });
});

t.test('the audit is filtered by action, user, result and time, page by page', async (t) => {
  const { operator, ...server } = await startOperator(t);
  for (let index = 0; index < 30; index++) {
    await server.order(operator, 'PATCH /orgs/acme', { name: `Name ${index}` });
    if (index % 10 === 0) await server.order(operator, 'GET /orgs/nowhere');
  }
  await server.audit.close();
  const read = async (query: string) => server.order(operator, `GET /audit?${query}`);
  t.equal(itemsOf(await read('limit=200&action=org.change')).length, 30);
  t.equal(itemsOf(await read('limit=200&action=org.change&result=refused')).length, 0);
  t.equal(itemsOf(await read('limit=200&result=refused&user=ann')).length, 3);
  const tomorrow = new Date(server.now() + 86_400_000).toISOString();
  t.equal(itemsOf(await read(`action=org.change&from=${tomorrow}`)).length, 0);
  t.equal(itemsOf(await read(`limit=200&action=org.change&until=${tomorrow}`)).length, 30);
  const ids: unknown[] = [];
  let query = 'limit=25&action=org.change';
  for (let page = 0; page < 20; page++) {
    const reply = await read(query);
    ids.push(...itemsOf(reply).map(({ id }) => id));
    const next = reply.body['nextCursor'];
    if (typeof next !== 'string') break;
    query = `limit=25&action=org.change&cursor=${encodeURIComponent(next)}`;
  }
  t.equal(new Set(ids).size, 30, 'each once, over all pages');
  t.equal(ids.length, 30);
  t.match(await read('from=yesterday'), { status: 400, body: { code: 'request_malformed' } });
});
