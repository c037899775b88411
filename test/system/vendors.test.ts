// The ready settings of a vendor, as a real process: a client of that vendor exchanges its API token and calls the API.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { importApiTokens } from '../../src/lifecycle/import-api-tokens.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { startGate, until } from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { root } from '../support/process.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const orgId = '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c';

/** A gate with the settings of a vendor in front of an API, with an org of a UUID, a user and an API token. */
const startVendor = async (t: Test, vendor: string, upstream?: string) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  const text = readFileSync(join(root, `config/vendors/${vendor}.yaml`), 'utf8');
  const { listen: _listen, store: _store, ...ready } = parse(text) as Record<string, unknown>;
  const gate = await startGate(t, { directory, settings: { ...ready, upstream: upstream ?? api.url } });
  const { accounts, apiTokens, store } = await openOperator(t, gate.settingsFile);
  const roles = { owner: ['org:owner'] };
  done(await accounts.createOrg({ id: orgId, name: 'Acme', roles, tokenLifetimeMsMax: undefined }));
  const id = 'ann@corp.example';
  done(await accounts.createUser({ orgId, id, name: 'Ann', roles: ['owner'] }));
  const order = { orgId, userId: id, name: 'ci', scopes: 'all', lifetimeMs: undefined, length: 65 } as const;
  const { secret, record } = done(await apiTokens.createApiToken(order));
  await gate.whenReady();
  const send = (lines: readonly string[], body = '') =>
    exchangeRaw(
      gate.port,
      `${lines.join('\r\n')}\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`,
    );
  /** As the API does it, with nothing but the published keys. */
  const verifyIdentity = async (jwt: unknown) => {
    const published = await send(['GET /.well-known/jwks.json HTTP/1.1', 'Host: gate']);
    const keys = createLocalJWKSet(JSON.parse(published.body) as JSONWebKeySet);
    return (await jwtVerify(String(jwt), keys, { audience: api.url })).payload;
  };
  return { api, gate, secret, record, apiTokens, store, send, verifyIdentity };
};

t.test('csp.yaml: exchange, call, another org refused, revoke', async (t) => {
  const { api, secret, record, apiTokens, send, verifyIdentity } = await startVendor(t, 'csp');
  const exchanged = await send([
    `POST /csp/gateway/am/api/auth/api-tokens/authorize?refresh_token=${secret} HTTP/1.1`,
    'Host: gate',
    'Content-Type: application/json',
  ]);
  t.equal(exchanged.status, 200);
  const { access_token: access } = JSON.parse(exchanged.body) as { access_token: string };
  const call = (org: string) =>
    send([`GET /vmc/api/orgs/${org}/sddcs HTTP/1.1`, 'Host: gate', `csp-auth-token: ${access}`]);
  t.equal((await call(orgId)).status, 200);
  const [seen] = api.received;
  t.match(seen, { headers: { 'x-identity-user': 'ann@corp.example', 'x-identity-org': orgId } });
  t.match(await verifyIdentity(seen?.headers['x-identity']), { sub: 'ann@corp.example', org: orgId });
  t.equal(seen?.headers['csp-auth-token'], undefined, 'the credential stays here');
  t.equal((await call('00000000-0000-4000-8000-000000000000')).status, 403);
  await apiTokens.revokeApiToken(record.id);
  await until(async () => (await call(orgId)).status === 401);
});

t.test('navigator.yaml: exchange with a trailing slash, orgs, call', async (t) => {
  const { api, secret, send, verifyIdentity } = await startVendor(t, 'navigator');
  const exchanged = await send(
    ['POST /cphub/api/auth/v1/authn/accesstoken/ HTTP/1.1', 'Host: gate', 'Content-Type: application/json'],
    JSON.stringify({ refreshToken: secret }),
  );
  t.equal(exchanged.status, 201);
  const { accessToken } = JSON.parse(exchanged.body) as { accessToken: string };
  const get = (path: string) =>
    send([`GET ${path} HTTP/1.1`, 'Host: gate', `csp-auth-token: ${accessToken}`]);
  const orgs = await get('/cphub/api/auth/v1/loggedinuser/orgs');
  t.same(JSON.parse(orgs.body), { loggedInUserOrgs: [orgId] });
  t.equal((await get(`/cphub/api/core/v1/mgmt/orgs/${orgId}/`)).status, 200);
  t.match(api.received, [{ url: `/cphub/api/core/v1/mgmt/orgs/${orgId}/` }]);
  const identity = api.received[0]?.headers['x-identity'];
  t.match(await verifyIdentity(identity), { sub: 'ann@corp.example', org: orgId });
});

const apps = `/accounts/${orgId}/k8s/v2/apps`;

t.test(
  'astra.yaml: the API token directly on every call; its identity headers mapped, a caller’s stripped',
  async (t) => {
    const { api, secret, record, apiTokens, send, verifyIdentity } = await startVendor(t, 'astra');
    const call = (path: string, more: readonly string[] = []) =>
      send([`GET ${path} HTTP/1.1`, 'Host: gate', `authorization: bearer ${secret}`, ...more]);
    const forged = [
      'x-pcloud-accountid: other',
      'X_PCloud_UserID: root',
      'X-PCLOUD-ROLE: owner',
      'x-pcloud_role: owner',
    ];
    t.equal((await call(`${apps}?include=name,id`, forged)).status, 200);
    const [seen] = api.received;
    t.match(seen, {
      url: `${apps}?include=name,id`,
      headers: {
        'x-pcloud-accountid': orgId,
        'x-pcloud-userid': 'ann@corp.example',
        'x-pcloud-role': 'owner',
        'x-identity': /^eyJ/,
        authorization: undefined,
      },
    });
    t.match(await verifyIdentity(seen?.headers['x-identity']), { sub: 'ann@corp.example', org: orgId });
    t.same(
      Object.keys(seen?.headers ?? {}).filter((name) => /pcloud/i.test(name)),
      ['x-pcloud-accountid', 'x-pcloud-userid', 'x-pcloud-role'],
    );
    t.equal(
      (await call('/accounts/00000000-0000-4000-8000-000000000000/k8s/v2/apps')).status,
      403,
      'another account',
    );
    t.equal((await call(`/accounts/${orgId}/core/v1/users`)).status, 200);
    const tokens = `/accounts/${orgId}/core/v1/users/ann@corp.example/tokens`;
    t.match(JSON.parse((await call(tokens)).body), { status: '403' }, 'not with an API token');
    t.match(JSON.parse((await send([`GET ${tokens} HTTP/1.1`, 'Host: gate'])).body), { status: '401' });
    await apiTokens.revokeApiToken(record.id);
    await until(async () => (await call(apps)).status === 401);
  },
);

t.test(
  'astra.yaml: imported tokens may contain _ - = + /; GET with a JSON body {} is forwarded',
  async (t) => {
    const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}' });
    t.teardown(() => upstream.close());
    const { gate, store, send } = await startVendor(t, 'astra', upstream.origin);
    const secret = 'k3-J_x+9/aB=cD0eF1gH2iJ3kL4mN5oP6==';
    const loaded = loadSettings({ file: gate.settingsFile, env: {}, flags: {} });
    if (!loaded.ok) throw new Error('settings');
    const entry = { org: orgId, user: 'ann@corp.example', name: 'old', scopes: 'all', expires: null, secret };
    const options = { onProgress: undefined, concurrency: undefined };
    const deps = { store, settings: loaded.settings, now: Date.now };
    t.match(await importApiTokens(deps, [entry], options), { imported: 1 });
    const answer = await send(
      [
        `GET ${apps} HTTP/1.1`,
        'Host: gate',
        `Authorization: Bearer ${secret}`,
        'Content-Type: application/json',
      ],
      '{}',
    );
    t.equal(answer.status, 200);
    const [request] = upstream.requests;
    t.equal(request?.body, '{}');
    t.equal(request?.header('content-length'), '2');
    t.equal(request?.header('x-pcloud-accountid'), orgId);
  },
);

t.test('astra.yaml: a person signs in, makes an API token, calls with it, and revokes it', async (t) => {
  const { store, send } = await startVendor(t, 'astra');
  const id = 'ann@corp.example';
  const password = 'correct horse battery staple';
  const passwordHash = done(await createPasswordHashes({ ln: 10 }).hash(password));
  done(await store.changeUser(orgId, id, { passwordHash }, Date.now()));
  const json = 'Content-Type: application/json';
  const signIn = await send(
    ['POST /tollgate/v1/sessions HTTP/1.1', 'Host: gate', json],
    JSON.stringify({ org: orgId, user: id, password }),
  );
  t.equal(signIn.status, 201);
  const { accessToken } = JSON.parse(signIn.body) as { accessToken: string };
  const session = `Authorization: Bearer ${accessToken}`;
  const made = await send(
    [`POST /accounts/${orgId}/core/v1/users/${id}/tokens HTTP/1.1`, 'Host: gate', session, json],
    JSON.stringify({ type: 'application/astra-token', version: '1.0', name: 'Snapshot Script' }),
  );
  t.equal(made.status, 201);
  const { token } = JSON.parse(made.body) as { token: string };
  const call = () => send([`GET ${apps} HTTP/1.1`, 'Host: gate', `Authorization: Bearer ${token}`]);
  t.equal((await call()).status, 200);
  const location = made.header('location') ?? '';
  t.equal((await send([`DELETE ${location} HTTP/1.1`, 'Host: gate', session])).status, 204);
  await until(async () => (await call()).status === 401);
});
