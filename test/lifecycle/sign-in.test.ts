// Sign-in, sign-out and passwords.

import t, { type Test } from 'tap';
import { ownSession } from '../../src/identity/authenticators.ts';
import { type Denial, isDenial, isOutage, outage } from '../../src/decision/outcome.ts';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import type { AuditEvent } from '../../src/lifecycle/audit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { isCommandError } from '../../src/lifecycle/command-error.ts';
import { createSignIn, createSignOut } from '../../src/lifecycle/sign-in.ts';
import { createWorld } from './world.ts';

const password = 'correct horse battery staple';

const openDoor = async (t: Test) => {
  const world = await createWorld(t);
  const events: AuditEvent[] = [];
  const audit = { record: (event: AuditEvent) => void events.push(event), close: async () => undefined };
  const hashes = createPasswordHashes({ ln: 4 });
  let verified = 0;
  const passwords = {
    ...hashes,
    verify: (...args: Parameters<typeof hashes.verify>) => {
      verified += 1;
      return hashes.verify(...args);
    },
  };
  const limit = createSignInLimit(world.settings.limits);
  const deps = { ...world, passwords, limit, audit };
  const book = createPasswords(deps);
  await book.setPassword('acme', 'ann', password);
  const signIn = createSignIn(deps);
  const origin = { clientAddress: '192.0.2.1', requestId: 'request-1' };
  const enter = (over: object = {}) =>
    signIn({
      orgId: 'acme',
      userId: 'ann',
      password,
      validityMs: undefined,
      clientId: undefined,
      origin,
      ...over,
    });
  const session = async (over: object = {}) => {
    const made = await enter(over);
    if (!('accessToken' in made)) throw new Error(JSON.stringify(made));
    const found = await world.identifier.identify({ value: made.accessToken, form: 'jwt' }, world.now());
    if (!('identity' in found)) throw new Error(found.reason);
    return { ...made, actor: { identity: found.identity, ...origin } };
  };
  const standing = async (accessToken: string): Promise<string> => {
    const found = await world.identifier.identify({ value: accessToken, form: 'jwt' }, world.now());
    return 'identity' in found ? world.identifier.standing(found.identity, world.now()) : found.reason;
  };
  return {
    world,
    book,
    events,
    enter,
    session,
    standing,
    signOut: createSignOut(deps),
    verifications: () => verified,
  };
};

t.test(
  'a person who signs in has an interactive session of their own, with all their roles grant',
  async (t) => {
    const { session, events } = await openDoor(t);
    const { actor, scopes } = await session();
    t.match(actor.identity, {
      sessionKind: 'interactive',
      authenticator: ownSession,
      org: { id: 'acme', name: 'Acme Inc.' },
      user: { id: 'ann', name: 'Ann', roles: ['admin', 'reader'] },
      tokenId: undefined,
    });
    t.same(scopes, ['reports:read', 'things:read', 'things:write', 'tollgate:introspect']);
    t.not((await session()).actor.identity.sessionId, actor.identity.sessionId);
    t.match(events.at(-1), {
      action: 'session.begin',
      identity: { user: { id: 'ann' } },
      origin: { clientAddress: '192.0.2.1' },
      subject: { org: 'acme', user: 'ann' },
    });
  },
);

t.test('whatever is wrong, the answer is one and the same, and costs one comparison', async (t) => {
  const { world, book, enter, verifications } = await openDoor(t);
  const { accounts } = world;
  await accounts.createUser({ orgId: 'acme', id: 'without', name: undefined, roles: [] });
  await accounts.createUser({ orgId: 'acme', id: 'disabled', name: undefined, roles: [] });
  await book.setPassword('acme', 'disabled', password);
  await accounts.setUserState('acme', 'disabled', 'disabled');
  await accounts.createOrg({ id: 'closed', name: undefined, roles: {}, tokenLifetimeMsMax: undefined });
  await accounts.createUser({ orgId: 'closed', id: 'ann', name: undefined, roles: [] });
  await book.setPassword('closed', 'ann', password);
  await accounts.setOrgState('closed', 'disabled');
  const cases: Record<string, object> = {
    'a wrong password': { password: 'wrong' },
    'no password': { password: '' },
    'an unknown user': { userId: 'nobody' },
    'an unknown org': { orgId: 'nobody' },
    'a user without a password': { userId: 'without' },
    'a disabled user': { userId: 'disabled' },
    'a user of a disabled org': { orgId: 'closed' },
    'no name at all': { userId: "' OR 1=1 --" },
  };
  for (const [name, over] of Object.entries(cases)) {
    const before = verifications();
    const { evidence: _, ...answer } = (await enter(over)) as Denial;
    t.same(answer, { kind: 'denial', reason: 'password_wrong' }, name);
    t.equal(verifications() - before, 1, name);
  }
});

t.test('a hash of an earlier cost is made anew at the next sign-in, and ends no session', async (t) => {
  const { world, enter, session, standing } = await openDoor(t);
  const old = await createPasswordHashes({ ln: 5 }).hash(password);
  if (isOutage(old)) throw new Error('turned away');
  await world.store.changeUser('acme', 'ann', { passwordHash: old }, world.now());
  const hashOf = async (): Promise<string> => {
    const user = await world.store.findUser('acme', 'ann');
    return isOutage(user) ? '' : (user?.passwordHash ?? '');
  };
  await enter({ password: 'a wrong password' });
  t.equal(await hashOf(), old, 'who does not know the password renews nothing');
  const { accessToken } = await session();
  const renewed = await hashOf();
  t.match(renewed, /^\$scrypt\$ln=4,r=8,p=4\$/);
  const again = await session();
  t.equal(await hashOf(), renewed, 'once');
  for (const token of [accessToken, again.accessToken]) t.equal(await standing(token), 'live');
});

t.test('who fails too often is held back, known or not; who succeeds is not', async (t) => {
  const { enter, session, verifications } = await openDoor(t);
  for (const userId of ['ann', 'nobody']) {
    for (let count = 0; count < 10; count++) await enter({ userId, password: 'wrong' });
    const before = verifications();
    t.match(await enter({ userId }), { reason: 'rate_limited' }, `${userId}, even with the right password`);
    t.equal(verifications(), before, 'and nothing is compared');
  }
  const origin = { clientAddress: '192.0.2.9', requestId: 'r' };
  for (let count = 0; count < 15; count++) await session({ origin });
  t.pass('fifteen good ones in a row from elsewhere');
});

t.test('names that nobody can have are counted together, and not kept or written down', async (t) => {
  const { world, enter } = await openDoor(t);
  const { signInFailuresPerAccount: most } = world.settings.limits;
  for (let count = 0; count < most; count++)
    t.match(await enter({ userId: `no name ${count}`.padEnd(8_000, 'x') }), { reason: 'password_wrong' });
  t.match(await enter({ userId: 'my secret, in the wrong field' }), {
    reason: 'rate_limited',
    evidence: '(nobody)',
  });
  t.match(await enter(), { accessToken: String });
});

t.test('an outage is an outage, never a wrong password, and does not count as a failure', async (t) => {
  const { world } = await openDoor(t);
  const limit = createSignInLimit({ signInFailuresPerAccount: 1, signInFailuresPerAddress: 1 });
  const signIn = createSignIn({
    ...world,
    store: {
      ...world.store,
      findOrg: async () => outage('store_unavailable'),
      findUser: async () => undefined,
    },
    passwords: createPasswordHashes({ ln: 4 }),
    limit,
  });
  const origin = { clientAddress: '192.0.2.1', requestId: 'r' };
  const order = {
    orgId: 'acme',
    userId: 'ann',
    password,
    validityMs: undefined,
    clientId: undefined,
    origin,
  };
  for (let count = 0; count < 3; count++) t.equal(isOutage(await signIn(order)), true);
});

t.test('signing out ends that session and no other, and no API token', async (t) => {
  const { world, session, signOut, standing } = await openDoor(t);
  const [one, other] = [await session(), await session()];
  t.equal(await signOut(one.actor), 'revoked');
  t.equal(await standing(one.accessToken), 'session_ended');
  t.equal(await standing(other.accessToken), 'live');
  const { secret } = await world.token();
  const found = await world.identifier.identify({ value: secret, form: 'opaque' }, world.now());
  if (!('identity' in found)) throw new Error('no identity');
  t.equal(await signOut({ ...one.actor, identity: found.identity }), 'nothing');
  t.match(await world.identifier.identify({ value: secret, form: 'opaque' }, world.now()), {
    identity: {},
  });
});

t.test('a new password ends every session of the user; the API tokens live on', async (t) => {
  const { world, book, session, standing, enter } = await openDoor(t);
  const { secret } = await world.token();
  const { actor, accessToken } = await session();
  const change = { orgId: 'acme', userId: 'ann', current: password, next: 'another long password' };
  t.equal(await book.changePassword(actor, change), 'changed');
  t.equal(await standing(accessToken), 'session_ended');
  t.match(await enter(), { reason: 'password_wrong' });
  await session({ password: change.next });
  t.match(await world.identifier.identify({ value: secret, form: 'opaque' }, world.now()), {
    identity: {},
  });
});

t.test('whose password may be changed by whom', async (t) => {
  const { world, book, session } = await openDoor(t);
  const { accounts } = world;
  await accounts.defineRole('acme', 'owner', ['org:owner']);
  await accounts.createUser({ orgId: 'acme', id: 'olga', name: undefined, roles: ['owner'] });
  await accounts.createUser({ orgId: 'acme', id: 'bob', name: undefined, roles: [] });
  await book.setPassword('acme', 'olga', password);
  const [ann, olga] = [(await session()).actor, (await session({ userId: 'olga' })).actor];
  const said = async (actor: typeof ann, over: object): Promise<string> => {
    const next = 'another long password';
    const answer = await book.changePassword(actor, {
      orgId: 'acme',
      userId: 'ann',
      current: undefined,
      next,
      ...over,
    });
    if (isDenial(answer)) return answer.reason;
    return isCommandError(answer) ? answer.code : JSON.stringify(answer);
  };
  t.equal(await said(ann, {}), 'password_wrong', 'one’s own needs the old one');
  t.equal(await said(ann, { current: 'wrong' }), 'password_wrong');
  t.equal(await said(ann, { userId: 'bob' }), 'scope_missing');
  t.equal(await said(olga, { orgId: 'other' }), 'tenant_mismatch');
  t.equal(await said(olga, { userId: 'olga' }), 'password_wrong', 'the owner’s own too');
  t.equal(await said(olga, { userId: 'nobody' }), 'user_unknown');
  t.equal(await said(olga, { userId: 'bob', next: 'short' }), 'password_malformed');
  t.equal(await said(olga, { userId: 'bob' }), '"changed"');
  const api = { ...ann, identity: { ...ann.identity, sessionKind: 'api_token' as const } };
  t.equal(await said(api, { current: password }), 'session_kind_refused');
  for (let count = 0; count < 10; count++) await said(ann, { current: 'wrong' });
  t.equal(await said(ann, { current: password }), 'rate_limited', 'a stolen session must not guess it');
});

t.test('a password is long enough, and any characters will do', async (t) => {
  const { book } = await openDoor(t);
  const said = async (value: string): Promise<string> => {
    const answer = await book.setPassword('acme', 'ann', value);
    return isCommandError(answer) ? answer.code : 'kind' in answer ? answer.reason : 'set';
  };
  for (const bad of ['', 'eleven-long', '\u{1F511}'.repeat(11), 'x'.repeat(1025), '\ud800'.repeat(12)])
    t.equal(await said(bad), 'password_malformed', JSON.stringify(bad.slice(0, 12)));
  for (const good of ['twelve chars', '\u{1F511}'.repeat(12), '\n'.repeat(12), 'x'.repeat(1024)])
    t.equal(await said(good), 'set');
});
