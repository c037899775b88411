import t from 'tap';
import { commandOf, emptyForm, faultsOf } from '../../src/console/tokens/new-token.ts';
import {
  beginRegeneration,
  regenerationFaultsOf,
  regenerationOf,
} from '../../src/console/tokens/regeneration.ts';
import { choose, groupScopes, howMuch, narrowTree, scopeTree } from '../../src/console/tokens/scope-tree.ts';
import { tokenStateAt } from '../../src/console/tokens/token-state.ts';

const grantable = {
  roles: [
    { name: 'builder', scopes: ['things:read', 'things:write'] },
    { name: 'auditor', scopes: ['reports:read', 'things:read'] },
    { name: 'hollow', scopes: [] },
  ],
  services: [
    { name: 'reports', scopes: ['reports:read'] },
    { name: 'things', scopes: ['things:read', 'things:write'] },
    { name: '(none)', scopes: ['admin'] },
  ],
};

t.test('a role within one service stands there, one over several among the organization’s', async (t) => {
  const tree = scopeTree(grantable);
  t.same(
    tree.organizationRoles.map(({ name }) => name),
    ['auditor'],
  );
  t.same(
    tree.services.map(({ name, roles }) => [name, roles.map((role) => role.name)]),
    [
      ['reports', []],
      ['things', ['builder']],
      ['(none)', []],
    ],
    'a role that grants nothing stands nowhere',
  );
});

t.test('a service or role is chosen when all of its scopes are', async (t) => {
  const both = ['things:read', 'things:write'];
  t.equal(howMuch([], both), 'none');
  t.equal(howMuch(['things:read', 'admin'], both), 'some');
  t.equal(howMuch(['admin', ...both], both), 'all');
  t.same(choose(['things:write'], both, true), both, 'each once, sorted');
  t.same(choose(['admin', ...both], both, false), ['admin']);
});

t.test('a search narrows the tree to what it names', async (t) => {
  const tree = narrowTree(scopeTree(grantable), ' WRITE ');
  t.same(
    tree.services.map(({ name, scopes }) => [name, scopes]),
    [['things', ['things:write']]],
  );
  t.same(narrowTree(scopeTree(grantable), 'audit').organizationRoles.length, 1);
  t.same(narrowTree(scopeTree(grantable), '  '), scopeTree(grantable), 'nothing is asked for');
});

t.test('scopes are grouped as the API groups them', async (t) => {
  t.same(groupScopes(['things:write', 'admin', 'things:read', ':odd']), [
    { name: 'things', scopes: ['things:read', 'things:write'] },
    { name: '(none)', scopes: [':odd', 'admin'] },
  ]);
});

t.test('a token that expires while the page is open is shown as expired', async (t) => {
  const now = Date.parse('2026-11-27T20:15:00Z');
  const token = (days: number | null, state: 'active' | 'revoked' = 'active') => ({
    state,
    expiresAt: days === null ? null : new Date(now + days * 86_400_000).toISOString(),
  });
  t.equal(tokenStateAt(token(30), now), 'active');
  t.equal(tokenStateAt(token(14), now), 'expiring');
  t.equal(tokenStateAt(token(0), now), 'expired');
  t.equal(tokenStateAt(token(null), now), 'active', 'it never expires');
  t.equal(tokenStateAt(token(-1, 'revoked'), now), 'revoked', 'for good');
});

const free = { lifetimeMax: null, lifetimeDefault: 'P180D' };

t.test('a new token lives six months, or as long as the organization allows', async (t) => {
  const { amount, unit } = emptyForm(free);
  t.same([amount, unit], ['6', 'months']);
  const short = emptyForm({ lifetimeMax: 'P30D', lifetimeDefault: 'P180D' });
  t.same([short.amount, short.unit], ['1', 'months']);
  const forEver = emptyForm({ lifetimeMax: null, lifetimeDefault: null });
  t.same([forEver.amount, forEver.isForever], ['6', false], 'never is chosen by hand alone');
});

t.test('what is wrong with the form is found before it is sent', async (t) => {
  const form = { ...emptyForm(free), name: 'build', chosen: ['things:read'] };
  t.same(faultsOf(form, free), []);
  t.same(faultsOf({ ...form, name: '  ' }, free), ['nameMissing']);
  t.same(faultsOf({ ...form, chosen: [] }, free), ['scopesMissing']);
  t.same(faultsOf({ ...form, chosen: [], takesAll: true }, free), []);
  t.same(faultsOf({ ...form, amount: '1.5' }, free), ['lifetimeMalformed']);
  t.same(faultsOf({ ...form, amount: '31', unit: 'days' }, { lifetimeMax: 'P30D' }), ['lifetimeTooLong']);
  t.same(faultsOf({ ...form, amount: 'x', isForever: true }, free), [], 'a hidden field is not looked at');
  t.same(faultsOf({ ...form, reminder: 'once', remindDays: '0' }, free), ['remindMalformed']);
});

t.test('the command says what the form does', async (t) => {
  const form = { ...emptyForm(free), name: ' build ', chosen: ['things:read'] };
  t.same(commandOf(form), { name: 'build', scopes: ['things:read'], lifetime: 'P180D', openid: false });
  t.same(commandOf({ ...form, isForever: true, takesAll: true, openid: true, reminder: 'none' }), {
    name: 'build',
    scopes: 'all',
    lifetime: 'never',
    openid: true,
    remindBefore: 'PT0S',
  });
  t.equal(commandOf({ ...form, amount: '90', unit: 'minutes' }).lifetime, 'PT90M');
  t.equal(commandOf({ ...form, reminder: 'once', remindDays: '7' }).remindBefore, 'P7D');
});

t.test('14: networks are written with blanks or commas between, and sent as a list', async (t) => {
  const empty = {
    ...emptyForm({ lifetimeMax: null, lifetimeDefault: null }),
    name: 'ci',
    chosen: ['things:read'],
  };
  const limits = { lifetimeMax: null };
  t.notOk('allowFrom' in commandOf(empty), 'nothing written: from anywhere');
  const form = { ...empty, networks: ' 10.0.0.0/8, 2001:db8::/32\n192.0.2.7 ' };
  t.same(faultsOf(form, limits), []);
  t.same(commandOf(form).allowFrom, ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7']);
  for (const networks of ['example.com', '10.0.0.0/8;', '10.0.0.0-10.0.0.9', '10.0.0.1 '.repeat(33)])
    t.same(faultsOf({ ...empty, networks }, limits), ['networksMalformed'], networks);
});

t.test(
  'a regeneration keeps the expiry, or gives a new lifetime where little of the old is left',
  async (t) => {
    const nowMs = Date.parse('2027-01-01T00:00:00Z');
    const dayMs = 86_400_000;
    const lifetimes = { lifetimeMax: 'P60D', lifetimeDefault: 'P90D' };
    const begun = (leftMs: number | undefined) =>
      beginRegeneration(
        { expiresAt: leftMs === undefined ? null : new Date(nowMs + leftMs).toISOString() },
        lifetimes,
        nowMs,
      );
    for (const leftMs of [undefined, 90 * dayMs, 30 * dayMs])
      t.same(regenerationOf(begun(leftMs)), { overlap: 'P1D' }, `${leftMs}`);
    for (const leftMs of [30 * dayMs - 1, 1_000])
      t.same(regenerationOf(begun(leftMs)), { overlap: 'P1D', lifetime: 'P60D' }, 'the usual one, cut');
    const form = { ...begun(1), overlap: 'none' } as const;
    t.same(regenerationOf({ ...form, isForever: true }), { lifetime: 'never' });
    t.same(regenerationOf({ ...form, expiry: 'keep' }), {});
    const faults = (part: object) => regenerationFaultsOf({ ...form, unit: 'days', ...part }, lifetimes);
    t.same(faults({ amount: '61' }), ['lifetimeTooLong']);
    t.same(faults({ amount: 'x' }), ['lifetimeMalformed']);
    t.same(faults({ amount: 'x', expiry: 'keep' }), [], 'what is not sent is not wrong');
    t.same(faults({ amount: '60' }), []);
  },
);
