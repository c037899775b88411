import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from 'jose';
import t, { type Test } from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { IssuerKeys, type IssuerKeysSettings } from '../../src/tokens/issuer-keys.ts';
import { answerJson, type JwksServer, startJwksServer } from './jwks-server.ts';
import { keyPairs, minuteMs, nowMs, ownClaims, ownHeader, ownKeys, forge } from './samples.ts';
import { caCertificate } from './tls-certificates.ts';

const esKey = ownKeys.ES256.publicJwk;
const rsKey = ownKeys.RS256.publicJwk;
const secondMs = 1000;

const keysFrom = (server: Pick<JwksServer, 'url'>, change: Partial<IssuerKeysSettings> = {}): IssuerKeys =>
  new IssuerKeys({
    issuer: 'https://login.example',
    jwksUrl: server.url,
    ca: undefined,
    algorithms: ['ES256', 'RS256'],
    staleKeysMsMax: 60 * minuteMs,
    ...change,
  });

const count = async (
  keys: IssuerKeys,
  atMs: number,
  kid: string | null = esKey.kid,
): Promise<number | string> => {
  const found = await keys.find('ES256', kid ?? undefined, atMs);
  return isOutage(found) ? found.reason : found.length;
};

const causeOf = async (keys: IssuerKeys, atMs = nowMs): Promise<string> => {
  const found = await keys.find('ES256', esKey.kid, atMs);
  if (!isOutage(found)) return 'no outage';
  const { cause } = found;
  if (!(cause instanceof Error)) return 'no cause';
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
};

t.test('keys are fetched once, by however many ask at once, and kept', async (t) => {
  const server = await startJwksServer(t, [esKey, rsKey]);
  const keys = keysFrom(server);
  const counts = await Promise.all(Array.from({ length: 100 }, () => count(keys, nowMs)));
  t.strictSame(new Set(counts), new Set([1]));
  t.equal(await count(keys, nowMs + 4 * minuteMs), 1);
  t.equal(server.requests, 1);
});

t.test('an unknown kid is worth one fetch, then a pause: no stampede', async (t) => {
  const server = await startJwksServer(t, [esKey]);
  const keys = keysFrom(server);
  t.equal(await count(keys, nowMs), 1);
  await Promise.all(Array.from({ length: 100 }, (_, at) => count(keys, nowMs + at, `unknown-${at}`)));
  t.equal(server.requests, 1, 'just fetched: nothing newer to be had');
  const later = nowMs + 31 * secondMs;
  await Promise.all(Array.from({ length: 100 }, (_, at) => count(keys, later, `unknown-${at}`)));
  t.equal(server.requests, 2);
  t.equal(await count(keys, later + 29 * secondMs, 'unknown'), 0, 'the issuer has no such key: no outage');
  t.equal(server.requests, 2);
});

t.test('a new key of the issuer is found by its kid', async (t) => {
  const server = await startJwksServer(t, [rsKey]);
  const keys = keysFrom(server);
  t.equal(await count(keys, nowMs), 0);
  server.answer = answerJson({ keys: [rsKey, esKey] });
  t.equal(await count(keys, nowMs + 31 * secondMs), 1);
});

t.test('a key the issuer has withdrawn is forgotten with the next fetch', async (t) => {
  const server = await startJwksServer(t, [esKey, rsKey]);
  const keys = keysFrom(server);
  t.equal(await count(keys, nowMs), 1);
  server.answer = answerJson({ keys: [rsKey] });
  t.equal(await count(keys, nowMs + 10 * minuteMs), 0);
});

t.test('keys are renewed in the background at half their life, and nobody waits', async (t) => {
  const server = await startJwksServer(t, [esKey]);
  const keys = keysFrom(server);
  await count(keys, nowMs);
  let asked = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  server.answer = () => asked();
  t.equal(await count(keys, nowMs + 6 * minuteMs), 1, 'answered though the endpoint does not');
  await isAsked;
  t.equal(await count(keys, nowMs + 6 * minuteMs), 1);
  t.equal(server.requests, 2);
});

t.test(
  'while the endpoint is down, known keys serve up to the bound and no longer; jose rejects at once',
  async (t) => {
    const server = await startJwksServer(t, [esKey]);
    const joseKeys = createRemoteJWKSet(new URL(server.url), { cacheMaxAge: 0 });
    const token = forge(ownHeader, JSON.stringify(ownClaims));
    const byJose = (): Promise<unknown> => jwtVerify(token, joseKeys, { currentDate: new Date(nowMs) });
    const keys = keysFrom(server);
    t.equal(await count(keys, nowMs), 1);
    await byJose();

    await server.stop();
    await t.rejects(byJose(), 'createRemoteJWKSet past its cache age, endpoint down');
    t.equal(await count(keys, nowMs + 11 * minuteMs), 1, 'past their freshness');
    t.equal(await count(keys, nowMs + 60 * minuteMs - 1), 1, 'up to the last millisecond');
    t.equal(await count(keys, nowMs + 60 * minuteMs), 'issuer_unavailable');

    await server.start();
    t.equal(await count(keys, nowMs + 60 * minuteMs + secondMs), 1, 'and it recovers by itself');
  },
);

t.test('known keys serve for exactly as long as the settings say, also below ten minutes', async (t) => {
  const server = await startJwksServer(t, [esKey]);
  const keys = keysFrom(server, { staleKeysMsMax: 2 * minuteMs });
  t.equal(await count(keys, nowMs), 1);
  t.equal(await count(keys, nowMs + minuteMs - 1), 1);
  t.equal(server.requests, 1, 'no fetch before half of it');
  await server.stop();
  t.equal(await count(keys, nowMs + minuteMs), 1, 'then one in the background');
  t.equal(await count(keys, nowMs + 2 * minuteMs - 1), 1, 'up to the last millisecond');
  t.equal(await count(keys, nowMs + 2 * minuteMs), 'issuer_unavailable');
});

t.test('an endpoint that is down when first asked is an outage, asked again a second later', async (t) => {
  const server = await startJwksServer(t, [esKey]);
  await server.stop();
  const keys = keysFrom(server);
  t.match(await causeOf(keys), /jwks\.json could not be fetched: connect ECONNREFUSED/);
  await server.start();
  t.equal(await count(keys, nowMs + 999), 'issuer_unavailable', 'a dead endpoint is not stormed');
  t.equal(server.requests, 0);
  t.equal(await count(keys, nowMs + 1000), 1);
});

t.test('an unknown kid while the endpoint is down is an outage: its key may be a new one', async (t) => {
  const server = await startJwksServer(t, [esKey]);
  const keys = keysFrom(server);
  t.equal(await count(keys, nowMs), 1);
  await server.stop();
  t.equal(await count(keys, nowMs + 31 * secondMs, 'new'), 'issuer_unavailable');
  t.equal(await count(keys, nowMs + 31 * secondMs), 1, 'known keys go on');
});

t.test('an endpoint that answers something else is an outage that says what', async (t) => {
  const server = await startJwksServer(t, []);
  const table: Record<string, readonly [JwksServer['answer'], RegExp]> = {
    '500': [(_, response) => void response.writeHead(500).end('{"keys":[]}'), /answered 500, not 200/],
    'a redirect, which is not followed': [
      (_, response) => void response.writeHead(302, { location: '/other' }).end(),
      /answered 302, not 200/,
    ],
    'a page': [(_, response) => void response.end('<html>'), /did not answer JSON/],
    'an empty body': [(_, response) => void response.end(), /did not answer JSON/],
    'a member twice': [(_, response) => void response.end('{"keys":[],"keys":[]}'), /did not answer JSON/],
    'no list of keys': [answerJson({ keys: {} }), /did not answer a JWK Set/],
    'a list': [answerJson([]), /did not answer a JWK Set/],
    'an empty list of keys': [answerJson({ keys: [] }), /publishes no key that can verify/],
    'only keys that cannot verify': [
      answerJson({ keys: [{ kty: 'oct', k: 'AA' }, 7, null] }),
      /publishes no key that can verify/,
    ],
    'more than half a megabyte': [
      answerJson({ keys: [esKey], more: 'x'.repeat(600_000) }),
      /could not be fetched.*more than 524288 bytes/,
    ],
    'half an answer': [
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('{"keys":[');
        response.destroy();
      },
      /could not be fetched/,
    ],
  };
  for (const [name, [answer, expected]] of Object.entries(table)) {
    server.answer = answer;
    t.match(await causeOf(keysFrom(server)), expected, name);
  }
});

t.test('a password and a query in the URL are shown to nobody', async (t) => {
  const server = await startJwksServer(t, [esKey]);
  const jwksUrl = server.url.replace('http://', 'http://us:s3cret@') + '?key=hidden';
  server.answer = (_, response) => void response.writeHead(403).end();
  const cause = await causeOf(keysFrom({ url: jwksUrl }));
  t.match(cause, /jwks\.json could not be fetched: answered 403/);
  t.notMatch(cause, /s3cret|hidden/);
});

t.test('an emptied key set is not served stale, and is asked for again soon', async (t) => {
  const server = await startJwksServer(t, [esKey]);
  const keys = keysFrom(server);
  await count(keys, nowMs);
  server.answer = answerJson({ keys: [] });
  t.equal(await count(keys, nowMs + 10 * minuteMs), 'issuer_unavailable');
  server.answer = answerJson({ keys: [esKey] });
  t.equal(await count(keys, nowMs + 10 * minuteMs + secondMs), 1);
});

t.test('keys that are not for verifying signatures of this algorithm are passed over', async (t) => {
  const { kid } = esKey;
  const privateJwk = { ...keyPairs.ES256.privateKey.export({ format: 'jwk' }), kid };
  const table: Record<string, unknown> = {
    'for encryption': { ...esKey, use: 'enc' },
    'for signing only': { ...esKey, key_ops: ['sign'] },
    'of another algorithm': { ...esKey, alg: 'ES384' },
    'with a kid that is no text': { ...esKey, kid: [kid] },
    'with an alg that is no text': { ...esKey, alg: ['ES256'] },
    'a private key': privateJwk,
    'another type of key under the same kid': { ...rsKey, kid, alg: undefined },
    'not on its curve': { ...esKey, x: esKey['y'], y: esKey['x'] },
  };
  for (const [name, key] of Object.entries(table)) {
    const server = await startJwksServer(t, [key, rsKey]);
    t.equal(await count(keysFrom(server), nowMs), 0, name);
  }
});

t.test(
  'an entry that cannot be read does not hide the others; jose would refuse the whole set',
  async (t) => {
    const entries = [7, null, { kty: 'EC' }, { kty: 'RSA', n: 'AQAB', e: 'AQAB' }, { kty: 'AKP', pub: 'AA' }];
    const both = { ...esKey, key_ops: ['sign', 'verify'], ext: 'yes' };
    const server = await startJwksServer(t, [...entries, both]);
    t.equal(await count(keysFrom(server), nowMs), 1);
    t.throws(() => createLocalJWKSet(JSON.parse(JSON.stringify({ keys: [...entries, both] }))));
  },
);

t.test(
  'a JWKS key without alg, use or kid serves the algorithm its type and curve allow, no other',
  async (t) => {
    const { kty, crv, x, y } = esKey;
    const server = await startJwksServer(t, [
      { kty, crv, x, y },
      { kty: 'RSA', n: rsKey['n'], e: rsKey['e'] },
    ]);
    const keys = keysFrom(server);
    t.equal(await count(keys, nowMs, null), 1);
    for (const [algorithm, expected] of [
      ['RS256', 1],
      ['ES384', 0],
      ['EdDSA', 0],
      ['HS256', 0],
      ['none', 0],
    ] as const) {
      const found = await keys.find(algorithm, undefined, nowMs);
      t.equal(isOutage(found) ? 'outage' : found.length, expected, algorithm);
    }
  },
);

t.test('a token without a kid is tried against four keys at most', async (t) => {
  const { kid: _, ...key } = esKey;
  const server = await startJwksServer(
    t,
    Array.from({ length: 50 }, () => key),
  );
  t.equal(await count(keysFrom(server), nowMs, null), 4);
});

t.test('an https endpoint is believed with a certificate of the CA given, and only then', async (t) => {
  const server = await startJwksServer(t, [esKey], 'https');
  t.equal(await count(keysFrom(server, { ca: caCertificate }), nowMs), 1);
  t.match(await causeOf(keysFrom(server)), /could not be fetched/);
  t.equal(server.requests, 1);
});

t.test('warming up fetches the keys, or says why not', async (t) => {
  const server = await startJwksServer(t, [esKey]);
  const keys = keysFrom(server);
  t.equal(await keys.warm(nowMs), undefined);
  t.equal(await count(keys, nowMs), 1);
  t.equal(server.requests, 1);
  await server.stop();
  t.match(await keysFrom(server).warm(nowMs), { kind: 'outage', reason: 'issuer_unavailable' });
});

t.test('an endpoint that never answers, or stops half way, is given up within seconds', async (t: Test) => {
  const silent = await startJwksServer(t, []);
  silent.answer = () => undefined;
  const halfway = await startJwksServer(t, []);
  halfway.answer = (_, response) => void response.writeHead(200).write('{"keys":[');
  const [one, other] = await Promise.all([causeOf(keysFrom(silent)), causeOf(keysFrom(halfway))]);
  t.match(one, /could not be fetched/);
  t.match(other, /could not be fetched/);
});
