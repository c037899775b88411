// Lists of API tokens as a console asks for them: searched, filtered, sorted, in pages; and what a new one may be given.

import t, { type Test } from 'tap';
import { itemsOf, type ManagementServer, startManagement } from './management-server.ts';

const dayMs = 24 * 3_600_000;

/** Tokens of ann and ben with these names and lifetimes in days. */
const makeTokens = async (server: ManagementServer, named: Readonly<Record<string, number | null>>) => {
  const ids = new Map<string, string>();
  for (const [index, [name, days]] of Object.entries(named).entries()) {
    server.clock.nowMs += 1;
    const made = await server.apiTokens.createApiToken({
      orgId: 'acme',
      userId: index % 2 === 0 ? 'ann' : 'ben',
      name,
      scopes: ['things:read'],
      lifetimeMs: days === null ? null : days * dayMs,
      length: 65,
    });
    if (!('record' in made)) throw new Error(JSON.stringify(made));
    ids.set(made.record.id, name);
  }
  return ids;
};

const startLists = async (t: Test, named: Readonly<Record<string, number | null>>) => {
  const server = await startManagement(t);
  const ids = await makeTokens(server, named);
  // Each in a session of its own: the clock of the test moves.
  const list = async (query: string) =>
    server.order(await server.signIn(), `GET /orgs/acme/api-tokens?${query}`);
  const names = async (query: string) => {
    const found: unknown[] = [];
    for (let cursor = ''; ;) {
      const reply = await list(`${query}${cursor}`);
      if (reply.status !== 200) throw new Error(reply.text);
      found.push(...itemsOf(reply).map(({ id }) => ids.get(String(id))));
      const next = reply.body['nextCursor'];
      if (typeof next !== 'string') return found;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
  };
  return { server, ids, list, names };
};

t.test('tokens that expire soon are listed as they expire, counted, in pages of any size', async (t) => {
  const { server, list, names } = await startLists(t, { c: 13, a: 1, late: 15, never: null, b: 5, edge: 14 });
  t.same(await names('state=expiring'), ['a', 'b', 'c', 'edge']);
  for (const limit of [1, 2, 3])
    t.same(await names(`state=expiring&limit=${limit}`), ['a', 'b', 'c', 'edge']);
  t.same(await names('state=expiring&sort=-expiresAt&limit=1'), ['edge', 'c', 'b', 'a']);
  t.same(await names('state=expiring&sort=name&limit=1'), ['a', 'b', 'c', 'edge']);
  t.same(await names('state=expiring&sort=-name'), ['edge', 'c', 'b', 'a']);
  t.same(await names('state=expiring&expiringWithin=P5D'), ['a', 'b']);
  t.equal((await list('state=expiring&limit=1')).body['total'], 4);
  server.clock.nowMs += 2 * dayMs;
  t.same(await names('state=expiring'), ['b', 'c', 'edge', 'late']);
  t.same(await names('state=expired'), ['a']);
  t.match(await list('state=expiring&expiringWithin=soon'), { status: 400 });
});

t.test('a text is looked for in name, id, user and scopes, whatever its case', async (t) => {
  const { ids, list, names } = await startLists(t, { Nightly: 1, 'build <b>': 2, other: 3 });
  t.same(await names('search=NIGHT'), ['Nightly']);
  t.same(await names(`search=${encodeURIComponent('<B>')}`), ['build <b>']);
  t.same(await names('search=ben'), ['build <b>']);
  t.equal((await names('search=things:read')).length, 3);
  const [id] = ids.keys();
  t.same(await names(`search=${id?.slice(0, 13)}`), ['Nightly']);
  t.same(await names('search=nothing'), []);
  t.same(await names('user=ben'), ['build <b>']);
  t.same(await names('user=ann&sort=-name'), ['other', 'Nightly']);
  t.match(await list('user=nobody'), { status: 404, body: { code: 'user_unknown' } });
  t.match(await list(`search=${'x'.repeat(200)}`), { status: 400 });
});

t.test('tokens are sorted by their last use, those never used at one end, in pages', async (t) => {
  const { server, ids, list, names } = await startLists(t, { one: 1, two: 2, three: 30, four: 30 });
  const idOf = (name: string): string => [...ids].find(([, each]) => each === name)?.[0] ?? '';
  const nowMs = server.now();
  await server.store.recordUses([
    { tokenId: idOf('two'), atMs: nowMs - 1_000 },
    { tokenId: idOf('one'), atMs: nowMs - 5_000 },
    { tokenId: idOf('four'), atMs: nowMs - 9_000 },
  ]);
  t.same(await names('sort=-lastUsedAt&limit=1'), ['two', 'one', 'four', 'three']);
  t.same(await names('sort=lastUsedAt'), ['three', 'four', 'one', 'two']);
  t.same(await names('sort=-lastUsedAt&state=expiring&limit=1'), ['two', 'one']);
  t.equal((await list('sort=lastUsedAt&limit=1')).body['total'], 4);
  const cursor = String((await list('sort=lastUsedAt&limit=1')).body['nextCursor']);
  t.match(await list(`sort=name&cursor=${cursor}`), { status: 400, body: { code: 'cursor_malformed' } });
});

t.test('what a token may be given is what the roles grant and one has oneself, by service', async (t) => {
  const server = await startManagement(t);
  await server.accounts.defineRole('acme', 'mixed', ['plain', 'reports:read', 'things:a:b']);
  await server.accounts.setRoles('acme', 'ann', ['owner', 'mixed']);
  await server.accounts.changeOrg('acme', { tokenLifetimeMsMax: 30 * dayMs, reminderThresholdsMs: [dayMs] });
  const grantable = async (who: string, user: string) =>
    server.order(who, `GET /orgs/acme/users/${user}/grantable`);
  const owner = await server.signIn();
  t.same((await grantable(owner, 'ann')).body, {
    roles: [
      { name: 'mixed', scopes: ['plain', 'reports:read', 'things:a:b'] },
      { name: 'owner', scopes: ['org:owner', 'things:read', 'things:write', 'tollgate:tokens:own'] },
    ],
    services: [
      { name: 'org', scopes: ['org:owner'] },
      { name: 'reports', scopes: ['reports:read'] },
      { name: 'things', scopes: ['things:a:b', 'things:read', 'things:write'] },
      { name: 'tollgate', scopes: ['tollgate:tokens:own'] },
      { name: '(none)', scopes: ['plain'] },
    ],
    all: [
      'org:owner',
      'plain',
      'reports:read',
      'things:a:b',
      'things:read',
      'things:write',
      'tollgate:tokens:own',
    ],
    mayGrantAll: true,
    lifetimeMax: 'P30D',
    lifetimeDefault: 'P30D',
    remindBefore: ['P1D'],
    liveTokensMax: 1000,
  });
  const narrow = await server.signIn('ann', ['things:read', 'tollgate:tokens:own']);
  t.match((await grantable(narrow, 'ann')).body, {
    roles: [],
    all: ['things:read', 'tollgate:tokens:own'],
    mayGrantAll: false,
  });
  t.match((await grantable(owner, 'ben')).body, {
    mayGrantAll: true,
    all: ['things:read', 'tollgate:tokens:own'],
  });
  const bens = await server.signIn('ben');
  t.match(await grantable(bens, 'ann'), { status: 403, body: { code: 'scope_missing' } });
  t.match(await grantable(owner, 'nobody'), { status: 404, body: { code: 'user_unknown' } });
});
