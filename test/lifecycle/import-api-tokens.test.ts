import t from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { importedTokenId, importApiTokens } from '../../src/lifecycle/import-api-tokens.ts';
import { isTokenId } from '../../src/lifecycle/names.ts';
import { shardOfAccount, shardOfTokenId } from '../../src/tokens/shard.ts';
import { digestOf } from '../../src/tokens/api-token.ts';
import { tokensOfUser } from '../support/tokens-of-user.ts';
import { createWorld, type World } from './world.ts';

const options = { onProgress: undefined, concurrency: undefined };
const entry = { org: 'acme', user: 'ann', name: 'old', scopes: 'all', expires: null };
const idsOf = async (world: World): Promise<readonly string[]> => {
  const tokens = await tokensOfUser(world.store, 'acme', 'ann');
  return isOutage(tokens) ? [] : tokens.map(({ id }) => id);
};

t.test('a token of another system works here, by its digest or in the clear', async (t) => {
  const world = await createWorld(t);
  const secrets = ['legacy-token-number-0001', 'a'.repeat(512), '~!#$%&()*+/:=?@[]^_{|}'];
  const report = await importApiTokens(
    world,
    [
      { ...entry, sha256: digestOf(secrets[0]!).toUpperCase() },
      { ...entry, secret: secrets[1], scopes: ['things:read'], expires: '2999-01-01T00:00:00Z' },
      { ...entry, secret: secrets[2], scopes: 'things:read reports:read', expires: 4_102_444_800_000 },
    ],
    options,
  );
  t.same(report, { read: 3, imported: 3, refused: 0, problems: [], outage: undefined });
  for (const value of secrets)
    t.match(await world.identifier.identify({ form: 'opaque', value }, world.now()), {
      identity: { org: { id: 'acme' }, user: { id: 'ann' } },
    });
  t.match(await world.store.findApiToken(digestOf(secrets[1]!)), {
    token: { origin: 'imported', scopes: ['things:read'], expiresAtMs: Date.UTC(2999, 0) },
  });
});

t.test('14: an import takes over from where a token may be used', async (t) => {
  const world = await createWorld(t);
  const secrets = ['legacy-token-number-0001', 'legacy-token-number-0002', 'legacy-token-number-0003'];
  const allowed: readonly unknown[] = [['10.0.0.0/8'], '10.0.0.0/8 2001:db8::/32', ''];
  const entries = secrets.map((secret, at) => ({ ...entry, secret, allowFrom: allowed[at] }));
  t.match(await importApiTokens(world, entries, options), { imported: 3 });
  for (const [at, allowFrom] of [['10.0.0.0/8'], ['10.0.0.0/8', '2001:db8::/32'], undefined].entries())
    t.match(await world.store.findApiToken(digestOf(secrets[at] ?? '')), { token: { allowFrom } });
  const { problems } = await importApiTokens(
    world,
    [
      { ...entry, secret: 'legacy-token-number-0004', allowFrom: ['10.1.2.3/8'] },
      { ...entry, secret: 'legacy-token-number-0005', allowFrom: [7] },
      { ...entry, secret: 'legacy-token-number-0006', allowFrom: [] },
      // Misspelled, it would be as if nothing had been asked for.
      { ...entry, secret: 'legacy-token-number-0007', allow_from: ['10.0.0.0/8'] },
    ],
    options,
  );
  t.same(
    problems.map(({ problem }) => problem.code),
    ['address_malformed', 'entry_malformed', 'address_malformed', 'entry_malformed'],
  );
});

t.test('an import can be repeated: nothing is doubled, and nothing revoked comes back', async (t) => {
  const world = await createWorld(t);
  const entries = Array.from({ length: 40 }, (_, index) => ({
    ...entry,
    secret: `legacy-token-number-${index}`,
  }));
  const seen: number[] = [];
  await importApiTokens(world, entries, {
    onProgress: ({ imported }) => seen.push(imported),
    concurrency: 3,
  });
  t.same(
    seen,
    Array.from({ length: 40 }, (_, index) => index + 1),
    'progress is told entry by entry',
  );
  const before = await idsOf(world);
  t.equal(before.length, 40);
  const id = importedTokenId('acme', 'ann', digestOf('legacy-token-number-7'));
  t.equal(await world.apiTokens.revokeApiToken(id), 'revoked');
  t.match(await importApiTokens(world, entries, options), { imported: 40, refused: 0 });
  t.same(await idsOf(world), before);
  t.match(await world.apiTokens.findApiToken(id), { state: 'revoked' });
});

t.test('an import that an outage stopped is run again', async (t) => {
  const world = await createWorld(t);
  const broken = await createWorld(t);
  await broken.store.close();
  const report = await importApiTokens(
    broken,
    [
      { ...entry, secret: 'legacy-token-number-1' },
      { ...entry, secret: 'legacy-token-number-2' },
    ],
    { onProgress: undefined, concurrency: 1 },
  );
  t.match(report, { read: 1, imported: 0, outage: { kind: 'outage', reason: 'store_unavailable' } });
  t.match(await importApiTokens(world, [{ ...entry, secret: 'legacy-token-number-1' }], options), {
    imported: 1,
  });
});

t.test('a secret belongs to one user only', async (t) => {
  const world = await createWorld(t);
  await world.accounts.createUser({ orgId: 'acme', id: 'bob', name: undefined, roles: [] });
  await importApiTokens(world, [{ ...entry, secret: 'legacy-token-number-1' }], options);
  t.match(
    await importApiTokens(world, [{ ...entry, user: 'bob', secret: 'legacy-token-number-1' }], options),
    {
      refused: 1,
      problems: [{ entry: 1, problem: { code: 'secret_taken' } }],
    },
  );
});

t.test('an entry that cannot be taken is skipped and told by number, without its secret', async (t) => {
  const world = await createWorld(t);
  const secret = 'hidden-legacy-token-of-old';
  const table: [string, string, unknown][] = [
    ['no object', 'entry_malformed', 'text'],
    ['null', 'entry_malformed', null],
    ['a list', 'entry_malformed', []],
    ['no org', 'entry_malformed', { ...entry, org: undefined, secret }],
    ['no user', 'entry_malformed', { ...entry, user: 7, secret }],
    ['no name', 'entry_malformed', { ...entry, name: null, secret }],
    ['no scopes', 'entry_malformed', { ...entry, scopes: undefined, secret }],
    ['a scope that is a number', 'entry_malformed', { ...entry, scopes: [1], secret }],
    ['a scope with a quote', 'scope_malformed', { ...entry, scopes: ['"'], secret }],
    ['a date that is none', 'entry_malformed', { ...entry, expires: 'tomorrow', secret }],
    ['a time before 1970', 'entry_malformed', { ...entry, expires: -1, secret }],
    ['neither secret nor digest', 'entry_malformed', entry],
    ['both', 'entry_malformed', { ...entry, secret, sha256: digestOf(secret) }],
    ['half a digest', 'entry_malformed', { ...entry, sha256: 'abc' }],
    ['a secret that could be guessed', 'secret_malformed', { ...entry, secret: 'nineteen-characters' }],
    ['a long secret', 'secret_malformed', { ...entry, secret: 'a'.repeat(513) }],
    ['a secret with a blank', 'secret_malformed', { ...entry, secret: `${secret} x` }],
    ['a secret with a line break', 'secret_malformed', { ...entry, secret: `${secret}\n` }],
    ['a secret beyond ASCII', 'secret_malformed', { ...entry, secret: `${secret}é` }],
    ['a secret that looks like a JWT', 'secret_malformed', { ...entry, secret: `${secret}.b.c` }],
    ['an org that is not there', 'org_unknown', { ...entry, org: 'nobody', secret }],
    ['a user that is not there', 'user_unknown', { ...entry, user: 'nobody', secret }],
    ['a name with an escape', 'name_malformed', { ...entry, name: '\u001B', secret }],
  ];
  const report = await importApiTokens(
    world,
    table.map(([, , value]) => value),
    options,
  );
  t.match(report, { read: table.length, imported: 0, refused: table.length });
  for (const [index, [what, code]] of table.entries())
    t.match(report.problems[index], { entry: index + 1, problem: { code } }, what);
  t.notOk(JSON.stringify(report).includes(secret));
});

t.test('every problem is counted, the first hundred are told', async (t) => {
  const world = await createWorld(t);
  const report = await importApiTokens(world, Array.from({ length: 300 }), options);
  t.equal(report.refused, 300);
  t.equal(report.problems.length, 100);
});

t.test('the id of an imported token is a UUID that names the shard of its user', (t) => {
  for (let index = 0; index < 100; index++) {
    const id = importedTokenId('acme', `user${index}`, digestOf(String(index)));
    t.ok(isTokenId(id), id);
    t.match(id, /^.{14}8.{4}[89ab]/, 'version 8, RFC 9562 variant');
    t.equal(shardOfTokenId(id), shardOfAccount('acme', `user${index}`));
  }
  t.end();
});
