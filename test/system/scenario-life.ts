// The life of an API token, end to end over HTTP: orders are given at one replica, and what comes of them is seen at the other.

import type { Test } from 'tap';
import { call, exchange, until } from '../support/gate-process.ts';
import { becomes, bodyOf, client, type Replicas, sendJson, statusOf } from '../support/replicas.ts';
import { done } from '../support/operator.ts';
import { cspExchange, expiryMsOf, makeToken, managed, regenerate } from './scenario-commands.ts';

export const createAndCall = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const made = await makeToken(a, await signIn('acme', 'ann'));
  for (const session of [await exchange(b, made.secret), await cspExchange(b, made.secret), made.secret]) {
    const answer = await call(b, '/accounts/acme/things', undefined, {
      headers: { 'csp-auth-token': session },
    });
    t.equal(answer.status, 200, answer.text);
    const { headers } = answer.json() as { headers: Record<string, string | undefined> };
    t.match(headers, { 'x-identity-org': 'acme', 'x-identity-user': 'ann', 'x-identity-token': made.id });
    t.notMatch(answer.text, session, 'the credential stays here');
    t.equal(await statusOf(b, '/accounts/globex/things', session), 403, 'not in another tenant’s place');
  }
  const eves = await makeToken(b, await signIn('globex', 'eve'), { user: 'globex/eve' });
  for (const token of [eves.secret, await exchange(a, eves.secret)]) {
    t.equal(await statusOf(a, '/accounts/acme/things', token), 403, 'another org’s token is refused');
    t.equal(await statusOf(a, '/accounts/globex/things', token), 200);
  }
  t.equal((await managed(a, `DELETE /orgs/acme/api-tokens/${made.id}`, eves.secret)).status, 403);
  const eve = await signIn('globex', 'eve');
  t.equal((await managed(a, `DELETE /orgs/acme/api-tokens/${made.id}`, eve)).status, 403);
  t.equal(await statusOf(b, '/things', made.secret), 200, 'and nobody of another org ends it');
};

export const restrictions = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const person = await signIn('acme', 'ann');
  const made = await makeToken(a, person);
  const account = '/orgs/acme/users/ann/api-tokens';
  for (const credential of [made.secret, await exchange(a, made.secret), await cspExchange(a, made.secret)]) {
    const order = { name: 'successor', scopes: 'all' };
    for (const [request, body] of [
      [`POST ${account}`, order],
      [`GET ${account}`],
      ['GET /orgs/acme/api-tokens'],
      [`GET /orgs/acme/api-tokens/${made.id}`],
      [`POST /orgs/acme/api-tokens/${made.id}/regenerate`, {}],
      [`DELETE /orgs/acme/api-tokens/${made.id}`],
      ['POST /revoke-all'],
      ['POST /orgs/acme/users/bob/revoke-all'],
      ['POST /orgs/acme/revoke-all'],
    ] as const)
      t.equal((await managed(b, request, credential, body)).status, 403, request);
    const csp = '/csp/gateway/am/api';
    t.equal(
      (await sendJson(b, `${csp}/loggedin/user/api-tokens`, { tokenName: 'x' }, credential)).status,
      403,
    );
    const ids = { ids: [made.id] };
    t.equal((await sendJson(b, `${csp}/orgs/acme/api-tokens/deactivate`, ids, credential)).status, 403);
    const astra = '/accounts/acme/core/v1/users/ann/tokens';
    const wanted = { type: 'application/astra-token', version: '1.0', name: 'x' };
    t.equal((await sendJson(b, astra, wanted, credential)).status, 403);
    t.equal(await statusOf(b, astra, credential), 403);
    t.equal(await statusOf(b, '/people/ann', credential), 403, 'nor what is for people, through the proxy');
    t.equal(await statusOf(b, '/things', credential), 200, 'and what it is for works on');
  }
  t.equal(await statusOf(b, '/people/ann', person), 200, 'a person may');
  t.equal((await managed(b, `GET ${account}`, person)).status, 200);
};

export const regeneration = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const person = await signIn('acme', 'ann');
  const made = await makeToken(a, person);
  const oldSession = await exchange(b, made.secret);
  t.equal(await statusOf(b, '/things', made.secret), 200);
  const next = await regenerate(a, person, made.id, { overlap: 'PT1H' }, 'the same order');
  t.equal(
    (await regenerate(b, person, made.id, { overlap: 'PT1H' }, 'the same order')).secret,
    next.secret,
    'a retry at the other replica burns no secret',
  );
  await becomes(b, '/things', next.secret, 200);
  for (const gate of [a, b])
    for (const good of [made.secret, oldSession, next.secret, await exchange(gate, next.secret)])
      t.equal(await statusOf(gate, '/things', good), 200, 'in the overlap both are good');

  const last = await regenerate(a, person, made.id, {});
  for (const gate of [a, b]) {
    for (const dead of [made.secret, oldSession, next.secret]) await becomes(gate, '/things', dead, 401);
    t.equal(await statusOf(gate, '/things', last.secret), 200, 'without an overlap only the new one is');
  }
  const dying = await exchange(b, last.secret);
  const before = Date.now();
  const { secret } = await regenerate(a, person, made.id, { overlap: 'PT2S' });
  t.ok(expiryMsOf(dying) > before + 60_000, 'the session would live longer');
  for (const gate of [a, b])
    for (const dead of [last.secret, dying]) await becomes(gate, '/things', dead, 401);
  t.ok(Date.now() >= before + 2000, 'the old ones die at the end of the overlap, not before');
  for (const gate of [a, b]) t.equal(await statusOf(gate, '/things', secret), 200);
};

export const rolesAndState = async (t: Test, { a, b, operator, signIn }: Replicas): Promise<void> => {
  const made = await makeToken(a, await signIn('acme', 'bob'), { user: 'acme/bob' });
  const session = await cspExchange(b, made.secret);
  for (const token of [made.secret, session]) t.equal(await statusOf(b, '/write/1', token), 200);
  done(await operator.accounts.setRoles('acme', 'bob', ['reader', 'self']));
  await becomes(b, '/write/1', made.secret, 403);
  t.equal(await statusOf(b, '/things', session), 401, 'a session of the old roles is over');
  t.equal(await statusOf(b, '/things', await exchange(b, made.secret)), 200, 'the client exchanges again');
  done(await operator.accounts.setRoles('acme', 'bob', ['reader', 'writer', 'self']));
  await until(async () => (await statusOf(b, '/write/1', made.secret)) === 200);
  const another = await exchange(a, made.secret);
  t.equal(await statusOf(b, '/things', another), 200);
  done(await operator.accounts.setUserState('acme', 'bob', 'disabled'));
  for (const token of [made.secret, another]) await becomes(b, '/things', token, 401);
  await t.rejects(exchange(b, made.secret), 'a disabled user gets no session');
  done(await operator.accounts.setUserState('acme', 'bob', 'active'));
  await until(async () => (await statusOf(b, '/things', made.secret)) === 200);
  t.equal(await statusOf(b, '/things', another), 401, 'the old session stays dead');
};

export const revokeAll = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const [ann, bob] = [await signIn('acme', 'ann'), await signIn('acme', 'bob')];
  const eve = await makeToken(a, await signIn('globex', 'eve'), { user: 'globex/eve' });
  const token = async (user: 'ann' | 'bob', person: string) => {
    const { secret } = await makeToken(a, person, { user: `acme/${user}` });
    return { secret, session: await exchange(b, secret) };
  };
  const isDead = async ({ secret, session }: Awaited<ReturnType<typeof token>>): Promise<void> => {
    for (const gate of [a, b])
      for (const dead of [secret, session]) await becomes(gate, '/things', dead, 401);
  };
  const bobs = await token('bob', bob);
  const anns = await token('ann', ann);
  t.equal((await managed(a, 'POST /orgs/acme/users/ann/revoke-all', bob)).status, 403);
  t.equal((await managed(a, 'POST /revoke-all', bob)).status, 204, 'mine');
  await isDead(bobs);
  t.equal(await statusOf(b, '/things', bob), 401, 'and the session that ordered it');
  for (const alive of [anns.secret, anns.session]) t.equal(await statusOf(b, '/things', alive), 200);

  const more = await token('bob', await signIn('acme', 'bob'));
  t.equal((await managed(a, 'POST /orgs/acme/users/bob/revoke-all', ann)).status, 204, 'a user’s');
  await isDead(more);
  t.equal(await statusOf(b, '/things', anns.secret), 200);

  const again = await token('bob', await signIn('acme', 'bob'));
  t.equal((await managed(a, 'POST /orgs/acme/revoke-all', ann)).status, 204, 'the org’s');
  await isDead(again);
  await isDead(anns);
  t.equal(await statusOf(b, '/things', eve.secret), 200, 'another org has nothing to do with it');
  await token('ann', await signIn('acme', 'ann'));
};

export const expiry = async (t: Test, { a, b, operator, signIn }: Replicas): Promise<void> => {
  const forEver = await makeToken(a, await signIn('acme', 'ann'), { lifetime: 'never' });
  t.equal(forEver.shown['expiresAt'], null);
  t.match(await operator.apiTokens.findApiToken(forEver.id), { expiresAtMs: undefined });
  const asked = {
    grant_type: 'refresh_token',
    refresh_token: forEver.secret,
    accessTokenValiditySeconds: '3',
  };
  const short = await call(b, '/csp/gateway/am/api/auth/token', undefined, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` },
    body: new URLSearchParams(asked),
  });
  const session = String(bodyOf(short)['access_token']);
  t.ok(expiryMsOf(session) <= Date.now() + 4000, 'a session as short as was asked for');
  await becomes(b, '/things', session, 401);
  t.ok(Date.now() >= expiryMsOf(session), 'and not over before');
  for (const gate of [a, b]) t.equal(await statusOf(gate, '/things', forEver.secret), 200);
};
