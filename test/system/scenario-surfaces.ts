// A flow for each dialect, as its clients send it: made or presented at one replica, used at the other, ended, and dead at
// both. How each answer looks is the business of the surfaces' own tests.

import type { Test } from 'tap';
import { type Answer, call, type GateProcess, post } from '../support/gate-process.ts';
import {
  becomes,
  bodyOf,
  client,
  passwordOf,
  type Replicas,
  sendJson,
  statusOf,
} from '../support/replicas.ts';
import { cspExchange, expiryMsOf, makeToken, managed } from './scenario-commands.ts';

const csp = '/csp/gateway/am/api';

/** A GET as csp's clients send it. */
const cspStatus = async (gate: GateProcess, path: string, token: string): Promise<number> =>
  (await call(gate, path, undefined, { headers: { 'csp-auth-token': token } })).status;

export const cspFlow = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const person = await signIn('acme', 'ann');
  const made = bodyOf(
    await sendJson(a, `${csp}/loggedin/user/api-tokens`, { tokenName: 'ci', refreshTokenTTL: -1 }, person),
  );
  const secret = String(made['apiToken']);
  const session = await cspExchange(b, secret);
  for (const gate of [a, b]) {
    t.equal(await cspStatus(gate, '/accounts/acme/vms', session), 200);
    t.equal(await cspStatus(gate, '/accounts/globex/vms', session), 403);
  }
  const details = bodyOf(await sendJson(b, `${csp}/auth/api-tokens/details`, { tokenValue: secret }));
  const id = String(details['tokenId']);
  const deactivate = { ids: [id] };
  const eve = await signIn('globex', 'eve');
  t.equal((await sendJson(b, `${csp}/orgs/acme/api-tokens/deactivate`, deactivate, eve)).status, 403);
  const ended = bodyOf(await sendJson(a, `${csp}/orgs/acme/api-tokens/deactivate`, deactivate, person));
  t.strictSame(ended, { successes: [id], failures: [] });
  for (const gate of [a, b]) await becomes(gate, '/things', session, 401);
  const refused = await call(b, `${csp}/auth/api-tokens/authorize?refresh_token=${secret}`, undefined, {
    method: 'POST',
  });
  t.match(refused.json(), {
    statusCode: 400,
    message: `invalid_grant: Invalid refresh token: xxxx...${secret.slice(-5)}`,
  });
};

export const navigatorFlow = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const path = '/cphub/api/auth/v1';
  const { secret, id } = await makeToken(a, await signIn('acme', 'ann'));
  const exchanged = await sendJson(b, `${path}/authn/accesstoken/`, { refreshToken: secret });
  t.equal(exchanged.status, 201);
  const session = String(bodyOf(exchanged)['accessToken']);
  t.equal(await cspStatus(a, '/accounts/acme/sites', session), 200);
  t.equal(await cspStatus(a, '/accounts/globex/sites', session), 403);
  const orgs = await call(b, `${path}/loggedinuser/orgs`, undefined, {
    headers: { 'csp-auth-token': session },
  });
  t.match(orgs.json(), { loggedInUserOrgs: { length: 1 } });
  const credentials = { clientId: client.id, clientSecret: client.secret };
  const service = await sendJson(b, `${path}/authn/accounts/acme/accesstoken`, credentials);
  const ofService = String(bodyOf(service)['accessToken']);
  t.equal(await cspStatus(a, '/accounts/acme/sites', ofService), 200);
  t.equal((await sendJson(b, `${path}/authn/accounts/globex/accesstoken`, credentials)).status, 403);
  t.equal((await managed(a, `DELETE /orgs/acme/api-tokens/${id}`, await signIn('acme', 'ann'))).status, 204);
  for (const gate of [a, b]) await becomes(gate, '/things', session, 401);
  t.equal((await sendJson(b, `${path}/authn/accesstoken`, { refreshToken: secret })).status, 400);
  t.equal(await cspStatus(b, '/accounts/acme/sites', ofService), 200, 'the service’s session is its own');
};

export const vcdFlow = async (t: Test, { a, b }: Replicas): Promise<void> => {
  const basic = `Basic ${btoa(`ann@acme:${passwordOf('acme/ann')}`)}`;
  const begun = await call(a, '/cloudapi/1.0.0/sessions', undefined, {
    method: 'POST',
    headers: { authorization: basic },
  });
  t.equal(begun.status, 200, begun.text);
  const person = begun.headers.get('x-vmware-vcloud-access-token') ?? '';
  const registered = bodyOf(await sendJson(b, '/oauth/tenant/acme/register', { client_name: 'ci' }, person));
  const clientId = String(registered['client_id']);
  const grant = (gate: GateProcess): Promise<Answer> =>
    post(gate, '/oauth/tenant/acme/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: clientId,
      assertion: person,
    });
  const secret = String(bodyOf(await grant(a))['refresh_token']);
  t.equal(secret.length, 32);
  t.equal((await grant(b)).status, 400, 'once');
  const refresh = (gate: GateProcess, path: string): Promise<Answer> =>
    post(gate, path, { grant_type: 'refresh_token', refresh_token: secret });
  for (const path of ['/oauth/provider/token', '/oauth/tenant/globex/token'])
    t.equal((await refresh(b, path)).status, 400, path);
  const session = String(bodyOf(await refresh(b, '/oauth/tenant/acme/token'))['access_token']);
  const headers = { 'X-VMWARE-VCLOUD-ACCESS-TOKEN': session, authorization: `bearer ${session}` };
  t.equal((await call(a, '/api/query?type=vm', undefined, { headers })).status, 200);
  t.equal(await statusOf(a, '/people/ann', session), 403);
  const urn = `urn:vcloud:token:${clientId}`;
  const path = `/cloudapi/1.0.0/tokens/${urn}`;
  t.match((await call(b, path, person)).json(), { name: 'ci', token: null });
  t.equal((await call(b, path, session, { method: 'DELETE' })).status, 403, 'not from a session it made');
  t.equal((await call(a, '/cloudapi/1.0.0/sessions/current', person, { method: 'DELETE' })).status, 204);
  await becomes(b, '/people/ann', person, 401);
  t.equal(await statusOf(b, '/things', session), 200, 'the API token outlives the logout');
  const again = await call(b, '/cloudapi/1.0.0/sessions', undefined, {
    method: 'POST',
    headers: { authorization: basic },
  });
  const anew = again.headers.get('x-vmware-vcloud-access-token') ?? '';
  t.equal((await call(a, path, anew, { method: 'DELETE' })).status, 204);
  for (const gate of [a, b]) await becomes(gate, '/things', session, 401);
  t.equal((await refresh(b, '/oauth/tenant/acme/token')).status, 400);
};

export const astraFlow = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const person = await signIn('acme', 'ann');
  const tokens = '/accounts/acme/core/v1/users/ann/tokens';
  const order = { type: 'application/astra-token', version: '1.0', name: 'backup' };
  const made = bodyOf(await sendJson(a, tokens, order, person));
  const [id, secret] = [String(made['id']), String(made['token'])];
  for (const gate of [a, b]) {
    t.equal(await statusOf(gate, '/accounts/acme/k8s/v1/apps', secret), 200, 'presented directly');
    t.equal(await statusOf(gate, '/accounts/globex/k8s/v1/apps', secret), 403);
  }
  const listed = await call(b, `${tokens}?filter=${encodeURIComponent("name eq 'backup'")}`, person);
  t.match(listed.json(), { items: [{ id, name: 'backup' }] });
  t.notMatch(listed.text, secret);
  const eve = await signIn('globex', 'eve');
  t.equal((await call(b, `${tokens}/${id}`, eve, { method: 'DELETE' })).status, 403);
  t.equal((await call(a, `${tokens}/${id}`, person, { method: 'DELETE' })).status, 204);
  for (const gate of [a, b]) await becomes(gate, '/accounts/acme/k8s/v1/apps', secret, 401);
};

export const managementFlow = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const person = await signIn('acme', 'bob');
  const path = '/orgs/acme/users/bob/api-tokens';
  const order = { name: 'nightly', scopes: ['things:read'], lifetime: 'P1D' };
  const key = { 'idempotency-key': `order-${Date.now()}` };
  const made = bodyOf(await managed(a, `POST ${path}`, person, order, key));
  const retried = bodyOf(await managed(b, `POST ${path}`, person, order, key));
  t.equal(retried['secret'], made['secret'], 'a retry at the other replica makes no second token');
  const secret = String(made['secret']);
  t.equal(await statusOf(b, '/accounts/acme/things', secret), 200);
  t.equal(await statusOf(b, '/accounts/globex/things', secret), 403);
  t.equal(await statusOf(b, '/write/1', secret), 403, 'narrower than its user');
  const session = bodyOf(
    await post(b, '/oauth2/token', { grant_type: 'refresh_token', refresh_token: secret }),
  )['access_token'];
  t.ok(expiryMsOf(String(session)) < Date.now() + 86_400_000);
  const listed = await managed(b, `GET ${path}?name=night&state=active`, person);
  t.match(listed.json(), { total: 1, items: [{ id: made['id'], name: 'nightly' }] });
  t.notMatch(listed.text, secret);
  const owner = await signIn('acme', 'ann');
  t.equal((await managed(a, `DELETE /orgs/acme/api-tokens/${String(made['id'])}`, owner)).status, 204);
  for (const gate of [a, b])
    for (const dead of [secret, String(session)]) await becomes(gate, '/things', dead, 401);
  const audit = await managed(b, 'GET /orgs/acme/audit', owner);
  t.equal(audit.status, 200, audit.text);
  t.notMatch(audit.text, secret);
};
