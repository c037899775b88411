// POST tokens, GET and DELETE tokens/{id}: who may, for whom, and what comes back.

import t from 'tap';
import { ownApiToken } from '../../../src/identity/authenticators.ts';
import { uuidOfOrg, uuidOfUser } from '../../../src/identity/vendor-ids.ts';
import { dayMs, minuteMs } from '../../lifecycle/world.ts';
import { noSurfaces } from '../surface-server.ts';
import { jsonType } from '../vendor-server.ts';
import { ofAnn, order, startAstra, tokenOf } from './astra-server.ts';

const createdKeys = ['type', 'version', 'id', 'name', 'userID', 'token', 'metadata'];
const shownKeys = createdKeys.filter((key) => key !== 'token');
const metadataKeys = ['labels', 'creationTimestamp', 'modificationTimestamp', 'createdBy'];
const userID = uuidOfUser('acme', 'ann');

t.test(
  'POST tokens is 201 with Location and exactly the documented keys, the token shown once',
  async (t) => {
    const server = await startAstra(t);
    const reply = await server.postJson(ofAnn, order, [server.session]);
    t.equal(reply.status, 201);
    t.same(Object.keys(reply.json), createdKeys);
    t.same(Object.keys(reply.json['metadata'] as object), metadataKeys);
    t.match(reply.json, { ...order, id: /^[0-9a-f-]{36}$/, userID, token: /^tg[0-9A-Za-z]{63}$/ });
    const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
    t.match(reply.json['metadata'], {
      labels: [],
      creationTimestamp: timestamp,
      modificationTimestamp: timestamp,
      createdBy: userID,
    });
    t.equal(reply.header('location'), `${ofAnn}/${String(reply.json['id'])}`);
    t.equal(reply.header('cache-control'), 'no-store');

    const seen = await server.send(`GET ${String(reply.header('location'))}`, [server.session]);
    t.equal(seen.status, 200);
    t.same(Object.keys(seen.json), shownKeys);
    const listed = await server.list('');
    t.same(listed.json, { items: [seen.json], metadata: {} });
    t.notOk((seen.body + listed.body).includes(String(reply.json['token'])), 'the token is shown once');
    t.notOk(JSON.stringify(server.outcomes).includes(String(reply.json['token'])), 'and not logged');
  },
);

t.test('Authorization: Bearer <API token> directly on every call, no exchange', async (t) => {
  const server = await startAstra(t);
  const { json } = await server.make('ci');
  const value = String(json['token']);
  const found = await server.identifier.identify({ form: 'opaque', value }, server.now());
  t.match(found, {
    identity: { org: { id: 'acme' }, user: { id: 'ann' }, authenticator: ownApiToken, allScopes: true },
  });
});

t.test('name is 1 to 63 characters; metadata is optional and its labels are kept', async (t) => {
  const server = await startAstra(t);
  for (const name of ['x', 'x'.repeat(63), 'Snapshot Script'])
    t.match(await server.make(name), { status: 201, json: { name } });
  for (const name of ['', 'x'.repeat(64), ' ', 'a\nb', 7, null, undefined])
    t.match(await server.postJson(ofAnn, { ...order, name }, [server.session]), {
      status: 400,
      json: { status: '400' },
    });
  const labels = [{ name: 'astra.netapp.io/labels/read-only', value: 'hidden' }];
  const labelled = await server.make('labelled', { labels, creationTimestamp: '1999-01-01T00:00:00Z' });
  t.match(labelled, { status: 201, json: { metadata: { labels, creationTimestamp: /^20[2-9]/ } } });
  t.match(await server.send(`GET ${String(labelled.header('location'))}`, [server.session]), {
    json: { metadata: { labels } },
  });
  t.match(await server.make('none', {}), { status: 201, json: { metadata: { labels: [] } } });
  for (const metadata of [7, [], { labels: {} }, { labels: [7] }, { labels: [{ name: 'x' }] }])
    t.equal((await server.make('bad', metadata)).status, 400, JSON.stringify(metadata));
});

t.test(
  'the body is JSON whatever its Content-Type says; type and version are the documented ones',
  async (t) => {
    const server = await startAstra(t);
    const text = JSON.stringify(order);
    for (const lines of [
      ['Content-Type: application/astra-token+json'],
      ['content-type: Application/JSON; charset=UTF-8'],
      ['Content-Type: text/plain'],
      [],
    ])
      t.equal(
        (await server.send(`POST ${ofAnn}`, [server.session, ...lines], text)).status,
        201,
        lines.join(),
      );
    for (const bad of [
      '',
      '{}',
      '[]',
      '"x"',
      '{"type":"application/astra-token"',
      '{"__proto__":{"type":"application/astra-token","version":"1.0","name":"x"}}',
      '['.repeat(5000),
      JSON.stringify({ ...order, type: 'application/astra-user' }),
      JSON.stringify({ ...order, version: '2.0' }),
      JSON.stringify({ ...order, version: 1 }),
    ])
      t.match(await server.send(`POST ${ofAnn}`, [server.session, jsonType], bad), {
        status: 400,
        json: { type: 'about:blank', title: 'Bad Request', status: '400' },
      });
    t.match(await server.list('?count=true'), { json: { metadata: { count: 4 } } }, 'nothing else was made');
  },
);

t.test('the account and the user are named by their own ids or by UUIDs', async (t) => {
  const server = await startAstra(t);
  for (const account of ['acme', uuidOfOrg('acme'), uuidOfOrg('acme').toUpperCase()])
    for (const user of ['ann', userID]) {
      const path = `/accounts/${account}/core/v1/users/${user}/tokens`;
      const made = await server.postJson(path, order, [server.session]);
      t.equal(made.status, 201, path);
      t.equal(made.header('location'), `${path}/${String(made.json['id'])}`);
      t.equal((await server.send(`GET ${path}/`, [server.session])).status, 200, 'a slash at the end');
    }
});

t.test('also under /core/v1/groups/{g}/users/{u}/tokens', async (t) => {
  const server = await startAstra(t);
  for (const path of [
    '/core/v1/groups/g-1/users/ann/tokens',
    '/accounts/acme/core/v1/groups/g-1/users/ann/tokens',
  ]) {
    const made = await server.postJson(path, order, [server.session]);
    t.equal(made.status, 201, path);
    const location = `${path}/${String(made.json['id'])}`;
    t.equal(made.header('location'), location);
    t.match(await server.send(`GET ${location}`, [server.session]), { status: 200, json: { name: 'ci' } });
    t.match(await server.send(`GET ${path}`, [server.session]), { json: { items: [{ name: 'ci' }] } });
    t.match(await server.send(`DELETE ${location}`, [server.session]), { status: 204, body: '' });
    t.match(await server.send(`GET ${path}`, [server.session]), { json: { items: [] } });
  }
});

t.test(
  'DELETE tokens/{id} is 204 and ends the token; repeating it is safe; then it is not there',
  async (t) => {
    const server = await startAstra(t);
    const made = await server.make('ci');
    const location = String(made.header('location'));
    const deleted = await server.send(`DELETE ${location}`, [server.session]);
    t.match(deleted, { status: 204, body: '' });
    t.equal((await server.send(`DELETE ${location}`, [server.session])).status, 204);
    t.match(await server.send(`GET ${location}`, [server.session]), { status: 404, json: { status: '404' } });
    const credential = { form: 'opaque', value: String(made.json['token']) } as const;
    t.match(await server.identifier.identify(credential, server.now()), { reason: 'token_revoked' });
  },
);

t.test('tokens never expire by default; a setting or the org’s maximum says otherwise', async (t) => {
  const expiryOf = async (tokenLifetimeMs: number | undefined, orgMaxMs: number | undefined) => {
    const astra = { ...noSurfaces.astra, enabled: true, tokenLifetimeMs };
    const server = await startAstra(t, { surfaces: { ...noSurfaces, astra } });
    if (orgMaxMs !== undefined) await server.accounts.changeOrg('acme', { tokenLifetimeMsMax: orgMaxMs });
    const { json } = await server.make('ci');
    const token = await server.store.findToken(String(json['id']));
    if (token === undefined || !('createdAtMs' in token)) throw new Error('no token');
    return token.expiresAtMs === undefined ? 'never' : token.expiresAtMs - token.createdAtMs;
  };
  t.equal(await expiryOf(undefined, undefined), 'never');
  t.equal(await expiryOf(undefined, 30 * dayMs), 30 * dayMs);
  t.equal(await expiryOf(dayMs, undefined), dayMs);
  t.equal(await expiryOf(30 * dayMs, dayMs), dayMs);
});

t.test('a token that has expired is not there', async (t) => {
  const astra = { ...noSurfaces.astra, enabled: true, tokenLifetimeMs: 5 * minuteMs };
  const server = await startAstra(t, { surfaces: { ...noSurfaces, astra } });
  const made = await server.make('ci');
  server.clock.nowMs += 6 * minuteMs;
  t.match(await server.list('?count=true'), { json: { items: [], metadata: { count: 0 } } });
  t.equal((await server.send(`GET ${String(made.header('location'))}`, [server.session])).status, 404);
});

t.test('a session made from an API token, or the token itself, cannot manage API tokens: 403', async (t) => {
  const server = await startAstra(t);
  const { json } = await server.make('ci');
  const path = `${ofAnn}/${String(json['id'])}`;
  for (const bearer of [String(json['token']), await server.accessToken(String(json['token']))])
    for (const reply of [
      await server.postJson(ofAnn, order, [`Authorization: Bearer ${bearer}`]),
      await server.send(`GET ${ofAnn}`, [`Authorization: Bearer ${bearer}`]),
      await server.send(`GET ${path}`, [`Authorization: Bearer ${bearer}`]),
      await server.send(`DELETE ${path}`, [`Authorization: Bearer ${bearer}`]),
    ])
      t.match(reply, {
        status: 403,
        json: { type: 'about:blank', title: 'Forbidden', detail: /Sign in/, status: '403' },
      });
  t.match(server.outcomes.at(-1), { reason: 'session_kind_refused', route: 'astra:token' });
  t.match(await server.list(''), { json: { items: [{ name: 'ci' }] } }, 'nothing was done');
});

t.test(
  'another user’s tokens need the right to manage all; then a session of fewer scopes makes no more',
  async (t) => {
    const ofBob = '/accounts/acme/core/v1/users/bob/tokens';
    const server = await startAstra(t);
    const bobs = await tokenOf(server, 'acme', 'bob');
    for (const reply of [
      await server.postJson(ofBob, order, [server.session]),
      await server.send(`GET ${ofBob}`, [server.session]),
      await server.send(`GET ${ofBob}/${bobs.record.id}`, [server.session]),
      await server.send(`DELETE ${ofBob}/${bobs.record.id}`, [server.session]),
      await server.send('GET /accounts/acme/core/v1/users/nobody/tokens', [server.session]),
    ])
      t.match(reply, { status: 403, json: { status: '403' } });

    const admin = await startAstra(t, {}, ['reader', 'all']);
    const made = await admin.postJson(ofBob, order, [admin.session]);
    t.match(made, { status: 201, json: { userID: uuidOfUser('acme', 'bob') } });
    const byUuid = `/accounts/acme/core/v1/users/${uuidOfUser('acme', 'bob')}/tokens`;
    t.match(await admin.send(`GET ${byUuid}`, [admin.session]), { json: { items: [{ name: 'ci' }] } });
    t.equal((await admin.send(`DELETE ${byUuid}/${String(made.json['id'])}`, [admin.session])).status, 204);
    for (const nobody of ['nobody', uuidOfUser('acme', 'nobody'), '%C3%A9', 'a%20b'])
      t.match(await admin.send(`GET /accounts/acme/core/v1/users/${nobody}/tokens`, [admin.session]), {
        status: 404,
      });
    await admin.accounts.setRoles('acme', 'bob', ['reader', 'admin']);
    t.match(await admin.postJson(ofBob, order, [admin.session]), {
      status: 403,
      json: { detail: /things:write/ },
    });
  },
);

t.test('a token is looked for below its own user only', async (t) => {
  const server = await startAstra(t, {}, ['reader', 'all']);
  const bobs = await tokenOf(server, 'acme', 'bob');
  const eves = await tokenOf(server, 'other', 'eve');
  const absent = '00000000-0000-4000-8000-000000000000';
  for (const id of [bobs.record.id, eves.record.id, absent, 'x', bobs.secret])
    for (const method of ['GET', 'DELETE'])
      t.match(await server.send(`${method} ${ofAnn}/${id}`, [server.session]), {
        status: 404,
        json: { title: 'Not Found', status: '404' },
      });
  for (const { record } of [bobs, eves])
    t.match(await server.store.findToken(record.id), { state: 'active' }, 'nothing was revoked');
  await server.audit.close();
  t.notOk(
    JSON.stringify(await server.store.readAudit(undefined, { limit: 100, cursor: undefined })).includes(
      bobs.secret,
    ),
  );
});

t.test(
  'the account must be the caller’s: else 403, or 404 as the setting says; and it is written down',
  async (t) => {
    for (const [foreignAccount, status] of [
      ['forbidden', 403],
      ['not-found', 404],
    ] as const) {
      const astra = { ...noSurfaces.astra, enabled: true, foreignAccount };
      const server = await startAstra(t, { surfaces: { ...noSurfaces, astra } });
      const eves = await tokenOf(server, 'other', 'eve');
      for (const account of ['other', uuidOfOrg('other'), 'nobody', 'a%2Fb']) {
        const path = `/accounts/${account}/core/v1/users/eve/tokens`;
        for (const reply of [
          await server.postJson(path, order, [server.session]),
          await server.send(`GET ${path}`, [server.session]),
          await server.send(`GET ${path}/${eves.record.id}`, [server.session]),
          await server.send(`DELETE ${path}/${eves.record.id}`, [server.session]),
        ])
          t.match(reply, { status, json: { status: String(status) } }, path);
      }
      t.match(server.outcomes.at(-1), { reason: 'tenant_mismatch', identity: { org: { id: 'acme' } } });
      t.match(await server.store.findToken(eves.record.id), { state: 'active' });
      await server.audit.close();
      const audit = await server.store.readAudit('acme', { limit: 100, cursor: undefined });
      for (const action of ['token.create', 'token.list', 'token.see', 'token.revoke'])
        t.ok(JSON.stringify(audit).includes(action), action);
    }
  },
);

t.test('a prefix moves every path', async (t) => {
  const astra = { ...noSurfaces.astra, enabled: true, prefix: '/astra' };
  const server = await startAstra(t, { surfaces: { ...noSurfaces, astra } });
  t.equal((await server.postJson(ofAnn, order, [server.session])).status, 418, 'not ours');
  const made = await server.postJson(`/astra${ofAnn}`, order, [server.session]);
  t.match(made.header('location'), new RegExp(`^/astra${ofAnn}/`));
});
