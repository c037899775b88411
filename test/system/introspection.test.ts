// Opaque tokens of an OpenID provider that is not Tollgate: oidc-provider, unmodified, is asked about each (RFC 7662), by all
// three ways in which a client proves who it is.

import { mkdtempSync, rmSync } from 'node:fs';
import t from 'tap';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import { call, type GateProcess, startGate, until } from '../support/gate-process.ts';
import {
  api as audience,
  clientSecret,
  type OpenidProvider,
  startOpenidProvider,
} from '../support/openid-provider.ts';
import { openOperator } from '../support/operator.ts';

t.setTimeout(180_000);

const cacheTtlMs = 1_000;
const methods = ['basic', 'post', 'private_key_jwt'] as const;

let provider: OpenidProvider;
let api: EchoApi;
let startAs: (name: string, client: object) => Promise<GateProcess>;
const gates = new Map<(typeof methods)[number], GateProcess>();
const gate = (): GateProcess => gates.get('basic')!;

t.before(async () => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  provider = await startOpenidProvider(t);
  api = await startEchoApi(t);
  startAs = (name, client) =>
    startGate(t, {
      directory,
      name,
      settings: {
        upstream: api.url,
        issuers: [
          {
            issuer: provider.issuer,
            audience: [audience],
            orgs: ['acme'],
            introspection: {
              url: provider.introspectionUrl,
              cacheTtl: `${cacheTtlMs}ms`,
              negativeTtl: '0s',
              ...client,
            },
          },
        ],
        routes: [{ name: 'all', path: '/*', scopes: ['things:read'] }],
        identity: { headers: { 'X-Identity-User': 'user.id', 'X-Identity-Org': 'org.id' } },
      },
    });
  const clients = {
    basic: { method: 'basic', clientId: 'client_secret_basic', clientSecret },
    post: { method: 'post', clientId: 'client_secret_post', clientSecret },
    private_key_jwt: {
      method: 'private_key_jwt',
      clientId: 'private_key_jwt',
      key: provider.clientKey,
      keyId: 'k1',
    },
  };
  for (const method of methods) gates.set(method, await startAs(method, clients[method]));
  await (await openOperator(t, gate().settingsFile)).furnish();
  await Promise.all(Array.from(gates.values(), (each) => each.whenReady()));
});

t.test('a good opaque token is an identity, however Tollgate proves who asks', async (t) => {
  const token = await provider.newToken();
  t.notMatch(token, /\./, 'opaque');
  for (const [method, each] of gates) {
    const answer = await call(each, '/things', token);
    t.equal(answer.status, 200, `${method}: ${answer.text}`);
    const { headers } = api.received.at(-1)!;
    t.match(headers, { 'x-identity-user': 'eve', 'x-identity-org': 'acme' });
    t.equal(headers['authorization'], undefined, 'the token goes no further');
    const counted = { authenticator: 'introspection', result: 'permit' };
    await until(async () => (await each.metric('tollgate_identified_requests_total', counted)) === 1);
  }
});

t.test('a revocation at the provider is seen after the cache time at most', async (t) => {
  const token = await provider.newToken();
  t.equal((await call(gate(), '/things', token)).status, 200);
  await provider.revoke(token);
  const revokedMs = performance.now();
  let lastGoodMs = 0;
  for (;;) {
    const startMs = performance.now();
    const answer = await call(gate(), '/things', token);
    if (answer.status !== 200) {
      t.equal(answer.status, 401);
      t.match(answer.headers.get('www-authenticate'), 'error="invalid_token"');
      break;
    }
    lastGoodMs = startMs - revokedMs;
  }
  t.ok(lastGoodMs <= cacheTtlMs, `accepted for ${lastGoodMs} ms`);
});

t.test(
  'what is no access token for this API is 401: another API, a refresh token, an invented one',
  async (t) => {
    const other = await provider.newToken('https://other.example.com');
    for (const token of [other, provider.refreshToken, `${other.slice(1)}x`])
      t.equal((await call(gate(), '/things', token)).status, 401);
  },
);

t.test('a provider that is down is 503, never 401, and nothing of it is remembered', async (t) => {
  const token = await provider.newToken();
  await provider.stop();
  const answer = await call(gate(), '/things', token);
  t.equal(answer.status, 503, answer.text);
  t.ok(answer.headers.get('retry-after'));
  const line = await gate().logged(({ reason }) => reason === 'issuer_unavailable');
  t.match(line, { cause: /could not be fetched/ });
  t.notMatch(JSON.stringify(line), token);
  const advice = await gate().logged(({ msg }) => msg.includes('cannot be asked about its tokens'));
  t.match(advice, { level: 'warn', msg: /could not be fetched: .*check `introspection` of it/ });
  t.notMatch(JSON.stringify(advice), /\s+at /, 'one line, no stack');
  await provider.start();
  t.equal((await call(gate(), '/things', token)).status, 200);
});

t.test("a secret that the provider does not accept is Tollgate's fault: 503", async (t) => {
  const wrong = await startAs('wrong', { clientId: 'client_secret_basic', clientSecret: 'another secret' });
  await wrong.whenReady();
  t.equal((await call(wrong, '/things', await provider.newToken())).status, 503);
  const line = await wrong.logged(({ reason }) => reason === 'issuer_unavailable');
  t.match(line, { cause: /does not accept Tollgate's clientId and clientSecret: .*401/ });
  t.notMatch(wrong.output(), 'another secret');
});
