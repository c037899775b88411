import t from 'tap';
import { isCommandError } from '../../src/lifecycle/command-error.ts';
import { uuidOfOrg, uuidOfUser } from '../../src/identity/vendor-ids.ts';
import { createWorld } from './world.ts';

const page = { limit: 100, cursor: undefined };

t.test('an org has a name, roles and a longest token life', async (t) => {
  const { accounts } = await createWorld(t);
  const org = await accounts.createOrg({
    id: 'globex',
    name: undefined,
    roles: { reader: ['b', 'a', 'a'] },
    tokenLifetimeMsMax: 3_600_000,
  });
  t.match(org, {
    id: 'globex',
    name: 'globex',
    state: 'active',
    roles: { reader: ['a', 'b'] },
    tokenLifetimeMsMax: 3_600_000,
  });
  t.same(await accounts.findOrg('globex'), org);
  t.match(
    await accounts.changeOrg('globex', { name: 'Globex', tokenLifetimeMsMax: null }),
    { name: 'Globex', tokenLifetimeMsMax: undefined },
    'both can be changed, and the limit lifted',
  );
  const orgs = await accounts.listOrgs(page);
  t.same('items' in orgs && orgs.items.map((item) => item.id), ['acme', 'globex']);
});

t.test('a user holds roles the org defines', async (t) => {
  const { accounts, clock } = await createWorld(t);
  const user = await accounts.createUser({ orgId: 'acme', id: 'bob', name: undefined, roles: ['reader'] });
  t.match(user, {
    orgId: 'acme',
    id: 'bob',
    name: 'bob',
    state: 'active',
    roles: ['reader'],
    generation: clock.nowMs,
  });
  t.match(await accounts.setRoles('acme', 'bob', ['admin', 'reader']), {
    roles: ['admin', 'reader'],
    generation: clock.nowMs + 1,
  });
  t.match(await accounts.changeUser('acme', 'bob', { name: 'Bob' }), {
    name: 'Bob',
    generation: clock.nowMs + 1,
  });
  t.match(await accounts.setUserState('acme', 'bob', 'disabled'), {
    state: 'disabled',
    generation: clock.nowMs + 2,
  });
  const users = await accounts.listUsers('acme', page);
  t.same('items' in users && users.items.map((item) => item.id), ['ann', 'bob']);
});

t.test('a role can be defined, redefined and deleted', async (t) => {
  const { accounts } = await createWorld(t);
  t.match(await accounts.defineRole('acme', 'external/billing/owner', ['bills:pay']), {
    roles: { 'external/billing/owner': ['bills:pay'] },
  });
  t.match(await accounts.defineRole('acme', 'reader', []), { roles: { reader: [] } });
  const org = await accounts.deleteRole('acme', 'reader');
  t.same('roles' in org && Object.keys(org.roles).sort(), ['admin', 'external/billing/owner']);
});

t.test('disabling an org moves its generation, which ends its sessions', async (t) => {
  const { accounts, clock } = await createWorld(t);
  t.match(await accounts.setOrgState('acme', 'disabled'), {
    state: 'disabled',
    generation: clock.nowMs + 1,
  });
  t.match(await accounts.setOrgState('acme', 'disabled'), { generation: clock.nowMs + 1 }, 'once');
});

t.test('what cannot be done is answered with a stable code and a sentence that teaches', async (t) => {
  const { accounts } = await createWorld(t);
  const org = { id: 'new', name: undefined, roles: {}, tokenLifetimeMsMax: undefined };
  const user = { orgId: 'acme', id: 'new', name: undefined, roles: [] };
  const many = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`r${index}`, []]));
  const table: [string, string, () => Promise<unknown>][] = [
    ['an org id with a slash', 'id_malformed', () => accounts.createOrg({ ...org, id: 'a/b' })],
    ['an empty org id', 'id_malformed', () => accounts.createOrg({ ...org, id: '' })],
    [
      'an org id of 129 characters',
      'id_malformed',
      () => accounts.createOrg({ ...org, id: 'a'.repeat(129) }),
    ],
    ['an org id that begins with a dash', 'id_malformed', () => accounts.createOrg({ ...org, id: '-rf' })],
    ['an org that exists', 'org_exists', () => accounts.createOrg({ ...org, id: 'acme' })],
    ['a name with a line break', 'name_malformed', () => accounts.createOrg({ ...org, name: 'a\nb' })],
    ['a name with an escape', 'name_malformed', () => accounts.createOrg({ ...org, name: '\u001B[2J' })],
    ['a name with a text direction', 'name_malformed', () => accounts.createOrg({ ...org, name: '\u202Ex' })],
    ['a name with blanks around it', 'name_malformed', () => accounts.createOrg({ ...org, name: ' a ' })],
    ['a name of half a character', 'name_malformed', () => accounts.createOrg({ ...org, name: '\uD800' })],
    ['a role named like a property', 'role_malformed', () => accounts.defineRole('acme', 'constructor', [])],
    ['a role named __proto__', 'role_malformed', () => accounts.defineRole('acme', '__proto__', [])],
    ['257 roles', 'role_malformed', () => accounts.createOrg({ ...org, roles: many })],
    ['a scope with a blank', 'scope_malformed', () => accounts.defineRole('acme', 'r', ['a b'])],
    ['an empty scope', 'scope_malformed', () => accounts.defineRole('acme', 'r', [''])],
    ['a scope with a quote', 'scope_malformed', () => accounts.defineRole('acme', 'r', ['"'])],
    ['two scopes in one', 'scope_malformed', () => accounts.defineRole('acme', 'r', ['a,b'])],
    [
      'a life of a second',
      'lifetime_malformed',
      () => accounts.changeOrg('acme', { tokenLifetimeMsMax: 1000 }),
    ],
    [
      'a life of no number',
      'lifetime_malformed',
      () => accounts.changeOrg('acme', { tokenLifetimeMsMax: NaN }),
    ],
    ['an org that is not there', 'org_unknown', () => accounts.findOrg('nobody')],
    ['a change of an org that is not there', 'org_unknown', () => accounts.setOrgState('nobody', 'active')],
    ['users of an org that is not there', 'org_unknown', () => accounts.listUsers('nobody', page)],
    [
      'a user of an org that is not there',
      'org_unknown',
      () => accounts.createUser({ ...user, orgId: 'no' }),
    ],
    ['a user id with a slash', 'id_malformed', () => accounts.createUser({ ...user, id: '../ann' })],
    ['a user that exists', 'user_exists', () => accounts.createUser({ ...user, id: 'ann' })],
    ['a user that is not there', 'user_unknown', () => accounts.findUser('acme', 'nobody')],
    [
      'a change of a user that is not there',
      'user_unknown',
      () => accounts.changeUser('acme', 'no', { name: 'x' }),
    ],
    ['a role the org does not define', 'role_unknown', () => accounts.setRoles('acme', 'ann', ['owner'])],
    ['a new user with such a role', 'role_unknown', () => accounts.createUser({ ...user, roles: ['owner'] })],
    ['deleting such a role', 'role_unknown', () => accounts.deleteRole('acme', 'owner')],
    ['a page of nothing', 'page_malformed', () => accounts.listOrgs({ limit: 0, cursor: undefined })],
    ['a page of everything', 'page_malformed', () => accounts.listOrgs({ limit: 1e9, cursor: undefined })],
  ];
  for (const [what, code, order] of table) {
    const answer = await order();
    t.match(answer, { kind: 'command_error', code }, what);
    if (isCommandError(answer)) t.match(answer.message, /^[ -~]+$/, `${what}: the message is printable`);
  }
  t.match(
    await accounts.setRoles('acme', 'ann', ['owner']),
    { message: /It has: admin, reader\.$/ },
    'the message says which roles there are',
  );
});

t.test('an org or user of any script has a name', async (t) => {
  const { accounts } = await createWorld(t);
  t.match(await accounts.changeUser('acme', 'ann', { name: '山田 花子' }), { name: '山田 花子' });
  t.match(await accounts.changeUser('acme', 'ann', { name: "Siobhán O'Neill" }), { name: "Siobhán O'Neill" });
});

t.test('no org and no user is made whose id is a UUID that stands for another id', async (t) => {
  const { accounts, store } = await createWorld(t);
  const stands = uuidOfOrg('acme');
  t.match(await accounts.createOrg({ id: stands, name: 'Acme?', roles: {}, tokenLifetimeMsMax: undefined }), {
    code: 'id_malformed',
    message: /UUIDs of version 8/,
  });
  t.equal(await store.findOrg(stands), undefined);
  const user = uuidOfUser('acme', 'ann');
  t.match(await accounts.createUser({ orgId: 'acme', id: user, name: 'Ann?', roles: [] }), {
    code: 'id_malformed',
  });
  t.equal(await store.findUser('acme', user), undefined);
});
