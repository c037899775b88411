// An issuer known by its URL alone, reached through a web proxy: oidc-provider, unmodified, whose tokens a real gate takes.

import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import t from 'tap';
import { WebSocket } from 'ws';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import { call, type GateProcess, startGate } from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { startWebProxy, type WebProxy } from '../support/web-proxy.ts';

t.setTimeout(120_000);

const issuer = 'http://login.test/realms/acme/';
const audience = 'urn:example:api';
const client = { id: 'robot', secret: 'a secret of some length, for tests' };
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

let api: EchoApi;
let proxy: WebProxy;
let gate: GateProcess;
let providerPort: number;
let directory: string;
let settings: Readonly<Record<string, unknown>>;

/** The provider below /realms/acme, as a person would mount it; the port that it listens on. */
const startProvider = async (): Promise<number> => {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['not used here'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          scope: 'things:read things:write',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  const answer = provider.callback();
  const server = createServer((incoming, response) => {
    const { url = '' } = incoming;
    incoming.url = url.replace(/^\/realms\/acme/, '');
    Reflect.set(incoming, 'originalUrl', url);
    answer(incoming, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
};

/** An access token by client credentials. */
const fetchToken = async (scope: string): Promise<string> => {
  const asked = request({
    port: providerPort,
    path: '/realms/acme/token',
    method: 'POST',
    headers: { host: 'login.test', 'content-type': 'application/x-www-form-urlencoded' },
    auth: `${client.id}:${encodeURIComponent(client.secret)}`,
  });
  asked.end(new URLSearchParams({ grant_type: 'client_credentials', scope, resource: audience }).toString());
  const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
  let text = '';
  for await (const chunk of response) text += chunk.toString();
  const { access_token: token } = JSON.parse(text) as { readonly access_token?: string };
  if (token === undefined) throw new Error(`no token: ${text}`);
  return token;
};

t.before(async () => {
  directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  providerPort = await startProvider();
  proxy = await startWebProxy(t, providerPort);
  api = await startEchoApi(t);
  settings = {
    // By its name no loopback address, so that a proxy would be used if one were asked.
    upstream: api.url.replace('127.0.0.1', '0.0.0.0'),
    issuers: [{ issuer, audience, algorithms: ['ES256'], fixedOrg: 'acme' }],
    routes: [
      { name: 'socket', methods: ['GET'], path: '/socket', scopes: ['things:read'], upgrade: true },
      { name: 'write', path: '/write', scopes: ['things:write'] },
      { name: 'all', path: '/*', scopes: ['things:read'] },
    ],
  };
  const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NODE_USE_ENV_PROXY: '1' };
  gate = await startGate(t, { directory, settings, env });
  const operator = await openOperator(t, gate.settingsFile);
  done(
    await operator.accounts.createOrg({ id: 'acme', name: 'Acme', roles: {}, tokenLifetimeMsMax: undefined }),
  );
  await gate.whenReady();
});

t.test("a provider's tokens are taken with nothing in the settings but its URL", async (t) => {
  const token = await fetchToken('things:read');
  const answer = await call(gate, '/things', token);
  t.equal(answer.status, 200, answer.text);
  t.match(answer.json(), {
    headers: {
      'x-identity-org': 'acme',
      'x-identity-user': client.id,
      'x-identity-scopes': 'things:read',
      authorization: undefined,
    },
  });
  t.equal((await call(gate, '/write', token)).status, 403);
  t.equal((await call(gate, '/write', await fetchToken('things:read things:write'))).status, 200);
  t.equal((await call(gate, '/things', `${token.slice(0, -8)}AAAAAAAA`)).status, 401);
});

t.test('the proxy of the environment sees the requests for keys, and nothing of the API', async (t) => {
  const token = await fetchToken('things:read');
  const socket = new WebSocket(`${gate.url.replace('http', 'ws')}/socket`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  socket.terminate();
  t.equal((await call(gate, '/things', token)).status, 200);
  t.strictSame(proxy.requests, [
    'GET http://login.test/realms/acme/.well-known/openid-configuration',
    'GET http://login.test/realms/acme/jwks',
  ]);
});

t.test(
  'an issuer that cannot be reached is one line of advice, 503 to its callers, and no stack',
  async (t) => {
    const cold = await startGate(t, {
      directory,
      name: 'cold',
      settings: { ...settings, store: `sqlite:${directory}/tollgate.db` },
      env: { HTTP_PROXY: 'http://127.0.0.1:1' },
    });
    await cold.whenReady();
    const line = await cold.logged(({ msg }) => msg.startsWith('the keys of the issuer'));
    t.equal(
      line.msg,
      `the keys of the issuer ${issuer} cannot be had: ${issuer}.well-known/openid-configuration could not be fetched: ` +
        'connect ECONNREFUSED 127.0.0.1:1. Its tokens are answered 503 until they can; check `issuer` and `jwks` of it, ' +
        'and the way there from this machine (HTTPS_PROXY, NO_PROXY).',
    );
    const token = await fetchToken('things:read');
    for (let count = 0; count < 3; count += 1) t.equal((await call(cold, '/things', token)).status, 503);
    await cold.logged(({ reason }) => reason === 'issuer_unavailable');
    t.equal(cold.lines().filter(({ msg }) => msg.startsWith('the keys of the issuer')).length, 1);
    t.notMatch(JSON.stringify(cold.lines()), /\bat (?:async )?\S+ \(|"stack"/);
  },
);
