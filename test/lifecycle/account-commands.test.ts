// What a caller of a surface may command about the users of an org, and what the audit says of it.

import * as fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Identity } from '../../src/decision/identity.ts';
import { isDenial } from '../../src/decision/outcome.ts';
import { effectiveScopes } from '../../src/decision/scope.ts';
import { createAccountCommands } from '../../src/lifecycle/account-commands.ts';
import type { Actor } from '../../src/lifecycle/actor.ts';
import { createAudit } from '../../src/lifecycle/audit.ts';
import { isCommandError } from '../../src/lifecycle/command-error.ts';
import type { AuditEntry } from '../../src/store/records.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { anIdentity } from '../support/identity.ts';
import { createWorld } from './world.ts';

const page = { limit: 10, cursor: undefined };

const startCommands = async (t: Test) => {
  const world = await createWorld(t);
  const lines: AuditEntry[] = [];
  const audit = createAudit({
    store: world.store,
    log: {
      line: (json) => void lines.push(JSON.parse(json) as AuditEntry),
      info: () => undefined,
      warn: () => undefined,
    },
    exchangeSampling: 1,
    now: world.now,
  });
  t.teardown(() => audit.close());
  const commands = createAccountCommands({ ...world, audit, passwords: createPasswordHashes({ ln: 4 }) });
  const actor = (scopes: readonly string[], over: Partial<Identity> = {}): Actor => ({
    identity: anIdentity({
      sessionKind: 'interactive',
      scopes: new Set(scopes),
      generation: { org: 0, user: 0 },
      ...over,
    }),
    clientAddress: '192.0.2.1',
    requestId: 'request-1',
  });
  return { ...world, commands, actor, lines };
};

t.test('an owner who signed in may; nobody else, and each try is written down', async (t) => {
  const { commands, actor, lines } = await startCommands(t);
  const change = { orgId: 'acme', userId: 'ann', roles: undefined, state: 'disabled' } as const;
  const strangers: [string, Actor][] = [
    ['scope_missing', actor(['tollgate:tokens:all', 'tollgate:audit:read'])],
    ['session_kind_refused', actor(['org:owner'], { sessionKind: 'api_token' })],
    ['tenant_mismatch', actor(['org:owner'], { org: { id: 'other', name: 'Other' } })],
  ];
  for (const [reason, who] of strangers) {
    t.match(await commands.changeUser(who, change), { reason });
    t.match(await commands.findUser(who, 'acme', 'ann'), { reason });
    t.match(await commands.listUsers(who, 'acme', page), { reason });
    t.match(await commands.findOrg(who, 'acme'), { reason });
    if (reason !== 'scope_missing') t.match(await commands.readAudit(who, 'acme', page), { reason });
  }
  t.equal(lines.length, 14);
  t.ok(lines.every(({ result, subject }) => result === 'refused' && subject.org === 'acme'));
  const owner = actor(['org:owner']);
  t.match(await commands.changeUser(owner, change), { state: 'disabled', roles: ['admin', 'reader'] });
  t.match(await commands.changeUser(owner, change), { state: 'disabled' }, 'again, which changes nothing');
  t.match(lines.at(-1), { action: 'user.change', result: 'done', subject: { org: 'acme', user: 'ann' } });
  t.match(await commands.listUsers(owner, 'acme', page), { items: [{ id: 'ann' }] });
  t.equal(lines.length, 15, 'looking is not written down');
});

t.test('whoever may not take the right to operate from a user does not give it back either', async (t) => {
  const { commands, actor, accounts } = await startCommands(t);
  await accounts.defineRole('acme', 'operator', ['tollgate:operate']);
  await accounts.changeUser('acme', 'ann', { roles: ['operator'], state: 'disabled' });
  const enable = { orgId: 'acme', userId: 'ann', state: 'active' } as const;
  const owner = actor(['org:owner']);
  t.match(await commands.changeUser(owner, enable), { code: 'scope_too_wide' });
  t.match(await accounts.findUser('acme', 'ann'), { state: 'disabled' });
  t.match(await commands.changeUser(owner, { ...enable, roles: ['reader'] }), { code: 'scope_too_wide' });
  t.match(await commands.changeUser(actor(['org:owner', 'tollgate:operate']), enable), { state: 'active' });
  await accounts.changeUser('acme', 'ann', { roles: ['reader', 'admin'], state: 'disabled' });
  t.match(await commands.changeUser(owner, enable), { state: 'active' }, 'what they disabled themselves');
});

t.test('what is no id is not written down', async (t) => {
  const { commands, actor, lines } = await startCommands(t);
  await commands.findUser(
    actor([], { org: { id: 'other', name: 'Other' } }),
    'a secret in the wrong place',
    'a b',
  );
  t.match(lines, [{ subject: {}, result: 'refused' }]);
  t.notMatch(JSON.stringify(lines), 'wrong place');
});

t.test('whatever roles are given, nobody has a scope by it that neither they nor the user had', async (t) => {
  const { commands, actor, accounts, store } = await startCommands(t);
  await accounts.defineRole('acme', 'both', ['things:read', 'things:write']);
  const roles = fc.subarray(['reader', 'admin', 'both']);
  const scopes = fc.subarray(['things:read', 'reports:read', 'things:write', 'tollgate:introspect']);
  const org = await store.findOrg('acme');
  if (org === undefined || 'kind' in org) throw new Error('no org');
  const scopesOf = (names: readonly string[]) => effectiveScopes('all', names, org.roles);
  await fc.assert(
    fc.asyncProperty(roles, roles, scopes, async (before, after, held) => {
      await accounts.setRoles('acme', 'ann', before);
      const who = actor(['org:owner', ...held]);
      const command = { orgId: 'acme', userId: 'ann', roles: after, state: undefined };
      const changed = await commands.changeUser(who, command);
      if (isDenial(changed)) return false;
      const had = scopesOf(before);
      const isWide = [...scopesOf(after)].some((scope) => !had.has(scope) && !held.includes(scope));
      if (isCommandError(changed)) return changed.code === 'scope_too_wide';
      return !isWide;
    }),
    { numRuns: 60 },
  );
});
