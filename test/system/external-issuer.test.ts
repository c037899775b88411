// Access tokens of an issuer that is not Tollgate: a real JWKS endpoint, tokens signed with jose, and both in trouble.

import { mkdtempSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import t from 'tap';
import { answerJson, type JwksServer, startJwksServer } from '../tokens/jwks-server.ts';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import { call, encryptionKey, type GateProcess, revoke, startGate, until } from '../support/gate-process.ts';
import { done, openOperator, type Operator } from '../support/operator.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const issuer = 'https://login.example.com';
const audience = 'https://api.example.com';

let jwks: JwksServer;
let api: EchoApi;
let operator: Operator;
let [a, b] = [] as unknown as [GateProcess, GateProcess];
let settings: Record<string, unknown>;
let directory: string;

const newKey = async (kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
};
const keys = {
  first: await newKey('first'),
  second: await newKey('second'),
  stranger: await newKey('first'),
};

const tokenOf = (claims: JWTPayload = {}, key: keyof typeof keys = 'first'): Promise<string> =>
  new SignJWT({ org: 'acme', name: 'Eve', scope: 'things:read', jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: keys[key].kid, typ: 'at+jwt' })
    .setIssuer(claims.iss ?? issuer)
    .setSubject(claims.sub ?? 'eve')
    .setAudience(claims.aud ?? audience)
    .setIssuedAt(claims.iat)
    .setExpirationTime(claims.exp ?? '10m')
    .sign(keys[key].privateKey);

t.before(async () => {
  directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const redis = await startRedis();
  t.teardown(() => redis.close());
  jwks = await startJwksServer(t, [keys.first.jwk]);
  api = await startEchoApi(t);
  settings = {
    upstream: api.url,
    store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '1s' },
    keys: { encryptionKey },
    // What an issuer may have issued this long after a revocation is taken for older.
    tokens: { clockLeeway: '2s' },
    issuers: [
      {
        issuer,
        jwks: jwks.url,
        audience: [audience],
        algorithms: ['ES256'],
        type: 'at+jwt',
        scopePrefix: 'external/',
        claims: { roles: 'groups' },
      },
    ],
    routes: [
      { name: 'keep', path: '/keep', scopes: ['external/things:read'], forwardCredential: 'access-token' },
      { name: 'ours', path: '/ours', scopes: ['things:read'] },
      { name: 'account', path: '/accounts/{org}/*', scopes: ['external/things:read'] },
      { name: 'all', path: '/*', scopes: ['external/things:read'] },
    ],
    cache: { identityTtl: '0s' },
  };
  const start = (name: string): Promise<GateProcess> => startGate(t, { directory, name, settings });
  [a, b] = await Promise.all([start('a'), start('b')]);
  operator = await openOperator(t, a.settingsFile);
  await operator.furnish();
  await Promise.all([a.whenReady(), b.whenReady()]);
});

const statusOf = async (gate: GateProcess, path: string, token: string): Promise<number> =>
  (await call(gate, path, token)).status;

t.test('a token of the issuer is an identity: its org, its user, its scopes under the prefix', async (t) => {
  const token = await tokenOf();
  const answer = await call(a, '/things', token);
  t.equal(answer.status, 200, answer.text);
  t.match(answer.json(), {
    headers: {
      'x-identity-user': 'eve',
      'x-identity-org': 'acme',
      'x-identity-scopes': 'external/things:read',
      authorization: undefined,
    },
  });
  t.equal(await statusOf(a, '/ours', token), 403, 'its scopes are not ours, whatever it calls them');
  t.equal(await statusOf(a, '/accounts/acme/1', token), 200);
  t.equal(await statusOf(a, '/accounts/other/1', token), 403);
  const kept = (await call(a, '/keep', token)).json() as { headers: Record<string, string> };
  t.equal(
    kept.headers['authorization'],
    `Bearer ${token}`,
    'where the API wants an access token it gets this one',
  );
});

t.test(
  "roles it names grant what the org's roles of these names do, at the API and not at Tollgate",
  async (t) => {
    done(await operator.accounts.defineRole('acme', 'auditor', ['things:audit', 'tollgate:introspect']));
    // What was issued before roles changed is signed in again; `iat` is in whole seconds.
    await until(async () => (await statusOf(a, '/things', await tokenOf())) === 200);
    const scopesOf = async (groups: unknown): Promise<string | undefined> => {
      const answer = await call(a, '/things', await tokenOf({ groups }));
      const { headers } = answer.json() as { readonly headers: Readonly<Record<string, string>> };
      return headers['x-identity-scopes'];
    };
    t.equal(await scopesOf(['reader', 'nobody', '__proto__']), 'external/things:read things:read');
    t.equal(await scopesOf('auditor'), 'external/things:read things:audit', 'one role may stand alone');
    t.equal(await scopesOf([]), 'external/things:read');
    t.equal(await statusOf(a, '/ours', await tokenOf({ groups: ['reader'] })), 200);
    t.equal(
      await statusOf(a, '/ours', await tokenOf({ groups: [7] })),
      401,
      'what is no list of names is no token',
    );
  },
);

t.test('what the settings do not allow is refused with 401, and nothing reaches the API', async (t) => {
  const before = api.received.length;
  const minutesAgo = (minutes: number): number => Math.floor(Date.now() / 1000) - minutes * 60;
  const bad: Readonly<Record<string, string>> = {
    'another issuer': await tokenOf({ iss: 'https://evil.example.com' }),
    'our own name': await tokenOf({ iss: 'http://127.0.0.1:8080' }),
    'another audience': await tokenOf({ aud: 'https://other.example.com' }),
    'a key of somebody else': await tokenOf({}, 'stranger'),
    'an expired token': await tokenOf({ iat: minutesAgo(30), exp: minutesAgo(20) }),
    'a token of the future': await tokenOf({ iat: minutesAgo(-20), exp: minutesAgo(-30) }),
    'an org with a slash': await tokenOf({ org: 'acme/ada' }),
    'no org': await tokenOf({ org: undefined }),
  };
  for (const [what, token] of Object.entries(bad)) t.equal(await statusOf(a, '/things', token), 401, what);
  t.equal(api.received.length, before);
});

t.test(
  'revoking it ends it by (issuer, jti) on both replicas; other tokens of its user live on',
  async (t) => {
    const [token, other] = [await tokenOf(), await tokenOf()];
    const claims = { jti: randomUUID() };
    const [one, twin] = [await tokenOf(claims), await tokenOf({ ...claims, scope: 'things:read other' })];
    for (const gate of [a, b])
      for (const each of [token, other, one, twin]) t.equal(await statusOf(gate, '/things', each), 200);
    t.equal((await revoke(a, token)).status, 200);
    t.equal((await revoke(a, one)).status, 200);
    for (const each of [token, one, twin]) {
      t.equal(await statusOf(a, '/things', each), 401);
      await until(async () => (await statusOf(b, '/things', each)) === 401);
    }
    for (const gate of [a, b]) t.equal(await statusOf(gate, '/things', other), 200);
    t.equal((await revoke(b, token)).status, 200, 'again is no fault');
  },
);

t.test("revoking all of a user ends the issuer's tokens from before, not those from after", async (t) => {
  done(await operator.accounts.createUser({ orgId: 'acme', id: 'eve', name: undefined, roles: [] }));
  const before = await tokenOf();
  t.equal(await statusOf(a, '/things', before), 200);
  done(await operator.apiTokens.revokeAll('acme', 'eve'));
  for (const gate of [a, b]) await until(async () => (await statusOf(gate, '/things', before)) === 401);
  await until(async () => (await statusOf(a, '/things', await tokenOf())) === 200);
});

t.test('a key nobody has heard of is refused, and does not storm the endpoint', async (t) => {
  const before = jwks.requests;
  const tokens = await Promise.all(Array.from({ length: 30 }, () => tokenOf({}, 'second')));
  const statuses = await Promise.all(tokens.map((token) => statusOf(a, '/things', token)));
  t.strictSame(new Set(statuses), new Set([401]));
  t.ok(jwks.requests - before <= 1, `${jwks.requests - before} fetches for 30 tokens`);
});

t.test('what may be good later is not answered as revoked', async (t) => {
  const early = {
    'its time has not come': await tokenOf({ nbf: Math.floor(Date.now() / 1000) + 300 }),
    'its org is not known yet': await tokenOf({ org: 'late' }),
    'its key is not known yet': await tokenOf({}, 'second'),
  };
  for (const [what, token] of Object.entries(early)) {
    t.equal(await statusOf(a, '/things', token), 401, what);
    const answer = await revoke(a, token);
    t.equal(answer.status, 400, what);
    t.match(answer.json(), { error: 'invalid_request', error_description: /^Nothing was revoked/ });
  }
  t.equal((await revoke(a, await tokenOf({ aud: 'https://other.example.com' }))).status, 200, 'never good');
});

t.test(
  'endpoint down: known keys serve on; a gate without keys says 503, never 401, and recovers',
  async (t) => {
    const token = await tokenOf();
    t.equal(await statusOf(a, '/things', token), 200);
    await jwks.stop();
    t.equal(
      await statusOf(a, '/things', await tokenOf()),
      200,
      'a token it has never seen, with keys it has',
    );
    const late = await startGate(t, { directory, name: 'late', settings });
    await late.whenReady();
    const line = await late.logged(({ msg }) => msg.includes('the keys of the issuer'));
    t.match(line, {
      level: 'warn',
      msg: /could not be fetched: .*ECONNREFUSED.*check `issuer` and `jwks` of it/,
    });
    t.notMatch(JSON.stringify(line), /\s+at /, 'one line of advice, no stack');
    const refused = await call(late, '/things', token);
    t.equal(refused.status, 503, 'ready for its own tokens, and honest about these');
    t.ok(refused.headers.get('retry-after'));
    t.equal((await revoke(late, token)).status, 503, 'a revocation it cannot check is not "done"');
    const { secret } = await operator.token();
    t.equal(await statusOf(late, '/ours', secret), 200, 'its own tokens do not mind');
    const unknownKid = await call(a, '/things', await tokenOf({ iss: 'https://evil.example.com' }));
    t.equal(unknownKid.status, 401, 'an issuer nobody knows stays a 401');
    jwks.answer = answerJson({ keys: [keys.first.jwk, keys.second.jwk] });
    await jwks.start();
    await until(async () => (await statusOf(late, '/things', token)) === 200);
    t.equal(
      await statusOf(late, '/things', await tokenOf({}, 'second')),
      200,
      'a key rotated in meanwhile is known',
    );
  },
);
