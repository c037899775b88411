// Which rule of the ready settings a request meets, however its path is written: nothing that a vendor guards lies open
// beside its guard.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { createRouter } from '../../src/proxy/routing/router.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { call, startGate } from '../support/gate-process.ts';
import { root } from '../support/process.ts';

const rulesOf = (vendor: string) => {
  const loaded = loadSettings({
    file: join(root, `config/vendors/${vendor}.yaml`),
    env: {},
    flags: {},
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const router = createRouter(loaded.settings.routes);
  return (request: string) => {
    const [method = '', path = ''] = request.split(' ');
    const found = router.match(method, path);
    return found === undefined
      ? { refused: router.refusalOf(method, path).reason }
      : { tenant: found.tenant, sessions: found.rule.sessions, scopes: found.rule.scopes };
  };
};

t.test('csp.yaml: an org is compared for the org itself too, with every method', async (t) => {
  const rule = rulesOf('csp');
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    for (const path of ['/vmc/api/orgs/acme', '/vmc/api/orgs/acme/', '/vmc/api/orgs/acme/sddcs'])
      t.match(rule(`${method} ${path}`), { tenant: 'acme' }, `${method} ${path}`);
  for (const path of ['/vmc/api/orgs/acme', '/vmc/api/orgs/acme/sddcs/1'])
    t.match(rule(`DELETE ${path}`), { scopes: ['org:owner'] }, path);
  t.match(rule('GET /vmc/api/locale'), { tenant: undefined, scopes: [] });
});

t.test('vcd.yaml: an API token reaches no list of API tokens, of whichever version of the API', async (t) => {
  const rule = rulesOf('vcd');
  for (const request of [
    'GET /cloudapi/2.0.0/tokens',
    'POST /cloudapi/2.0.0/tokens',
    'DELETE /cloudapi/2.0.0/tokens/x',
  ])
    t.match(rule(request), { sessions: 'interactive' }, request);
  for (const request of [
    'GET /cloudapi/1.0.0/Tokens',
    'GET /cloudapi/1.0.0/tokens%20',
    'POST /cloudapi/1.0.0/Users',
  ])
    t.match(rule(request), { refused: 'path_ambiguous' }, request);
});

t.test('vcd.yaml: a session of an API token changes no user, group, role or service account', async (t) => {
  const rule = rulesOf('vcd');
  const guarded = ['users', 'groups', 'roles', 'globalRoles', 'rightsBundles', 'serviceAccounts'].flatMap(
    (kind) => [
      `/cloudapi/1.0.0/${kind}`,
      `/cloudapi/36.1/${kind}/urn:vcloud:x:7`,
      `/cloudapi/1.0.0/${kind}/7/grant`,
    ],
  );
  const older = ['user', 'group', 'role'].flatMap((kind) => [
    `/api/admin/${kind}s`,
    `/api/admin/${kind}/7`,
    `/api/admin/org/7/${kind}s`,
    `/api/admin/org/7/${kind}s/8`,
  ]);
  for (const path of [...guarded, ...older]) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      t.match(rule(`${method} ${path}`), { sessions: 'interactive' }, `${method} ${path}`);
    t.match(rule(`GET ${path}`), { sessions: 'any' }, `reading ${path} stays open`);
  }
});

t.test('what only looks like a path of Tollgate’s own never reaches the API, password and all', async (t) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  const surfaces = Object.fromEntries(
    ['csp', 'vcd', 'astra', 'management'].map((name) => [name, { enabled: true }]),
  );
  const routes = [{ name: 'rest', path: '/*', public: true }];
  const gate = await startGate(t, { directory, settings: { upstream: api.url, surfaces, routes } });
  await gate.whenReady();
  for (const path of [
    '/Tollgate/v1/sessions',
    '/cloudapi/1.0.0/Sessions',
    '/cloudapi/1.0.0/tokens/x/',
    '/cloudapi/1.0.0/tokens.json',
    '/oauth/tenant/acme/token%E2%80%8B',
    '/oauth/tenant/acme/token/',
    '/accounts/acme/core/v1/users/ann/tokens/x/',
    '/csp/gateway/am/api/auth/api-tokens/authorize/',
  ])
    t.equal((await call(gate, path, undefined, { method: 'POST', body: 'a password' })).status, 400, path);
  t.same(api.received, []);
  t.equal((await call(gate, '/cloudapi/1.0.0/edgeGateways/')).status, 200, 'any other goes there');
});
