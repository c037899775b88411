// Settings that change while a gate runs: a real process, real signals, real files.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { type EchoApi, startEchoApi } from '../support/echo-api.ts';
import { call, type GateProcess, startGate, until } from '../support/gate-process.ts';
import { openOperator, type Operator } from '../support/operator.ts';
import { change, reload, reloads } from '../support/reload.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

t.setTimeout(180_000);

const things = { name: 'things', path: '/things/*', scopes: ['things:read'] };
const slow = { name: 'slow', path: '/slow', scopes: ['things:read'] };
const socket = { name: 'socket', path: '/ws', scopes: ['things:read'], upgrade: true };
const inForce = 'the settings were read again and are in force';
const refused = 'the settings were read again and refused; the old ones stay in force';

interface Scene {
  readonly api: EchoApi;
  readonly gate: GateProcess;
  readonly operator: Operator;
  readonly token: string;
}

/** Only SIGHUP reloads, unless the settings say that the file is watched. */
const startScene = async (t: Test, settings: object = {}): Promise<Scene> => {
  const api = await startEchoApi(t);
  const gate = await startGate(t, {
    directory: makeDirectory(t),
    settings: { upstream: api.url, routes: [things], reload: { watch: false }, ...settings },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  const { secret } = await operator.token();
  await gate.whenReady();
  return { api, gate, operator, token: secret };
};

t.test('SIGHUP puts routes, upstreams, identity headers and the log level in force', async (t) => {
  const { api, gate, token } = await startScene(t);
  const other = await startEchoApi(t);
  t.equal((await call(gate, '/things/1', token)).status, 200);
  t.equal((await call(gate, '/more/1', token)).status, 403, 'no route yet');
  const done = await reload(gate, {
    upstreams: { other: other.url },
    routes: [things, { name: 'more', path: '/more/*', scopes: [], upstream: 'other' }],
    identity: { headers: { 'X-Org': 'org.id' } },
    log: { level: 'debug', access: 'all' },
  });
  t.match(done, { level: 'info', msg: inForce });
  t.same(new Set(done['changed'] as string[]), new Set(['upstreams', 'routes', 'identity', 'log']));
  const more = await call(gate, '/more/1', token);
  t.equal(more.status, 200);
  t.equal(other.received.length, 1);
  const { headers } = (await call(gate, '/things/1', token)).json() as { headers: Record<string, string> };
  t.equal(headers['x-org'], 'acme', 'though the identity was cached');
  t.equal(headers['x-identity'], undefined);
  t.equal(await gate.metric('tollgate_requests_total', { route: 'more', status: '200' }), 1);
  t.equal(await gate.metric('tollgate_requests_total', { route: 'things', status: '200' }), 2, 'counts on');
  await gate.logged((line) => line['route'] === 'things');
  t.ok(api.received.length > 0);
});

t.test('what is wrong is refused as a whole; log, metric and /readyz say so until it is right', async (t) => {
  const { gate, token } = await startScene(t);
  const startedAt = await gate.metric('tollgate_config_last_reload_success_timestamp_seconds');
  t.ok(startedAt > 0);
  const line = await reload(gate, {
    routes: [{ ...things, name: 'other' }, { path: 'x' }],
    log: { level: 'x' },
  });
  t.match(line, { level: 'error', msg: refused });
  const problems = line['problems'] as string[];
  t.equal(problems.length, 3, 'every problem at once');
  t.match(problems.join('\n'), /tollgate\.yaml:\d+:\d+: routes\[1\]\.path: "x" is not a path/);
  t.equal((await call(gate, '/things/1', token)).status, 200);
  t.equal(await gate.metric('tollgate_requests_total', { route: 'things' }), 1, 'by the old rules');
  const readyz = (await (await fetch(`${gate.opsUrl}/readyz`)).json()) as {
    ready: boolean;
    warnings: string[];
  };
  t.equal(readyz.ready, true);
  t.match(readyz.warnings, [/^the settings were read again at .* and refused, .*routes\[1\].*\(and 2 more/]);
  t.equal(await gate.metric('tollgate_config_reloads_total', { result: 'failure' }), 1);
  t.equal(await gate.metric('tollgate_config_last_reload_successful'), 0);

  t.match(await reload(gate, { routes: [things], log: {} }), { msg: inForce });
  const after = (await (await fetch(`${gate.opsUrl}/readyz`)).json()) as { warnings: string[] };
  t.same(after.warnings, []);
  t.equal(await gate.metric('tollgate_config_reloads_total', { result: 'success' }), 1);
  t.equal(await gate.metric('tollgate_config_last_reload_successful'), 1);
  t.ok((await gate.metric('tollgate_config_last_reload_success_timestamp_seconds')) >= startedAt);
});

t.test('a half-written or empty settings file, and one that is gone, leave the old settings', async (t) => {
  const { gate, token } = await startScene(t);
  const whole = readFileSync(gate.settingsFile, 'utf8');
  for (const [text, problem] of [
    [whole.slice(0, whole.length / 2), /lacks a closing|is not valid YAML|is not "key: value"|is indented/],
    ['', /is empty, as while it is being written/],
  ] as const) {
    writeFileSync(gate.settingsFile, text);
    const before = reloads(gate).length;
    gate.child.kill('SIGHUP');
    await until(() => reloads(gate).length > before);
    const line = reloads(gate)[before]!;
    t.match(line, { level: 'error', msg: refused });
    t.match((line['problems'] as string[]).join('\n'), problem);
    t.equal((await call(gate, '/things/1', token)).status, 200);
  }
  writeFileSync(gate.settingsFile, whole);
  t.match(await reload(gate), { msg: inForce, changed: [] });
});

t.test(
  'listen, ops and store are named as what a restart changes, and nothing is half changed',
  async (t) => {
    const { gate, token } = await startScene(t);
    for (const [groups, name] of [
      [{ listen: '127.0.0.1:1' }, 'listen'],
      [{ ops: '127.0.0.1:1' }, 'ops'],
      [{ store: 'sqlite:./other.db' }, 'store'],
      [{ surfaces: { console: { enabled: true, listen: '127.0.0.1:1' } } }, 'surfaces.console.listen'],
    ] as const) {
      const before = readFileSync(gate.settingsFile, 'utf8');
      const line = await reload(gate, { ...groups, routes: [] });
      t.match(line, { level: 'error', msg: refused });
      t.match(
        (line['problems'] as string[]).join(),
        `only a restart changes ${name}, so nothing was changed`,
      );
      t.equal((await call(gate, '/things/1', token)).status, 200);
      writeFileSync(gate.settingsFile, before);
    }
  },
);

t.test('the console comes and goes with its setting', async (t) => {
  const { gate } = await startScene(t);
  const page = async (): Promise<number> => (await call(gate, '/tollgate/console/')).status;
  t.equal(await page(), 403, 'no route covers it');
  t.match(await reload(gate, { surfaces: { console: { enabled: true } } }), { msg: inForce });
  t.not(await page(), 403);
  t.equal((await call(gate, '/tollgate/console/session/options')).status, 200);
  t.match(await reload(gate, { surfaces: { console: { enabled: false } } }), { msg: inForce });
  t.equal(await page(), 403);
});

t.test('what is under way goes on by the rules it was let in by', async (t) => {
  const { api, gate, token } = await startScene(t, { routes: [things, slow, socket] });
  const underWay = call(gate, '/slow', token);
  await until(() => api.open === 1);
  const live = new WebSocket(`${gate.url.replace('http', 'ws')}/ws`, {
    headers: { authorization: `Bearer ${token}` },
  });
  t.teardown(() => live.terminate());
  await once(live, 'message');
  const other = await startEchoApi(t);
  t.match(await reload(gate, { routes: [things], upstream: other.url }), { msg: inForce });

  t.equal((await call(gate, '/slow', token)).status, 403, 'its route is gone for what begins now');
  t.equal((await call(gate, '/things/1', token)).status, 200);
  t.equal(other.received.length, 1, 'and the API is another one');
  live.send('still there?');
  const [echoed] = (await once(live, 'message')) as [Buffer];
  t.match(String(echoed), /still there\?/);
  t.equal(await gate.metric('tollgate_upgraded_connections'), 1);
  api.release();
  const answer = await underWay;
  t.equal(answer.status, 200);
  t.match(answer.json(), { url: '/slow' });
  t.equal(await gate.metric('tollgate_requests_total', { route: 'slow', status: '200' }), 1);
});

t.test('a change of one thing resets no other: caches, limits and connections stay', async (t) => {
  const { api, gate, token } = await startScene(t, {
    limits: { unknownTokensPerMinute: 5, exchangesPerMinute: 2 },
  });
  t.equal((await call(gate, '/things/1', token)).status, 200);
  const exchangeOnce = async (): Promise<number> => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token });
    return (await call(gate, '/oauth2/token', undefined, { method: 'POST', body })).status;
  };
  t.same([await exchangeOnce(), await exchangeOnce(), await exchangeOnce()], [200, 200, 429]);
  const misses = await gate.metric('tollgate_identity_cache_misses_total');
  const sockets = await gate.metric('tollgate_upstream_connections');
  t.match(await reload(gate, { routes: [{ ...things, scopes: [] }], log: { level: 'debug' } }), {
    msg: inForce,
  });

  t.equal((await call(gate, '/things/1', token)).status, 200);
  t.equal(await gate.metric('tollgate_identity_cache_misses_total'), misses, 'the identity is still cached');
  t.equal(await gate.metric('tollgate_upstream_connections'), sockets, 'on the same connection');
  t.equal(await exchangeOnce(), 429, 'a limit that is used up stays so');
  t.equal(api.received.length, 2);
});

t.test('whom to believe is asked anew on a connection that is open already', async (t) => {
  const { gate, token } = await startScene(t, { trustedProxies: ['127.0.0.1'] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const forwardedFor = async (): Promise<string | undefined> => {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': '192.0.2.7' };
    const { body } = await ask(`${gate.url}/things/1`, agent, headers);
    return (JSON.parse(body) as { headers: Record<string, string> }).headers['x-forwarded-for'];
  };
  t.match(await forwardedFor(), /192\.0\.2\.7/);
  t.match(await reload(gate, { trustedProxies: [] }), { msg: inForce });
  t.notMatch(await forwardedFor(), /192\.0\.2\.7/);
});

t.test('whom forward-auth believes is asked anew as well', async (t) => {
  const { gate, token } = await startScene(t, {
    forwardAuth: { listen: '127.0.0.1:0', trustedPeers: ['127.0.0.1'] },
  });
  const { forwardAuth } = await gate.logged(({ msg }) => msg === 'listening');
  const headers = {
    'x-original-method': 'GET',
    'x-original-uri': '/things/1',
    'x-forwarded-for': '192.0.2.7',
  };
  const judge = async (): Promise<number> =>
    (await call({ url: `http://${String(forwardAuth)}` }, '/', token, { headers })).status;
  t.equal(await judge(), 200);
  const trusting = { listen: '127.0.0.1:0', trustedPeers: ['192.0.2.1'] };
  t.match(await reload(gate, { forwardAuth: trusting }), { msg: inForce, changed: ['forwardAuth'] });
  t.equal(await judge(), 403);
  const line = await reload(gate, { forwardAuth: { ...trusting, listen: '127.0.0.1:1' } });
  t.match(line, { level: 'error', problems: [/only a restart changes forwardAuth\.listen/] });
});

t.test('100 reloads under load fail no request', async (t) => {
  const { api, gate, token } = await startScene(t);
  const other = await startEchoApi(t);
  const headers = { authorization: `Bearer ${token}` };
  const over = new AbortController();
  let answered = 0;
  const failures: string[] = [];
  const work = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!over.signal.aborted) {
      const answer = await ask(`${gate.url}/things/${answered}`, agent, headers).catch((error: unknown) => ({
        status: 0,
        body: String(error),
      }));
      if (answer.status === 200) answered += 1;
      else failures.push(`${answer.status} ${answer.body.slice(0, 200)}`);
    }
    agent.destroy();
  };
  const workers = Array.from({ length: 8 }, work);
  for (let round = 0; round < 100; round += 1) {
    const answeredBefore = answered;
    const line = await reload(gate, {
      upstream: round % 2 === 0 ? other.url : api.url,
      routes: [
        { ...things, scopes: round % 3 === 0 ? [] : ['things:read'] },
        { ...slow, name: `round-${round}` },
      ],
      identity: { headers: { 'X-Round': 'user.id', [`X-Round-${round % 5}`]: 'org.id' } },
      cache: { identityTtl: `${10 + (round % 7)}s` },
      limits: { headerBytesMax: 16_384 + round },
    });
    t.match(line, { msg: inForce }, `round ${round}`);
    await until(() => answered > answeredBefore + 8 || failures.length > 0);
  }
  over.abort();
  await Promise.all(workers);
  t.same(failures, []);
  t.ok(answered > 800, `${answered} requests`);
  t.equal(await gate.metric('tollgate_config_reloads_total', { result: 'success' }), 100);
  const named = (await gate.metrics()).match(/tollgate_requests_total\{route="round-\d+/g) ?? [];
  t.ok(named.length <= 2, 'routes that are gone take no series');
  await until(async () => (await gate.metric('tollgate_upstream_connections')) <= 8);
});

interface Told {
  readonly status: number;
  readonly body: string;
}

const ask = async (url: string, agent: Agent, headers: Record<string, string>): Promise<Told> => {
  const request = get(url, { agent, headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body };
};

t.test('SIGHUP may come at any time, many at once', async (t) => {
  const { gate, token } = await startScene(t);
  for (let n = 0; n < 20; n += 1) gate.child.kill('SIGHUP');
  change(gate, { routes: [{ ...things, name: 'renamed' }] });
  await reload(gate);
  t.equal((await call(gate, '/things/1', token)).status, 200);
  t.equal(await gate.metric('tollgate_requests_total', { route: 'renamed' }), 1);
  t.equal(gate.child.exitCode ?? gate.child.signalCode, null);
});
