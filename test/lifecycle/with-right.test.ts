// The one rule by which callers' commands about tokens, accounts and passwords are allowed, counted and written down.

import t, { type Test } from 'tap';
import { createCommandLimit } from '../../src/identity/command-limit.ts';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createAccountCommands } from '../../src/lifecycle/account-commands.ts';
import type { Actor } from '../../src/lifecycle/actor.ts';
import { createAudit } from '../../src/lifecycle/audit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { createTokenCommands } from '../../src/lifecycle/token-commands.ts';
import type { AuditEntry } from '../../src/store/records.ts';
import { anIdentity } from '../support/identity.ts';
import { createWorld } from './world.ts';

const page = { limit: 10, cursor: undefined };
const id = '3f0a6f0e-8f6b-4f43-9a55-000000000007';
const nobody = { orgId: 'acme', userId: 'nobody' };
const listing = { skip: 0, limit: 5 };

const startCommands = async (t: Test, perMinute = 0) => {
  const world = await createWorld(t);
  const lines: AuditEntry[] = [];
  const log = {
    line: (json: string) => void lines.push(JSON.parse(json) as AuditEntry),
    info: () => undefined,
    warn: () => undefined,
  };
  const audit = createAudit({ store: world.store, log, exchangeSampling: 1, now: world.now });
  t.teardown(() => audit.close());
  const hashes = createPasswordHashes();
  const deps = { ...world, audit, commandLimit: createCommandLimit(perMinute), passwords: hashes };
  const tokens = createTokenCommands(deps);
  const accounts = createAccountCommands(deps);
  const limit = createSignInLimit(world.settings.limits);
  const passwords = createPasswords({ ...deps, limit });
  const actorWith = (...scopes: string[]): Actor => ({
    identity: anIdentity({
      sessionKind: 'interactive',
      scopes: new Set(scopes),
      generation: { org: 0, user: 0 },
    }),
    clientAddress: '192.0.2.1',
    requestId: 'request-1',
  });
  const changePassword = (actor: Actor) =>
    passwords.changePassword(actor, { ...nobody, current: undefined, next: 'correct horse battery' });
  const changeUser = (actor: Actor, of: { readonly orgId: string; readonly userId: string }) =>
    accounts.changeUser(actor, { ...of, roles: undefined, state: 'disabled' });
  /** The audit's lines about a command: its action and what it came to. */
  const linesOf = async (command: () => Promise<unknown>): Promise<readonly string[]> => {
    const before = lines.length;
    await command();
    return lines.slice(before).map(({ action, reason, result }) => `${action} ${reason ?? result}`);
  };
  return { ...world, tokens, accounts, actorWith, changePassword, changeUser, linesOf };
};

t.test('changes are written down whatever comes of them, reading where it is refused', async (t) => {
  const { tokens, accounts, actorWith, changePassword, changeUser, linesOf } = await startCommands(t);
  const owner = actorWith('org:owner');
  const stranger = actorWith();
  const ann = { orgId: 'acme', userId: 'ann' };
  const table: readonly (readonly [string, () => Promise<unknown>, readonly string[]])[] = [
    ['a user seen', () => accounts.findUser(owner, 'acme', 'ann'), []],
    ['users listed', () => accounts.listUsers(owner, 'acme', page), []],
    ['tokens listed', () => tokens.listApiTokens(owner, { ...ann, ...listing }), []],
    ['a user who is not there', () => accounts.findUser(owner, 'acme', 'no'), ['user.see user_unknown']],
    [
      'tokens of a user who is not there',
      () => tokens.listApiTokens(owner, { ...nobody, ...listing }),
      ['token.list user_unknown'],
    ],
    ['a token that is not there', () => tokens.findApiToken(owner, id), ['token.see token_unknown']],
    ['without the right', () => accounts.readAudit(stranger, 'acme', page), ['audit.read scope_missing']],
    ['a change', () => changeUser(owner, ann), ['user.change done']],
    ['a change of nobody', () => changeUser(owner, nobody), ['user.change user_unknown']],
    ['a change without the right', () => changeUser(stranger, ann), ['user.change scope_missing']],
    ['a password of nobody', () => changePassword(owner), ['password.change user_unknown']],
    ['a password without the right', () => changePassword(stranger), ['password.change scope_missing']],
  ];
  for (const [what, command, expected] of table) t.same(await linesOf(command), expected, what);
});

t.test('a change that met an outage is written down, and reading that met one is not', async (t) => {
  const { tokens, accounts, actorWith, changePassword, changeUser, linesOf, store } = await startCommands(t);
  const owner = actorWith('org:owner');
  const external = { ...owner, identity: { ...owner.identity, generation: undefined } };
  await store.close();
  for (const actor of [owner, external]) {
    t.same(await linesOf(() => changeUser(actor, nobody)), ['user.change store_unavailable']);
    t.same(await linesOf(() => tokens.revokeApiToken(actor, id)), ['token.revoke store_unavailable']);
    t.same(await linesOf(() => changePassword(actor)), ['password.change store_unavailable']);
    t.same(await linesOf(() => accounts.findUser(actor, 'acme', 'ann')), []);
    t.same(await linesOf(() => tokens.findApiToken(actor, id)), []);
  }
});

t.test('past its limit an account gives no command of any kind, and fills no audit with them', async (t) => {
  const { tokens, accounts, actorWith, changePassword, changeUser, linesOf } = await startCommands(t, 1);
  const owner = actorWith('org:owner');
  t.match(await accounts.findUser(owner, 'acme', 'ann'), { id: 'ann' });
  const refused = { reason: 'rate_limited' };
  const commands = [
    () => tokens.findApiToken(owner, id),
    () => tokens.listApiTokens(owner, { ...nobody, ...listing }),
    () => changeUser(owner, nobody),
    () => changePassword(owner),
  ];
  for (const command of commands) t.same(await linesOf(async () => t.match(await command(), refused)), []);
  t.match(await tokens.revokeAll(owner, nobody), { code: 'user_unknown' }, 'revocations are counted apart');
  t.match(await tokens.revokeAll(owner, nobody), refused);
});
