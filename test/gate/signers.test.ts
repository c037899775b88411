import { generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import t from 'tap';
import { signersOf } from '../../src/gate/signers.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { KeyRing } from '../../src/tokens/key-ring.ts';
import { isKeyFault, parseSigningKey } from '../../src/tokens/signing-key.ts';
import { anIdentity } from '../support/identity.ts';

const issuer = 'https://gate.example.com';
const loaded = loadSettings({
  file: undefined,
  env: {},
  flags: {
    issuer,
    audience: 'the-api',
    upstream: 'http://127.0.0.1:8081',
    upstreams: '{"other":"http://127.0.0.1:8082"}',
  },
});
if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
const settings: Settings = loaded.settings;

const newRing = (): KeyRing => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = parseSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'test');
  if (isKeyFault(key)) throw new Error(key.message);
  const ring = new KeyRing();
  ring.replace([key]);
  return ring;
};

const ring = newRing();
const signers = signersOf(settings, ring);
const now = (): number => Date.now();
const identity = anIdentity({});

const verified = async (jwt: unknown, audience: string) =>
  jwtVerify(String(jwt), createLocalJWKSet(JSON.parse(JSON.stringify(ring.jwks(now())))), {
    issuer,
    audience,
  });

t.test('the identity JWT is for one upstream, by its origin', async (t) => {
  const jwt = signers.signIdentityJwt(identity, 'default', now());
  const { payload } = await verified(jwt, 'http://127.0.0.1:8081');
  t.match(payload, { sub: 'alice', org: 'acme' });
  t.ok((payload.exp ?? 0) - now() / 1000 <= settings.identity.jwtLifetimeMs / 1000 + 1);
  await t.rejects(verified(jwt, 'http://127.0.0.1:8082'), 'another must refuse it');
  await verified(signers.signIdentityJwt(identity, 'other', now()), 'http://127.0.0.1:8082');
});

t.test('it lives no longer than the token behind it', async (t) => {
  const expiresAtMs = (Math.floor(now() / 1000) + 60) * 1000;
  const jwt = signers.signIdentityJwt(anIdentity({ expiresAtMs }), 'default', now());
  t.equal((await verified(jwt, 'http://127.0.0.1:8081')).payload.exp, expiresAtMs / 1000);
});

t.test('the access token in the place of an API token is one of ours, for our audience', async (t) => {
  const { payload, protectedHeader } = await verified(
    signers.signAccessToken(identity, 'default', now()),
    'the-api',
  );
  t.match(protectedHeader, { typ: 'at+jwt' });
  t.match(payload, {
    sub: 'alice',
    org: 'acme',
    scope: 'things:read',
    tid: identity.tokenId,
    amr: ['api_token'],
  });
  t.type(payload['sid'], 'string', 'of a session that can be ended');
  const expiresAtMs = (Math.floor(now() / 1000) + 60) * 1000;
  const short = signers.signAccessToken(anIdentity({ expiresAtMs }), 'default', now());
  t.equal((await verified(short, 'the-api')).payload.exp, expiresAtMs / 1000, 'and ends with it');
});

t.test('without a key it is an outage, not a token and not a refusal', async (t) => {
  const none = signersOf(settings, new KeyRing());
  for (const answer of [
    none.signIdentityJwt(identity, 'default', now()),
    none.signAccessToken(identity, 'default', now()),
  ])
    t.match(answer, { kind: 'outage', reason: 'keys_unavailable' });
});

t.test('what must never be asked for is a bug', async (t) => {
  t.throws(() => signers.signAccessToken(anIdentity({ generation: undefined }), 'default', now()), {
    message: /another issuer/,
  });
  t.throws(() => signers.signIdentityJwt(identity, 'unknown', now()), {
    message: /no upstream is named unknown/,
  });
});
