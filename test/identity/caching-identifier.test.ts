// Credential -> identity: what is asked of the store, what is remembered, and for how long.

import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { ownApiToken } from '../../src/identity/authenticators.ts';
import { createSecret, digestOf } from '../../src/tokens/api-token.ts';
import { exampleToken, exampleUser } from '../contract/examples.ts';
import {
  issuer,
  maxStalenessMs,
  openHarness,
  scopesOf,
  sessionIdentity,
  subjectOf,
  ttlMs,
  unknownTtlMs,
} from './harness.ts';

const unknownSecret = (): string => createSecret({ shard: 3, length: 65 });

t.test('an API token becomes the identity of its user', async (t) => {
  const { ask, org, user, made } = await openHarness(t);
  t.match(await ask(made.secret), {
    identity: {
      authenticator: ownApiToken,
      sessionKind: 'api_token',
      issuer,
      org: { id: org.id, name: org.name },
      user: { id: user.id, name: user.name, roles: ['reader'] },
      scopes: new Set(['things:read']),
      tokenId: made.token.id,
      sessionId: undefined,
      generation: { org: 0, user: 0 },
      issuedAtMs: made.token.createdAtMs,
      expiresAtMs: Infinity,
    },
  });
});

t.test('what was looked up is answered at once, until its time is over', async (t) => {
  const { identifier, ask, made, clock, lookUps, feedState } = await openHarness(t);
  const first = await ask(made.secret);
  const second = identifier.identify({ form: 'opaque', value: made.secret }, Date.now());
  t.equal(second, first, 'the same subject, and no promise of one');
  clock.nowMs += ttlMs - 1;
  feedState.heard();
  t.equal(await ask(made.secret), first);
  t.equal(lookUps(), 1);
  clock.nowMs += 1;
  t.not(await ask(made.secret), first);
  t.equal(lookUps(), 2);
  t.match(identifier.reading(), { hits: 2, misses: 2, identities: 1, unknowns: 0, inFlight: 0 });
});

t.test('1,000 requests that miss the same token at once make one look-up', async (t) => {
  const { ask, made, calls, identifier } = await openHarness(t);
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask(made.secret)));
  t.equal(new Set(answers).size, 1);
  t.same(Object.fromEntries(calls), { findApiToken: 1, findOrg: 1 });
  t.match(identifier.reading(), { misses: 1_000, shared: 999 });
});

t.test('tokens of one org read it once', async (t) => {
  const { store, org, ask, calls } = await openHarness(t);
  const made = Array.from({ length: 5 }, () => exampleUser(org.id)).map((user) => ({
    user,
    token: exampleToken(user),
  }));
  for (const { user, token } of made) {
    await store.createUser(user);
    await store.createToken(token.token, token.digest);
  }
  await Promise.all(made.map(({ token }) => ask(token.secret)));
  t.equal(calls.get('findOrg'), 1);
});

t.test('scopes follow the roles at once: fewer roles, other definitions, more again', async (t) => {
  const { store, org, user, made, ask } = await openHarness(t);
  t.same(scopesOf(await ask(made.secret)), ['things:read']);
  await store.changeUser(org.id, user.id, { roles: ['admin'] }, Date.now());
  t.same(scopesOf(await ask(made.secret)), ['org:owner', 'things:read', 'things:write']);
  await store.changeOrg(org.id, { roles: { admin: ['org:owner'] } }, Date.now());
  t.same(scopesOf(await ask(made.secret)), ['org:owner']);
  await store.changeUser(org.id, user.id, { roles: [] }, Date.now());
  t.same(scopesOf(await ask(made.secret)), []);
});

t.test('a token keeps to its own scopes, whatever its user may', async (t) => {
  const { store, org, user, ask } = await openHarness(t);
  await store.changeUser(org.id, user.id, { roles: ['admin'] }, Date.now());
  const narrow = exampleToken(user, { scopes: ['things:write', 'never:granted'] });
  await store.createToken(narrow.token, narrow.digest);
  t.same(scopesOf(await ask(narrow.secret)), ['things:write']);
  t.same(subjectOf(await ask(narrow.secret)).identity.user.roles, [], 'nor is a role told that grants more');
  await store.changeUser(org.id, user.id, { roles: ['admin', 'reader'] }, Date.now());
  const reading = exampleToken(user, { scopes: ['things:read'] });
  await store.createToken(reading.token, reading.digest);
  t.same(subjectOf(await ask(reading.secret)).identity.user.roles, ['reader']);
});

t.test('each way a token can be dead has its reason, warm or cold', async (t) => {
  const { store, org, user, made, ask, clock } = await openHarness(t);
  const [revoked, expired] = [exampleToken(user), exampleToken(user, { expiresAtMs: 5_000 })];
  for (const { token, digest } of [revoked, expired]) await store.createToken(token, digest);
  t.equal(await ask(unknownSecret()), 'token_unknown');
  t.type(await ask(revoked.secret), 'object');
  await store.revokeToken(revoked.token.id, Date.now());
  t.equal(await ask(revoked.secret), 'token_revoked', 'warm');
  clock.nowMs += unknownTtlMs;
  t.equal(await ask(revoked.secret), 'token_revoked', 'cold');
  t.type(await ask(expired.secret, 4_999), 'object');
  clock.nowMs += 1;
  t.equal(await ask(expired.secret, 5_000), 'token_expired', 'cached no longer than it lives');
  t.type(await ask(made.secret), 'object');
  await store.changeUser(org.id, user.id, { state: 'disabled' }, Date.now());
  t.equal(await ask(made.secret), 'user_disabled');
  await store.changeUser(org.id, user.id, { state: 'active' }, Date.now());
  t.type(await ask(made.secret), 'object', 'enabled again at once');
  await store.changeOrg(org.id, { state: 'disabled' }, Date.now());
  t.equal(await ask(made.secret), 'org_disabled');
  await store.changeOrg(org.id, { state: 'active' }, Date.now());
  t.type(await ask(made.secret), 'object');
  await store.revokeAll(org.id, user.id, Date.now());
  t.equal(await ask(made.secret), 'token_revoked', 'all of the user');
});

t.test('revoking all of an org refuses the tokens of all its users at once', async (t) => {
  const { store, org, made, ask } = await openHarness(t);
  t.type(await ask(made.secret), 'object');
  await store.revokeAll(org.id, undefined, Date.now());
  t.equal(await ask(made.secret), 'token_revoked');
});

t.test('a token revoked while it is looked up is refused, and not remembered', async (t) => {
  const { store, made, ask, hold, identifier } = await openHarness(t);
  const release = hold('findApiToken');
  const asked = ask(made.secret);
  await store.revokeToken(made.token.id, Date.now());
  release();
  t.equal(await asked, 'token_revoked');
  t.equal(identifier.reading().identities, 0);
  t.equal(await ask(made.secret), 'token_revoked');
});

t.test('roles that shrink while a token is looked up are read again before it is answered', async (t) => {
  const { store, org, user, made, ask, hold, lookUps } = await openHarness(t);
  await store.changeUser(org.id, user.id, { roles: ['admin'] }, Date.now());
  const release = hold('findApiToken');
  const asked = ask(made.secret);
  await store.changeUser(org.id, user.id, { roles: ['reader'] }, Date.now());
  release();
  t.same(scopesOf(await asked), ['things:read']);
  t.equal(lookUps(), 2);
});

t.test('an org that changes while it is read is read again', async (t) => {
  const { store, org, made, ask, hold, calls } = await openHarness(t);
  const release = hold('findOrg');
  const asked = ask(made.secret);
  while (!calls.has('findApiToken')) await turn();
  await store.changeOrg(org.id, { roles: { reader: ['less'] } }, Date.now());
  release();
  t.same(scopesOf(await asked), ['less']);
});

t.test('a reset of the feed drops every cache, look-ups under way included', async (t) => {
  const { made, ask, hold, identifier, feedState, lookUps } = await openHarness(t);
  await ask(made.secret);
  await ask(unknownSecret());
  t.match(identifier.reading(), { identities: 1, unknowns: 1 });
  feedState.reset('server_replaced');
  t.match(identifier.reading(), { identities: 0, unknowns: 0 });
  const release = hold('findApiToken');
  const before = lookUps();
  const asked = ask(made.secret);
  feedState.reset('server_replaced');
  release();
  t.type(await asked, 'object');
  t.equal(lookUps() - before, 2, 'asked again, of the server that is there now');
});

t.test('a store that answers with less than the feed has told is not believed', async (t) => {
  const { org, user, made, ask, feedState, identifier, lookUps } = await openHarness(t);
  feedState.changes([{ kind: 'user', orgId: org.id, userId: user.id, generation: 9, atMs: 1 }]);
  const { identity } = subjectOf(await ask(made.secret));
  t.equal(identifier.standing(identity, Date.now()), 'outdated', 'which authorize turns into a 503');
  t.equal(identifier.reading().identities, 0, 'and it is not kept');
  await ask(made.secret);
  t.equal(lookUps(), 4);
});

t.test('an unknown token is remembered for a while, so asking again costs no look-up', async (t) => {
  const { ask, lookUps, clock, identifier } = await openHarness(t);
  const secret = unknownSecret();
  for (let times = 0; times < 5; times++) t.equal(await ask(secret), 'token_unknown');
  t.equal(lookUps(), 1);
  t.equal(identifier.reading().unknownHits, 4);
  clock.nowMs += unknownTtlMs;
  await ask(secret);
  t.equal(lookUps(), 2);
});

t.test('a flood of unknown tokens neither grows the cache nor pushes out a good identity', async (t) => {
  const { ask, made, identifier, lookUps } = await openHarness(t, { identitiesMax: 2, unknownMax: 10 });
  const good = await ask(made.secret);
  for (let number = 0; number < 200; number++) await ask(unknownSecret());
  t.match(identifier.reading(), { identities: 1, unknowns: 10, inFlight: 0 });
  const before = lookUps();
  t.equal(await ask(made.secret), good);
  t.equal(lookUps(), before);
});

t.test('a flood of garbage never reaches the store', async (t) => {
  const { ask, made, calls, identifier } = await openHarness(t);
  for (let number = 0; number < 50; number++) {
    t.equal(await ask(`garbage ${number}`), 'token_unknown');
    t.equal(await ask(made.secret.slice(0, -1) + '!'), 'token_unknown', 'one character wrong');
  }
  t.same(Object.fromEntries(calls), { hasImports: 1 }, 'once: whether tokens of other shapes exist at all');
  t.match(identifier.reading(), { identities: 0 });
});

t.test(
  'tokens of a foreign shape are looked up once imports exist, within seconds of the first',
  async (t) => {
    const { store, user, ask, clock } = await openHarness(t);
    const legacy = 'legacy-secret-of-long-ago';
    t.equal(await ask(legacy), 'token_unknown');
    const { token } = exampleToken(user, { origin: 'imported' });
    await store.createToken(token, digestOf(legacy));
    clock.nowMs += 5_000;
    t.match(await ask(legacy), { identity: { tokenId: token.id } });
  },
);

t.test(
  'a secret short enough to be guessed is refused without a look-up, though its digest was imported',
  async (t) => {
    const { store, user, ask, calls } = await openHarness(t);
    const { token } = exampleToken(user, { origin: 'imported' });
    const short = 'nineteen-characters';
    await store.createToken(token, digestOf(short));
    t.equal(await ask(short), 'token_unknown');
    t.same(Object.fromEntries(calls), {});
  },
);

t.test('an outage is an outage for whoever is not cached', async (t) => {
  const { store, made, ask } = await openHarness(t);
  await store.close();
  t.equal(await ask(made.secret), 'store_unavailable');
  t.equal(await ask(unknownSecret()), 'store_unavailable', 'never "unknown"');
  t.equal(await ask('a secret of a foreign shape'), 'store_unavailable', 'it might have been an import');
});

t.test('cached identities ride out an outage, up to the bound, asking once a second', async (t) => {
  const { store, made, ask, clock, lookUps, identifier } = await openHarness(t);
  const cached = await ask(made.secret);
  await store.close();
  clock.nowMs += ttlMs + 1;
  t.equal(await ask(made.secret), cached);
  t.equal(await ask(made.secret), cached);
  t.equal(lookUps(), 2, 'the second was answered without asking');
  clock.nowMs += 1_000;
  t.equal(await ask(made.secret), cached);
  t.equal(lookUps(), 3);
  t.equal(identifier.reading().stale, 2);
  clock.nowMs += maxStalenessMs - 1_001;
  t.equal(await ask(made.secret), 'store_unavailable', 'the bound');
});

t.test('an outage serves nobody whom the feed speaks against', async (t) => {
  const { store, org, user, made, ask, clock, feedState } = await openHarness(t);
  const other = exampleToken(user);
  await store.createToken(other.token, other.digest);
  await ask(made.secret);
  await ask(other.secret);
  await store.close();
  feedState.changes([{ kind: 'token', tokenId: made.token.id, atMs: 1 }]);
  t.equal(await ask(made.secret), 'token_revoked');
  feedState.changes([{ kind: 'user', orgId: org.id, userId: user.id, generation: 1, atMs: 1 }]);
  t.equal(await ask(other.secret), 'store_unavailable', 'changed, and nobody can say how');
  clock.nowMs += ttlMs + 1;
  t.equal(await ask(other.secret), 'store_unavailable');
});

t.test('a silent feed leaves the standing of everybody unknown, until it is heard again', async (t) => {
  const { made, ask, clock, identifier, feedState } = await openHarness(t);
  const { identity } = subjectOf(await ask(made.secret));
  const standing = (): string => identifier.standing(identity, Date.now());
  t.equal(standing(), 'live');
  clock.nowMs += maxStalenessMs + 1;
  t.equal(standing(), 'unknown');
  feedState.heard();
  t.equal(standing(), 'live');
});

t.test('no wall clock revives a token or prolongs a cached identity', async (t) => {
  const { store, user, made, ask, clock, lookUps } = await openHarness(t);
  const nowMs = Date.now();
  const fiveMinutes = 300_000;
  const revoked = exampleToken(user);
  await store.createToken(revoked.token, revoked.digest);
  await ask(revoked.secret, nowMs);
  await store.revokeToken(revoked.token.id, nowMs - fiveMinutes);
  for (const wrongMs of [nowMs - fiveMinutes, nowMs + fiveMinutes])
    t.equal(await ask(revoked.secret, wrongMs), 'token_revoked');
  await ask(made.secret, nowMs);
  const before = lookUps();
  clock.nowMs += ttlMs;
  await ask(made.secret, nowMs - fiveMinutes);
  t.equal(lookUps(), before + 1, 'its time was over, though the clock went back');
});

t.test('an access token is verified once and remembered no longer than it lives', async (t) => {
  const { askWith, accessTokens, verified, clock } = await openHarness(t);
  const nowMs = Date.now();
  const identity = sessionIdentity({ expiresAtMs: nowMs + 2_000 });
  accessTokens.set('a.b.c', identity);
  for (let times = 0; times < 3; times++)
    t.match(await askWith('a.b.c', nowMs), { identity: { sessionId: 'session-1' } });
  t.same(verified, ['a.b.c']);
  clock.nowMs += 2_000;
  await askWith('a.b.c', nowMs);
  t.equal(verified.length, 2);
});

t.test('a refused access token is remembered until the keys change', async (t) => {
  const { askWith, accessTokens, verified, feedState } = await openHarness(t);
  for (let times = 0; times < 3; times++) t.equal(await askWith('a.b.c'), 'token_invalid');
  t.equal(verified.length, 1);
  accessTokens.set('a.b.c', sessionIdentity());
  feedState.changes([{ kind: 'keys', atMs: 1 }]);
  t.type(await askWith('a.b.c'), 'object', 'signed with a key that was not known before');
});

t.test('a session ends with the key that signed it, and nothing signed for anybody is kept', async (t) => {
  const { askWith, ask, made, accessTokens, verified, identifier, revokedKeys, signed } =
    await openHarness(t);
  const identity = sessionIdentity({ keyId: 'leaked' });
  accessTokens.set('a.b.c', identity);
  t.type(await askWith('a.b.c'), 'object');
  const subject = await ask(made.secret);
  if (typeof subject === 'object') identifier.headersFor(subject, 'main', Date.now());
  t.equal(identifier.standing(identity, Date.now()), 'live');
  accessTokens.delete('a.b.c');
  revokedKeys.add('leaked');
  identifier.drop();
  t.equal(identifier.standing(identity, Date.now()), 'ended', 'what is under way ends');
  t.equal(identifier.standing(sessionIdentity({ keyId: 'other' }), Date.now()), 'live');
  t.equal(await askWith('a.b.c'), 'token_invalid');
  t.equal(verified.length, 2, 'verified again');
  const again = await ask(made.secret);
  if (typeof again === 'object') identifier.headersFor(again, 'main', Date.now());
  t.equal(signed.length, 2, 'signed again');
});

t.test('a session ends with its logout, its API token or its generation', async (t) => {
  const { askWith, accessTokens, feedState } = await openHarness(t);
  const sessions = {
    'logged.o.ut': sessionIdentity({ sessionId: 's1', tokenId: 't1' }),
    'token.r.evoked': sessionIdentity({ sessionId: 's2', tokenId: 't2' }),
    'user.pass.ed': sessionIdentity({ sessionId: 's3', tokenId: 't3' }),
    'kept.k.ept': sessionIdentity({
      sessionId: 's4',
      tokenId: 't4',
      user: { id: 'eve', name: '', roles: [] },
    }),
  };
  for (const [token, identity] of Object.entries(sessions)) {
    accessTokens.set(token, identity);
    t.type(await askWith(token), 'object');
  }
  feedState.changes([
    { kind: 'session', sessionId: 's1', atMs: 1 },
    { kind: 'token', tokenId: 't2', atMs: 1 },
  ]);
  t.equal(await askWith('logged.o.ut'), 'session_ended');
  t.equal(await askWith('token.r.evoked'), 'token_revoked');
  t.type(await askWith('user.pass.ed'), 'object');
  feedState.changes([{ kind: 'user', orgId: 'acme', userId: 'ada', generation: 4, atMs: 1 }]);
  t.equal(await askWith('user.pass.ed'), 'session_ended');
  t.type(await askWith('kept.k.ept'), 'object', 'another user of the org');
  feedState.changes([{ kind: 'org', orgId: 'acme', generation: 3, atMs: 1 }]);
  t.equal(await askWith('kept.k.ept'), 'session_ended');
});

t.test("another issuer's token needs an org of ours, and neither org nor user disabled", async (t) => {
  const { askWith, accessTokens, store, org, user } = await openHarness(t);
  const nowMs = Date.now();
  const known = { org: { id: org.id, name: org.id }, user: { id: user.id, name: user.id, roles: [] } };
  const issue = (token: string, issuedAtMs: number, over: object = {}): string => {
    const external = { generation: undefined, tokenId: undefined, sessionId: `x ${token}` };
    accessTokens.set(token, sessionIdentity({ ...external, ...known, issuedAtMs, ...over }));
    return token;
  };
  const before = issue('be.fo.re', nowMs - 60_000);
  t.type(await askWith(before), 'object');
  t.type(await askWith(issue('gu.es.t', nowMs, { user: { id: 'guest', name: '', roles: [] } })), 'object');
  t.equal(await askWith(issue('no.wh.ere', nowMs, { org: { id: 'nowhere', name: '' } })), 'token_invalid');
  await store.changeUser(org.id, user.id, { state: 'disabled' }, nowMs);
  t.equal(await askWith(before), 'session_ended', 'at once, though it was cached');
  t.equal(await askWith(issue('la.t.er', nowMs + 120_000)), 'user_disabled', 'issued since');
  await store.changeUser(org.id, user.id, { state: 'active' }, nowMs);
  t.type(await askWith(issue('en.abl.ed', nowMs + 120_000)), 'object');
  await store.changeOrg(org.id, { state: 'disabled' }, nowMs);
  t.equal(await askWith('gu.es.t'), 'session_ended');
  t.equal(await askWith(issue('to.o.late', nowMs + 120_000)), 'org_disabled');
});

t.test("an outage while another issuer's account is read is an outage", async (t) => {
  const { askWith, accessTokens, store } = await openHarness(t);
  accessTokens.set('a.b.c', sessionIdentity({ generation: undefined }));
  await store.close();
  t.equal(await askWith('a.b.c'), 'store_unavailable');
});

t.test('identity headers are made once for each upstream, with one signature', async (t) => {
  const { ask, made, identifier, signed, user } = await openHarness(t);
  const subject = subjectOf(await ask(made.secret));
  const headers = identifier.headersFor(subject, 'api', Date.now());
  t.same(headers, ['X-Identity', `jwt-${user.id}-api`, 'X-Identity-User', user.id]);
  t.equal(identifier.headersFor(subject, 'api', Date.now()), headers);
  identifier.headersFor(subject, 'other', Date.now());
  t.equal(identifier.accessTokenFor(subject, 'api', Date.now()), 'access-api');
  t.equal(identifier.accessTokenFor(subject, 'api', Date.now()), 'access-api');
  t.same(signed, ['identity for api', 'identity for other', 'access token for api']);
});

t.test(
  'an address that tries too many unknown tokens is held back; cached callers behind it are not',
  async (t) => {
    const { ask, made, lookUps } = await openHarness(t);
    const address = '192.0.2.7';
    t.type(await ask(made.secret, Date.now(), address), 'object');
    for (let times = 0; times < 3; times++)
      t.equal(await ask(unknownSecret(), Date.now(), address), 'token_unknown');
    const before = lookUps();
    t.equal(await ask(unknownSecret(), Date.now(), address), 'rate_limited');
    t.equal(lookUps(), before, 'without a look-up');
    t.type(await ask(made.secret, Date.now(), address), 'object');
    t.equal(await ask(unknownSecret(), Date.now(), '192.0.2.8'), 'token_unknown', 'another address');
  },
);

t.test(
  'a flood from one address locks nobody out who shares it: neither known callers nor new ones',
  async (t) => {
    const { ask, made, store, user, clock, lookUps } = await openHarness(t);
    const address = '192.0.2.7';
    const fresh = exampleToken(user);
    await store.createToken(fresh.token, fresh.digest);
    await ask(made.secret, Date.now(), address);
    clock.nowMs += ttlMs;
    await ask('garbage 1', Date.now(), address);
    for (let times = 0; times < 3; times++) await ask(unknownSecret(), Date.now(), address);
    t.type(await ask(made.secret, Date.now(), address), 'object', 'known a while ago: read again');
    t.equal(await ask(fresh.secret, Date.now(), address), 'rate_limited');
    t.equal(await ask('garbage 2', Date.now(), address), 'rate_limited');
    clock.nowMs += 1_000;
    const before = lookUps();
    t.equal(
      await ask('garbage 3', Date.now(), address),
      'rate_limited',
      'what needs no look-up takes no turn',
    );
    t.type(await ask(fresh.secret, Date.now(), address), 'object', 'one look-up a second');
    t.equal(await ask(unknownSecret(), Date.now(), address), 'rate_limited');
    t.equal(lookUps(), before + 1);
  },
);
