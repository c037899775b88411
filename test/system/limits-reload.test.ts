// 15: limits on an SQLite file, changed while the gate runs, and asked about by a proxy that forwards by itself.

import { join } from 'node:path';
import t from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { call, startGate } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { startProxy } from '../support/proxies.ts';
import { reload } from '../support/reload.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

const daily = { name: 'daily', per: 'token', requests: 3, period: 'day' };
const hourly = { name: 'hourly', per: 'org', requests: 2, window: '1h' };

t.test('a reload changes limits, and what was counted counts on', async (t) => {
  const directory = makeDirectory(t);
  const api = await startEchoApi(t);
  const routes = [{ name: 'things', path: '/things/*', scopes: ['things:read'] }];
  const forwardAuth = { path: '/ask', trustedPeers: ['127.0.0.1'], style: 'forwarded' };
  const settings = { upstream: api.url, routes, quotas: [daily], forwardAuth };
  const gate = await startGate(t, { directory, settings });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  await gate.whenReady();
  const { secret } = await operator.token();
  const statusOf = async (): Promise<number> => (await call(gate, '/things/1', secret)).status;

  t.same([await statusOf(), await statusOf(), await statusOf(), await statusOf()], [200, 200, 200, 429]);
  const ask = () =>
    call(gate, '/ask', secret, {
      headers: {
        'X-Forwarded-Method': 'GET',
        'X-Forwarded-Uri': '/things/1',
        'X-Forwarded-For': '192.0.2.1',
        'X-Forwarded-Proto': 'http',
        'X-Forwarded-Host': 'api',
      },
    });
  const refused = await ask();
  t.equal(refused.status, 429, 'a proxy that asks is told so too');
  t.equal(refused.headers.get('ratelimit'), `"daily";r=0;t=${refused.headers.get('retry-after')}`);

  await reload(gate, { quotas: [{ ...daily, requests: 5 }], rateLimits: [hourly] });
  t.same([await statusOf(), await statusOf(), await statusOf()], [200, 200, 429], 'two more of five');
  const passed = await gate.metric('tollgate_limit_decisions_total', { limit: 'daily', result: 'permitted' });
  t.equal(passed, 5, 'the metric goes on');

  await reload(gate, { quotas: [], rateLimits: [{ ...hourly, name: 'another', requests: 1 }] });
  const asked = await ask();
  t.equal(asked.status, 200);
  t.equal(asked.headers.get('ratelimit-policy'), '"another";q=1;w=3600');
  t.equal(await statusOf(), 429, 'what was asked about counts');

  await reload(gate, { rateLimits: [] });
  const free = await call(gate, '/things/1', secret);
  t.equal(free.status, 200);
  t.equal(free.headers.get('ratelimit'), null, 'nothing is said where nothing is limited');
  t.notMatch(await gate.metrics(), /^tollgate_limit/m);
});

t.test('behind nginx callers read what is left, and when to come again', async (t) => {
  const directory = makeDirectory(t);
  const api = await startEchoApi(t);
  const socket = join(directory, 'ask.sock');
  const gate = await startGate(t, {
    directory,
    settings: {
      upstream: api.url,
      trustedProxies: ['127.0.0.1'],
      routes: [{ name: 'public', path: '/public/*', public: true }],
      rateLimits: [{ name: 'each', per: 'address', requests: 1, window: '1h' }],
      forwardAuth: { listen: `unix:${socket}`, trustedPeers: ['unix'] },
    },
  });
  await gate.whenReady();
  const proxy = await startProxy(t, 'nginx', { gatePort: gate.port, auth: socket, apiPort: api.port });
  const passed = await call(proxy, '/public/1');
  t.equal(passed.status, 200);
  t.equal(passed.headers.get('ratelimit-policy'), '"each";q=1;w=3600');
  t.equal(passed.headers.get('ratelimit'), '"each";r=0;t=3600');
  const refused = await call(proxy, '/public/1');
  t.equal(refused.status, 429);
  t.match(refused.json(), { status: 429 });
  t.equal(refused.headers.get('ratelimit'), `"each";r=0;t=${refused.headers.get('retry-after')}`);
});
