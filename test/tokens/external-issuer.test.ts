import { generateKeyPairSync } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { isDenial } from '../../src/decision/outcome.ts';
import { summarizeError } from '../../src/observe/describe-error.ts';
import type { ExternalIssuer } from '../../src/tokens/verify-access-token.ts';
import { type AccessTokenVerifier, createAccessTokenVerifier } from '../support/access-tokens.ts';
import { answerJson, type JwksServer, startJwksServer } from './jwks-server.ts';
import {
  forge,
  keyPairs,
  malleate,
  minuteMs,
  nowMs,
  nowSeconds,
  ownClaims,
  ownHeader,
  signingKeyOf,
  verifierOptions,
} from './samples.ts';

const theirPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const theirKey = signingKeyOf(theirPair);
const theirIssuer = 'https://login.example/realm';

const claims = {
  iss: theirIssuer,
  aud: ['account', 'api'],
  sub: 'auth0|17',
  exp: nowSeconds + 300,
  iat: nowSeconds,
  jti: 'J-1',
  tenant: 'acme',
  email: 'alice@acme.example',
  scope: 'things:read things:write',
};

const header = { alg: 'ES256', typ: 'JWT', kid: theirKey.kid };

const token = (
  claimChange: Record<string, unknown> = {},
  headerChange: Record<string, unknown> = {},
): string =>
  forge(
    JSON.stringify({ ...header, ...headerChange }),
    JSON.stringify({ ...claims, ...claimChange }),
    theirPair.privateKey,
  );

interface Fixture {
  readonly verify: AccessTokenVerifier;
  readonly server: JwksServer;
  /** What was said of the issuer's keys: the reason, or that they can be had again. */
  readonly faults: string[];
}

const fixture = async (t: Test, change: Partial<ExternalIssuer> = {}): Promise<Fixture> => {
  const server = await startJwksServer(t, [theirKey.publicJwk]);
  const settings: ExternalIssuer = {
    issuer: theirIssuer,
    jwksUrl: server.url,
    ca: undefined,
    audiences: ['api'],
    audienceClaim: 'aud',
    algorithms: ['ES256', 'RS256'],
    type: undefined,
    tokenAgeMsMax: 60 * minuteMs,
    staleKeysMsMax: 60 * minuteMs,
    claims: { org: 'tenant', user: 'sub', userName: 'email', scope: 'scope' },
    fixedOrg: undefined,
    orgs: undefined,
    sessions: undefined,
    scopePrefix: '',
    ...change,
  };
  const faults: string[] = [];
  const verify = createAccessTokenVerifier({
    ...verifierOptions,
    externalIssuers: [settings],
    onIssuerFault: (issuer, fault) => {
      t.equal(issuer, settings.issuer);
      faults.push(fault === undefined ? 'again' : `${summarizeError(fault.cause)}, keys: ${fault.hasKeys}`);
    },
  });
  return { verify, server, faults };
};

t.test("an external issuer's token becomes an identity by the claims its settings name", async (t) => {
  const { verify } = await fixture(t);
  t.strictSame(await verify(token(), nowMs), {
    sessionKind: 'api_token',
    issuer: theirIssuer,
    org: { id: 'acme', name: 'acme' },
    user: { id: 'auth0|17', name: 'alice@acme.example', roles: [] },
    scopes: new Set(['things:read', 'things:write']),
    tokenId: undefined,
    secretNumber: undefined,
    sessionId: `${theirIssuer} J-1`,
    generation: undefined,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 300_000 + verifierOptions.clockLeewayMs,
  });
});

t.test('the org may be fixed, the scopes prefixed, the user name missing', async (t) => {
  const { verify } = await fixture(t, { fixedOrg: 'guests', scopePrefix: 'partner/' });
  t.match(await verify(token({ email: undefined }), nowMs), {
    org: { id: 'guests' },
    user: { name: 'auth0|17' },
    scopes: new Set(['partner/things:read', 'partner/things:write']),
  });
});

t.test('scopes of an external issuer may be a list, as several send them, or missing', async (t) => {
  const { verify } = await fixture(t, {
    claims: { org: 'tenant', user: 'sub', userName: 'email', scope: 'scp' },
  });
  t.match(await verify(token({ scp: ['a', 'b'] }), nowMs), { scopes: new Set(['a', 'b']) });
  t.match(await verify(token({ scp: [] }), nowMs), { scopes: new Set() });
  for (const scp of [undefined, null, '', '   ', '\n', [], [null, '', ' ']])
    t.match(await verify(token({ scp }), nowMs), { scopes: new Set() }, JSON.stringify(scp));
  for (const scp of ['a  b', ' a b ', 'a\tb\r\n', ['a', null, 'b', ''], ['a  b']])
    t.match(await verify(token({ scp }), nowMs), { scopes: new Set(['a', 'b']) }, JSON.stringify(scp));
  for (const scp of [['a', 7], [['a']], { a: true }, 7, ['a\tb'], 'a\u00a0b', 'a\u0000'])
    t.match(await verify(token({ scp }), nowMs), { evidence: 'claim scp' }, JSON.stringify(scp));
});

t.test('roles are read where the settings name their claim: a name or a list of names', async (t) => {
  const { verify } = await fixture(t, {
    claims: { org: 'tenant', user: 'sub', userName: 'email', scope: 'scope', roles: 'groups' },
  });
  for (const [groups, roles] of [
    [
      ['reader', 'writer', 'reader'],
      ['reader', 'writer'],
    ],
    ['reader', ['reader']],
    [['', null, 'reader', ' '], ['reader']],
    [undefined, []],
    [null, []],
    ['', []],
    ['  ', []],
    [[], []],
  ] as const)
    t.match(await verify(token({ groups }), nowMs), { user: { roles } }, JSON.stringify(groups));
  for (const groups of [7, { reader: true }, [['reader']], [7], ['a\nb'], Array(1_025).fill('x')])
    t.match(await verify(token({ groups }), nowMs), { evidence: 'claim groups' }, JSON.stringify(groups));
  const unread = await fixture(t);
  t.strictSame(Reflect.get(await unread.verify(token({ groups: ['reader'] }), nowMs), 'user'), {
    id: 'auth0|17',
    name: 'alice@acme.example',
    roles: [],
  });
});

t.test(
  'an optional claim that is null, empty or blank is as absent, one of another type is not',
  async (t) => {
    const { verify } = await fixture(t);
    for (const nothing of [null, '', ' ', '\t\n', undefined]) {
      t.match(
        await verify(token({ email: nothing }), nowMs),
        { user: { name: 'auth0|17' } },
        JSON.stringify(nothing),
      );
      t.match(
        await verify(token({ jti: nothing }), nowMs),
        { sessionId: / sha256:/ },
        JSON.stringify(nothing),
      );
      t.match(await verify(token({ amr: nothing }), nowMs), { sessionKind: 'api_token' });
      t.match(
        await verify(token({ sub: nothing }), nowMs),
        { evidence: 'claim sub' },
        'the user is not optional',
      );
      t.match(
        await verify(token({ tenant: nothing }), nowMs),
        { evidence: 'claim tenant' },
        'nor is the org',
      );
    }
    t.match(await verify(token({ email: 'Ann\r\nX-Identity: root' }), nowMs), { user: { name: 'auth0|17' } });
    for (const email of [7, ['Ann'], { name: 'Ann' }, false])
      t.match(await verify(token({ email }), nowMs), { evidence: 'claim email' }, JSON.stringify(email));
    t.match(await verify(token({ jti: 7 }), nowMs), { evidence: 'claim jti' });
  },
);

t.test('a claim may lie deep in objects; one of exactly the written name counts first', async (t) => {
  const rolesAt = async (roles: string, change: Record<string, unknown>): Promise<unknown> => {
    const { verify } = await fixture(t, {
      claims: { org: 'tenant', user: 'sub', userName: 'email', scope: 'scope', roles },
    });
    const made = await verify(token(change), nowMs);
    return isDenial(made) ? made.evidence : Reflect.get(Reflect.get(made, 'user'), 'roles');
  };
  const deep = { realm_access: { roles: ['a'] } };
  t.strictSame(await rolesAt('realm_access.roles', deep), ['a']);
  t.strictSame(await rolesAt('realm_access.roles', { ...deep, 'realm_access.roles': ['b'] }), ['b']);
  t.strictSame(await rolesAt('https://example.com/roles', { 'https://example.com/roles': 'a' }), ['a']);
  t.strictSame(await rolesAt('https://example\\.com/x.roles', { 'https://example.com/x': { roles: 'a' } }), [
    'a',
  ]);
  t.strictSame(await rolesAt('a\\.b\\.c.d', { 'a.b.c': { d: 'x' } }), ['x']);
  for (const [path, change] of [
    ['realm_access.roles', {}],
    ['realm_access.roles', { realm_access: null }],
    ['realm_access.roles', { realm_access: 'roles' }],
    ['realm_access.roles', { realm_access: ['roles'] }],
    ['realm_access.length', { realm_access: 'text' }],
    ['realm_access.0', { realm_access: ['a'] }],
    ['realm_access.constructor.name', deep],
    ['realm_access.__proto__.x', deep],
    ['__proto__.toString', deep],
    ['a..b', { a: { b: 'x' } }],
  ] as const)
    t.strictSame(await rolesAt(path, change), [], `${path} in ${JSON.stringify(change)}`);
  t.equal(await rolesAt('realm_access', deep), 'claim realm_access', 'an object is no role');
  const { verify } = await fixture(t, {
    claims: { org: 'acct.org', user: 'acct.user', userName: 'email', scope: 'acct.scope' },
  });
  t.match(await verify(token({ acct: { org: 'globex', user: 'ann', scope: 'x' } }), nowMs), {
    org: { id: 'globex' },
    user: { id: 'ann' },
    scopes: new Set(['x']),
  });
  t.match(await verify(token(), nowMs), { evidence: 'claim acct.org' });
});

t.test('rights at Tollgate itself are never taken from an issuer, whatever the prefix', async (t) => {
  const scope = 'things:read tollgate:introspect tollgate:tokens:all';
  const plain = await fixture(t);
  t.strictSame(Reflect.get(await plain.verify(token({ scope }), nowMs), 'scopes'), new Set(['things:read']));
  const prefixed = await fixture(t, { scopePrefix: 'tollgate' });
  const made = await prefixed.verify(token({ scope: 'x :introspect' }), nowMs);
  t.strictSame(
    Reflect.get(made, 'scopes'),
    new Set(['tollgatex']),
    'nor put together out of prefix and scope',
  );
});

t.test('a session is interactive where amr says that a person signed in, or the settings do', async (t) => {
  const { verify } = await fixture(t);
  const kindOf = async (verify: AccessTokenVerifier, amr: unknown): Promise<unknown> =>
    Reflect.get(await verify(token({ amr }), nowMs), 'sessionKind');
  for (const amr of [['pwd'], ['otp'], ['x', 'mfa'], ['hwk'], ['fido']])
    t.equal(await kindOf(verify, amr), 'interactive', JSON.stringify(amr));
  for (const amr of [
    undefined,
    [],
    ['api_token'],
    ['client_credentials'],
    ['PWD'],
    'pwd',
    { pwd: true },
    [['pwd']],
  ])
    t.equal(await kindOf(verify, amr), 'api_token', JSON.stringify(amr));
  const machines = await fixture(t, { sessions: 'api_token' });
  t.equal(await kindOf(machines.verify, ['pwd']), 'api_token');
  const people = await fixture(t, { sessions: 'interactive' });
  t.equal(await kindOf(people.verify, undefined), 'interactive');
});

t.test(
  'a token bound to a key (RFC 7800, RFC 9449) is refused: nobody checks that its bearer has the key',
  async (t) => {
    const { verify } = await fixture(t);
    for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, {}, [], 0, false, 'x'])
      t.match(await verify(token({ cnf }), nowMs), { reason: 'token_invalid', evidence: 'claim cnf' });
    t.match(await verify(token({ cnf: null }), nowMs), { issuer: theirIssuer }, 'null: bound to none');
  },
);

t.test('an issuer may name the orgs of its list and no other', async (t) => {
  const { verify } = await fixture(t, { orgs: ['globex', 'acme'] });
  t.match(await verify(token(), nowMs), { org: { id: 'acme' } });
  for (const tenant of ['initech', 'ACME', '__proto__'])
    t.match(await verify(token({ tenant }), nowMs), { reason: 'token_invalid', evidence: 'claim tenant' });
});

t.test('a session is named by issuer and jti, whatever the spelling of its signature', async (t) => {
  const { verify } = await fixture(t);
  const one = token();
  const twin = malleate(one);
  t.not(one, twin);
  t.strictSame(await verify(twin, nowMs), await verify(one, nowMs));
});

t.test('a token without jti is named by what its issuer signed, not by the signature', async (t) => {
  const { verify } = await fixture(t);
  const one = await verify(token({ jti: undefined }), nowMs);
  const sameAgain = await verify(token({ jti: undefined }), nowMs);
  const twin = await verify(malleate(token({ jti: undefined })), nowMs);
  const other = await verify(token({ jti: undefined, sub: 'auth0|18' }), nowMs);
  t.match(one, { sessionId: /^https:\/\/login\.example\/realm sha256:[0-9a-f]{64}$/ });
  t.strictSame([sameAgain, twin], [one, one], 'a new signature of the same claims is the same session');
  t.notMatch(other, { sessionId: Reflect.get(one, 'sessionId') });
});

t.test("an issuer's key opens no other issuer's tokens, ours included", async (t) => {
  const { verify } = await fixture(t);
  const asOurs = forge(
    JSON.stringify({ ...header, typ: 'at+jwt' }),
    JSON.stringify(ownClaims),
    theirPair.privateKey,
  );
  t.match(await verify(asOurs, nowMs), { evidence: 'header kid: not a key of ours' });
  const signedByUs = forge(ownHeader, JSON.stringify(claims), keyPairs.ES256.privateKey);
  t.match(await verify(signedByUs, nowMs), { evidence: 'header kid: not a key of the issuer' });
  t.match(await verify(token({ iss: 'https://unknown.example' }), nowMs), { evidence: /claim iss/ });
});

t.test('only the algorithms the settings name are believed', async (t) => {
  const { verify } = await fixture(t, { algorithms: ['RS256'] });
  t.match(await verify(token(), nowMs), { evidence: /header alg: not one the settings allow/ });
  for (const alg of ['none', 'HS256', 'ES384'])
    t.match(await verify(token({}, { alg }), nowMs), { evidence: /header alg/ }, alg);
});

t.test('every algorithm the settings offer is verified', async (t) => {
  const algorithms = ['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
  algorithms.push('EdDSA', 'Ed25519');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { verify, server } = await fixture(t, { algorithms });
  const keys: unknown[] = [];
  const tokens = new Map<string, string>();
  for (const alg of algorithms) {
    const pair = /^[RP]S/.test(alg) ? rsa : await generateKeyPair(alg);
    keys.push({ ...(await exportJWK(pair.publicKey)), kid: alg });
    const signed = new SignJWT(claims).setProtectedHeader({ alg, kid: alg });
    tokens.set(alg, await signed.sign(pair.privateKey));
  }
  server.answer = answerJson({ keys });
  for (const [alg, good] of tokens) {
    t.match(await verify(good, nowMs), { issuer: theirIssuer }, alg);
    const [head, payload] = good.split('.');
    const [, , other] = tokens.get(alg === 'RS256' ? 'RS384' : 'RS256')!.split('.');
    t.match(await verify(`${head}.${payload}.${other}`, nowMs), { evidence: 'signature' }, alg);
  }
});

t.test('an RSA key of too few bits is no key, and no error', async (t) => {
  const { verify, server } = await fixture(t);
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  server.answer = answerJson({
    keys: [{ ...small.publicKey.export({ format: 'jwk' }), kid: 'small' }, theirKey.publicJwk],
  });
  const head = JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: 'small' });
  t.match(await verify(forge(head, JSON.stringify(claims), small.privateKey), nowMs), {
    reason: 'token_invalid',
    evidence: 'header kid: not a key of the issuer',
  });
  t.match(await verify(token(), nowMs), { issuer: theirIssuer });
});

t.test('a JWKS key without alg is no way around the algorithms of the settings', async (t) => {
  const { verify, server } = await fixture(t, { algorithms: ['ES256', 'HS256', 'none'] });
  const { kty, crv, x, y, kid } = theirKey.publicJwk;
  server.answer = answerJson({ keys: [{ kty, crv, x, y, kid }] });
  t.match(await verify(token(), nowMs), { issuer: theirIssuer });
  for (const alg of ['HS256', 'none', 'ES384'])
    t.match(await verify(token({}, { alg }), nowMs), { kind: 'denial' }, alg);
});

t.test("what is refused of our own tokens is refused of another issuer's", async (t) => {
  const { verify } = await fixture(t);
  const raw = (payload: string, head = JSON.stringify(header)): string =>
    forge(head, payload, theirPair.privateKey);
  const payload = JSON.stringify(claims);
  const deep = `${'['.repeat(1_000)}${']'.repeat(1_000)}`;
  const good = token();
  const table: Readonly<Record<string, readonly [bad: string, evidence: string | RegExp]>> = {
    'kid as a list': [token({}, { kid: [theirKey.kid] }), 'header kid'],
    'kid as a path': [token({}, { kid: '../../../../dev/null' }), /header kid: not a key/],
    'kid as SQL': [token({}, { kid: "x' OR '1'='1" }), /header kid: not a key/],
    'kid as a name every object has': [token({}, { kid: '__proto__' }), /header kid: not a key/],
    'an extension nobody knows': [token({}, { crit: ['x'], x: 1 }), 'header crit is refused'],
    'a key of its own': [token({}, { jwk: theirKey.publicJwk }), 'header jwk is refused'],
    'a certificate of its own': [token({}, { x5c: ['MIIB'] }), 'header x5c is refused'],
    'no algorithm': [token({}, { alg: '' }), /header alg/],
    'exp 1e400': [raw(payload.replace(/"exp":\d+/, '"exp":1e400')), 'claim exp'],
    'no exp': [token({ exp: undefined }), 'claim exp'],
    'a subject twice': [raw(`{"sub":"root",${payload.slice(1)}`), /claims are not/],
    'an algorithm twice': [raw(payload, `{"alg":"none",${JSON.stringify(header).slice(1)}`), /header is not/],
    'an own key __proto__': [raw(`{"__proto__":{"sub":"root"},${payload.slice(1)}`), /claims are not/],
    'claims too deep': [raw(`{"x":${deep},${payload.slice(1)}`), /claims are not/],
    'five parts': [`${good}.a.b`, 'not three parts separated by dots'],
    padding: [`${good}==`, 'not canonical base64url'],
    'white space': [`${good}\n`, 'not canonical base64url'],
    'a token of 9 KB': [token({ x: 'x'.repeat(9_216) }), 'longer than allowed'],
  };
  for (const [name, [bad, evidence]] of Object.entries(table))
    t.match(await verify(bad, nowMs), { kind: 'denial', reason: 'token_invalid', evidence }, name);
  t.match(await verify(good, nowMs), { issuer: theirIssuer });
});

t.test('jku and x5u in a header are never followed', async (t) => {
  const { verify, server } = await fixture(t);
  const other = await startJwksServer(t, [theirKey.publicJwk]);
  t.match(await verify(token({}, { jku: other.url, x5u: other.url }), nowMs), { issuer: theirIssuer });
  t.equal(other.requests, 0);
  t.equal(server.requests, 1);
});

t.test('the type is what the settings ask, or any that an access token may have', async (t) => {
  const any = await fixture(t);
  for (const typ of ['JWT', 'jwt', 'at+jwt', 'application/at+jwt', undefined])
    t.notOk(isDenial(await any.verify(token({}, { typ }), nowMs)), String(typ));
  for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', ''])
    t.match(await any.verify(token({}, { typ }), nowMs), { evidence: /header typ/ }, typ);
  const strict = await fixture(t, { type: 'at+jwt' });
  t.notOk(isDenial(await strict.verify(token({}, { typ: 'application/AT+JWT' }), nowMs)));
  for (const typ of ['JWT', undefined])
    t.match(await strict.verify(token({}, { typ }), nowMs), { evidence: /header typ/ }, String(typ));
});

t.test('audience, times and age are required of an external token too', async (t) => {
  const { verify } = await fixture(t);
  for (const claim of ['aud', 'exp', 'iat', 'sub', 'tenant'])
    t.match(await verify(token({ [claim]: undefined }), nowMs), { evidence: `claim ${claim}` });
  t.match(await verify(token({ aud: 'account' }), nowMs), { evidence: 'claim aud' });
  t.match(await verify(token({ exp: '1e400' }), nowMs), { evidence: 'claim exp' });
  t.match(await verify(token({ iat: nowSeconds + 31 }), nowMs), { evidence: /claim iat/ });
  t.match(await verify(token({ nbf: nowSeconds + 31 }), nowMs), { evidence: /claim nbf/ });
  const old = token({ iat: nowSeconds - 3631, exp: nowSeconds + 60 });
  t.match(await verify(old, nowMs), { reason: 'token_expired', evidence: /claim iat/ });
});

t.test("another clock's expiry is granted the leeway, once", async (t) => {
  const { verify } = await fixture(t);
  const lastMs = nowMs + 300_000 + verifierOptions.clockLeewayMs;
  t.match(await verify(token(), lastMs - 1), { expiresAtMs: lastMs });
  t.match(await verify(token(), lastMs), { reason: 'token_expired' });
});

t.test('a subject or org that could pass for another is refused', async (t) => {
  const { verify } = await fixture(t);
  for (const sub of [{ id: 1 }, 17, 'a\r\nX-Identity: b', '', ['a']])
    t.match(await verify(token({ sub }), nowMs), { evidence: 'claim sub' }, JSON.stringify(sub));
  for (const tenant of ['acme/alice', '', 7, 'acme\n', null])
    t.match(await verify(token({ tenant }), nowMs), { evidence: 'claim tenant' }, JSON.stringify(tenant));
  t.match(await verify(token({ email: { a: 1 } }), nowMs), { evidence: 'claim email' });
});

t.test('a claim mapped to a name every object has is read from the token alone', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const { verify } = await fixture(t, {
      claims: { org: name, user: 'sub', userName: 'email', scope: 'scope' },
    });
    t.match(await verify(token(), nowMs), { kind: 'denial', evidence: `claim ${name}` });
  }
});

t.test("while the issuer's endpoint is down, known keys serve; without any, it is an outage", async (t) => {
  const { verify, server } = await fixture(t);
  t.match(await verify(token(), nowMs), { issuer: theirIssuer });
  await server.stop();
  const later = { iat: nowSeconds + 1800, exp: nowSeconds + 7200 };
  t.match(await verify(token(later), nowMs + 30 * minuteMs), { issuer: theirIssuer });
  t.match(await verify(token(later), nowMs + 61 * minuteMs), {
    kind: 'outage',
    reason: 'issuer_unavailable',
  });
  const cold = await fixture(t);
  await cold.server.stop();
  t.match(await cold.verify(token(), nowMs), { kind: 'outage', reason: 'issuer_unavailable' });
});

t.test(
  'good tokens are an outage, never bad, while the issuer publishes no key or none it can use',
  async (t) => {
    const later = token({ iat: nowSeconds + 1200, exp: nowSeconds + 7200 });
    const published: Record<string, readonly unknown[]> = {
      'an empty list': [],
      'a key of another algorithm alone': [{ ...theirKey.publicJwk, alg: 'ES384' }],
      'a damaged key alone': [{ ...theirKey.publicJwk, x: 'AAAA' }],
    };
    for (const [name, keys] of Object.entries(published)) {
      const { verify, server } = await fixture(t);
      t.match(await verify(token(), nowMs), { issuer: theirIssuer });
      server.answer = answerJson({ keys });
      const atMs = nowMs + 20 * minuteMs;
      const many = await Promise.all(Array.from({ length: 50 }, () => verify(later, atMs)));
      t.strictSame(
        new Set(many.map((outcome) => Reflect.get(outcome, 'reason'))),
        new Set(['issuer_unavailable']),
        name,
      );
      t.match(await verify(later, atMs + 500), { kind: 'outage' }, `${name}: until it is asked again`);
      server.answer = answerJson({ keys: [theirKey.publicJwk] });
      t.match(
        await verify(later, atMs + 1000),
        { issuer: theirIssuer },
        `${name}: and it recovers by itself`,
      );
    }
  },
);

t.test('an issuer that cannot be reached is told of once, and once when it can again', async (t) => {
  const { verify, server, faults } = await fixture(t);
  await verify.warm(nowMs);
  t.strictSame(faults, []);
  await server.stop();
  for (const minutes of [30, 31, 61, 62]) await verify(token(), nowMs + minutes * minuteMs);
  t.match(faults, [/jwks\.json could not be fetched: connect ECONNREFUSED.*, keys: true/]);
  t.equal(faults.length, 1);
  await server.start();
  await verify(token(), nowMs + 63 * minuteMs);
  t.strictSame(faults.slice(1), ['again']);
  const cold = await fixture(t);
  await cold.server.stop();
  await cold.verify.warm(nowMs);
  t.match(cold.faults, [/ECONNREFUSED.*, keys: false/]);
});

t.test(
  'whom a token is for may stand in client_id or azp, where the settings say so, and nowhere else',
  async (t) => {
    for (const audienceClaim of ['client_id', 'azp'] as const) {
      const { verify } = await fixture(t, { audienceClaim });
      t.match(await verify(token({ aud: undefined, [audienceClaim]: 'api' }), nowMs), {
        issuer: theirIssuer,
      });
      for (const [why, change] of Object.entries({
        'another client': { [audienceClaim]: 'other' },
        'none, whatever aud says': { aud: 'api' },
        'a list': { [audienceClaim]: ['api'] },
        null: { [audienceClaim]: null },
      }))
        t.match(
          await verify(token(change), nowMs),
          { reason: 'token_invalid', evidence: `claim ${audienceClaim}` },
          `${audienceClaim}: ${why}`,
        );
    }
    const { verify } = await fixture(t);
    for (const [claim, other] of [
      ['typ', 'ID'],
      ['token_use', 'id'],
      ['token_type', 'DPoP'],
    ] as const) {
      const byClient = await fixture(t, { audienceClaim: 'azp' });
      t.match(
        await byClient.verify(token({ azp: 'api', [claim]: other }), nowMs),
        { evidence: `claim ${claim}: not an access token` },
        'an ID token names the same client',
      );
    }
    t.match(await verify(token({ aud: 'other', client_id: 'api', azp: 'api' }), nowMs), {
      evidence: 'claim aud',
    });
  },
);

t.test('an issuer is compared to the last character', async (t) => {
  const { verify } = await fixture(t, { issuer: 'https://login.example/' });
  t.match(await verify(token({ iss: 'https://login.example/' }), nowMs), {
    issuer: 'https://login.example/',
  });
  for (const iss of ['https://login.example', 'https://login.example//', 'https://LOGIN.example/'])
    t.match(await verify(token({ iss }), nowMs), { evidence: /claim iss/ }, iss);
});

t.test('five hundred tokens of a garbage kid cause one fetch', async (t) => {
  const { verify, server } = await fixture(t);
  await Promise.all(Array.from({ length: 500 }, (_, at) => verify(token({}, { kid: `k${at}` }), nowMs)));
  t.equal(server.requests, 1);
});
