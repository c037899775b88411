// What the API sees of the caller's credential, as each route says; and public routes with a credential of every kind.
// A real API verifies what it is handed against the published keys.

import { mkdtempSync, rmSync } from 'node:fs';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import t from 'tap';
import { type EchoApi, type Received, startEchoApi } from '../support/echo-api.ts';
import { type Answer, call, exchange, type GateProcess, revoke, startGate } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';

t.setTimeout(180_000);

const issuer = 'http://127.0.0.1:8080';
let api: EchoApi;
let other: EchoApi;
let gate: GateProcess;
let [apiToken, accessToken, dead] = ['', '', ''];

t.before(async () => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  api = await startEchoApi(t);
  other = await startEchoApi(t);
  gate = await startGate(t, {
    directory,
    settings: {
      upstream: api.url,
      upstreams: { other: other.url },
      audience: 'the-api',
      credential: { headers: ['X-Api-Key'], cookie: 'session' },
      routes: [
        { name: 'strip', path: '/strip', scopes: ['things:read'] },
        { name: 'swap', path: '/swap', scopes: ['things:read'], forwardCredential: 'access-token' },
        {
          name: 'swap-other',
          path: '/swap-other',
          scopes: [],
          forwardCredential: 'access-token',
          upstream: 'other',
        },
        { name: 'keep', path: '/keep', scopes: ['things:read'], forwardCredential: 'keep' },
        {
          name: 'query',
          path: '/query',
          scopes: ['things:read'],
          credentialQueryParameter: 'access_token',
        },
        { name: 'public', path: '/public', public: true },
        { name: 'public-keep', path: '/public-keep', public: true, forwardCredential: 'keep' },
        { name: 'public-swap', path: '/public-swap', public: true, forwardCredential: 'access-token' },
      ],
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  await gate.whenReady();
  apiToken = (await operator.token({ scopes: ['things:read'] })).secret;
  dead = (await operator.token()).secret;
  await revoke(gate, dead);
  accessToken = await exchange(gate, apiToken);
});

/** What the API received for a request, which must have been let through. */
const received = async (path: string, headers: Readonly<Record<string, string>>): Promise<Received> => {
  const answer = await call(gate, path, undefined, { headers });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.json() as Received;
};

const everyWay = (token: string): Readonly<Record<string, string>>[] => [
  { authorization: `Bearer ${token}` },
  { authorization: `bearer ${token}` },
  { 'csp-auth-token': token },
  { 'x-vmware-vcloud-access-token': token },
  { 'X-API-KEY': token },
  { cookie: `a=1; session=${token}; b=2` },
];

const identityHeaders = ({ headers }: Received): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('x-identity'));

/** Verifies a JWT as an API would: with the published keys. */
const verified = async (token: string, audience: string) => {
  const jwks = (await call(gate, '/.well-known/jwks.json')).json() as JSONWebKeySet;
  return jwtVerify(token, createLocalJWKSet(jwks), { issuer, audience, algorithms: ['ES256'] });
};

t.test('strip, the default: the API learns who calls, and never sees a credential', async (t) => {
  for (const token of [apiToken, accessToken])
    for (const headers of everyWay(token)) {
      const seen = await received('/strip', headers);
      t.notMatch(JSON.stringify(seen), token, `${Object.keys(headers)[0]} is gone`);
      t.match(seen.headers, { 'x-identity-user': 'ada', 'x-identity-org': 'acme' });
      if (headers['cookie'] !== undefined) t.equal(seen.headers['cookie'], 'a=1; b=2', 'other cookies go on');
    }
  const seen = await received(`/query?a=1&access_token=${apiToken}&b=2`, {});
  t.equal(seen.url, '/query?a=1&b=2', 'nor in the query');
});

t.test('the identity JWT is signed for this API, with the published keys', async (t) => {
  const { headers } = await received('/strip', { authorization: `Bearer ${apiToken}` });
  const { payload } = await verified(String(headers['x-identity']), api.url);
  t.match(payload, { sub: 'ada', org: 'acme', scope: 'things:read' });
  await t.rejects(verified(String(headers['x-identity']), other.url), 'another API must refuse it');
});

t.test('access-token: the API gets an access token in the place of an API token', async (t) => {
  for (const headers of everyWay(apiToken)) {
    const seen = await received('/swap', headers);
    t.notMatch(JSON.stringify(seen), apiToken);
    const bearer = /^Bearer (\S+)$/.exec(String(seen.headers['authorization']))?.[1] ?? '';
    const { payload, protectedHeader } = await verified(bearer, 'the-api');
    t.match(protectedHeader, { typ: 'at+jwt' });
    t.match(payload, { sub: 'ada', org: 'acme', scope: 'things:read' });
    t.equal((await call(gate, '/strip', bearer)).status, 200, 'and may come back with it');
  }
  const elsewhere = await received('/swap-other', { authorization: `Bearer ${apiToken}` });
  t.match(elsewhere.headers['authorization'], /^Bearer /);
  t.equal(other.received.length, 1);
});

t.test('access-token: an access token that the caller brought is passed on as it is', async (t) => {
  const seen = await received('/swap', { authorization: `Bearer ${accessToken}` });
  t.equal(seen.headers['authorization'], `Bearer ${accessToken}`);
});

t.test('keep: the credential arrives as it came, for an API that still checks its own', async (t) => {
  for (const [index, headers] of everyWay(apiToken).entries()) {
    const seen = await received('/keep', headers);
    const [name = '', value] = Object.entries(headers)[0] ?? [];
    t.equal(seen.headers[name.toLowerCase()], value, `${index}: ${name}`);
    t.match(seen.headers, { 'x-identity-user': 'ada' }, 'with the identity beside it');
  }
  t.equal((await call(gate, '/keep', dead)).status, 401, 'and is checked all the same');
});

t.test(
  'a public route: a valid credential adds the identity, any other adds nothing, none is forwarded',
  async (t) => {
    for (const token of [apiToken, accessToken]) {
      const seen = await received('/public', { authorization: `Bearer ${token}` });
      t.match(seen.headers, { 'x-identity-user': 'ada', 'x-identity-org': 'acme' });
      t.notMatch(JSON.stringify(seen), token);
    }
    const bad = [
      {},
      { authorization: `Bearer ${dead}` },
      { authorization: `Bearer tg${'0'.repeat(63)}` },
      { authorization: 'Bearer a.b.c' },
      { authorization: 'Bearer  two blanks' },
      { authorization: 'Basic YTpi' },
      { authorization: `Bearer ${apiToken}`, 'csp-auth-token': dead },
      { 'x-identity-user': 'root', 'X-Identity': 'forged', x_identity_org: 'acme' },
    ];
    for (const headers of bad) {
      const seen = await received('/public', headers as Record<string, string>);
      t.strictSame(identityHeaders(seen), [], JSON.stringify(headers));
      t.notMatch(JSON.stringify(seen), dead);
      t.notMatch(JSON.stringify(seen), apiToken);
    }
  },
);

t.test('a public route that keeps or swaps does so for a valid credential', async (t) => {
  const kept = await received('/public-keep', { authorization: `Bearer ${apiToken}` });
  t.equal(kept.headers['authorization'], `Bearer ${apiToken}`);
  const swapped = await received('/public-swap', { authorization: `Bearer ${apiToken}` });
  t.notMatch(JSON.stringify(swapped), apiToken);
  t.match(swapped.headers['authorization'], /^Bearer ey/);
  const refused = await received('/public-swap', { authorization: `Bearer ${dead}` });
  t.equal(refused.headers['authorization'], undefined);
});

t.test('two different credentials are refused; the same one twice is one', async (t) => {
  const statusOf = (headers: Record<string, string>): Promise<number> =>
    call(gate, '/strip', undefined, { headers }).then(({ status }: Answer) => status);
  t.equal(await statusOf({ authorization: `Bearer ${apiToken}`, 'csp-auth-token': apiToken }), 200);
  t.equal(await statusOf({ authorization: `Bearer ${apiToken}`, 'csp-auth-token': accessToken }), 401);
});
