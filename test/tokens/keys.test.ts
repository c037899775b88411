import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose';
import t from 'tap';
import { KeyRing } from '../../src/tokens/key-ring.ts';
import { parsePublicJwk, publishedJwk } from '../../src/tokens/public-jwk.ts';
import { signAccessToken } from '../../src/tokens/sign.ts';
import { isKeyFault, isSigningKey, parseSigningKey, type SigningKey } from '../../src/tokens/signing-key.ts';
import { generateStoredKey, openPublicHalf, openStoredKey } from '../../src/tokens/stored-key.ts';
import { keyPairs, nowMs, ownClaims, ownKeys, pemOf, ringOf, signingKeyOf } from './samples.ts';

const sealingKey = randomBytes(32);
const times = { createdAtMs: nowMs, activeFromMs: 0 };
const algorithms = ['ES256', 'RS256', 'EdDSA'] as const;

t.test("a key's id is its thumbprint: the example of RFC 7638 section 3.1", async (t) => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs' +
    'tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS' +
    'D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
  const key = parsePublicJwk({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' });
  t.equal(publishedJwk(key!, 'RS256').kid, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
});

t.test('a published key is public, says what it is for, and jose agrees on its id', async (t) => {
  for (const algorithm of algorithms) {
    const { publicJwk, kid } = ownKeys[algorithm];
    t.match(publicJwk, { kid, use: 'sig', alg: algorithm });
    t.equal(await calculateJwkThumbprint({ ...publicJwk }), kid);
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) t.notOk(secret in publicJwk, `no ${secret}`);
  }
});

t.test('a private or symmetric key that somebody publishes is not used', async (t) => {
  t.equal(parsePublicJwk(keyPairs.ES256.privateKey.export({ format: 'jwk' })), undefined);
  t.equal(parsePublicJwk({ kty: 'oct', k: 'c2VjcmV0' }), undefined);
  t.equal(parsePublicJwk({ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' }), undefined, 'not on its curve');
  for (const value of [undefined, null, 7, 'text', [], {}, { kty: ['EC'] }, { kty: '__proto__' }])
    t.equal(parsePublicJwk(value), undefined, JSON.stringify(value));
});

t.test('a mounted PEM file is read whatever its algorithm, and keeps one id everywhere', async (t) => {
  for (const algorithm of algorithms) {
    const key = signingKeyOf(keyPairs[algorithm]);
    t.match(key, { algorithm, origin: 'file', activeFromMs: 0, retireAtMs: undefined });
    t.equal(key.kid, ownKeys[algorithm].kid);
  }
});

t.test('a bad key file is a value that names the file, says what to do, and quotes no key', async (t) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const locked = keyPairs.ES256.privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  const table: Record<string, readonly [string, RegExp]> = {
    'not PEM': ['hello', /not a private key in PEM.*openssl genpkey/],
    empty: ['', /not a private key in PEM/],
    'a public key': [
      keyPairs.ES256.publicKey.export({ type: 'spki', format: 'pem' }),
      /not a private key in PEM/,
    ],
    'with a password': [locked, /without a password/],
    'of another curve': [pemOf(ec), /cannot sign here \(ec secp384r1\).*P-256/],
    'of too few bits': [pemOf(small), /cannot sign here \(rsa 1024 bits\).*2048/],
    truncated: [pemOf(keyPairs.ES256.privateKey).slice(0, 80), /not a private key in PEM/],
  };
  for (const [name, [pem, expected]] of Object.entries(table)) {
    const fault = parseSigningKey(pem, '/etc/tollgate/key.pem');
    t.match(fault, { kind: 'key_fault', message: expected }, name);
    t.match(fault, { message: /^\/etc\/tollgate\/key\.pem / }, `${name}: names the file`);
    const line = pem.split('\n')[1] ?? '';
    if (line.length > 10) t.notMatch(JSON.stringify(fault), line);
  }
});

t.test('a key made for the store comes back the same, and its record shows nothing private', async (t) => {
  for (const algorithm of algorithms) {
    const stored = await generateStoredKey(algorithm, sealingKey, times);
    const key = openStoredKey(stored, sealingKey);
    t.match(key, { kid: stored.kid, algorithm, origin: 'store' });
    if (isKeyFault(key)) continue;
    t.ok(createPublicKey(key.privateKey).equals(key.publicKey));
    const d = String(key.privateKey.export({ format: 'jwk' }).d);
    t.notMatch(JSON.stringify(stored), d);
    t.strictSame(JSON.parse(stored.publicJwk), key.publicJwk);
  }
});

t.test('no key made has an id that a command line would take for an option', async (t) => {
  const made = await Promise.all(
    Array.from({ length: 300 }, () => generateStoredKey('EdDSA', sealingKey, times)),
  );
  t.notOk(made.some(({ kid }) => kid.startsWith('-')));
});

t.test('a wrong sealing key is a clear message, and the public half still verifies', async (t) => {
  const stored = await generateStoredKey('ES256', sealingKey, times);
  const fault = openStoredKey(stored, randomBytes(32));
  t.match(fault, {
    kind: 'key_fault',
    message: /sealed under another sealing key.*keys\.encryptionKey.*rotate/,
  });
  const half = openPublicHalf(stored);
  t.match(half, { kid: stored.kid });
  if (!isKeyFault(half)) t.notOk(isSigningKey(half));
});

t.test('a damaged record is a clear message, never a key', async (t) => {
  const stored = await generateStoredKey('ES256', sealingKey, times);
  const other = await generateStoredKey('ES256', sealingKey, times);
  const table: Record<string, typeof stored> = {
    'public half cut short': { ...stored, publicJwk: stored.publicJwk.slice(0, -5) },
    'public half of another key': { ...stored, publicJwk: other.publicJwk },
    'another algorithm': { ...stored, algorithm: 'RS256' },
    'private half cut short': { ...stored, sealedPrivateKey: stored.sealedPrivateKey.slice(0, 20) },
    'private half missing': { ...stored, sealedPrivateKey: '' },
  };
  for (const [name, record] of Object.entries(table))
    t.match(openStoredKey(record, sealingKey), { kind: 'key_fault', message: /is damaged: / }, name);
  t.match(
    openStoredKey({ ...stored, sealedPrivateKey: other.sealedPrivateKey }, sealingKey),
    { kind: 'key_fault' },
    'the private half of another key, sealed under the same key, is bound to its own id',
  );
});

const storeKey = (change: Partial<SigningKey>): SigningKey => ({
  ...signingKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  origin: 'store',
  ...change,
});

t.test('the key that became active last signs; one that is still to come is only published', async (t) => {
  const old = storeKey({ retireAtMs: nowMs + 2000 });
  const next = storeKey({ activeFromMs: nowMs + 1000 });
  const ring = ringOf(next, old);
  t.equal(ring.signingKey('ES256', nowMs)?.kid, old.kid);
  t.equal(ring.signingKey('ES256', nowMs + 999)?.kid, old.kid);
  t.equal(ring.signingKey('ES256', nowMs + 1000)?.kid, next.kid, 'from its first millisecond');
  const kids = (atMs: number): string[] => ring.jwks(atMs).keys.map(({ kid }) => kid);
  t.strictSame(kids(nowMs).sort(), [next.kid, old.kid].sort(), 'published before it signs');
  t.ok(ring.verificationKey(old.kid, nowMs + 1999), 'the old one verifies until its last token is over');
  t.strictSame(kids(nowMs + 2000), [next.kid]);
  t.equal(ring.verificationKey(old.kid, nowMs + 2000), undefined);
});

t.test('mounted keys sign before keys of the store, the first of an algorithm first', async (t) => {
  const [one, other] = [storeKey({ origin: 'file' }), storeKey({ origin: 'file' })];
  const ring = ringOf(one, other, storeKey({ activeFromMs: nowMs - 5 }), ownKeys.EdDSA);
  t.equal(ring.signingKey('ES256', nowMs)?.kid, one.kid);
  t.equal(ring.signingKey('EdDSA', nowMs)?.kid, ownKeys.EdDSA.kid);
  t.equal(ring.signingKey('RS256', nowMs), undefined);
  t.equal(ring.jwks(nowMs).keys.length, 4);
});

t.test('a clock behind the one that made the first key signs with it all the same', async (t) => {
  const first = storeKey({ activeFromMs: nowMs + 5000 });
  const second = storeKey({ activeFromMs: nowMs + 9000 });
  t.equal(ringOf(second, first).signingKey('ES256', nowMs)?.kid, first.kid);
});

t.test('a key without its private half never signs, but verifies and is published', async (t) => {
  const { privateKey: _, ...half } = storeKey({});
  const ring = new KeyRing();
  ring.replace([half]);
  t.equal(ring.signingKey('ES256', nowMs), undefined);
  t.ok(ring.verificationKey(half.kid, nowMs));
  t.equal(ring.jwks(nowMs).keys.length, 1);
});

t.test('a token of ours is verified by another library from our published keys', async (t) => {
  const ring = ringOf(...Object.values(ownKeys));
  const keys = createLocalJWKSet({ keys: ring.jwks(nowMs).keys.map((key) => ({ ...key })) });
  for (const algorithm of algorithms) {
    const token = signAccessToken(ownKeys[algorithm], ownClaims);
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms: [algorithm],
      typ: 'at+jwt',
      issuer: ownClaims.iss,
      audience: ownClaims.aud,
      maxTokenAge: '30m',
      currentDate: new Date(nowMs),
    });
    t.strictSame({ ...payload }, JSON.parse(JSON.stringify(ownClaims)));
    t.strictSame({ ...protectedHeader }, { alg: algorithm, typ: 'at+jwt', kid: ownKeys[algorithm].kid });
  }
});
