// Which rule of the ready settings a request meets, however its path is written: nothing that a vendor guards lies open
// beside its guard.

import { join } from 'node:path';
import t from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { createRouter } from '../../src/proxy/router.ts';
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
