// /cloudapi/1.0.0/tokens.

import t from 'tap';
import { uuidOfOrg, uuidOfUser } from '../../../src/identity/vendor-ids.ts';
import { dayMs, minuteMs } from '../../lifecycle/world.ts';
import { bearer, requestId, startVcd, type VcdServer } from './vcd-server.ts';

const tokens = '/cloudapi/1.0.0/tokens';
const pageKeys = ['resultTotal', 'pageCount', 'page', 'pageSize', 'associations', 'values'];
const valueKeys = [
  'id',
  'name',
  'token',
  'expirationTimeUtc',
  'owner',
  'username',
  'userId',
  'orgName',
  'org',
  'type',
];
const forbidden = {
  status: 403,
  json: { minorErrorCode: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN', stackTrace: null },
};

const make = async (
  server: VcdServer,
  userId: string,
  name: string,
  lifetimeMs: number | null = null,
): Promise<string> => {
  const order = { orgId: 'acme', userId, name, scopes: 'all', lifetimeMs, length: 32 } as const;
  const made = await server.apiTokens.createApiToken(order);
  if (!('record' in made)) throw new Error(JSON.stringify(made));
  return `urn:vcloud:token:${made.record.id}`;
};

const namesOf = (json: Record<string, unknown>): unknown[] =>
  (json['values'] as { name: string }[]).map(({ name }) => name);

t.test('GET tokens, and tokens/, lists metadata only, with exactly these members', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const expiresAtMs = Math.floor(server.now() / 1000) * 1000 + dayMs;
  server.clock.nowMs = expiresAtMs - dayMs;
  const urn = await make(server, 'ann', 'probe', dayMs);
  for (const path of [tokens, `${tokens}/`, `${tokens}?`, `${tokens}?&page=1`]) {
    const reply = await server.send(`GET ${path}`, [
      bearer(session),
      'Accept: application/json;version=38.1',
    ]);
    t.equal(reply.status, 200, path);
    t.same(Object.keys(reply.json), pageKeys);
    t.match(reply.json, { resultTotal: 1, pageCount: 1, page: 1, pageSize: 25, associations: null });
    const [value] = reply.json['values'] as Record<string, unknown>[];
    t.same(Object.keys(value ?? {}), valueKeys);
    const user = `urn:vcloud:user:${uuidOfUser('acme', 'ann')}`;
    t.same(value, {
      id: urn,
      name: 'probe',
      token: null,
      expirationTimeUtc: new Date(expiresAtMs).toISOString(),
      owner: { name: 'ann', id: user },
      username: 'ann',
      userId: user,
      orgName: 'acme',
      org: { name: 'acme', id: `urn:vcloud:org:${uuidOfOrg('acme')}` },
      type: 'REFRESH',
    });
    t.equal(reply.header('link'), undefined);
  }
});

t.test('a filter is FIQL, percent-encoded or not', async (t) => {
  const server = await startVcd(t);
  const session = await server.session('adam@acme');
  await make(server, 'ann', 'probe');
  await make(server, 'adam', 'probe');
  await make(server, 'ann', 'a;b (c),d+e');
  const filter = '(name==probe;owner.name==adam;(type==PROXY,type==REFRESH))';
  const ask = async (query: string) => (await server.send(`GET ${tokens}?${query}`, [bearer(session)])).json;
  for (const query of [
    `filter=${filter}`,
    `filter=${encodeURIComponent(filter)}`,
    `filter=${filter.replaceAll('(', '%28').replaceAll(')', '%29').replaceAll(';', '%3B').replaceAll('=', '%3D')}`,
    `filterEncoded=true&filter=${encodeURIComponent(filter)}`,
    `pageSize=25&filter=${filter}&page=1`,
  ])
    t.match(await ask(query), { resultTotal: 1, values: [{ username: 'adam' }] }, query);
  const odd = encodeURIComponent(`name==${encodeURIComponent('a;b (c),d+e')}`);
  t.match(await ask(`filterEncoded=true&filter=${odd}`), {
    resultTotal: 1,
    values: [{ name: 'a;b (c),d+e' }],
  });
  t.match(await ask('filter=type==PROXY'), { resultTotal: 0, pageCount: 0, values: [] });
  t.match(await ask('filter=name==p*&sortDesc=name'), { values: [{ name: 'probe' }, { name: 'probe' }] });
  for (const [name, value] of [
    ['username', 'ann'],
    ['owner.id', `urn:vcloud:user:${uuidOfUser('acme', 'ann')}`],
    ['userId', `urn:vcloud:user:${uuidOfUser('acme', 'ann')}`],
  ] as const)
    t.match(await ask(`filter=${name}==${value}`), { resultTotal: 2 }, name);
  for (const [name, value] of [
    ['orgName', 'acme'],
    ['org.name', 'acme'],
    ['org.id', `urn:vcloud:org:${uuidOfOrg('acme')}`],
    ['id', 'urn:vcloud:token:*'],
  ] as const)
    t.match(await ask(`filter=${name}==${value}`), { resultTotal: 3 }, name);
});

t.test(
  'page and pageSize; the next page by Link rel="nextPage", which a client follows to the end',
  async (t) => {
    const server = await startVcd(t);
    const session = await server.session();
    for (const name of ['e', 'd', 'c', 'b', 'a']) await make(server, 'ann', name);
    const seen: unknown[] = [];
    let target: string | undefined = `${tokens}?pageSize=2&sortAsc=name&filter=(name!=c);type%3D%3DREFRESH`;
    const links: (string | undefined)[] = [];
    for (let page = 1; target !== undefined; page++) {
      const reply = await server.send(`GET ${target}`, [bearer(session)]);
      t.match(reply.json, { resultTotal: 4, pageCount: 2, page, pageSize: 2 });
      seen.push(...namesOf(reply.json));
      links.push(reply.header('link'));
      target = /^<https:\/\/id\.example(.*)>;rel="nextPage"$/.exec(reply.header('link') ?? '')?.[1];
    }
    t.same(seen, ['a', 'b', 'd', 'e']);
    const next = `${tokens}?page=2&pageSize=2&sortAsc=name&filter=(name!=c);type%3D%3DREFRESH&cursor=`;
    t.ok(links[0]?.startsWith(`<https://id.example${next}`));
    t.equal(links[1], undefined);
    const beyond = await server.send(`GET ${tokens}?page=9`, [bearer(session)]);
    t.match(beyond, { status: 200, json: { resultTotal: 5, page: 9, values: [] } });
    const hostile = await server.send(`GET ${tokens}?pageSize=1&x=%3E"><y>`, [bearer(session)]);
    t.match(
      hostile.header('link'),
      /^<[^<>"]*>;rel="nextPage"$/,
      'nothing a caller writes ends the link early',
    );
  },
);

t.test('sorted by name or expiry, up or down', async (t) => {
  const server = await startVcd(t);
  const session = await server.session('adam@acme');
  await make(server, 'ann', 'b', minuteMs);
  await make(server, 'adam', 'c');
  await make(server, 'bob', 'a', dayMs);
  const order = async (query: string) =>
    namesOf((await server.send(`GET ${tokens}?${query}`, [bearer(session)])).json).join('');
  t.equal(await order('sortAsc=name'), 'abc');
  t.equal(await order('sortDesc=name'), 'cba');
  t.equal(await order('sortAsc=expirationTimeUtc'), 'bac');
});

t.test('what no listing can be asked for is 400', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  for (const query of [
    'pageSize=129',
    'pageSize=0',
    'pageSize=x',
    'page=0',
    'page=-1',
    'page=1&page=2',
    'page=99999999999',
    'sortAsc=token',
    'sortAsc=constructor',
    'sortAsc=owner.name',
    'cursor=bm9uZQ',
    'cursor=bm9uZQ.x',
    'sortAsc=name&sortDesc=name',
    'filter=digest==x',
    'filter=(name==x',
    `filter=${'('.repeat(1000)}`,
    `filter=name==${'x'.repeat(3000)}`,
    'filter=%ff',
  ]) {
    const reply = await server.send(`GET ${tokens}?${query}`, [bearer(session), requestId]);
    t.equal(reply.status, 400, query);
    t.match(reply.json, { minorErrorCode: 'BAD_REQUEST', message: /^\[ client-7 \] / }, query);
  }
  t.match(await server.send(`GET ${tokens}?pageSize=128`, [bearer(session)]), { status: 200 });
});

t.test(
  '"Manage user’s own API token" shows one’s own, "Manage all users’ API tokens" the org’s',
  async (t) => {
    const server = await startVcd(t);
    for (const user of ['ann', 'adam', 'bob']) await make(server, user, user);
    await server.apiToken('umbrella', 'eve');
    const list = async (user: string) =>
      server.send(`GET ${tokens}?sortAsc=name`, [bearer(await server.session(user))]);
    t.same(namesOf((await list('ann@acme')).json), ['ann']);
    t.same(namesOf((await list('adam@acme')).json), ['adam', 'ann', 'bob']);
    t.same(namesOf((await list('eve@umbrella')).json), ['ci']);
    t.same(namesOf((await list('root@System')).json), [], 'the provider’s org is an org like any other');
    t.match(await list('bob@acme'), forbidden);
  },
);

t.test('GET tokens/{urn}, percent-encoded or not, shows one token', async (t) => {
  const server = await startVcd(t);
  const urn = await make(server, 'ann', 'probe');
  const session = await server.session();
  for (const path of [urn, urn.replaceAll(':', '%3A'), urn.replaceAll(':', '%3a')]) {
    const reply = await server.send(`GET ${tokens}/${path}`, [bearer(session)]);
    t.equal(reply.status, 200, path);
    t.same(Object.keys(reply.json), valueKeys);
    t.match(reply.json, { id: urn, name: 'probe', token: null, expirationTimeUtc: null });
  }
  t.match(await server.send(`GET ${tokens}/${urn}`, [bearer(await server.session('adam@acme'))]), {
    status: 200,
  });
});

t.test('a token that is missing or forbidden is 403 ACCESS_TO_RESOURCE_IS_FORBIDDEN', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const others = await make(server, 'bob', 'bobs');
  const foreign = `urn:vcloud:token:${(await server.apiToken('umbrella', 'eve')).id}`;
  const revoked = await make(server, 'ann', 'old');
  await server.send(`DELETE ${tokens}/${revoked}`, [bearer(session)]);
  for (const urn of [
    others,
    foreign,
    revoked,
    'urn:vcloud:token:00000000-0000-4000-8000-000000000000',
    'urn:vcloud:token:x',
    'urn:vcloud:user:00000000-0000-4000-8000-000000000000',
    'anything',
  ]) {
    const reply = await server.send(`GET ${tokens}/${urn}`, [bearer(session)]);
    t.match(reply, forbidden, urn);
    t.same(Object.keys(reply.json), ['minorErrorCode', 'message', 'stackTrace']);
    if (urn !== revoked)
      t.match(await server.send(`DELETE ${tokens}/${urn}`, [bearer(session)]), forbidden, urn);
  }
  t.match(await server.apiTokens.findApiToken(others.slice(-36)), { state: 'active' });
  t.match(await server.apiTokens.findApiToken(foreign.slice(-36)), { state: 'active' });
});

t.test('DELETE tokens/{urn} is 204 and the revocation: it ends all the token’s sessions', async (t) => {
  const server = await startVcd(t);
  const { secret, id } = await server.apiToken('acme', 'ann');
  const form = `grant_type=refresh_token&refresh_token=${secret}`;
  const exchange = () => server.postForm('/oauth/tenant/acme/token', form);
  const made = String((await exchange()).json['access_token']);
  const current = () => server.send('GET /cloudapi/1.0.0/sessions/current', [bearer(made)]);
  t.match(await current(), { status: 200 });
  const session = await server.session();
  const urn = `urn%3Avcloud%3Atoken%3A${id}`;
  const reply = await server.send(`DELETE ${tokens}/${urn}`, [bearer(session)]);
  t.equal(reply.status, 204);
  t.equal(reply.body, '');
  t.match(await exchange(), { status: 400, json: { minorErrorCode: 'invalid_grant' } });
  while ((await current()).status !== 401) await new Promise((resolve) => setImmediate(resolve));
  t.match(
    await server.send('GET /cloudapi/1.0.0/sessions/current', [bearer(session)]),
    { status: 200 },
    'no other',
  );
  t.match(
    await server.send(`DELETE ${tokens}/${urn}`, [bearer(session)]),
    { status: 204 },
    'a retry is told the same',
  );
  t.match(await server.send(`GET ${tokens}`, [bearer(session)]), { json: { resultTotal: 0 } });
  t.match(
    await server.send(`DELETE ${tokens}/urn:vcloud:token:${(await server.apiToken('acme', 'bob')).id}`, [
      bearer(await server.session('adam@acme')),
    ]),
    { status: 204 },
    'an administrator revokes anybody’s',
  );
});

t.test('sessions made from an API token cannot see or revoke other tokens', async (t) => {
  const server = await startVcd(t);
  const { secret, id } = await server.apiToken('acme', 'adam');
  const { json } = await server.postForm(
    '/oauth/tenant/acme/token',
    `grant_type=refresh_token&refresh_token=${secret}`,
  );
  const session = bearer(String(json['access_token']));
  const other = await make(server, 'ann', 'probe');
  for (const line of [
    `GET ${tokens}`,
    `GET ${tokens}/${other}`,
    `DELETE ${tokens}/${other}`,
    `DELETE ${tokens}/urn:vcloud:token:${id}`,
  ])
    t.match(await server.send(line, [session]), forbidden, line);
  t.match(await server.apiTokens.findApiToken(other.slice(-36)), { state: 'active' });
});

t.test('the same JWT in several headers is one credential; two different ones are none', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  for (const headers of [
    [
      `X-Vmware-Vcloud-Access-Token: ${session}`,
      'X-Vmware-Vcloud-Token-Type: Bearer',
      `Authorization: bearer ${session}`,
    ],
    [`x-vmware-vcloud-access-token: ${session}`],
    [`X-VMWARE-VCLOUD-ACCESS-TOKEN: ${session}`, `X-VMWARE-VCLOUD-ACCESS-TOKEN: ${session}`],
    [`AUTHORIZATION: BEARER ${session}`],
  ])
    t.match(await server.send(`GET ${tokens}`, headers), { status: 200 }, headers.join(' '));
  const other = await server.session();
  const { secret } = await server.apiToken('acme', 'ann');
  for (const headers of [
    [],
    [`X-Vmware-Vcloud-Access-Token: ${other}`, `Authorization: Bearer ${session}`],
    [`Authorization: Bearer ${secret}`],
    ['Authorization: Bearer a.b.c'],
    ['Authorization: Bearer'],
    ['Authorization: Basic YW5uQGFjbWU6eA=='],
  ]) {
    const reply = await server.send(`GET ${tokens}`, headers);
    t.match(
      reply,
      { status: 401, json: { minorErrorCode: 'NOT_AUTHENTICATED', stackTrace: null } },
      headers.join(' '),
    );
    t.match(reply.header('www-authenticate'), /Bearer realm=/);
  }
});
