// Where an issuer's keys are, found from its URL alone: the names of OpenID and RFC 8414, what is believed, and what is kept.

import t, { type Test } from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { summarizeError } from '../../src/observe/describe-error.ts';
import { IssuerKeys } from '../../src/tokens/issuer-keys.ts';
import { type JwksServer, startJwksServer } from './jwks-server.ts';
import { minuteMs, nowMs, ownKeys } from './samples.ts';
import { caCertificate } from './tls-certificates.ts';

const key = ownKeys.ES256.publicJwk;
const keySet = { keys: [key] };

interface Fixture {
  readonly keys: IssuerKeys;
  readonly server: JwksServer;
  readonly issuer: string;
  /** Path -> the document there; everything else is 404. */
  readonly documents: Map<string, unknown>;
  /** Paths in the order asked for. */
  readonly asked: string[];
}

/** `path`: of the issuer. */
const fixture = async (t: Test, path = '', scheme: 'http' | 'https' = 'http'): Promise<Fixture> => {
  const server = await startJwksServer(t, [], scheme);
  const { origin } = new URL(server.url);
  const documents = new Map<string, unknown>([['/keys', keySet]]);
  const asked: string[] = [];
  server.answer = ({ url = '' }, response) => {
    asked.push(url);
    const document = documents.get(url);
    response.writeHead(document === undefined ? 404 : 200).end(JSON.stringify(document));
  };
  const issuer = origin + path;
  const keys = new IssuerKeys({
    issuer,
    jwksUrl: undefined,
    ca: scheme === 'https' ? caCertificate : undefined,
    algorithms: ['ES256'],
    staleKeysMsMax: 180 * minuteMs,
  });
  return { keys, server, issuer, documents, asked };
};

/** How many keys are found, or what was said of the outage. */
const found = async (keys: IssuerKeys, atMs = nowMs): Promise<number | string> => {
  const candidates = await keys.find('ES256', key.kid, atMs);
  return isOutage(candidates) ? summarizeError(candidates.cause) : candidates.length;
};

const openid = '/.well-known/openid-configuration';
const oauth = '/.well-known/oauth-authorization-server';

t.test('keys are found from the issuer alone, with a path and a final slash or without', async (t) => {
  for (const [path, name] of [
    ['', openid],
    ['/', openid],
    ['/realms/acme', `/realms/acme${openid}`],
    ['/realms/acme/', `/realms/acme${openid}`],
  ] as const) {
    const { keys, issuer, documents, asked } = await fixture(t, path);
    documents.set(name, { issuer, jwks_uri: new URL('/keys', issuer).href });
    t.equal(await found(keys), 1, path);
    t.strictSame(asked, [name, '/keys']);
  }
});

t.test('an issuer without OpenID metadata is asked for that of RFC 8414', async (t) => {
  for (const [path, name] of [
    ['', oauth],
    ['/', oauth],
    ['/tenants/7/', `${oauth}/tenants/7`],
  ] as const) {
    const { keys, issuer, documents, asked } = await fixture(t, path);
    documents.set(name, { issuer, jwks_uri: new URL('/keys', issuer).href });
    t.equal(await found(keys), 1, path);
    t.equal(asked[1], name);
  }
});

t.test('metadata of another issuer is not believed, be it only for a final slash', async (t) => {
  for (const [path, other] of [
    ['', '/'],
    ['/', ''],
    ['/a', '/A'],
    ['/a', '/b'],
  ] as const) {
    const { keys, issuer, documents, asked } = await fixture(t, path);
    const { origin } = new URL(issuer);
    documents.set(`${path.replace(/\/$/, '')}${openid}`, {
      issuer: origin + other,
      jwks_uri: `${origin}/keys`,
    });
    const said = await found(keys);
    t.match(said, `is of the issuer "${origin}${other}"; write \`issuer\` exactly so, final slash and all`);
    t.notMatch(asked, ['/keys']);
    t.equal(asked.length, 1, 'nor is another document asked for');
  }
});

t.test('metadata that cannot be used is an outage that says what is wrong', async (t) => {
  const { issuer, documents, keys, server } = await fixture(t);
  const table: Readonly<Record<string, readonly [document: unknown, said: RegExp]>> = {
    'no document': [undefined, /openid-configuration could not be fetched: answered 404, not 200/],
    'a list': [[], /did not answer a JSON object/],
    'a text': ['x', /did not answer a JSON object/],
    'no issuer': [{ jwks_uri: `${issuer}/keys` }, /names no issuer/],
    'an issuer that is no text': [{ issuer: [issuer], jwks_uri: `${issuer}/keys` }, /names no issuer/],
    'no keys': [{ issuer }, /names no jwks_uri; write `jwks`/],
    'keys at no URL': [{ issuer, jwks_uri: '/keys' }, /names no jwks_uri; write `jwks`/],
    'keys in a file': [{ issuer, jwks_uri: 'file:///etc/passwd' }, /names a jwks_uri that is not https/],
    'a password': [{ issuer, jwks_uri: 'https://us:s3cret@h/' }, /has a password in it/],
    'keys that are not there': [
      { issuer, jwks_uri: `${issuer}/none` },
      /\/none could not be fetched: answered 404/,
    ],
  };
  let atMs = nowMs;
  for (const [name, [document, said]] of Object.entries(table)) {
    documents.set(openid, document);
    if (document === undefined) documents.delete(openid);
    const outcome = await found(keys, (atMs += 2_000));
    t.match(outcome, said, name);
    t.notMatch(outcome, /s3cret/);
  }
  server.answer = (_, response) => void response.end(`{"issuer":"${'x'.repeat(600_000)}"}`);
  t.match(await found(keys, atMs + 2_000), /more than 524288 bytes/);
});

t.test('an https issuer cannot send for its keys by plain http', async (t) => {
  const { keys, issuer, documents } = await fixture(t, '', 'https');
  documents.set(openid, { issuer, jwks_uri: 'http://127.0.0.1:1/keys' });
  t.match(await found(keys), /names a jwks_uri that is not https/);
  documents.set(openid, { issuer, jwks_uri: `${issuer}/keys` });
  t.equal(await found(keys, nowMs + 2_000), 1);
});

t.test('metadata is asked for by many at once once, and again after an hour', async (t) => {
  const { keys, issuer, documents, asked } = await fixture(t);
  documents.set(openid, { issuer, jwks_uri: `${issuer}/keys` });
  await Promise.all(Array.from({ length: 50 }, () => found(keys)));
  t.strictSame(asked, [openid, '/keys']);
  t.equal(await found(keys, nowMs + 15 * minuteMs), 1);
  t.strictSame(asked.slice(2), ['/keys']);
  t.equal(await found(keys, nowMs + 61 * minuteMs), 1);
  t.strictSame(asked.slice(3), [openid, '/keys']);
});

t.test('keys that have moved are found where the metadata now says', async (t) => {
  const { keys, issuer, documents, asked } = await fixture(t);
  documents.set(openid, { issuer, jwks_uri: `${issuer}/keys` });
  t.equal(await found(keys), 1);
  documents.delete('/keys');
  documents.set('/moved', keySet).set(openid, { issuer, jwks_uri: `${issuer}/moved` });
  t.equal(await found(keys, nowMs + 11 * minuteMs), 1, 'the known ones serve');
  await keys.find('ES256', 'unknown: waits for the fetch', nowMs + 12 * minuteMs);
  t.equal(await found(keys, nowMs + 12 * minuteMs), 1);
  t.strictSame(asked.slice(2, 5), ['/keys', openid, '/moved']);
});

t.test(
  'while the metadata cannot be had, keys are fetched from where they were, up to the bound',
  async (t) => {
    const { keys, issuer, documents } = await fixture(t);
    documents.set(openid, { issuer, jwks_uri: `${issuer}/keys` });
    t.equal(await found(keys), 1);
    documents.delete(openid);
    t.equal(await found(keys, nowMs + 100 * minuteMs), 1);
    documents.set('/keys', { keys: [{ ...key, kid: 'other' }] });
    t.equal(await found(keys, nowMs + 150 * minuteMs), 0, 'and a withdrawn key is no key');
    t.match(
      await found(keys, nowMs + 331 * minuteMs),
      /openid-configuration could not be fetched: answered 404/,
    );
  },
);
