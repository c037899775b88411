import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { jwtVerify } from 'jose';
import t, { type Test } from 'tap';
import { isDenial, isOutage } from '../../src/decision/outcome.ts';
import { KeyRing } from '../../src/tokens/key-ring.ts';
import { signAccessToken, signIdentityJwt } from '../../src/tokens/sign.ts';
import { createAccessTokenVerifier } from '../support/access-tokens.ts';
import { anIdentity } from '../support/identity.ts';
import {
  base64url,
  forge,
  issuer,
  keyPairs,
  malleate,
  minuteMs,
  nowMs,
  nowSeconds,
  ownClaims,
  ownHeader,
  ownKeys,
  ringOf,
  signingKeyOf,
  verifierOptions,
  withClaims,
  withHeader,
} from './samples.ts';

const verify = createAccessTokenVerifier(verifierOptions);
const goodToken = signAccessToken(ownKeys.ES256, ownClaims);

/** Asserts a refusal with this reason and evidence. */
const refuses = async (
  t: Test,
  token: string,
  evidence: string | RegExp,
  reason: 'token_invalid' | 'token_expired' = 'token_invalid',
): Promise<void> => {
  const outcome = await verify(token, nowMs);
  t.match(outcome, { kind: 'denial', reason, evidence });
};

t.test('a good access token becomes the identity it was made from, without a look-up', async (t) => {
  for (const key of Object.values(ownKeys)) {
    const identity = await verify(signAccessToken(key, ownClaims), nowMs);
    t.strictSame(identity, {
      keyId: key.kid,
      sessionKind: 'api_token',
      issuer,
      org: { id: 'acme', name: 'Acme' },
      user: { id: 'alice', name: 'Alice', roles: ['reader'] },
      scopes: new Set(['things:read']),
      tokenId: '3f0a6f0e-8f6b-4f43-9a55-000000000007',
      secretNumber: 0,
      sessionId: 'session-1',
      generation: { org: 3, user: 14 },
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + 30 * minuteMs,
    });
  }
});

t.test('a session that a person signed in to is interactive and has no API token', async (t) => {
  const identity = await verify(withClaims({ amr: ['pwd'], tid: undefined }), nowMs);
  t.match(identity, { sessionKind: 'interactive', tokenId: undefined, secretNumber: undefined });
});

t.test("a session remembers which of its API token's secrets it began with", async (t) => {
  t.match(await verify(withClaims({ sn: 3 }), nowMs), { secretNumber: 3 });
  t.match(
    await verify(withClaims({ sn: undefined }), nowMs),
    { secretNumber: 0 },
    'one made before they counted',
  );
  for (const sn of [-1, 1.5, '1', null, [1]]) await refuses(t, withClaims({ sn }), /claim sn/);
});

t.test(
  '14: a session is bound to the networks of its API token; a list that cannot be read lets nobody in',
  async (t) => {
    const entries = ['10.0.0.0/8', '2001:db8::/32'];
    t.match(await verify(withClaims({ allow_from: entries }), nowMs), { allowFrom: { entries } });
    t.match(await verify(withClaims({ allow_from: [] }), nowMs), { allowFrom: { networks: [] } }, 'nobody');
    t.notOk('allowFrom' in (await verify(withClaims({}), nowMs)));
    for (const allow_from of [null, '10.0.0.0/8', ['10.0.0.0/8', 'x'], [''], [7], { 0: '10.0.0.0/8' }])
      await refuses(t, withClaims({ allow_from }), /claim allow_from/);
  },
);

t.test('a token without scopes is a good token that may do nothing', async (t) => {
  const identity = await verify(withClaims({ scope: '' }), nowMs);
  t.match(identity, { scopes: new Set() });
});

t.test('an algorithm other than the one of the key is refused', async (t) => {
  const rsaPem = keyPairs.RS256.publicKey.export({ type: 'spki', format: 'pem' });
  const header = JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: ownKeys.RS256.kid });
  const input = `${base64url(header)}.${base64url(JSON.stringify(ownClaims))}`;
  const hmac = createHmac('sha256', rsaPem).update(input).digest('base64url');
  const table: Record<string, string> = {
    'alg HS256 keyed with the text of our RSA public key': `${input}.${hmac}`,
    'alg none': withHeader({ alg: 'none' }),
    'alg None': withHeader({ alg: 'None' }),
    'alg nOnE': withHeader({ alg: 'nOnE' }),
    'alg RS256 on an ES256 key': withHeader({ alg: 'RS256' }),
    'alg PS256 on an RS256 key': withHeader({ alg: 'PS256', kid: ownKeys.RS256.kid }),
    'alg constructor': withHeader({ alg: 'constructor' }),
  };
  for (const [name, token] of Object.entries(table))
    await t.test(name, async (t) => refuses(t, token, 'header alg: not the one of the key'));
});

t.test('an algorithm that is no text is refused', async (t) => {
  for (const alg of ['', 256, null, ['ES256'], { ES256: 1 }, undefined])
    await t.test(`alg ${JSON.stringify(alg)}`, async (t) => refuses(t, withHeader({ alg }), 'header alg'));
});

t.test('a token without its third part, signed by nobody, is refused', async (t) => {
  const [header, payload] = forge('{"alg":"none","typ":"at+jwt"}', JSON.stringify(ownClaims)).split('.');
  await refuses(t, `${header}.${payload}.`, 'not three parts separated by dots');
  await refuses(t, `${header}.${payload}`, 'not three parts separated by dots');
});

t.test('a kid that is not a known text is refused, and never used as a path or a query', async (t) => {
  await refuses(t, withHeader({ kid: [ownKeys.ES256.kid] }), 'header kid');
  await refuses(t, withHeader({ kid: { $ne: '' } }), 'header kid');
  await refuses(t, withHeader({ kid: 7 }), 'header kid');
  await refuses(t, withHeader({ kid: undefined }), 'header kid is required');
  for (const kid of ['../../../../dev/null', "x' OR '1'='1", '__proto__', 'constructor', 'a'.repeat(1000)])
    await refuses(t, withHeader({ kid }), 'header kid: not a key of ours');
});

t.test('an extension that must be understood (crit) is refused', async (t) => {
  await refuses(t, withHeader({ crit: ['exp'] }), 'header crit is refused');
  await refuses(t, withHeader({ crit: [], b64: false }), 'header crit is refused');
  await refuses(t, withHeader({ crit: ['b64'], b64: false }), 'header crit is refused');
});

t.test('a token that brings its own key (jwk, x5c) is refused', async (t) => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = stranger.publicKey.export({ format: 'jwk' });
  const header = { ...JSON.parse(ownHeader), jwk };
  await refuses(
    t,
    forge(JSON.stringify(header), JSON.stringify(ownClaims), stranger.privateKey),
    'header jwk is refused',
  );
  await refuses(t, withHeader({ x5c: ['MIIB'] }), 'header x5c is refused');
});

t.test('a token signed by a stranger with our kid is refused', async (t) => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await refuses(t, forge(ownHeader, JSON.stringify(ownClaims), stranger.privateKey), 'signature');
});

t.test('claims changed after signing are refused', async (t) => {
  const [header, , signature] = goodToken.split('.');
  const payload = base64url(JSON.stringify({ ...ownClaims, sub: 'root' }));
  await refuses(t, `${header}.${payload}.${signature}`, 'signature');
});

t.test('a signature of the wrong length, or in DER, is refused', async (t) => {
  const dot = goodToken.lastIndexOf('.');
  const input = goodToken.slice(0, dot);
  const der = sign('sha256', Buffer.from(input), keyPairs.ES256.privateKey);
  await refuses(t, `${input}.${base64url(der)}`, 'signature');
  await refuses(t, `${input}.${base64url(Buffer.alloc(64))}`, 'signature');
  await refuses(t, `${input}.${base64url(Buffer.alloc(63))}`, 'signature');
  await refuses(t, `${input}.AA`, 'signature');
});

t.test('typ: JWT is refused where at+jwt is required, so an identity JWT is no access token', async (t) => {
  await refuses(t, withHeader({ typ: 'JWT' }), 'header typ: at+jwt is required');
  await refuses(t, withHeader({ typ: undefined }), 'header typ: at+jwt is required');
  await refuses(t, withHeader({ typ: ['at+jwt'] }), 'header typ');
  const jwt = signIdentityJwt(ownKeys.ES256, {
    issuer,
    audience: verifierOptions.audience,
    identity: anIdentity({}),
    nowMs,
    lifetimeMs: minuteMs,
  });
  await refuses(t, jwt, 'header typ: at+jwt is required');
});

t.test('a required claim that is missing is refused', async (t) => {
  const required = ['sub', 'aud', 'exp', 'iat', 'jti', 'org', 'scope', 'sid', 'gen', 'amr', 'name', 'roles'];
  for (const claim of required)
    await t.test(`missing ${claim}`, async (t) =>
      refuses(t, withClaims({ [claim]: undefined }), `claim ${claim}`),
    );
  await refuses(t, withClaims({ iss: undefined }), /claim iss/);
});

t.test('exp: 1e400, which is Infinity to JSON.parse, is refused', async (t) => {
  const payload = JSON.stringify(ownClaims).replace(/"exp":\d+/, '"exp":1e400');
  await refuses(t, forge(ownHeader, payload), 'claim exp');
});

t.test('times that are no numbers, or beyond the year 9999, are refused', async (t) => {
  for (const value of [String(nowSeconds + 60), null, true, [nowSeconds + 60], 253_402_300_800])
    for (const claim of ['exp', 'iat', 'nbf'])
      await t.test(`${claim} ${JSON.stringify(value)}`, async (t) =>
        refuses(t, withClaims({ [claim]: value }), `claim ${claim}`),
      );
});

t.test('times before 1970 are refused: as long past, or as no time', async (t) => {
  for (const claim of ['exp', 'iat'])
    await refuses(t, withClaims({ [claim]: -1 }), `claim ${claim}`, 'token_expired');
  await refuses(t, withClaims({ nbf: -1 }), 'claim nbf');
});

t.test('an expired token is refused as expired, at the very second', async (t) => {
  const lastMs = nowMs + 30 * minuteMs;
  t.match(await verify(goodToken, lastMs - 1), { sessionId: 'session-1' });
  t.match(await verify(goodToken, lastMs), { reason: 'token_expired' });
});

t.test('iat in the future is refused beyond the leeway', async (t) => {
  t.notOk(isDenial(await verify(withClaims({ iat: nowSeconds + 30 }), nowMs)), 'a clock 30 s ahead');
  await refuses(t, withClaims({ iat: nowSeconds + 31 }), 'claim iat: in the future');
});

t.test('nbf in the future is refused beyond the leeway', async (t) => {
  t.notOk(isDenial(await verify(withClaims({ nbf: nowSeconds + 30 }), nowMs)));
  await refuses(t, withClaims({ nbf: nowSeconds + 31 }), 'claim nbf: in the future');
});

t.test('a token older than the maximum age is refused, whatever its exp says', async (t) => {
  const iat = nowSeconds - 30 * 60 - 31;
  const exp = nowSeconds + 3600;
  await refuses(t, withClaims({ iat, exp }), /claim iat: older/, 'token_expired');
  t.notOk(isDenial(await verify(withClaims({ iat: iat + 1, exp }), nowMs)));
});

t.test('another audience or issuer is refused', async (t) => {
  await refuses(t, withClaims({ aud: 'other' }), 'claim aud');
  await refuses(t, withClaims({ aud: ['other', 'more'] }), 'claim aud');
  await refuses(t, withClaims({ aud: { api: true } }), 'claim aud');
  await refuses(t, withClaims({ aud: [] }), 'claim aud');
  await refuses(t, withClaims({ iss: 'https://evil.test' }), /not an issuer in the settings/);
  await refuses(t, withClaims({ iss: `${issuer}/` }), /not an issuer in the settings/);
  t.match(await verify(withClaims({ aud: ['other', 'api'] }), nowMs), { issuer });
});

t.test('a subject that is no plain text is refused', async (t) => {
  const table: Record<string, unknown> = {
    'an object': { id: 'alice' },
    'a number': 7,
    'a list': ['alice'],
    'an empty text': '',
    'a text with CR LF': 'alice\r\nX-Identity-User: root',
    'a text with NUL': 'alice\0',
    'a text with DEL': 'alice\x7f',
    'a text with a C1 control': 'alice\u0085',
    'half a character (a lone surrogate)': 'alice\ud800',
    'a text beyond any bound': 'a'.repeat(1025),
  };
  for (const [name, sub] of Object.entries(table))
    await t.test(name, async (t) => refuses(t, withClaims({ sub }), 'claim sub'));
});

t.test('an identity may be written in any script', async (t) => {
  const identity = await verify(withClaims({ name: '山田 🦊', org_name: 'Ünïcode' }), nowMs);
  t.match(identity, { user: { name: '山田 🦊' }, org: { name: 'Ünïcode' } });
});

t.test('duplicate claims are refused: two readers must not read two subjects', async (t) => {
  const payload = JSON.stringify(ownClaims);
  for (const twice of ['"sub":"root"', '"sub":"alice"', '"s\\u0075b":"root"', '"gen":"9.9"'])
    await refuses(t, forge(ownHeader, `{${twice},${payload.slice(1)}`), /claims are not/);
  const nested = `{"x":{"a":1,"a":1},${payload.slice(1)}`;
  await refuses(t, forge(ownHeader, nested), /claims are not/);
});

t.test('duplicate header members are refused', async (t) => {
  await refuses(t, forge(`{"alg":"none",${ownHeader.slice(1)}`, JSON.stringify(ownClaims)), /header is not/);
});

t.test('an own key __proto__ is refused, and pollutes nothing', async (t) => {
  const payload = `{"__proto__":{"sub":"root"},${JSON.stringify(ownClaims).slice(1)}`;
  await refuses(t, forge(ownHeader, payload), /claims are not/);
  const escaped = `{"\\u005f_proto__":{"sub":"root"},${JSON.stringify(ownClaims).slice(1)}`;
  await refuses(t, forge(ownHeader, escaped), /claims are not/);
  t.equal(Reflect.get({}, 'sub'), undefined);
});

t.test('claims inherited from Object.prototype do not count as given', async (t) => {
  const mapped = withClaims({ sub: undefined, constructor: 'alice' });
  await refuses(t, mapped, 'claim sub');
});

t.test('scope as a list is refused: ours is always text', async (t) => {
  await refuses(t, withClaims({ scope: ['things:read'] }), 'claim scope');
  await refuses(t, withClaims({ scope: 'things:read  admin' }), 'claim scope');
  await refuses(t, withClaims({ scope: 'things:read\tadmin' }), 'claim scope');
  await refuses(t, withClaims({ scope: 'a"b' }), 'claim scope');
});

t.test('a generation that is not two counters is refused', async (t) => {
  for (const gen of ['1', '1.2.3', '-1.2', '1e3.2', '1.', ' 1.2', '9'.repeat(16) + '.1', 12])
    await refuses(t, withClaims({ gen }), 'claim gen');
});

t.test('claims 100,000 deep are refused, whether they fit the bound or not', async (t) => {
  const unbounded = createAccessTokenVerifier({ ...verifierOptions, tokenBytesMax: 1_000_000 });
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    const token = forge(ownHeader, `{"x":${deep},${JSON.stringify(ownClaims).slice(1)}`);
    t.match(await unbounded(token, nowMs), { kind: 'denial', evidence: /claims are not/ });
    await refuses(t, token, 'longer than allowed');
  }
});

t.test('a token of five parts, or four, is refused', async (t) => {
  await refuses(t, `${goodToken}.a.b`, 'not three parts separated by dots');
  await refuses(t, `${goodToken}.`, 'not three parts separated by dots');
  await refuses(t, '..', 'not three parts separated by dots');
  await refuses(t, '', 'not three parts separated by dots');
});

t.test('a token longer than the bound is refused before it is looked at', async (t) => {
  await refuses(t, `${goodToken}${'A'.repeat(9000)}`, 'longer than allowed');
});

t.test('a signature has one spelling; jose accepts others', async (t) => {
  const last = goodToken.at(-1)!;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  // 64 bytes are 85 whole characters and one with four bits to spare.
  const sibling = alphabet[(alphabet.indexOf(last) & ~15) | ((alphabet.indexOf(last) + 1) & 15)]!;
  const table: Record<string, string> = {
    'an alternative last character': goodToken.slice(0, -1) + sibling,
    padding: `${goodToken}==`,
    'a line feed after it': `${goodToken}\n`,
    'a blank inside': `${goodToken.slice(0, -4)} ${goodToken.slice(-4)}`,
    'padding after the header': goodToken.replace('.', '=.'),
    'the alphabet of plain base64': goodToken.replaceAll('-', '+').replaceAll('_', '/') + '+/',
  };
  for (const [name, token] of Object.entries(table))
    await t.test(name, async (t) => refuses(t, token, 'not canonical base64url'));
  t.ok(
    await jwtVerify(table['an alternative last character']!, keyPairs.ES256.publicKey, {
      currentDate: new Date(nowMs),
    }),
    'jose lets the alternative last character through, so a hash of the string names nothing',
  );
});

t.test('the other ES256 signature (r, n-s) names the same session, so it is revoked with it', async (t) => {
  const twin = malleate(goodToken);
  t.not(twin, goodToken);
  const [one, other] = [await verify(goodToken, nowMs), await verify(twin, nowMs)];
  t.match(one, { sessionId: 'session-1', tokenId: ownClaims.tid });
  t.strictSame(other, one, 'revocation is by the ids within, never by a hash of the string');
});

t.test('a token with any one character changed is refused', async (t) => {
  const accepted: number[] = [];
  for (let at = 0; at < goodToken.length; at++) {
    const other = goodToken[at] === 'A' ? 'B' : 'A';
    const changed = goodToken.slice(0, at) + other + goodToken.slice(at + 1);
    if (!isDenial(await verify(changed, nowMs))) accepted.push(at);
  }
  t.strictSame(accepted, []);
});

t.test('text that is not UTF-8, or begins with a byte order mark, is refused', async (t) => {
  const input = (payload: Uint8Array): string => {
    const text = `${base64url(ownHeader)}.${base64url(payload)}`;
    const signature = sign('sha256', Buffer.from(text), {
      key: keyPairs.ES256.privateKey,
      dsaEncoding: 'ieee-p1363',
    });
    return `${text}.${base64url(signature)}`;
  };
  const claims = Buffer.from(JSON.stringify({ ...ownClaims, name: 'X' }));
  claims[claims.indexOf('X')] = 0xff;
  await refuses(t, input(claims), /claims are not/);
  await refuses(t, input(Buffer.from(`\ufeff${JSON.stringify(ownClaims)}`)), /claims are not/);
});

t.test('claims that are no object are refused', async (t) => {
  for (const payload of ['[]', 'null', '"text"', '7', '{', ''])
    t.match(await verify(forge(ownHeader, payload), nowMs), { kind: 'denial', reason: 'token_invalid' });
});

t.test('a key that has retired no longer verifies; one that is only published already does', async (t) => {
  const keyRing = new KeyRing();
  const verify = createAccessTokenVerifier({ ...verifierOptions, keyRing });
  keyRing.replace([{ ...ownKeys.ES256, retireAtMs: nowMs }]);
  t.match(await verify(goodToken, nowMs - 1), { issuer });
  keyRing.replace([{ ...ownKeys.ES256, retireAtMs: nowMs }, ownKeys.RS256]);
  t.match(await verify(goodToken, nowMs), { evidence: 'header kid: not a key of ours' });
  keyRing.replace([{ ...ownKeys.ES256, activeFromMs: nowMs + minuteMs }]);
  t.match(await verify(goodToken, nowMs), { issuer });
});

t.test('before any key has been read, a token is neither good nor bad: an outage', async (t) => {
  const verify = createAccessTokenVerifier({ ...verifierOptions, keyRing: new KeyRing() });
  const outcome = await verify(goodToken, nowMs);
  t.ok(isOutage(outcome));
  t.match(outcome, { reason: 'keys_unavailable' });
});

t.test('a refusal never repeats the token', async (t) => {
  const other = signingKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const verify = createAccessTokenVerifier({ ...verifierOptions, keyRing: ringOf(other) });
  const outcome = await verify(goodToken, nowMs);
  for (const part of goodToken.split('.')) t.notMatch(JSON.stringify(outcome), part);
});
