// What clients that cannot be installed here put on the wire, replayed byte by byte against the ready settings: request
// line, order and case of the headers, body. The forms were read from the clients' public source.

import t, { type Test } from 'tap';
import { uuidOfOrg } from '../../src/identity/vendor-ids.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { done } from '../support/operator.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import type { RawMessage } from '../support/raw-connection.ts';
import { startVcdApi } from '../support/vcd-api.ts';
import { password, startVendorGate, type VendorGate } from '../support/vendor-gate.ts';

t.setTimeout(120_000);

/** Lines as they stand; Host is the gate's, and a body has its length wherever `Content-Length: #` stands. */
const replay = (gate: VendorGate, lines: readonly string[], body = ''): Promise<RawMessage> => {
  const written = lines.map((line) =>
    line.replace('Host: #', `Host: 127.0.0.1:${gate.port}`).replace('Length: #', `Length: ${body.length}`),
  );
  return exchangeRaw(gate.port, `${written.join('\r\n')}\r\n\r\n${body}`);
};

const json = ({ body }: RawMessage): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;

const basic = `Basic ${Buffer.from(`ann@acme:${password}`).toString('base64')}`;

/** Headers of Python's requests, before and after which a client's own stand. */
const python = ['Host: #', 'User-Agent: python-requests/2.28.1', 'Accept-Encoding: gzip, deflate'];
/** Of Go's net/http. */
const go = (agent: string): readonly string[] => ['Host: #', `User-Agent: ${agent}`];

const startVcd = async (t: Test) => {
  const api = await startVcdApi(t);
  const gate = await startVendorGate(t, 'vcd', api.url);
  api.base = gate.publicUrl;
  await gate.person('acme', 'ann', { author: ['tollgate:tokens:own'] });
  const order = { orgId: 'acme', userId: 'ann', name: 'ci', scopes: 'all', lifetimeMs: null } as const;
  const { secret } = done(await gate.operator.apiTokens.createApiToken({ ...order, length: 32 }));
  return { api, gate, secret };
};

t.test('clients of Cloud Director', async (t) => {
  const { api, gate, secret } = await startVcd(t);

  await t.test(
    'pyvcloud and vcd-cli: versions, sign in, follow the links, resume, sign out, errors',
    async (t) => {
      const versions = await replay(gate, [
        'GET /api/versions HTTP/1.1',
        ...python,
        'Accept: ;version=36.0',
        'Connection: keep-alive',
      ]);
      t.match(versions, { status: 200, body: /<LoginUrl>/ });
      const begun = await replay(gate, [
        'POST /api/sessions HTTP/1.1',
        ...python,
        'Accept: application/*+xml;version=36.0',
        'Connection: keep-alive',
        'Content-Length: 0',
        `Authorization: ${basic}`,
      ]);
      t.equal(begun.status, 200);
      const token = begun.header('x-vcloud-authorization') ?? '';
      const call = (line: string) =>
        replay(gate, [
          `${line} HTTP/1.1`,
          ...python,
          'Accept: application/*+xml;version=36.0',
          'Connection: keep-alive',
          `x-vcloud-authorization: ${token}`,
          ...(line.startsWith('DELETE') ? ['Content-Length: 0'] : []),
        ]);
      // A client looks for exactly one link of each rel and type.
      const hrefOf = (session: string, type: string): string => {
        const found = [...session.matchAll(/<Link ([^>]*)>/g)].map(([, text = '']) => text);
        const links = found.filter((link) => link.includes(`type="${type}"`) && link.includes('rel="down"'));
        t.equal(links.length, 1, type);
        return /href="([^"]*)"/.exec(links[0] ?? '')?.[1] ?? '';
      };
      const orgUrl = hrefOf(begun.body, 'application/vnd.vmware.vcloud.org+xml');
      t.equal(orgUrl, `${gate.publicUrl}/api/org/${uuidOfOrg('acme')}`);
      t.match(await call(`GET ${new URL(orgUrl).pathname}`), { status: 200, body: /<Org / });
      const orgs = hrefOf(begun.body, 'application/vnd.vmware.vcloud.orgList+xml');
      t.match(await call(`GET ${new URL(orgs).pathname}`), { status: 200, body: /<OrgList / });
      hrefOf(begun.body, 'application/vnd.vmware.vcloud.query.queryList+xml');
      const resumed = await call('GET /api/session');
      t.match(resumed, { status: 200, body: begun.body });
      t.equal(resumed.header('x-vcloud-authorization'), token);
      const removed = await call('DELETE /api/admin/user/7?force=False&recursive=False');
      t.equal(removed.status, 404, 'forwarded: the API says that there is none');
      t.match(await call('DELETE /api/session'), { status: 204, body: '' });
      let after = await call('GET /api/vdc/9');
      while (after.status === 200) after = await call('GET /api/vdc/9');
      t.match(after, { status: 401, body: /^<\?xml [^>]*>\n<Error [^>]*minorErrorCode="NOT_AUTHENTICATED"/ });
      t.ok(after.header('x-vmware-vcloud-request-id'), 'which the client reads of every error');
    },
  );

  await t.test(
    'Container Service Extension: register and jwt-bearer with a version called None',
    async (t) => {
      const begun = await replay(gate, [
        'POST /cloudapi/1.0.0/sessions HTTP/1.1',
        ...python,
        'Accept: application/json;version=36.0',
        'Connection: keep-alive',
        'Content-Length: 0',
        `Authorization: ${basic}`,
      ]);
      const session = begun.header('x-vmware-vcloud-access-token') ?? '';
      const oauth = (path: string, type: string, body: string) =>
        replay(
          gate,
          [
            `POST /oauth/tenant/acme/${path} HTTP/1.1`,
            ...python,
            'Accept: application/json;version=None',
            'Connection: keep-alive',
            `Authorization: Bearer ${session}`,
            `Content-${type}`,
            'Content-Length: #',
          ],
          body,
        );
      const registered = await oauth('register', 'Type: application/json', '{"client_name": "CSE"}');
      t.equal(registered.status, 201);
      const grant = `grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&client_id=${String(json(registered)['client_id'])}&assertion=${session}`;
      const given = await oauth('token', 'type: application/x-www-form-urlencoded', grant);
      t.match(json(given)['refresh_token'], /^.{32}$/);
    },
  );

  await t.test('@vcd/sdk: JSON at the older paths', async (t) => {
    const call = (line: string, authorization: string, lines: readonly string[] = []) =>
      replay(gate, [
        `${line} HTTP/1.1`,
        'Host: #',
        'Connection: keep-alive',
        ...lines,
        'Accept: application/*+json;version=33.0,application/json;version=33.0',
        `Authorization: ${authorization}`,
        'Content-Type: application/*+json',
        'Accept-Encoding: gzip, deflate, br',
      ]);
    const begun = await call('POST /api/sessions', basic, ['Content-Length: 0']);
    t.match(json(begun), { org: 'acme', user: 'ann', link: [] });
    const token = `${begun.header('x-vmware-vcloud-token-type')} ${begun.header('x-vmware-vcloud-access-token')}`;
    t.match(json(await call('GET /api/session', token)), { org: 'acme', user: 'ann' });
    const refused = await call('GET /api/query?type=vm', 'Bearer stale.stale.stale');
    t.equal(refused.status, 401);
    t.match(json(refused), { minorErrorCode: 'NOT_AUTHENTICATED' });
  });

  await t.test('go-vcloud-director 2.14: the token in the query, no body', async (t) => {
    const exchanged = await replay(gate, [
      `POST /oauth/tenant/acme/token?grant_type=refresh_token&refresh_token=${secret} HTTP/1.1`,
      ...go('go-vcloud-director'),
      'Content-Length: 0',
      'Accept: application/*;version=36.1',
      'Accept-Encoding: gzip',
    ]);
    t.match(json(exchanged), { token_type: 'Bearer', refresh_token: null });
  });

  await t.test('CSI driver 1.4.1: a form without Content-Type, provider first, then who am I', async (t) => {
    const exchange = (path: string) =>
      replay(
        gate,
        [`POST ${path} HTTP/1.1`, ...go('Go-http-client/1.1'), 'Content-Length: #', 'Accept-Encoding: gzip'],
        `grant_type=refresh_token&refresh_token=${secret}`,
      );
    t.equal((await exchange('/oauth/provider/token')).status, 400);
    const exchanged = await exchange('/oauth/tenant/acme/token');
    t.equal(exchanged.status, 200);
    const bearer = `Authorization: Bearer ${String(json(exchanged)['access_token'])}`;
    const agent = go('go-vcloud-director');
    const orgs = await replay(gate, [
      'GET /api/org HTTP/1.1',
      ...agent,
      'Accept: application/*+xml;version=36.0',
      bearer,
      'Accept-Encoding: gzip',
    ]);
    t.match(orgs, { status: 200, body: /<OrgList / });
    const current = await replay(gate, [
      'GET /cloudapi/1.0.0/sessions/current HTTP/1.1',
      ...agent,
      'Accept: application/json;version=36.0',
      bearer,
      'Accept-Encoding: gzip',
    ]);
    t.match(json(current), { roles: ['author'], org: { name: 'acme' } });
  });

  await t.test(
    'go-vcloud-director 2.20 and terraform-provider-vcd: exchange, call, disconnect',
    async (t) => {
      const exchanged = await replay(
        gate,
        [
          'POST /oauth/tenant/acme/token HTTP/1.1',
          ...go('terraform-provider-vcd/3.8.0 (linux/amd64; isProvider:false)'),
          'Content-Length: #',
          'Accept: application/json;version=36.1',
          'Content-Type: application/x-www-form-urlencoded',
          'X-Vmware-Vcloud-Token-Type: Bearer',
          'Accept-Encoding: gzip',
        ],
        `grant_type=refresh_token&refresh_token=${secret}`,
      );
      const access = String(json(exchanged)['access_token']);
      const credentials = [
        `X-Vmware-Vcloud-Access-Token: ${access}`,
        'X-Vmware-Vcloud-Token-Type: Bearer',
        `Authorization: bearer ${access}`,
      ];
      const refused = await replay(gate, [
        'POST /cloudapi/1.0.0/users HTTP/1.1',
        ...go('terraform-provider-vcd'),
        'Accept: application/json;version=36.1',
        ...credentials,
        'Content-Length: 0',
      ]);
      t.equal(refused.status, 403, 'a session of an API token changes no users');
      t.match(json(refused), { minorErrorCode: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN', stackTrace: null });
      const call = (line: string, accept: string, twice: readonly string[] = []) =>
        replay(gate, [
          `${line} HTTP/1.1`,
          ...go('terraform-provider-vcd'),
          `Accept: ${accept}`,
          ...credentials,
          ...twice,
          'Accept-Encoding: gzip',
        ]);
      t.equal((await call('GET /api/org', 'application/*+xml;version=36.1')).status, 200);
      // Disconnecting, it adds its access token a second time.
      const ended = await call('DELETE /cloudapi/1.0.0/sessions', 'application/xml;version=36.1', [
        `X-Vmware-Vcloud-Access-Token: ${access}`,
      ]);
      t.match(ended, { status: 204, body: '' });
    },
  );

  for (const { headers } of api.received)
    for (const name of ['authorization', 'x-vcloud-authorization', 'x-vmware-vcloud-access-token'])
      t.equal(headers[name], undefined, `${name} stays here`);
});

const orgId = '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c';
const userId = '7a1d8c52-3b0e-4c55-8f0d-6a2f0c9b1e77';

const startFor = async (t: Test, vendor: 'astra' | 'csp') => {
  const api = await startEchoApi(t);
  const gate = await startVendorGate(t, vendor, api.url);
  await gate.person(orgId, userId, { member: ['tollgate:tokens:own'] });
  const order = { orgId, userId, name: 'ci', scopes: 'all', lifetimeMs: null, length: 65 } as const;
  const { secret } = done(await gate.operator.apiTokens.createApiToken(order));
  return { api, gate, secret };
};

t.test('clients of Cloud Services exchange in ten ways, and read a refusal of the API', async (t) => {
  const { api, gate, secret } = await startFor(t, 'csp');
  const authorize = 'POST /csp/gateway/am/api/auth/api-tokens/authorize';
  const form = 'Content-Type: application/x-www-form-urlencoded';
  let access = '';
  for (const [what, line, lines, body] of [
    [
      'csp-cli: query, JSON, neither body nor length, the API token in csp-auth-token too',
      `${authorize}?refresh_token=${secret}`,
      [...go('csp-cli'), 'Content-Type: application/json', `csp-auth-token: ${secret}`],
      '',
    ],
    [
      'Python scripts: the token in the query, no body, no type',
      `${authorize}?refresh_token=${secret}`,
      [...python, 'Accept: */*', 'Connection: keep-alive', 'Content-Length: 0'],
      '',
    ],
    [
      'Python scripts: the token in the query, a form’s type',
      `${authorize}?api_token=${secret}`,
      [...python, 'Accept: */*', 'Connection: keep-alive', form, 'Content-Length: 0'],
      '',
    ],
    [
      'Python scripts: the token in the query, and an empty JSON object',
      `${authorize}?refresh_token=${secret}`,
      [...python, 'Accept: application/json', 'Content-Type: application/json', 'Content-Length: #'],
      '{}',
    ],
    [
      'Python scripts: a form',
      authorize,
      [...python, 'Accept: */*', 'Connection: keep-alive', form, 'Content-Length: #'],
      `refresh_token=${secret}`,
    ],
    [
      'terraform-provider-vmc and NSX-T: a form from Go',
      authorize,
      [...go('Go-http-client/1.1'), 'Content-Length: #', form, 'Accept-Encoding: gzip'],
      `refresh_token=${secret}`,
    ],
    [
      'Harbor: a form from Go with the grant',
      authorize,
      [...go('Go-http-client/1.1'), 'Content-Length: #', form, 'Accept-Encoding: gzip'],
      `api_token=${secret}&grant_type=api_token`,
    ],
    [
      'curl -d',
      authorize,
      ['Host: #', 'User-Agent: curl/7.88.1', 'Accept: */*', 'Content-Length: #', form],
      `refresh_token=${secret}`,
    ],
    [
      'axios: a form with a charset',
      authorize,
      [
        'Accept: application/json, text/plain, */*',
        `${form};charset=utf-8`,
        'User-Agent: axios/0.27.2',
        'Content-Length: #',
        'Host: #',
        'Connection: close',
      ],
      `refresh_token=${secret}`,
    ],
    [
      'a form without its type, from Go',
      authorize,
      [...go('Go-http-client/1.1'), 'Content-Length: #', 'Accept-Encoding: gzip'],
      `refresh_token=${secret}`,
    ],
  ] as const) {
    const exchanged = await replay(gate, [`${line} HTTP/1.1`, ...lines], body);
    t.equal(exchanged.status, 200, what);
    t.match(json(exchanged), { token_type: 'bearer', expires_in: 1799, refresh_token: secret }, what);
    access = String(json(exchanged)['access_token']);
  }
  const call = (path: string, token: string) =>
    replay(gate, [
      `GET ${path} HTTP/1.1`,
      ...python,
      'Accept: */*',
      'Content-Type: application/json',
      `csp-auth-token: ${token}`,
    ]);
  t.equal((await call(`/vmc/api/orgs/${orgId}/sddcs`, access)).status, 200);
  t.equal(api.received.at(-1)?.headers['csp-auth-token'], undefined);
  const foreign = await call('/vmc/api/orgs/c28e8c89-d03d-4572-9be1-5f13edb82af6/sddcs', access);
  t.equal(foreign.status, 403);
  t.match(json(foreign), { statusCode: 403, message: /^forbidden: /, moduleCode: 340 });
  const stale = await call(`/vmc/api/orgs/${orgId}/sddcs`, 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln');
  t.equal(stale.status, 401, 'on which a client exchanges again');
  t.match(json(stale), { statusCode: 401, message: /^unauthorized: / });
});

t.test('NetApp’s Astra toolkit: GET and DELETE with a body of {}, and it reads the problems', async (t) => {
  const { api, gate, secret } = await startFor(t, 'astra');
  const call = (line: string, token: string, type = 'application/json') =>
    replay(
      gate,
      [
        `${line} HTTP/1.1`,
        ...python,
        'accept: application/astra-managedCluster+json',
        'Connection: keep-alive',
        ...(token === '' ? [] : [`authorization: Bearer ${token}`]),
        `Content-Type: ${type}`,
        'Content-Length: #',
      ],
      '{}',
    );
  const clouds = `/accounts/${orgId}/topology/v1/clouds`;
  t.equal((await call(`GET ${clouds}`, secret)).status, 200);
  t.match(api.received.at(-1), {
    method: 'GET',
    headers: { 'content-length': '2', 'x-pcloud-accountid': orgId, authorization: undefined },
  });
  const type = 'application/managedCluster+json';
  const unmanaged = await call(`DELETE /accounts/${orgId}/topology/v1/managedClusters/7`, secret, type);
  t.equal(unmanaged.status, 200);
  const missing = await call(`GET ${clouds}`, '');
  t.equal(missing.status, 401);
  t.match(json(missing), {
    type: 'https://astra.netapp.io/problems/3',
    title: 'Missing bearer token',
    detail: 'The request is missing the required bearer token.',
    status: '401',
  });
  const foreign = await call('GET /accounts/c28e8c89-d03d-4572-9be1-5f13edb82af6/topology/v1/clouds', secret);
  t.equal(foreign.status, 403);
  t.match(json(foreign), { status: '403', title: 'Forbidden' });
});
