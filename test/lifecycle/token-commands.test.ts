// What a caller of a surface may command about API tokens, and what the audit says of it.

import * as fc from 'fast-check';
import t from 'tap';
import type { Identity } from '../../src/decision/identity.ts';
import { createCommandLimit } from '../../src/identity/command-limit.ts';
import { isDenial } from '../../src/decision/outcome.ts';
import type { Actor } from '../../src/lifecycle/actor.ts';
import { createAudit } from '../../src/lifecycle/audit.ts';
import { isCommandError } from '../../src/lifecycle/command-error.ts';
import { createTokenCommands } from '../../src/lifecycle/token-commands.ts';
import type { TokenView } from '../../src/lifecycle/token-list.ts';
import type { AuditEntry } from '../../src/store/records.ts';
import { createTokenId } from '../../src/tokens/api-token.ts';
import { recordFeed } from '../contract/recorded-feed.ts';
import { anIdentity } from '../support/identity.ts';
import { createWorld, dayMs, sealed } from './world.ts';

/** Users ann (own tokens), root (all tokens) and bob of acme; eve of other, who has every right there. */
const startCommands = async (t: Parameters<typeof createWorld>[0]) => {
  const world = await createWorld(t, sealed);
  const { accounts, store, now } = world;
  const role = async (orgId: string, name: string, scopes: readonly string[]) =>
    accounts.defineRole(orgId, name, scopes);
  await role('acme', 'self', ['tollgate:tokens:own']);
  await role('acme', 'root', ['tollgate:tokens:all', 'things:read']);
  await accounts.setRoles('acme', 'ann', ['reader', 'self']);
  await accounts.createUser({ orgId: 'acme', id: 'bob', name: 'Bob', roles: ['reader', 'self'] });
  await accounts.createUser({ orgId: 'acme', id: 'root', name: 'Root', roles: ['root'] });
  await accounts.createOrg({
    id: 'other',
    name: 'Other',
    roles: { all: ['tollgate:tokens:own', 'tollgate:tokens:all', 'org:owner'] },
    tokenLifetimeMsMax: undefined,
  });
  await accounts.createUser({ orgId: 'other', id: 'eve', name: 'Eve', roles: ['all'] });
  const lines: AuditEntry[] = [];
  const audit = createAudit({
    store,
    log: {
      line: (json) => void lines.push(JSON.parse(json) as AuditEntry),
      info: () => undefined,
      warn: () => undefined,
    },
    exchangeSampling: 1,
    now,
  });
  t.teardown(() => audit.close());
  const commands = createTokenCommands({ ...world, audit });
  const actor = (userId: string, scopes: readonly string[], over: Partial<Identity> = {}): Actor => ({
    identity: {
      ...anIdentity({}),
      sessionKind: 'interactive',
      org: { id: 'acme', name: 'Acme' },
      user: { id: userId, name: userId, roles: [] },
      scopes: new Set(scopes),
      tokenId: undefined,
      secretNumber: undefined,
      generation: { org: 0, user: 0 },
      ...over,
    },
    clientAddress: '192.0.2.1',
    requestId: 'request-1',
  });
  const command = {
    orgId: 'acme',
    userId: 'ann',
    name: 'ci',
    scopes: 'all',
    lifetimeMs: null,
    length: 65,
  } as const;
  return {
    world,
    audit,
    lines,
    commands,
    command,
    ann: actor('ann', ['things:read', 'reports:read', 'tollgate:tokens:own']),
    root: actor('root', ['tollgate:tokens:all', 'things:read']),
    eve: actor('eve', ['tollgate:tokens:own', 'tollgate:tokens:all', 'org:owner'], {
      org: { id: 'other', name: 'Other' },
    }),
    actor,
  };
};

type Commands = Awaited<ReturnType<typeof startCommands>>;

const made = async ({ commands, ann, command }: Commands, over: object = {}) => {
  const answer = await commands.createApiToken(ann, { ...command, ...over });
  if (!('secret' in answer)) throw new Error(JSON.stringify(answer));
  return answer;
};

const said = async (answer: Promise<unknown>): Promise<string> => {
  const value = await answer;
  if (isDenial(value)) return value.reason;
  if (isCommandError(value)) return value.code;
  return typeof value === 'string' ? value : 'done';
};

t.test('a person with the right makes, sees, regenerates and revokes their own tokens', async (t) => {
  const world = await startCommands(t);
  const { commands, ann } = world;
  const { secret, record } = await made(world);
  t.match(await commands.findApiToken(ann, record.id), { id: record.id, state: 'active', userName: 'Ann' });
  const query = { orgId: 'acme', userId: 'ann', skip: 0, limit: 10 };
  t.match(await commands.listApiTokens(ann, { ...query, isCounted: true }), {
    total: 1,
    items: [{ id: record.id }],
  });
  const command = { tokenId: record.id, overlapMs: 0, length: 65, idempotencyKey: 'key' } as const;
  const again = await commands.regenerateApiToken(ann, command);
  t.match(again, { record: { secretNumber: 1 } });
  t.not('secret' in again && again.secret, secret);
  t.equal(await said(commands.revokeApiToken(ann, record.id)), 'revoked');
  t.equal(await said(commands.revokeApiToken(ann, record.id)), 'already_revoked');
  t.match(await commands.findApiToken(ann, record.id), { state: 'revoked' });
});

t.test('a session made from an API token may do none of it, whatever its scopes', async (t) => {
  const world = await startCommands(t);
  const { commands, actor, command } = world;
  const { record } = await made(world);
  const api = actor('ann', ['tollgate:tokens:own', 'tollgate:tokens:all', 'org:owner'], {
    sessionKind: 'api_token',
  });
  const query = { orgId: 'acme', userId: 'ann', skip: 0, limit: 10 };
  const regeneration = { tokenId: record.id, overlapMs: 0, length: 65 } as const;
  for (const answer of [
    commands.createApiToken(api, command),
    commands.listApiTokens(api, query),
    commands.findApiToken(api, record.id),
    commands.regenerateApiToken(api, regeneration),
    commands.revokeApiToken(api, record.id),
    commands.revokeAll(api, { orgId: 'acme', userId: 'ann' }),
    commands.findApiToken(api, 'no id at all'),
  ])
    t.equal(await said(answer), 'session_kind_refused');
  t.match(await world.world.store.findToken(record.id), { state: 'active', secretNumber: 0 });
});

t.test(
  "another user's tokens need the right to all; another org's are as if they were not there",
  async (t) => {
    const world = await startCommands(t);
    const { commands, actor, root, eve, command } = world;
    const { record } = await made(world);
    const bob = actor('bob', ['tollgate:tokens:own']);
    const regeneration = { tokenId: record.id, overlapMs: 0, length: 65 } as const;
    for (const answer of [
      commands.findApiToken(bob, record.id),
      commands.revokeApiToken(bob, record.id),
      commands.regenerateApiToken(bob, regeneration),
      commands.revokeAll(bob, { orgId: 'acme', userId: 'ann' }),
      commands.revokeAll(bob, { orgId: 'acme', userId: undefined }),
      commands.listApiTokens(bob, { orgId: 'acme', userId: undefined, skip: 0, limit: 10 }),
      commands.createApiToken(bob, command),
    ])
      t.equal(await said(answer), 'scope_missing');
    for (const answer of [
      commands.findApiToken(eve, record.id),
      commands.revokeApiToken(eve, record.id),
      commands.regenerateApiToken(eve, regeneration),
    ])
      t.equal(await said(answer), 'token_unknown');
    for (const answer of [
      commands.revokeAll(eve, { orgId: 'acme', userId: 'ann' }),
      commands.listApiTokens(eve, { orgId: 'acme', userId: undefined, skip: 0, limit: 10 }),
      commands.createApiToken(eve, command),
    ])
      t.equal(await said(answer), 'tenant_mismatch');
    t.match(await commands.findApiToken(root, record.id), { id: record.id });
    t.match(await commands.listApiTokens(root, { orgId: 'acme', userId: undefined, skip: 0, limit: 10 }), {
      items: [{ id: record.id }],
    });
    t.equal(await said(commands.revokeApiToken(root, record.id)), 'revoked');
  },
);

t.test('a session of fewer scopes than its user is given no secret that does more', async (t) => {
  const world = await startCommands(t);
  const { commands, ann, actor, command } = world;
  const keyed = { ...command, idempotencyKey: 'nightly' };
  const { record, secret } = await made(world, keyed);
  const narrow = actor('ann', ['tollgate:tokens:own']);
  t.equal(await said(commands.createApiToken(narrow, command)), 'scope_too_wide');
  t.equal(
    await said(commands.createApiToken(narrow, keyed)),
    'scope_too_wide',
    'nor an earlier one by its key',
  );
  const regeneration = { tokenId: record.id, overlapMs: 0, length: 65 } as const;
  t.equal(await said(commands.regenerateApiToken(narrow, regeneration)), 'scope_too_wide');
  t.match(await commands.createApiToken(ann, keyed), { secret }, 'nothing has changed');
});

t.test(
  'an idempotency key is each caller’s own: the same from somebody else gives nobody’s secret',
  async (t) => {
    const world = await startCommands(t);
    const { world: base, commands, ann, actor, command } = world;
    await base.accounts.setRoles('acme', 'root', ['reader', 'self', 'root']);
    const root = actor('root', ['things:read', 'reports:read', 'tollgate:tokens:own', 'tollgate:tokens:all']);
    const keyed = { ...command, idempotencyKey: 'nightly' };
    const { record, secret } = await made(world, keyed);
    const others = await commands.createApiToken(root, keyed);
    t.match(others, { secret: String, record: { userId: 'ann' } });
    t.not('record' in others && others.record.id, record.id);
    t.not('secret' in others && others.secret, secret);
    const regeneration = { tokenId: record.id, overlapMs: 0, length: 65, idempotencyKey: 'next' } as const;
    const mine = await commands.regenerateApiToken(ann, regeneration);
    const theirs = await commands.regenerateApiToken(root, regeneration);
    t.match([mine, theirs], [{ record: { secretNumber: 1 } }, { record: { secretNumber: 2 } }]);
    t.not('secret' in theirs && theirs.secret, 'secret' in mine && mine.secret);
  },
);

t.test('a command that says whose the token must be finds nobody else’s', async (t) => {
  const world = await startCommands(t);
  const { commands, root } = world;
  const { record } = await made(world);
  const ann = { orgId: 'acme', userId: 'ann' };
  const bob = { orgId: 'acme', userId: 'bob' };
  const elsewhere = { orgId: 'other', userId: 'ann' };
  t.match(await commands.findApiToken(root, record.id, ann), { id: record.id });
  t.equal(await said(commands.findApiToken(root, record.id, bob)), 'token_unknown');
  t.equal(await said(commands.revokeApiToken(root, record.id, bob)), 'token_unknown');
  t.equal(await said(commands.findApiToken(root, record.id, elsewhere)), 'tenant_mismatch');
  t.equal(await said(commands.revokeApiToken(root, record.id, elsewhere)), 'tenant_mismatch');
  t.equal(await said(commands.revokeApiToken(root, record.id, ann)), 'revoked');
});

t.test('the right to all tokens is no way to another user’s rights', async (t) => {
  const world = await startCommands(t);
  const { commands, root, command } = world;
  const { record } = await made(world);
  const regeneration = { tokenId: record.id, overlapMs: 0, length: 65 } as const;
  t.equal(await said(commands.regenerateApiToken(root, regeneration)), 'scope_too_wide');
  t.equal(await said(commands.createApiToken(root, command)), 'scope_too_wide');
  const narrow = { ...command, scopes: ['things:read'] };
  t.equal(await said(commands.createApiToken(root, narrow)), 'done');
  const { record: mine } = await made(world, { scopes: ['things:read'] });
  t.equal(await said(commands.regenerateApiToken(root, { ...regeneration, tokenId: mine.id })), 'done');
});

t.test(
  "an external issuer's session has the rights that our roles give its user, and no others",
  async (t) => {
    const world = await startCommands(t);
    const { commands, actor, command } = world;
    const external = (userId: string, scopes: readonly string[]) =>
      actor(userId, scopes, { issuer: 'https://login.example', generation: undefined });
    t.equal(await said(commands.createApiToken(external('ann', []), command)), 'done');
    const bobs = { ...command, userId: 'bob' };
    t.equal(await said(commands.createApiToken(external('ann', ['org:owner']), bobs)), 'scope_missing');
    t.equal(await said(commands.createApiToken(external('nobody', ['org:owner']), command)), 'scope_missing');
    await world.world.accounts.setUserState('acme', 'ann', 'disabled');
    t.equal(await said(commands.createApiToken(external('ann', []), command)), 'scope_missing');
  },
);

t.test('revoking all ends mine, a user’s or the whole org’s, and what is made after lives', async (t) => {
  const world = await startCommands(t);
  const { commands, ann, root } = world;
  const stateOf = async (id: string) => {
    const view = await commands.findApiToken(root, id);
    return 'state' in view && view.state;
  };
  const first = (await made(world)).record.id;
  t.equal(await said(commands.revokeAll(ann, { orgId: 'acme', userId: 'ann' })), 'revoked');
  const second = (await made(world)).record.id;
  t.same([await stateOf(first), await stateOf(second)], ['revoked', 'active']);
  t.equal(await said(commands.revokeAll(root, { orgId: 'acme', userId: 'ann' })), 'revoked');
  const third = (await made(world)).record.id;
  t.same([await stateOf(second), await stateOf(third)], ['revoked', 'active']);
  t.equal(await said(commands.revokeAll(root, { orgId: 'acme', userId: undefined })), 'revoked');
  t.equal(await stateOf(third), 'revoked');
});

t.test('a listing is filtered, sorted and cut, and tells how many there are', async (t) => {
  const world = await startCommands(t);
  const { commands, ann, root, world: place } = world;
  const query = { orgId: 'acme', userId: 'ann', skip: 0, limit: 100 };
  for (const [name, lifetimeMs] of [
    ['b', 3 * dayMs],
    ['a', null],
    ['c', dayMs],
    ['b', 2 * dayMs],
  ] as const) {
    await made(world, { name, lifetimeMs });
    place.clock.nowMs += 1_000;
  }
  const list = async (over: object): Promise<readonly TokenView[]> => {
    const answer = await commands.listApiTokens(ann, { ...query, ...over });
    if (!('items' in answer)) throw new Error(JSON.stringify(answer));
    return answer.items;
  };
  const names = async (by: string, isDescending = false): Promise<string> =>
    (await list({ sort: { by, isDescending } })).map(({ name }) => name).join('');
  t.equal(await names('name'), 'abbc');
  t.equal(await names('name', true), 'cbba');
  t.equal(await names('createdAtMs'), 'bacb');
  t.equal(await names('expiresAtMs'), 'cbba', 'what never expires comes last');
  t.equal((await list({})).map(({ name }) => name).join(''), 'bacb', 'as they were made');
  t.same(
    await Promise.all([0, 3, 4].map(async (skip) => (await list({ skip, limit: 3 })).length)),
    [3, 1, 0],
  );
  const isB = { kind: 'test', holds: ({ name }: TokenView) => name === 'b' } as const;
  t.match(await commands.listApiTokens(ann, { ...query, limit: 1, filter: isB, isCounted: true }), {
    total: 2,
    items: { length: 1 },
  });
  place.clock.nowMs += dayMs;
  t.match(await list({ filter: { kind: 'is', field: 'name', value: 'c' } }), [{ state: 'expired' }]);
  const bob = world.actor('bob', ['things:read', 'reports:read', 'tollgate:tokens:own']);
  await made({ ...world, ann: bob }, { userId: 'bob' });
  t.match(await commands.listApiTokens(root, { ...query, userId: undefined, isCounted: true }), { total: 5 });
  t.equal(await said(commands.listApiTokens(root, { ...query, userId: 'nobody' })), 'user_unknown');
});

t.test('no listing shows a secret or anything a secret could be guessed from', async (t) => {
  const world = await startCommands(t);
  const { commands, root, ann } = world;
  const text = fc.string({ minLength: 1, maxLength: 20 }).filter((name) => /^[!-~]+$/.test(name));
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (name, openid) => {
      const { secret, record } = await made(world, { name, openid });
      const again = await commands.regenerateApiToken(ann, { tokenId: record.id, overlapMs: 5, length: 65 });
      const secrets = [secret, 'secret' in again ? again.secret : ''];
      const { createHash } = await import('node:crypto');
      const shown = JSON.stringify([
        await commands.listApiTokens(root, { orgId: 'acme', userId: undefined, skip: 0, limit: 1_000 }),
        await commands.findApiToken(root, record.id),
        record,
      ]);
      return secrets.every(
        (one) =>
          one !== '' &&
          !shown.includes(one) &&
          !shown.includes(createHash('sha256').update(one).digest('hex')),
      );
    }),
    { numRuns: 15 },
  );
  t.pass();
});

t.test('what changes nothing is no line of the audit, however often it is repeated', async (t) => {
  const world = await startCommands(t);
  const { commands, ann, lines, command } = world;
  const { record } = await made(world);
  const again = { ...command, idempotencyKey: 'key-0123456789abcdef' };
  const first = await commands.createApiToken(ann, again);
  const tokenId = 'record' in first ? first.record.id : '';
  const regeneration = { tokenId, overlapMs: 0, length: 65, idempotencyKey: 'key-fedcba9876543210' } as const;
  const before = lines.length;
  for (let time = 0; time < 3; time++) {
    t.equal(await commands.revokeApiToken(ann, record.id), time === 0 ? 'revoked' : 'already_revoked');
    t.match(await commands.regenerateApiToken(ann, regeneration), { record: { secretNumber: 1 } });
  }
  t.same(
    lines.slice(before).map(({ action }) => action),
    ['token.revoke', 'token.regenerate'],
  );
});

t.test('the audit says who did what to whom, from where, and what was refused and why', async (t) => {
  const world = await startCommands(t);
  const { commands, ann, eve, actor, lines, audit, command, world: place } = world;
  const { record } = await made(world);
  await commands.findApiToken(ann, record.id);
  await commands.listApiTokens(ann, { orgId: 'acme', userId: 'ann', skip: 0, limit: 5 });
  await commands.revokeApiToken(eve, record.id);
  await commands.createApiToken(actor('bob', [], { sessionKind: 'api_token', tokenId: 'token-9' }), command);
  await commands.createApiToken(ann, { ...command, scopes: ['things:write'] });
  await commands.revokeApiToken(ann, 'tgMaybeASecretInTheWrongPlace');
  await commands.revokeApiToken(ann, record.id);
  const anns = { org: 'acme', user: 'ann' };
  const expected = [
    { action: 'token.create', actor: anns, subject: { ...anns, tokenId: record.id }, result: 'done' },
    {
      action: 'token.revoke',
      actor: { org: 'other', user: 'eve' },
      subject: { ...anns, tokenId: record.id },
      result: 'refused',
      reason: 'tenant_mismatch',
    },
    {
      action: 'token.create',
      actor: { org: 'acme', user: 'bob', tokenId: 'token-9' },
      subject: anns,
      result: 'refused',
      reason: 'session_kind_refused',
    },
    { action: 'token.create', actor: anns, subject: anns, result: 'refused', reason: 'scope_too_wide' },
    { action: 'token.revoke', actor: anns, subject: {}, result: 'refused', reason: 'token_unknown' },
    { action: 'token.revoke', actor: anns, subject: { ...anns, tokenId: record.id }, result: 'done' },
  ];
  t.match(
    lines,
    expected.map((entry) => ({ ...entry, clientAddress: '192.0.2.1', requestId: 'request-1', msg: 'audit' })),
  );
  t.equal(lines.length, expected.length, 'looking at one’s own tokens is not worth a line');
  t.notMatch(JSON.stringify(lines), /MaybeASecret/);
  await audit.close();
  const kept = await place.store.readAudit('acme', { limit: 100, cursor: undefined });
  const written = expected.map(({ action, reason = 'done' }) => `${action} ${reason}`);
  t.same(
    'items' in kept && kept.items.map(({ action, reason = 'done' }) => `${action} ${reason}`).sort(),
    written.filter((line) => !line.includes('tenant_mismatch')).sort(),
    'but nothing of what an outsider was refused',
  );
  t.match(await place.store.readAudit('other', { limit: 100, cursor: undefined }), { items: { length: 1 } });
});

t.test(
  'an id that the store does not know ends its sessions; so many of an account in a minute',
  async (t) => {
    const { ann, world } = await startCommands(t);
    const commands = createTokenCommands({ ...world, audit: undefined, commandLimit: createCommandLimit(2) });
    const told = recordFeed();
    const subscription = world.store.follow(told);
    t.teardown(() => subscription.close());
    const powerless = { ...ann, identity: { ...ann.identity, scopes: new Set<string>() } };
    const ids = Array.from({ length: 4 }, () => createTokenId(5));
    const [first = '', second = '', third = '', fourth = ''] = ids;
    t.match(await commands.revokeApiToken(powerless, fourth), { reason: 'scope_missing' });
    for (const id of [first, second])
      t.match(await commands.revokeApiToken(ann, id), { code: 'token_unknown', message: /have been ended/ });
    t.match(await commands.revokeApiToken(ann, third), { reason: 'rate_limited' });
    await world.store.endSession('the last line', 1);
    await told.until(() => told.lines.some(({ kind }) => kind === 'session'));
    t.same(
      told.lines.flatMap((line) => (line.kind === 'token' ? [line.tokenId] : [])),
      [first, second],
    );
  },
);
