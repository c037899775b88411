// /cloudapi/1.0.0/sessions: sign-in with name and password, the session, its rights, sign-out.

import { decodeJwt } from 'jose';
import t from 'tap';
import { uuidOfOrg, uuidOfUser } from '../../../src/identity/vendor-ids.ts';
import { bearer, password, requestId, signInLine, startVcd } from './vcd-server.ts';

const sessions = '/cloudapi/1.0.0/sessions';
const sessionKeys = [
  'id',
  'site',
  'user',
  'org',
  'operatingOrg',
  'location',
  'roles',
  'roleRefs',
  'sessionIdleTimeoutMinutes',
];

t.test(
  'POST sessions with Basic user@org:password is exactly 200, with the headers and the body',
  async (t) => {
    const server = await startVcd(t);
    await server.setPassword('acme', 'ann', password);
    for (const [what, headers] of [
      ['an empty body, without Content-Length', []],
      ['Content-Length: 0', ['Content-Length: 0']],
      [
        'a JSON content type without a body',
        ['Content-Type: application/json;version=38.1', 'Content-Length: 0'],
      ],
      ['a stale session beside it', ['X-Vmware-Vcloud-Access-Token: a.b.c']],
    ] as const) {
      const reply = await server.send(`POST ${sessions}`, [
        ...headers,
        signInLine('ann@acme', password).replace('Basic', what === 'Content-Length: 0' ? 'basic' : 'Basic'),
        'Accept: application/json;version=38.1',
        requestId,
      ]);
      t.equal(reply.status, 200, what);
      const token = reply.header('x-vmware-vcloud-access-token') ?? '';
      t.ok(token.length > 32);
      t.equal(reply.header('x-vmware-vcloud-token-type'), 'Bearer');
      t.equal(reply.header('x-vmware-vcloud-request-id'), 'client-7');
      t.same(Object.keys(reply.json), sessionKeys);
      const { sid } = decodeJwt(token);
      const org = { name: 'acme', id: `urn:vcloud:org:${uuidOfOrg('acme')}` };
      t.match(reply.json, {
        id: `urn:vcloud:session:${String(sid)}`,
        site: { name: 'id.example', id: /^urn:vcloud:site:/ },
        user: { name: 'ann', id: `urn:vcloud:user:${uuidOfUser('acme', 'ann')}` },
        org,
        operatingOrg: org,
        location: new RegExp(`^${uuidOfOrg('acme')}@`),
        roles: ['author'],
        roleRefs: [{ name: 'author', id: /^urn:vcloud:role:[0-9a-f-]{36}$/ }],
        sessionIdleTimeoutMinutes: 30,
      });
      t.match(decodeJwt(token), { sub: 'ann', org: 'acme', amr: ['pwd'] });
    }
    t.notOk(JSON.stringify(server.outcomes).includes(password));
  },
);

t.test('POST sessions/provider is for people of the provider’s org, in any case', async (t) => {
  const server = await startVcd(t);
  await server.setPassword('System', 'root', password);
  await server.setPassword('acme', 'ann', password);
  for (const user of ['root@System', 'root@system', 'root@SYSTEM'])
    t.match(
      await server.send(`POST ${sessions}/provider`, [signInLine(user, password)]),
      { status: 200, json: { org: { name: 'System' } } },
      user,
    );
  t.match(await server.send(`POST ${sessions}/provider`, [signInLine('ann@acme', password)]), {
    status: 401,
    json: { minorErrorCode: 'NOT_AUTHENTICATED' },
  });
});

t.test('a bad password is 401 in JSON, and an unknown user or org is told the same', async (t) => {
  const server = await startVcd(t);
  await server.setPassword('acme', 'ann', password);
  await server.setPassword('umbrella', 'eve', password);
  await server.accounts.setUserState('umbrella', 'eve', 'disabled');
  const bodies = new Set<string>();
  for (const line of [
    signInLine('ann@acme', 'wrong password'),
    signInLine('ann@acme', ''),
    signInLine('nobody@acme', password),
    signInLine('ann@nobody', password),
    signInLine('ann@ACME', password),
    signInLine('bob@acme', password),
    signInLine('eve@umbrella', password),
    signInLine('ann', password),
    signInLine('@acme', password),
    signInLine('ann@', password),
    'Authorization: Basic',
    'Authorization: Basic !!!',
    `Authorization: Basic ${Buffer.from('no colon').toString('base64')}`,
    'Authorization: Bearer a.b.c',
    'X-Nothing: at all',
  ]) {
    const reply = await server.send(`POST ${sessions}`, [line]);
    t.equal(reply.status, 401, line);
    t.same(Object.keys(reply.json), ['minorErrorCode', 'message', 'stackTrace']);
    t.match(reply.json, {
      minorErrorCode: 'NOT_AUTHENTICATED',
      message: /^\[ request-1 \] /,
      stackTrace: null,
    });
    t.equal(reply.header('x-vmware-vcloud-access-token'), undefined);
    t.match(reply.header('www-authenticate'), /^Basic realm=/);
    bodies.add(reply.body);
  }
  t.equal(bodies.size, 1);
  t.match(server.outcomes[0], { result: 'denial', reason: 'password_wrong' });
});

t.test('names may be e-mail addresses, and passwords may hold colons, @ and any script', async (t) => {
  const server = await startVcd(t);
  await server.accounts.createUser({ orgId: 'acme', id: 'ann@corp.example', name: 'Ann', roles: [] });
  const odd = 'pässwörd:with@colons:и@acme:все';
  await server.setPassword('acme', 'ann@corp.example', odd);
  t.match(await server.send(`POST ${sessions}`, [signInLine('ann@corp.example@acme', odd)]), {
    status: 200,
    json: { user: { name: 'ann@corp.example' }, roles: [], roleRefs: [] },
  });
});

t.test('too many wrong passwords are 429 with Retry-After, for the right one too', async (t) => {
  const server = await startVcd(t);
  await server.setPassword('acme', 'ann', password);
  for (let tries = 0; tries < server.settings.limits.signInFailuresPerAccount; tries++)
    await server.send(`POST ${sessions}`, [signInLine('ann@acme', 'wrong')]);
  const reply = await server.send(`POST ${sessions}`, [signInLine('ann@acme', password)]);
  t.match(reply, { status: 429, json: { minorErrorCode: 'TOO_MANY_REQUESTS', stackTrace: null } });
  t.ok(Number(reply.header('retry-after')) > 0);
});

t.test('GET sessions/current shows the session, begun by password or by an API token', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const { secret } = await server.apiToken('acme', 'ann');
  const form = `grant_type=refresh_token&refresh_token=${secret}`;
  const { json } = await server.postForm('/oauth/tenant/acme/token', form);
  const made = String(json['access_token']);
  for (const token of [session, made]) {
    const reply = await server.send(`GET ${sessions}/current`, [bearer(token), requestId]);
    t.equal(reply.status, 200);
    t.same(Object.keys(reply.json), sessionKeys);
    t.match(reply.json, {
      id: `urn:vcloud:session:${String(decodeJwt(token)['sid'])}`,
      user: { name: 'ann' },
    });
    t.equal(reply.header('x-vmware-vcloud-request-id'), 'client-7');
    t.equal(reply.header('x-vmware-vcloud-access-token'), undefined);
  }
  for (const headers of [[], [bearer(secret)], [bearer('a.b.c')]])
    t.match(await server.send(`GET ${sessions}/current`, headers), {
      status: 401,
      json: { minorErrorCode: 'NOT_AUTHENTICATED', stackTrace: null },
    });
});

t.test('DELETE sessions/current is 204 and ends this session; API tokens outlive it', async (t) => {
  const server = await startVcd(t);
  const [session, other] = [await server.session(), await server.session()];
  const { secret } = await server.apiToken('acme', 'ann');
  const form = `grant_type=refresh_token&refresh_token=${secret}`;
  const exchange = () => server.postForm('/oauth/tenant/acme/token', form);
  const made = String((await exchange()).json['access_token']);
  for (const token of [session, made]) {
    const reply = await server.send(`DELETE ${sessions}/current`, [bearer(token)]);
    t.equal(reply.status, 204);
    t.equal(reply.body, '');
    const current = () => server.send(`GET ${sessions}/current`, [bearer(token)]);
    while ((await current()).status !== 401) await new Promise((resolve) => setImmediate(resolve));
  }
  t.match(await server.send(`GET ${sessions}/current`, [bearer(other)]), { status: 200 });
  t.match(await exchange(), { status: 200 });
  t.match(await server.send(`DELETE ${sessions}/current`), { status: 401 });
});

t.test('GET sessions/current/rights is paged', async (t) => {
  const server = await startVcd(t);
  const session = await server.session('eve@umbrella');
  const rights = `${sessions}/current/rights`;
  const ask = async (query: string) => server.send(`GET ${rights}${query}`, [bearer(session)]);
  const all = await ask('');
  t.same(Object.keys(all.json), ['resultTotal', 'pageCount', 'page', 'pageSize', 'associations', 'values']);
  const names = ["Manage all users' API tokens", "Manage user's own API token", 'org:owner', 'things:write'];
  t.match(all.json, { resultTotal: 4, pageCount: 1, page: 1, pageSize: 25, associations: null });
  t.same(
    (all.json['values'] as { name: string }[]).map(({ name }) => name),
    names,
  );
  t.match(all.json, { values: [{ id: /^urn:vcloud:right:[0-9a-f-]{36}$/ }] });
  const first = await ask('?pageSize=3');
  t.equal(first.header('link'), `<https://id.example${rights}?page=2&pageSize=3>;rel="nextPage"`);
  t.match((await ask('?page=2&pageSize=3')).json, { page: 2, values: [{ name: 'things:write' }] });
  t.match((await ask('?filter=name==things:*')).json, { resultTotal: 1 });
  t.match((await ask('?sortDesc=name&pageSize=1')).json, { values: [{ name: 'things:write' }] });
  t.match(await ask('?pageSize=129'), { status: 400, json: { minorErrorCode: 'BAD_REQUEST' } });
});

t.test('a right is shown whatever it is called', async (t) => {
  const server = await startVcd(t);
  await server.accounts.defineRole('acme', 'odd', ['constructor', '__proto__']);
  await server.accounts.changeUser('acme', 'ann', { roles: ['odd'] });
  const answer = await server.send(`GET ${sessions}/current/rights?filter=name==c*`, [
    bearer(await server.session('ann@acme')),
  ]);
  t.match(answer, { status: 200, json: { values: [{ name: 'constructor' }] } });
});

t.test(
  'X-VMWARE-VCLOUD-CLIENT-REQUEST-ID comes back as X-VMWARE-VCLOUD-REQUEST-ID, unless it could do harm',
  async (t) => {
    const server = await startVcd(t);
    const ask = async (...headers: string[]) =>
      (await server.send(`GET ${sessions}/current`, headers)).header('x-vmware-vcloud-request-id');
    t.equal(
      await ask('x-vmware-vcloud-client-request-id: 7-2024-08-06--8c18ce7b.a_b:c'),
      '7-2024-08-06--8c18ce7b.a_b:c',
    );
    for (const value of ['', 'two words', '<b>', '"', 'x'.repeat(129), '-dash', 'caf\u00e9'])
      t.equal(await ask(`X-VMWARE-VCLOUD-CLIENT-REQUEST-ID: ${value}`), 'request-1', value);
    t.equal(await ask(), 'request-1');
  },
);
