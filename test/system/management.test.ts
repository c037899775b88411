// The management surface of real processes: two gates on one store, SQLite and Redis, a person who signs in with a
// password, and another who comes with the token of an identity provider.

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { call, encryptionKey, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';
import { startJwksServer } from '../tokens/jwks-server.ts';

t.setTimeout(180_000);

const issuer = 'https://login.example.com';
const password = 'correct horse battery staple';
const anns = '/orgs/acme/users/ann/api-tokens';
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };

/** Of the identity provider. */
const providersToken = (subject: string, claims: object = {}): Promise<string> =>
  new SignJWT({ org: 'acme', scope: 'things:read', jti: randomUUID(), amr: ['pwd', 'otp'], ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience('https://api.example.com')
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(privateKey);

const order = async (
  gate: GateProcess,
  who: string | undefined,
  methodAndPath: string,
  body?: unknown,
  headers: Record<string, string> = {},
) => {
  const [method = '', path = ''] = methodAndPath.split(' ');
  const answer = await call(gate, `/tollgate/v1${path}`, who, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = answer.text === '' ? {} : (answer.json() as Record<string, unknown>);
  return { status: answer.status, json };
};

const startPair = async (t: Test, store: unknown) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const [api, jwks] = await Promise.all([startEchoApi(t), startJwksServer(t, [jwk])]);
  const settings = {
    upstream: api.url,
    keys: { encryptionKey },
    surfaces: { management: { enabled: true } },
    issuers: [
      {
        issuer,
        jwks: jwks.url,
        audience: ['https://api.example.com'],
        algorithms: ['ES256'],
        type: 'at+jwt',
      },
    ],
    routes: [{ name: 'all', path: '/*', scopes: ['things:read'] }],
    ...(store !== undefined && { store }),
  };
  const start = (name: string): Promise<GateProcess> => startGate(t, { directory, name, settings });
  const a = await start('a');
  const b = await start('b');
  const { accounts, store: open } = await openOperator(t, a.settingsFile);
  const roles = {
    reader: ['things:read', 'tollgate:tokens:own'],
    owner: ['things:read', 'tollgate:tokens:own', 'tollgate:audit:read', 'org:owner'],
  };
  for (const id of ['acme', 'other']) {
    done(await accounts.createOrg({ id, name: id, roles, tokenLifetimeMsMax: undefined }));
    done(await accounts.createUser({ orgId: id, id: 'ann', name: 'Ann', roles: ['owner'] }));
  }
  done(await accounts.createUser({ orgId: 'acme', id: 'ben', name: 'Ben', roles: ['reader'] }));
  const limit = createSignInLimit({ signInFailuresPerAccount: 0, signInFailuresPerAddress: 0 });
  const passwords = createPasswords({ store: open, passwords: createPasswordHashes(), limit, now: Date.now });
  done(await passwords.setPassword('acme', 'ann', password));
  await Promise.all([a.whenReady(), b.whenReady()]);
  return { a, b };
};

/** A token's whole life, ordered now at one gate and now at the other. */
const live = async (t: Test, a: GateProcess, b: GateProcess): Promise<void> => {
  const signedIn = await order(a, undefined, 'POST /sessions', { org: 'acme', user: 'ann', password });
  t.equal(signedIn.status, 201);
  const ann = String(signedIn.json['accessToken']);
  t.match(await order(a, undefined, 'POST /sessions', { org: 'other', user: 'ann', password }), {
    status: 401,
  });

  const wanted = { name: 'nightly', scopes: ['things:read'], lifetime: 'P30D' };
  const key = { 'idempotency-key': randomUUID() };
  const made = await order(a, ann, `POST ${anns}`, wanted, key);
  t.equal(made.status, 201);
  t.same(
    (await order(b, ann, `POST ${anns}`, wanted, key)).json,
    made.json,
    'a retry at another gate is the same',
  );
  t.match(await order(b, ann, `POST ${anns}`, { ...wanted, scopes: 'all' }, key), { status: 422 });
  const secret = String(made.json['secret']);
  const exchanged = await call(b, '/oauth2/token', undefined, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: secret }),
  });
  const session = String((exchanged.json() as Record<string, unknown>)['access_token']);
  const statuses = (...tokens: string[]) =>
    Promise.all(tokens.map(async (token) => (await call(b, '/things', token)).status));
  t.same(await statuses(secret, session), [200, 200]);
  t.match(await order(b, session, `GET ${anns}`), { status: 403, json: { code: 'session_kind_refused' } });
  t.match(await order(b, ann, 'GET /orgs/other/api-tokens'), {
    status: 403,
    json: { code: 'tenant_mismatch' },
  });

  const one = `/orgs/acme/api-tokens/${String(made.json['id'])}`;
  const next = await order(b, ann, `POST ${one}/regenerate`, { overlap: 'PT1H' }, key);
  t.same((await order(a, ann, `POST ${one}/regenerate`, { overlap: 'PT1H' }, key)).json, next.json);
  t.match(await order(a, ann, `POST ${one}/regenerate`, { overlap: 'PT0S' }, key), { status: 422 });
  const renewed = String(next.json['secret']);
  t.same(await statuses(secret, renewed), [200, 200], 'both within the overlap');
  t.equal((await order(a, ann, `POST ${one}/regenerate`, {})).status, 200);
  await until(async () => (await statuses(secret, renewed, session)).every((status) => status === 401));

  t.match((await order(b, ann, `GET ${anns}?state=active`)).json, { total: 1 });
  t.equal((await order(a, ann, `DELETE ${one}`)).status, 204);
  t.match((await order(b, ann, `GET ${one}`)).json, { state: 'revoked' });
  await until(async () => {
    const { json } = await order(b, ann, 'GET /orgs/acme/audit?limit=200');
    const actions = (json['items'] as Record<string, unknown>[]).map(({ action }) => action);
    return ['session.begin', 'token.create', 'token.regenerate', 'token.revoke'].every((action) =>
      actions.includes(action),
    );
  });
  t.equal((await order(a, ann, 'DELETE /sessions/current')).status, 204);
  await until(async () => (await order(b, ann, 'GET /sessions/current')).status === 401);
};

/** Who comes from the identity provider may do here what the roles of its user here grant, and nothing by the provider's word. */
const visit = async (t: Test, a: GateProcess, b: GateProcess): Promise<void> => {
  const [ann, ben, stranger, elsewhere] = await Promise.all([
    providersToken('ann', { scope: '' }),
    providersToken('ben', { scope: 'org:owner tollgate:tokens:all tollgate:audit:read' }),
    providersToken('eve', { scope: 'org:owner tollgate:tokens:own' }),
    providersToken('ann', { org: 'other' }),
  ]);
  t.match(await order(a, ann, 'GET /sessions/current'), {
    status: 200,
    json: {
      kind: 'interactive',
      issuer,
      user: { id: 'ann', roles: ['owner'] },
      org: { id: 'acme' },
      apiTokenId: null,
    },
  });
  t.equal((await order(a, ann, 'GET /orgs/acme/users')).status, 200);
  const made = await order(a, ben, 'POST /orgs/acme/users/ben/api-tokens', {
    name: 'bens',
    scopes: ['things:read'],
  });
  t.equal(made.status, 201);
  t.match(await order(a, ben, `GET ${anns}`), { status: 403, json: { code: 'scope_missing' } });
  t.match(await order(a, ben, 'GET /orgs/acme/audit'), { status: 403, json: { code: 'scope_missing' } });
  t.match(await order(a, stranger, 'POST /orgs/acme/users/eve/api-tokens', { name: 'x', scopes: [] }), {
    status: 403,
  });
  // The provider does not say that a person signed in: it may be a program.
  const program = await providersToken('ann', { amr: undefined });
  t.match(await order(a, program, `GET ${anns}`), { status: 403, json: { code: 'session_kind_refused' } });
  t.match(await order(a, elsewhere, `GET ${anns}`), { status: 403, json: { code: 'tenant_mismatch' } });

  t.equal((await order(a, ann, 'PATCH /orgs/acme/users/ben', { state: 'disabled' })).status, 200);
  await until(async () => (await order(b, ben, 'GET /sessions/current')).status === 401);
  t.equal((await call(b, '/things', String(made.json['secret']))).status, 401);
  t.equal((await order(b, ann, 'DELETE /sessions/current')).status, 204, 'its session ends here alone');
  await until(async () => (await order(a, ann, 'GET /sessions/current')).status === 401);
};

for (const kind of ['SQLite', 'Redis'])
  t.test(`on ${kind}: sign in, make, exchange, call, renew, revoke, sign out, at two gates`, async (t) => {
    let store: unknown;
    if (kind === 'Redis') {
      const redis = await startRedis();
      t.teardown(() => redis.close());
      store = { url: `redis+unix:${redis.socketPath}` };
    }
    const { a, b } = await startPair(t, store);
    await live(t, a, b);
    await visit(t, a, b);
  });
