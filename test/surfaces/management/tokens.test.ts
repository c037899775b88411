// API tokens through the management surface: made, listed, seen, given a new secret, revoked.

import t from 'tap';
import { idOf, itemsOf, prefix, startManagement } from './management-server.ts';

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
