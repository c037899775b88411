import t from 'tap';
import { askAudit, parseAuditQuery, printAuditQuery } from '../../src/console/lists/audit-query.ts';
import {
  askTokens,
  isNarrowed,
  parseTokenQuery,
  plainTokenQuery,
  printTokenQuery,
} from '../../src/console/lists/token-query.ts';
import { orgBody, orgFaults, orgForm } from '../../src/console/operator/org-form.ts';
import { parsePath, pathOf, type Route } from '../../src/console/routing/routes.ts';
import { mayUse } from '../../src/console/session/rights.ts';

t.test('every page has an address, and the address leads to the page', async (t) => {
  const routes: readonly Route[] = [
    ...(
      [
        'signIn',
        'tokens',
        'generate',
        'revokeAll',
        'account',
        'orgTokens',
        'users',
        'addUser',
        'roles',
        'audit',
        'orgs',
        'keys',
        'status',
      ] as const
    ).map((page) => ({ page })),
    { page: 'token', id: '102a35a2-bcf9-8cc4-a54d-79113b20c02d' },
    { page: 'regenerate', id: '102a35a2-bcf9-8cc4-a54d-79113b20c02d' },
    { page: 'secret', id: '102a35a2-bcf9-8cc4-a54d-79113b20c02d' },
    { page: 'user', id: 'ann@example.org' },
    { page: 'user', id: 'add' },
  ];
  for (const route of routes) t.same(parsePath(pathOf(route)), route, pathOf(route));
  t.same(parsePath('/'), { page: 'tokens' });
  t.same(parsePath('/tokens/'), { page: 'tokens' });
  for (const path of [
    '/nope',
    '/tokens/a/b',
    '/tokens/%zz',
    '/organization/users/%',
    '//tokens',
    '/tokens/%2e%2e',
  ])
    t.same(parsePath(path), { page: 'unknown' }, path);
});

t.test('a list keeps what it was asked for in the address', async (t) => {
  const query = { search: 'a&b=c', state: 'expiring', sort: 'name', user: 'ann' } as const;
  t.same(parseTokenQuery(printTokenQuery(query)), query);
  t.equal(printTokenQuery(plainTokenQuery), '', 'what is as usual is not written');
  t.same(
    parseTokenQuery('state=constructor&sort=x&search='),
    plainTokenQuery,
    'what is no choice is left out',
  );
  t.equal(parseTokenQuery(`search=${'x'.repeat(500)}`).search.length, 128);
  t.ok(isNarrowed(query));
  t.notOk(isNarrowed({ ...plainTokenQuery, search: '  ' }));
});

t.test('the API is asked for no more than what is set', async (t) => {
  t.same(askTokens(plainTokenQuery, undefined, 20), {
    search: undefined,
    state: undefined,
    user: undefined,
    sort: '-createdAt',
    cursor: undefined,
    limit: '20',
  });
  t.same(askTokens({ ...plainTokenQuery, search: ' x ', state: 'revoked' }, 'c', 5), {
    search: 'x',
    state: 'revoked',
    user: undefined,
    sort: '-createdAt',
    cursor: 'c',
    limit: '5',
  });
});

t.test('the audit’s filters, with times in the person’s own zone', async (t) => {
  const query = parseAuditQuery('action=token.create&result=refused&from=2026-11-27T20%3A15&until=nonsense');
  t.equal(printAuditQuery(query).includes('result=refused'), true);
  const asked = askAudit(query, undefined, 50);
  t.equal(asked['from'], new Date('2026-11-27T20:15').toISOString());
  t.equal(asked['until'], undefined);
  t.equal(asked['action'], 'token.create');
  t.equal(asked['user'], undefined);
});

t.test('an organization’s form says what the API does', async (t) => {
  const org = {
    id: 'acme',
    name: 'Acme',
    state: 'active',
    tokenLifetimeMax: 'P90D',
    remindBefore: ['P14D', 'P1D'],
    roles: 1,
    createdAt: '2026-11-27T20:15:00Z',
  } as const;
  const form = orgForm(org);
  t.same(orgBody(form), { name: 'Acme', tokenLifetimeMax: 'P90D', remindBefore: ['P14D', 'P1D'] });
  t.same(orgBody({ ...form, hasMax: false, remindDays: ' ' }), {
    name: 'Acme',
    tokenLifetimeMax: null,
    remindBefore: null,
  });
  t.same(orgBody({ ...form, isSilent: true }).remindBefore, []);
  t.same(orgFaults({ ...form, amount: '', remindDays: '1, x' }), ['max', 'remind']);
  t.same(orgFaults({ ...form, remindDays: '1 2 3 4 5 6 7 8 9' }), ['remind']);
});

t.test('the menu shows what one’s rights allow', async (t) => {
  t.ok(mayUse(['org:owner'], 'audit'));
  t.ok(mayUse(['tollgate:tokens:all'], 'ownTokens'));
  t.notOk(mayUse(['tollgate:tokens:own'], 'allTokens'));
  t.notOk(mayUse(['org:owner'], 'operate'), 'an owner is not the operator');
});
