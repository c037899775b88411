// API tokens through the management surface: made, listed, seen, given a new secret, revoked.

import t from 'tap';
import { createSurfaces } from '../../../src/surfaces/surfaces.ts';
import { worldSettings } from '../../lifecycle/world.ts';
import { exchangeRaw } from '../../support/raw-client.ts';
import { idOf, itemsOf, prefix, startBeside, startManagement } from './management-server.ts';

const own = '/orgs/acme/users/ann/api-tokens';

t.test(
  'a token is made with its secret shown once, listed without it, and revoked with its sessions',
  async (t) => {
    const server = await startManagement(t);
    const ann = await server.signIn();
    const made = await server.order(ann, `POST ${own}`, {
      name: 'nightly build',
      scopes: ['things:read'],
      lifetime: 'P90D',
      remindBefore: 'P2W',
    });
    t.equal(made.status, 201);
    t.equal(made.header('cache-control'), 'no-store');
    t.equal(made.header('location'), `${prefix}/orgs/acme/api-tokens/${idOf(made)}`);
    const nowMs = server.now();
    const { secret, ...shown } = made.body;
    t.match(secret, /^tg[0-9A-Za-z]{63}$/);
    t.same(shown, {
      id: idOf(made),
      org: 'acme',
      user: 'ann',
      name: 'nightly build',
      scopes: ['things:read'],
      state: 'active',
      origin: 'created',
      openid: false,
      remindBefore: 'P14D',
      allowFrom: null,
      createdAt: new Date(nowMs).toISOString(),
      expiresAt: new Date(nowMs + 90 * 86_400_000).toISOString(),
      revokedAt: null,
      lastUsedAt: null,
      secretNumber: 0,
      previousSecretExpiresAt: null,
    });

    const listed = await server.order(ann, `GET ${own}`);
    t.same([listed.status, listed.body], [200, { items: [shown], total: 1, nextCursor: null }]);
    const path = `/orgs/acme/api-tokens/${idOf(made)}`;
    t.same((await server.order(ann, `GET ${path}`)).body, shown);

    const session = await server.accessToken(String(secret));
    const gone = await server.order(ann, `DELETE ${path}`);
    t.same([gone.status, gone.text], [204, '']);
    t.equal((await server.order(ann, `DELETE ${path}`)).status, 204, 'again is the same');
    t.match((await server.order(session, `GET ${own}`)).body, { code: 'credential_invalid' });
    t.same(itemsOf(await server.order(ann, `GET ${own}?state=active`)), []);
    t.match(itemsOf(await server.order(ann, `GET ${own}?state=revoked`)), [{ id: idOf(made) }]);
    for (const reply of [listed, gone]) t.notOk(reply.text.includes(String(secret)));
  },
);

t.test(
  'without a lifetime it is the default, and never is a word; the maximum of the organization holds',
  async (t) => {
    const server = await startManagement(t);
    const ann = await server.signIn();
    const make = (more: object) => server.order(ann, `POST ${own}`, { name: 'x', scopes: 'all', ...more });
    const daysOf = async (more: object) => {
      const { body } = await make(more);
      return body['expiresAt'] === null
        ? null
        : (Date.parse(body['expiresAt'] as string) - server.now()) / 86_400_000;
    };
    t.equal(await daysOf({}), 180);
    t.equal(await daysOf({ lifetime: 'never' }), null);
    t.equal(await daysOf({ lifetime: 'P1DT12H' }), 1.5);
    t.match(await make({ lifetime: 'PT59S' }), { status: 400, body: { code: 'lifetime_malformed' } });
    for (const lifetime of [
      '',
      'P',
      'PT',
      'P1M',
      'P1Y',
      'P1.5D',
      '-P1D',
      'p1d',
      '90',
      90,
      null,
      'forever',
      'P1D ',
    ])
      t.match(
        await make({ lifetime }),
        { status: 400, body: { errors: [{ pointer: '/lifetime' }] } },
        `${lifetime}`,
      );
    await server.accounts.changeOrg('acme', { tokenLifetimeMsMax: 30 * 86_400_000 });
    t.equal(await daysOf({}), 30);
    for (const lifetime of ['P31D', 'never'])
      t.match(await make({ lifetime }), { status: 422, body: { code: 'lifetime_too_long' } });
  },
);

t.test(
  'the same key and the same order give the same secret; another order with it is refused',
  async (t) => {
    const server = await startManagement(t);
    const ann = await server.signIn();
    const order = { name: 'nightly', scopes: ['things:read'], lifetime: 'P7D' };
    const keyed = (key: string) => [`Idempotency-Key: ${key}`];
    const first = await server.order(ann, `POST ${own}`, order, keyed('k1'));
    server.clock.nowMs += 60_000;
    const again = await server.order(ann, `POST ${own}`, order, keyed('k1'));
    t.same([again.status, again.body], [first.status, first.body]);
    t.equal(again.header('location'), first.header('location'));
    const otherKey = await server.order(ann, `POST ${own}`, order, keyed('k2'));
    t.not(otherKey.body['secret'], first.body['secret']);
    const other = await server.order(ann, `POST ${own}`, { ...order, name: 'other' }, keyed('k1'));
    t.match(other, { status: 422, body: { code: 'idempotency_conflict' } });
    t.equal((await server.order(ann, `GET ${own}`)).body['total'], 2, 'and nothing was made');
    for (const headers of [keyed(''), keyed('x'.repeat(256)), keyed('é')])
      t.match(await server.order(ann, `POST ${own}`, order, headers), { status: 400 });
    t.match(await server.order(ann, `POST ${own}`, order, [...keyed('a'), ...keyed('a')]), {
      status: 400,
      body: { errors: [{ header: 'Idempotency-Key' }] },
    });
  },
);

t.test(
  '14: a token is made for some networks, which a new secret keeps; what is no network is refused',
  async (t) => {
    const server = await startManagement(t);
    const ann = await server.signIn();
    const body = { name: 'ci', scopes: ['things:read'], allowFrom: ['192.0.2.7', '2001:DB8::/32'] };
    const made = await server.order(ann, `POST ${own}`, body);
    const allowFrom = ['192.0.2.7/32', '2001:db8::/32'];
    t.match([made.status, made.body], [201, { allowFrom }]);
    t.match(itemsOf(await server.order(ann, `GET ${own}`)), [{ allowFrom }]);
    const path = `/orgs/acme/api-tokens/${idOf(made)}`;
    t.match((await server.order(ann, `POST ${path}/regenerate`, {})).body, { allowFrom });
    for (const [code, networks] of [
      ['address_malformed', ['10.1.2.3/8']],
      ['address_malformed', ['example.com']],
      ['request_malformed', []],
      ['request_malformed', '10.0.0.0/8'],
      ['request_malformed', Array.from({ length: 33 }, (_, at) => `10.0.0.${at}`)],
    ] as const)
      t.match((await server.order(ann, `POST ${own}`, { ...body, allowFrom: networks })).body, { code });
  },
);

t.test('a server without a sealing key says that it knows no idempotency keys', async (t) => {
  const server = await startManagement(t, { keys: worldSettings.keys });
  const order = { name: 'nightly', scopes: 'all' };
  const reply = await server.order(await server.signIn(), `POST ${own}`, order, ['Idempotency-Key: k']);
  t.match(reply, { status: 501, body: { code: 'idempotency_unavailable', detail: /keys.encryptionKey/ } });
});

t.test('a new secret takes the place of the old one, at once or after an overlap', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  const { secret: first, record } = await server.token(['things:read']);
  const path = `POST /orgs/acme/api-tokens/${record.id}/regenerate`;
  const second = await server.order(ann, path, { overlap: 'P1D' });
  t.match(second, {
    status: 200,
    body: {
      id: record.id,
      secretNumber: 1,
      previousSecretExpiresAt: new Date(server.now() + 86_400_000).toISOString(),
    },
  });
  const works = async (secret: unknown) =>
    (await server.order(undefined, 'POST /api-tokens/details', { token: secret })).status === 200;
  t.same([await works(first), await works(second.body['secret'])], [true, true]);
  const third = await server.order(ann, path, {});
  t.match(third.body, { secretNumber: 2, previousSecretExpiresAt: null });
  t.same(
    [await works(first), await works(second.body['secret']), await works(third.body['secret'])],
    [false, false, true],
  );
  t.match(await server.order(ann, path, { overlap: 'P8D' }), {
    status: 400,
    body: { errors: [{ pointer: '/overlap', detail: 'Seven days (P7D) at most.' }] },
  });
  t.match((await server.order(ann, path)).status, 200, 'a body may be left out');
});

t.test(
  'a repeated regeneration burns no secret; with another overlap the key is refused, here and elsewhere',
  async (t) => {
    const server = await startManagement(t);
    const ann = await server.signIn();
    const { record } = await server.token();
    const path = `POST /orgs/acme/api-tokens/${record.id}/regenerate`;
    const key = ['Idempotency-Key: one'];
    const first = await server.order(ann, path, { overlap: 'PT1H' }, key);
    server.clock.nowMs += 5_000;
    t.same((await server.order(ann, path, { overlap: 'PT60M' }, key)).body, first.body);
    const conflict = { status: 422, body: { code: 'idempotency_conflict' } };
    for (const overlap of ['PT2H', 'PT59M', 'PT0S'])
      t.match(await server.order(ann, path, { overlap }, key), conflict, overlap);

    // Another replica remembers nothing, but sees the record.
    const replica = await createSurfaces({
      ...server,
      record: () => undefined,
    });
    t.teardown(() => replica.close());
    const port = await startBeside(t, replica);
    const there = async (overlap: string) => {
      const body = JSON.stringify({ overlap });
      const head = [
        `${path.replace('/', `${prefix}/`)} HTTP/1.1`,
        'Host: x',
        ...key,
        `Authorization: Bearer ${ann}`,
      ];
      const lines = [...head, 'Content-Type: application/json', `Content-Length: ${body.length}`];
      return (await exchangeRaw(port, `${lines.join('\r\n')}\r\n\r\n${body}`)).status;
    };
    t.same(await Promise.all(['PT1H', 'PT0S', 'PT30M', 'P3D'].map(there)), [200, 422, 422, 422]);
    t.match((await server.order(ann, `GET /orgs/acme/api-tokens/${record.id}`)).body, { secretNumber: 1 });
  },
);

t.test('pages in every order show each token once, whatever is made and revoked meanwhile', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  for (let index = 0; index < 7; index++) {
    server.clock.nowMs += 1_000;
    await server.token('all', index % 2 === 0 ? null : (index + 1) * 3_600_000);
  }
  for (const sort of ['createdAt', '-createdAt', 'name', '-expiresAt', 'expiresAt', '-name']) {
    const seen: string[] = [];
    let path = `${own}?limit=3&sort=${sort}`;
    for (;;) {
      const page = await server.order(ann, `GET ${path}`);
      t.equal(page.status, 200, page.text);
      seen.push(...itemsOf(page).map(({ id }) => String(id)));
      const link = /^<(\?[^>]*)>; rel="next"$/.exec(page.header('link') ?? '')?.[1];
      t.equal(link === undefined, page.body['nextCursor'] === null);
      if (link === undefined) break;
      t.match(link, `cursor=${encodeURIComponent(String(page.body['nextCursor']))}`);
      path = `${own}${link}`;
      if (sort === 'createdAt') await server.apiTokens.revokeApiToken(seen[0]!);
    }
    t.equal(seen.length, 7, sort);
    t.equal(new Set(seen).size, 7, sort);
  }
  const page = await server.order(ann, `GET ${own}?limit=3`);
  const cursor = String(page.body['nextCursor']);
  for (const query of [
    `cursor=${cursor}&sort=-name`,
    'cursor=bm9uZQ',
    'cursor=%7B%7D',
    `cursor=${'A'.repeat(1000)}`,
  ])
    t.match(await server.order(ann, `GET ${own}?${query}`), {
      status: 400,
      body: { code: 'cursor_malformed' },
    });
});

t.test('a listing is filtered by state and by part of the name', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  const make = (name: string, lifetime = 'P1D') =>
    server.order(ann, `POST ${own}`, { name, scopes: 'all', lifetime });
  await make('Nightly build');
  await make('Über-Bericht');
  await make('short', 'PT1M');
  server.clock.nowMs += 61_000;
  const names = async (query: string) =>
    itemsOf(await server.order(ann, `GET ${own}?${query}`)).map(({ name }) => name);
  t.same(await names('name=BUILD'), ['Nightly build']);
  t.same(await names('name=%C3%BCber'), ['Über-Bericht']);
  t.same(await names('state=expired'), ['short']);
  t.same(await names('state=active&sort=-name'), ['Über-Bericht', 'Nightly build']);
});

t.test(
  'one’s own need the right to them, others’ the right to all, and another organization’s are nobody’s',
  async (t) => {
    const server = await startManagement(t);
    const [ann, ben, eve] = await Promise.all([
      server.signIn(),
      server.signIn('ben'),
      server.signIn('eve', undefined, 'other'),
    ]);
    const poor = await server.signIn('ann', ['things:read']);
    const { record } = await server.token();
    const order = { name: 'x', scopes: ['things:read'] };
    const bens = '/orgs/acme/users/ben/api-tokens';
    t.equal((await server.order(ben, `POST ${bens}`, order)).status, 201, 'ben makes his own');
    t.equal((await server.order(ann, `POST ${bens}`, order)).status, 201, 'an owner makes one for ben');
    const one = `/orgs/acme/api-tokens/${record.id}`;
    for (const [who, request, code] of [
      [ben, `POST ${own}`, 'scope_missing'],
      [ben, `GET ${own}`, 'scope_missing'],
      [ben, `GET ${one}`, 'scope_missing'],
      [ben, `DELETE ${one}`, 'scope_missing'],
      [ben, `POST ${one}/regenerate`, 'scope_missing'],
      [ben, 'GET /orgs/acme/api-tokens', 'scope_missing'],
      [ben, 'POST /orgs/acme/revoke-all', 'scope_missing'],
      [ben, 'POST /orgs/acme/users/ann/revoke-all', 'scope_missing'],
      [poor, `GET ${own}`, 'scope_missing'],
      [eve, `POST ${own}`, 'tenant_mismatch'],
      [eve, `GET ${own}`, 'tenant_mismatch'],
      [eve, `GET ${one}`, 'tenant_mismatch'],
      [eve, `DELETE ${one}`, 'tenant_mismatch'],
      [eve, `POST ${one}/regenerate`, 'tenant_mismatch'],
      [eve, 'POST /orgs/acme/revoke-all', 'tenant_mismatch'],
      [eve, 'GET /orgs/nowhere/api-tokens', 'tenant_mismatch'],
    ] as const) {
      const reply = await server.order(who, request, request.startsWith('POST') ? order : undefined);
      if (!request.includes('regenerate')) t.match(reply, { status: 403, body: { code } }, request);
      else t.not(reply.status, 200);
    }
    for (const request of ['GET', 'DELETE'])
      t.match(await server.order(eve, `${request} /orgs/other/api-tokens/${record.id}`), {
        status: 404,
        body: { code: 'token_unknown' },
      });
    t.match(await server.order(ben, `POST ${one}/regenerate`, {}), { status: 403 });
    t.match(
      (await server.order(ann, `GET ${one}`)).body,
      { state: 'active', secretNumber: 0 },
      'nothing has changed',
    );
    t.match(await server.order(ben, `GET ${bens}`), { status: 200, body: { total: 2 } });
    t.match((await server.order(ben, `POST ${bens}`, { name: 'x', scopes: ['things:write'] })).body, {
      code: 'scope_too_wide',
    });
    t.match((await server.order(ann, `POST ${own}`, { name: 'x', scopes: ['reports:read'] })).body, {
      code: 'scope_too_wide',
    });
    t.match(await server.order(ann, 'POST /orgs/acme/users/nobody/api-tokens', order), {
      status: 404,
      body: { code: 'user_unknown' },
    });
  },
);

t.test('an API token, and a session made from one, manages nothing', async (t) => {
  const server = await startManagement(t);
  const { secret, record } = await server.token();
  const session = await server.accessToken(secret);
  const orders: [string, unknown?][] = [
    [`POST ${own}`, { name: 'successor', scopes: 'all' }],
    [`GET ${own}`],
    ['GET /orgs/acme/api-tokens'],
    [`GET /orgs/acme/api-tokens/${record.id}`],
    [`DELETE /orgs/acme/api-tokens/${record.id}`],
    [`POST /orgs/acme/api-tokens/${record.id}/regenerate`, {}],
    ['POST /revoke-all'],
    ['POST /orgs/acme/revoke-all'],
    ['POST /orgs/acme/users/ann/revoke-all'],
    ['GET /orgs/acme/users'],
    ['GET /orgs/acme/users/ben'],
    ['GET /orgs/acme/roles'],
    ['PATCH /orgs/acme/users/ben', { roles: ['owner'] }],
    ['PUT /orgs/acme/users/ann/password', { currentPassword: 'x', newPassword: 'a long enough one' }],
    ['GET /orgs/acme/audit'],
    ['DELETE /orgs/other/api-tokens/x'],
  ];
  for (const who of [secret, session])
    for (const [request, body] of orders)
      t.match(
        await server.order(who, request, body),
        { status: 403, body: { code: 'session_kind_refused' } },
        request,
      );
  t.equal(((await server.apiTokens.findApiToken(record.id)) as { state: string }).state, 'active');
});

t.test(
  'revoke-all ends everything of mine, of a user, of the organization: the caller’s session too',
  async (t) => {
    const server = await startManagement(t);
    const { secret } = await server.token();
    const bens = await server.order(await server.signIn('ben'), 'POST /orgs/acme/users/ben/api-tokens', {
      name: 'x',
      scopes: 'all',
    });
    const isLive = async (token: unknown) =>
      (await server.order(String(token), 'GET /sessions/current')).status === 200;
    const mine = await server.signIn();
    t.equal((await server.order(mine, 'POST /revoke-all')).status, 204);
    t.same(
      [await isLive(mine), await isLive(secret), await isLive(bens.body['secret'])],
      [false, false, true],
    );
    const ann = await server.signIn();
    t.equal((await server.order(ann, 'POST /orgs/acme/users/ben/revoke-all')).status, 204);
    t.same([await isLive(ann), await isLive(bens.body['secret'])], [true, false]);
    const later = await server.token();
    const eve = await server.signIn('eve', undefined, 'other');
    t.equal((await server.order(ann, 'POST /orgs/acme/revoke-all')).status, 204);
    t.same([await isLive(ann), await isLive(later.secret), await isLive(eve)], [false, false, true]);
  },
);

t.test('details are for whoever holds a token, and tell of a revoked one', async (t) => {
  const server = await startManagement(t);
  const { secret, record } = await server.token(['things:read']);
  const details = (token: unknown) => server.order(undefined, 'POST /api-tokens/details', { token });
  const known = await details(secret);
  t.match(known, { status: 200, body: { id: record.id, org: 'acme', user: 'ann', state: 'active' } });
  t.notOk(known.text.includes(secret));
  await server.apiTokens.revokeApiToken(record.id);
  t.match((await details(secret)).body, { state: 'revoked' });
  for (const token of [await server.signIn(), secret.replace(/.$/, '_'), 'a b', 'ü', 'x'.repeat(600)])
    t.match(await details(token), { status: 404, body: { code: 'token_unknown' } });
});
