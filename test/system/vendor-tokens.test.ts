// The ready settings as they are shipped: somebody who has a password makes an API token without the command line, over the
// vendor's own dialect and over the management API, and calls the API with it.

import t, { type Test } from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { call } from '../support/gate-process.ts';
import { password, startVendorGate, type VendorGate } from '../support/vendor-gate.ts';

t.setTimeout(120_000);

const org = '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c';
const member = { member: ['tollgate:tokens:own'] };

const post = async (gate: VendorGate, path: string, body: string, headers: Record<string, string> = {}) => {
  const {
    status,
    headers: received,
    text,
  } = await call(gate, path, undefined, {
    method: 'POST',
    body,
    headers,
  });
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, string>) : {};
  return { status, headers: received, json };
};

const startFor = async (
  t: Test,
  vendor: Parameters<typeof startVendorGate>[1],
  orgId: string,
  user: string,
) => {
  const api = await startEchoApi(t);
  const gate = await startVendorGate(t, vendor, api.url);
  await gate.person(orgId, user, member);
  return { api, gate };
};

/** The access token of a session at the management API. */
const signIn = async (t: Test, gate: VendorGate, orgId: string, user: string): Promise<string> => {
  const begun = await post(gate, '/tollgate/v1/sessions', JSON.stringify({ org: orgId, user, password }), {
    'content-type': 'application/json',
  });
  t.equal(begun.status, 201);
  return begun.json['accessToken'] ?? '';
};

/** An API token made over the management API. */
const makeManaged = async (t: Test, gate: VendorGate, orgId: string, user: string, session: string) => {
  const made = await post(
    gate,
    `/tollgate/v1/orgs/${orgId}/users/${user}/api-tokens`,
    JSON.stringify({ name: 'managed', scopes: 'all' }),
    { authorization: `Bearer ${session}` },
  );
  t.equal(made.status, 201);
  return made.json['secret'] ?? '';
};

for (const vendor of ['csp', 'navigator'] as const)
  t.test(`${vendor}.yaml: sign in, make a token, exchange it, call the API`, async (t) => {
    const user = 'ann@acme.example';
    const { api, gate } = await startFor(t, vendor, org, user);
    const session = await signIn(t, gate, org, user);
    const made = await post(
      gate,
      '/csp/gateway/am/api/loggedin/user/api-tokens',
      '{"tokenName":"ci","allowedScopes":{"organizationScopes":{"roles":[{"name":"org_member"}]}}}',
      { 'csp-auth-token': session },
    );
    t.equal(made.status, 200);
    const managed = await makeManaged(t, gate, org, user, session);
    for (const token of [made.json['apiToken'] ?? '', managed]) {
      const exchanged =
        vendor === 'csp'
          ? await post(gate, '/csp/gateway/am/api/auth/api-tokens/authorize', `api_token=${token}`)
          : await post(gate, '/cphub/api/auth/v1/authn/accesstoken', JSON.stringify({ refreshToken: token }));
      const access = exchanged.json['access_token'] ?? exchanged.json['accessToken'] ?? '';
      const path = vendor === 'csp' ? `/vmc/api/orgs/${org}/sddcs` : `/cphub/api/core/v1/mgmt/orgs/${org}/x`;
      const answer = await call(gate, path, undefined, { headers: { 'csp-auth-token': access } });
      t.equal(answer.status, 200, answer.text);
    }
    t.match(api.received, [
      { headers: { 'x-identity-org': org } },
      { headers: { 'x-identity-org': org, 'x-identity-user': user } },
    ]);
  });

t.test('vcd.yaml: sign in, register a client, exchange its token, call the API', async (t) => {
  const { gate } = await startFor(t, 'vcd', 'acme', 'ann');
  const basic = `Basic ${Buffer.from(`ann@acme:${password}`).toString('base64')}`;
  const begun = await post(gate, '/cloudapi/1.0.0/sessions', '', { authorization: basic });
  const session = begun.headers.get('x-vmware-vcloud-access-token') ?? '';
  const registered = await post(gate, '/oauth/tenant/acme/register', '{"client_name":"ci"}', {
    authorization: `Bearer ${session}`,
  });
  t.equal(registered.status, 201);
  const grant = `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&client_id=${registered.json['client_id']}&assertion=${session}`;
  const given = await post(gate, '/oauth/tenant/acme/token', grant);
  const exchanged = await post(
    gate,
    '/oauth/tenant/acme/token',
    `grant_type=refresh_token&refresh_token=${given.json['refresh_token']}`,
  );
  t.equal(exchanged.status, 200);
  t.equal((await call(gate, '/api/org', exchanged.json['access_token'])).status, 200);
});

t.test('astra.yaml: sign in, make a token, call the API with it', async (t) => {
  const user = '7a1d8c52-3b0e-4c55-8f0d-6a2f0c9b1e77';
  const { api, gate } = await startFor(t, 'astra', org, user);
  const session = await signIn(t, gate, org, user);
  const made = await post(
    gate,
    `/accounts/${org}/core/v1/users/${user}/tokens`,
    '{"type":"application/astra-token","version":"1.0","name":"ci"}',
    { authorization: `Bearer ${session}` },
  );
  t.equal(made.status, 201);
  const managed = await makeManaged(t, gate, org, user, session);
  for (const token of [made.json['token'], managed])
    t.equal((await call(gate, `/accounts/${org}/k8s/v1/apps`, token)).status, 200);
  t.match(api.received, [{ headers: { 'x-pcloud-accountid': org, 'x-pcloud-userid': user } }, {}]);
});
