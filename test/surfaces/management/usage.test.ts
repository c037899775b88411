// Issue 9, number 15: who may see how much API tokens are used, and what is shown.

import t, { type Test } from 'tap';
import { addDays, dayOf, type TokenUsage } from '../../../src/store/usage-store.ts';
import { startManagement } from './management-server.ts';

const dayMs = 24 * 3_600_000;

const startUsage = async (t: Test) => {
  const server = await startManagement(t);
  const make = async (userId: string) => {
    const made = await server.apiTokens.createApiToken({
      orgId: 'acme',
      userId,
      name: userId,
      scopes: ['things:read'],
      lifetimeMs: null,
      length: 65,
    });
    if (!('record' in made)) throw new Error(JSON.stringify(made));
    return made.record;
  };
  const [ann, ben] = [await make('ann'), await make('ben')];
  const today = dayOf(server.now());
  let number = 0;
  const use = (record: typeof ann, requests: number, day = today) => {
    const { id: tokenId, orgId, userId } = record;
    const sum: TokenUsage = { tokenId, orgId, userId, requests, refused: 1, bytesIn: 2, bytesOut: 3 };
    return server.store.addUsage({ writer: 'w', number: (number += 1), day, keepDays: 400, sums: [sum] });
  };
  const see = async (
    path: string,
    who: readonly [userId: string, scopes?: readonly string[] | undefined, orgId?: string],
  ) => server.order(await server.signIn(...who), `GET /orgs/acme${path}`);
  return { server, ann, ben, today, use, see };
};

t.test('the usage of a token, a user and an organization has its days and their sum', async (t) => {
  const { server, ann, ben, today, use, see } = await startUsage(t);
  await use(ann, 10);
  await use(ben, 5);
  server.clock.nowMs += dayMs;
  const tomorrow = addDays(today, 1);
  await use(ann, 4, tomorrow);
  t.same((await see(`/api-tokens/${ann.id}/usage`, ['ann'])).body, {
    counted: false,
    from: addDays(tomorrow, -29),
    to: tomorrow,
    total: { requests: 14, refused: 2, bytesIn: 4, bytesOut: 6 },
    days: [
      { day: today, requests: 10, refused: 1, bytesIn: 2, bytesOut: 3 },
      { day: tomorrow, requests: 4, refused: 1, bytesIn: 2, bytesOut: 3 },
    ],
  });
  t.match((await see('/users/ben/usage', ['ann'])).body, { total: { requests: 5 } });
  t.match((await see('/usage', ['ann'])).body, {
    total: { requests: 19 },
    days: [
      { day: today, requests: 15 },
      { day: tomorrow, requests: 4 },
    ],
  });
  t.match((await see(`/usage?from=${tomorrow}&to=${tomorrow}`, ['ann'])).body, {
    from: tomorrow,
    total: { requests: 4 },
  });
});

t.test('one’s own usage needs the right to one’s own tokens, that of others the right to all', async (t) => {
  const { ann, ben, see } = await startUsage(t);
  const ownRight = ['tollgate:tokens:own'];
  t.equal((await see(`/api-tokens/${ben.id}/usage`, ['ben', ownRight])).status, 200);
  t.equal((await see('/users/ben/usage', ['ben', ownRight])).status, 200);
  t.match(await see(`/api-tokens/${ann.id}/usage`, ['ben', ownRight]), {
    status: 403,
    body: { code: 'scope_missing' },
  });
  for (const path of ['/users/ann/usage', '/usage'])
    t.match(await see(path, ['ben', ownRight]), { status: 403, body: { code: 'scope_missing' } }, path);
  t.match(await see('/users/ben/usage', ['ben', ['things:read']]), { status: 403 });
  for (const path of [`/api-tokens/${ann.id}/usage`, '/users/ann/usage', '/usage'])
    t.match(
      await see(path, ['eve', undefined, 'other']),
      { status: 403, body: { code: 'tenant_mismatch' } },
      path,
    );
  t.equal((await see('/usage', ['ann'])).status, 200);
});

t.test('a session of an API token sees no usage, nor does one who is nobody', async (t) => {
  const { server, ann } = await startUsage(t);
  const { secret } = await server.token(['things:read']);
  t.match(await server.order(secret, `GET /orgs/acme/api-tokens/${ann.id}/usage`), {
    status: 403,
    body: { code: 'session_kind_refused' },
  });
  t.equal((await server.order(undefined, 'GET /orgs/acme/usage')).status, 401);
});

t.test('another organization’s token, and one that is not there, have no usage', async (t) => {
  const { server, ann, see, use } = await startUsage(t);
  await use(ann, 1);
  const eve = await server.signIn('eve', undefined, 'other');
  t.match(await server.order(eve, `GET /orgs/other/api-tokens/${ann.id}/usage`), {
    status: 404,
    body: { code: 'token_unknown' },
  });
  const missing = `${ann.id.slice(0, -4)}000${ann.id.slice(-1)}`;
  t.match(await see(`/api-tokens/${missing}/usage`, ['ann']), {
    status: 404,
    body: { code: 'token_unknown' },
  });
  t.match(await see('/users/nobody/usage', ['ann']), { status: 404, body: { code: 'user_unknown' } });
});

t.test('a user made again with the same id has no usage of the one before', async (t) => {
  const { server, ben, use, see } = await startUsage(t);
  await use(ben, 5);
  await server.accounts.deleteUser('acme', 'ben');
  server.clock.nowMs += dayMs;
  await server.accounts.createUser({ orgId: 'acme', id: 'ben', name: 'Ben', roles: ['member'] });
  t.match((await see('/users/ben/usage', ['ann'])).body, { total: { requests: 0 }, days: [] });
  t.match(await see(`/api-tokens/${ben.id}/usage`, ['ann']), { status: 404 }, 'nor its tokens');
  t.match((await see('/usage', ['ann'])).body, { total: { requests: 5 } }, 'the organization’s sum has it');
});

t.test('a period that cannot be one is refused with what to write', async (t) => {
  const { see } = await startUsage(t);
  for (const query of [
    'from=2027-02-30',
    'to=tomorrow',
    'from=2027-01-02&to=2027-01-01',
    'from=2027-01-01T00:00:00Z',
    'days=30',
  ])
    t.match(
      await see(`/usage?${query}`, ['ann']),
      { status: 400, body: { code: 'request_malformed' } },
      query,
    );
});
