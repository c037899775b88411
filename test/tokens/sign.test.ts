import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import t from 'tap';
import { accessTokenClaims } from '../../src/tokens/access-token-claims.ts';
import { signAccessToken, signIdentityJwt } from '../../src/tokens/sign.ts';
import { anIdentity } from '../support/identity.ts';
import { issuer, keyPairs, minuteMs, nowMs, nowSeconds, ownClaims, ownKeys } from './samples.ts';

const identityJwt = (change: Parameters<typeof anIdentity>[0]): string =>
  signIdentityJwt(ownKeys.ES256, {
    issuer,
    audience: 'main',
    identity: anIdentity(change),
    nowMs,
    lifetimeMs: 5 * minuteMs,
  });

t.test('an identity JWT tells the upstream who calls, and is verified by another library', async (t) => {
  const { payload, protectedHeader } = await jwtVerify(
    identityJwt({ sessionId: 's1' }),
    keyPairs.ES256.publicKey,
    {
      issuer,
      audience: 'main',
      currentDate: new Date(nowMs),
    },
  );
  t.strictSame({ ...protectedHeader }, { alg: 'ES256', typ: 'JWT', kid: ownKeys.ES256.kid });
  const { jti, ...claims } = payload;
  t.match(jti, /^[0-9a-f-]{36}$/);
  t.strictSame(claims, {
    iss: issuer,
    sub: 'alice',
    aud: 'main',
    exp: nowSeconds + 300,
    iat: nowSeconds,
    org: 'acme',
    org_name: 'Acme',
    name: 'Alice',
    roles: ['reader'],
    scope: 'things:read',
    tid: '3f0a6f0e-8f6b-4f43-9a55-000000000007',
    sid: 's1',
  });
});

t.test('an identity JWT never outlives the credential it was made from', async (t) => {
  const { exp } = decodeJwt(identityJwt({ expiresAtMs: nowMs + 1999 }));
  t.equal(exp, nowSeconds + 1);
  t.equal(decodeJwt(identityJwt({ expiresAtMs: Infinity })).exp, nowSeconds + 300);
});

t.test('no two identity JWTs share an id', async (t) => {
  t.not(decodeJwt(identityJwt({})).jti, decodeJwt(identityJwt({})).jti);
});

t.test('an identity without an API token or session has no claim for it', async (t) => {
  const claims = decodeJwt(identityJwt({ tokenId: undefined, sessionId: undefined }));
  t.notOk('tid' in claims);
  t.notOk('sid' in claims);
});

t.test('an access token has the shape of RFC 9068', async (t) => {
  const token = signAccessToken(ownKeys.RS256, ownClaims);
  t.strictSame({ ...decodeProtectedHeader(token) }, { alg: 'RS256', typ: 'at+jwt', kid: ownKeys.RS256.kid });
  const claims = decodeJwt(token);
  for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti', 'scope'])
    t.ok(name in claims, name);
  t.equal(claims['gen'], '3.14');
});

t.test('the times of an access token are rounded so that it never lives longer than granted', async (t) => {
  const claims = accessTokenClaims({
    issuer,
    audience: 'api',
    identity: { ...anIdentity({}), generation: { org: 0, user: 0 } },
    jti: 'j',
    sessionId: 's',
    clientId: undefined,
    methods: ['pwd'],
    issuedAtMs: nowMs + 999,
    expiresAtMs: nowMs + 60_999,
  });
  t.match(claims, { iat: nowSeconds, exp: nowSeconds + 60 });
  t.notOk('client_id' in decodeJwt(signAccessToken(ownKeys.ES256, claims)));
});

t.test("a surface's own claims go along with ours", async (t) => {
  const claims = { ...ownClaims, context_name: 'acme' };
  t.equal(decodeJwt(signAccessToken(ownKeys.ES256, claims))['context_name'], 'acme');
});
