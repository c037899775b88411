// Bodies whose Content-Type is missing or wrong, as clients of every vendor send them, at every endpoint that takes one.

import t from 'tap';
import { noSurfaces } from './surface-server.ts';
import { basicLine, csp, navigator, startVendors, type VendorServer } from './vendor-server.ts';

/** Media types that say nothing of the body, or something wrong. */
const types = (ownType: string, otherType: string): readonly (readonly string[])[] => [
  [],
  [`Content-Type: ${ownType}`],
  [`Content-Type: ${ownType}/`],
  [`Content-Type: ${otherType}`],
  ['Content-Type: text/plain'],
  ['Content-Type: text/plain;charset=UTF-8'],
  ['Content-Type: application/octet-stream'],
  ['Content-Type: */*'],
  ['Content-Type: nonsense'],
  ['Content-Type:'],
];

const form = 'application/x-www-form-urlencoded';
const json = 'application/json';

/** Every surface on; ann may make API tokens and deactivate them. */
const startAll = async (t: Parameters<typeof startVendors>[0]): Promise<VendorServer> => {
  const server = await startVendors(t, {
    surfaces: {
      csp: { ...noSurfaces.csp, enabled: true, tokensPerUserMax: 1000 },
      navigator: { ...noSurfaces.navigator, enabled: true },
      vcd: { ...noSurfaces.vcd, enabled: true },
      astra: { ...noSurfaces.astra, enabled: true },
      management: { ...noSurfaces.management, enabled: true },
      console: noSurfaces.console,
    },
  });
  await server.accounts.defineRole('acme', 'owner', ['org:owner', 'tollgate:tokens:own']);
  await server.accounts.setRoles('acme', 'ann', ['owner', 'reader', 'admin']);
  return server;
};

t.test('a body that parses as a form is one, at every endpoint that takes forms', async (t) => {
  const server = await startAll(t);
  const { secret } = await server.token();
  const client = basicLine('reports', 's3cret');
  const refresh = `grant_type=refresh_token&refresh_token=${secret}`;
  for (const [path, body, status, headers] of [
    ['/oauth2/token', refresh, 200, []],
    ['/oauth2/introspect', `token=${secret}`, 200, [client]],
    ['/oauth2/revoke', 'token=unknown', 200, [client]],
    [`${csp}/auth/api-tokens/authorize`, `api_token=${secret}`, 200, []],
    [`${csp}/auth/api-tokens/details`, `tokenValue=${secret}`, 200, []],
    [`${csp}/auth/token`, refresh, 200, [client]],
    [`${csp}/auth/authorize`, refresh, 200, [client]],
    [`${csp}/auth/introspect`, `token=${secret}`, 200, [client]],
    [`${csp}/auth/revoke`, 'token=unknown', 200, [client]],
    [`${navigator}/authn/accesstoken`, `refreshToken=${secret}`, 201, []],
    ['/oauth/tenant/acme/token', refresh, 200, []],
  ] as const)
    for (const lines of types(form, json)) {
      const reply = await server.send(`POST ${path}`, [...headers, ...lines], body);
      t.equal(reply.status, status, `${path} with ${lines.join() || 'no Content-Type'}: ${reply.body}`);
    }
});

t.test('a body that parses as JSON is JSON, at every endpoint that takes JSON', async (t) => {
  const server = await startAll(t);
  const { secret } = await server.token();
  const session = `Authorization: Bearer ${await server.signIn()}`;
  let made = 0;
  for (const [path, value, status, headers] of [
    [`${csp}/auth/api-tokens/authorize`, () => ({ refresh_token: secret }), 200, []],
    [`${csp}/auth/api-tokens/details`, () => ({ tokenValue: secret }), 200, []],
    [
      `${csp}/loggedin/user/api-tokens`,
      () => ({ tokenName: `c${made}`, allowedScopes: { generalScopes: ['openid'] } }),
      200,
      [session],
    ],
    [`${csp}/orgs/acme/api-tokens/deactivate`, () => ({ ids: ['none'] }), 200, [session]],
    [`${navigator}/authn/accesstoken`, () => ({ refreshToken: secret }), 201, []],
    [
      `${navigator}/authn/accounts/acme/accesstoken`,
      () => ({ clientId: 'reports', clientSecret: 's3cret' }),
      201,
      [],
    ],
    ['/oauth/tenant/acme/register', () => ({ client_name: `r${made}` }), 201, [session]],
    [
      '/accounts/acme/core/v1/users/ann/tokens',
      () => ({ type: 'application/astra-token', version: '1.0', name: `a${made}` }),
      201,
      [session],
    ],
    [
      '/tollgate/v1/orgs/acme/users/ann/api-tokens',
      () => ({ name: `m${made}`, scopes: ['things:read'] }),
      201,
      [session],
    ],
  ] as const)
    for (const lines of types(json, form)) {
      made++;
      const reply = await server.send(`POST ${path}`, [...headers, ...lines], JSON.stringify(value()));
      t.equal(reply.status, status, `${path} with ${lines.join() || 'no Content-Type'}: ${reply.body}`);
    }
});

t.test('the `{tokenValue=X}` that one client sends as JSON is read without that type too', async (t) => {
  const server = await startAll(t);
  const { secret } = await server.token();
  for (const lines of types(json, 'text/html'))
    t.equal(
      (await server.send(`POST ${csp}/auth/api-tokens/details`, lines, `{tokenValue=${secret}}`)).status,
      200,
      lines.join(),
    );
});

t.test('a token in a body that is neither a form nor JSON is not read, and not repeated', async (t) => {
  const server = await startAll(t);
  const { secret } = await server.token();
  for (const body of [
    `--x\r\nContent-Disposition: form-data; name="refresh_token"\r\n\r\n${secret}\r\n--x--`,
    `<token>${secret}</token>`,
    `grant_type: refresh_token\nrefresh_token: ${secret}`,
    ` grant_type=refresh_token&refresh_token=${secret}`,
  ])
    for (const path of ['/oauth2/token', `${csp}/auth/api-tokens/authorize`, '/oauth/tenant/acme/token']) {
      const reply = await server.send(`POST ${path}`, [], body);
      t.equal(reply.status, 400, path);
      t.notOk(reply.body.includes(secret));
    }
});
