// POST /auth/authorize and POST /auth/token: the grants of clients that authenticate.

import { decodeJwt, decodeProtectedHeader } from 'jose';
import t from 'tap';
import { minuteMs } from '../../lifecycle/world.ts';
import { basicLine, csp, startVendors } from '../vendor-server.ts';

const paths = [`${csp}/auth/authorize`, `${csp}/auth/token`];
const sixKeys = ['access_token', 'expires_in', 'id_token', 'refresh_token', 'scope', 'token_type'];
const reports = basicLine('reports', 's3cret');

t.test('grant_type=refresh_token with Basic exchanges an API token', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  for (const path of paths)
    for (const [what, client, azp] of [
      ['a confidential client', reports, 'reports'],
      ['the scheme in small letters', reports.replace('Basic', 'basic'), 'reports'],
      ['a public client with an empty secret', basicLine('any-app', ''), 'public-client'],
    ] as const) {
      const reply = await server.postForm(path, `grant_type=refresh_token&refresh_token=${secret}`, [client]);
      t.equal(reply.status, 200, what);
      t.same(Object.keys(reply.json).sort(), sixKeys);
      t.match(reply.json, { token_type: 'bearer', expires_in: 1799, refresh_token: secret, id_token: null });
      t.match(decodeProtectedHeader(String(reply.json['access_token'])), { alg: 'RS256' });
      t.match(decodeJwt(String(reply.json['access_token'])), { azp });
    }
});

t.test('grant_type=client_credentials begins a session of the user the client stands for', async (t) => {
  const server = await startVendors(t);
  const orgId = String(
    decodeJwt(
      String(
        (await server.postForm(paths[0] ?? '', 'grant_type=client_credentials', [reports])).json[
          'access_token'
        ],
      ),
    )['context_name'],
  );
  for (const path of paths)
    for (const form of ['', '&orgId=acme', `&orgId=${orgId}`, `&orgId=${orgId.toUpperCase()}`]) {
      const reply = await server.postForm(path, `grant_type=client_credentials${form}`, [reports]);
      t.equal(reply.status, 200, form);
      t.same(Object.keys(reply.json).sort(), sixKeys);
      t.match(reply.json, { refresh_token: null, id_token: null, expires_in: 1799 });
      const value = String(reply.json['access_token']);
      const found = await server.identifier.identify({ form: 'jwt', value }, server.now());
      t.match(found, {
        identity: { org: { id: 'acme' }, user: { id: 'ann' }, tokenId: undefined, sessionKind: 'api_token' },
      });
    }
  await server.accounts.setUserState('acme', 'ann', 'disabled');
  t.match(await server.postForm(paths[0] ?? '', 'grant_type=client_credentials', [reports]), { status: 401 });
});

t.test('a session of client credentials ends with its user’s sessions', async (t) => {
  const server = await startVendors(t);
  const reply = await server.postForm(paths[1] ?? '', 'grant_type=client_credentials', [reports]);
  const value = String(reply.json['access_token']);
  await server.accounts.setRoles('acme', 'ann', []);
  const gone = async () =>
    'reason' in (await server.identifier.identify({ form: 'jwt', value }, server.now()));
  while (!(await gone())) await new Promise((resolve) => setImmediate(resolve));
  t.pass('the change of roles has ended it');
});

t.test('accessTokenValiditySeconds shortens the life and never lengthens it', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  const ask = (seconds: string) =>
    server.postForm(
      paths[0] ?? '',
      `grant_type=refresh_token&refresh_token=${secret}&accessTokenValiditySeconds=${seconds}`,
      [reports],
    );
  t.match(await ask('60'), { status: 200, json: { expires_in: 59 } });
  t.match(await ask('86400'), { status: 200, json: { expires_in: 1799 } });
  for (const bad of ['0', '-1', '1.5', 'soon'])
    t.match(await ask(bad), { status: 400, json: { statusCode: 400 } }, bad);
});

t.test('a bad client is 401 in the vendor’s shape', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token();
  const refresh = `grant_type=refresh_token&refresh_token=${secret}`;
  const table: [string, string, string[]][] = [
    ['no client', refresh, []],
    ['a wrong secret', refresh, [basicLine('reports', 'wrong')]],
    ['a confidential client with an empty secret', refresh, [basicLine('reports', '')]],
    ['an unknown client with a secret', refresh, [basicLine('nobody', 's3cret')]],
    ['Basic that is not base64', refresh, ['Authorization: Basic ???']],
    ['a bearer in its place', refresh, [`Authorization: Bearer ${secret}`]],
    ['client credentials of a public client', 'grant_type=client_credentials', [basicLine('app', '')]],
    ['a client that stands for nobody', 'grant_type=client_credentials', [basicLine('resource', 'other')]],
  ];
  for (const path of paths)
    for (const [what, form, headers] of table) {
      const reply = await server.postForm(path, form, headers);
      t.match(reply, { status: 401, json: { statusCode: 401, message: /^invalid_client: / } }, what);
      t.match(reply.header('www-authenticate'), /^Basic /);
      t.match(server.outcomes.at(-1), { route: 'csp:token', reason: 'client_unknown' });
    }
});

t.test('client credentials for another org are 403', async (t) => {
  const server = await startVendors(t);
  const reply = await server.postForm(paths[0] ?? '', 'grant_type=client_credentials&orgId=other', [reports]);
  t.match(reply, { status: 403, json: { statusCode: 403 } });
  t.match(server.outcomes.at(-1), { reason: 'tenant_mismatch' });
});

t.test('other faults are 400: a bad token masked, an unknown grant, a token in the URL', async (t) => {
  const server = await startVendors(t);
  const { secret } = await server.token('all', minuteMs);
  const path = paths[0] ?? '';
  server.clock.nowMs += minuteMs;
  t.match(await server.postForm(path, `grant_type=refresh_token&refresh_token=${secret}`, [reports]), {
    status: 400,
    json: { message: `invalid_grant: Invalid refresh token: xxxx...${secret.slice(-5)}` },
  });
  for (const form of ['', 'grant_type=password', `refresh_token=${secret}`])
    t.match(await server.postForm(path, form, [reports]), {
      status: 400,
      json: { message: /^unsupported_grant_type: / },
    });
  const inUrl = `${path}?refresh_token=${secret}`;
  t.match(await server.postForm(inUrl, 'grant_type=refresh_token', [reports]), { status: 400 });
});
