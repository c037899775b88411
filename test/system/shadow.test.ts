// Shadow mode in a real process: an API that runs goes on running, whatever becomes of Tollgate's store.

import { mkdtempSync, rmSync } from 'node:fs';
import t from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { encryptionKey, startGate } from '../support/gate-process.ts';

t.test(
  'with mode: shadow a store that never came stops no request, and the counts say what would',
  async (t) => {
    const directory = mkdtempSync('/tmp/tg-');
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const api = await startEchoApi(t);
    const gate = await startGate(t, {
      directory,
      settings: {
        upstream: api.url,
        mode: 'shadow',
        store: `redis+unix:${directory}/nobody-listens.sock`,
        keys: { encryptionKey },
        routes: [
          { name: 'things', path: '/things/*', scopes: ['things:read'] },
          { name: 'health', path: '/health', public: true },
        ],
      },
    });
    await gate.logged(({ msg }) => msg.startsWith('shadow mode, on all routes and without a route: '));
    const readiness = (await (await fetch(`${gate.opsUrl}/readyz`)).json()) as Record<string, unknown>;
    t.match(readiness, {
      ready: true,
      warnings: [/^shadow mode, on all routes/, /the store has not answered/],
    });
    const authorization = `Bearer ${'a'.repeat(40)}`;
    for (const [path, headers, result, reason, route] of [
      ['/things/1', { authorization }, 'outage', 'store_unavailable', 'things'],
      ['/things/1', {}, 'denial', 'credential_missing', 'things'],
      ['/health', {}, 'permit', 'none', 'health'],
      ['/elsewhere', { authorization }, 'denial', 'route_unknown', '(none)'],
    ] as const) {
      const answer = await fetch(`${gate.url}${path}`, {
        headers: { ...headers, 'x-identity-user': 'mallory' },
      });
      t.equal(answer.status, 200, path);
      const { headers: received } = api.received.at(-1)!;
      t.equal(received['authorization'], 'authorization' in headers ? authorization : undefined, path);
      t.equal(received['x-identity-user'], undefined, path);
      t.equal(await gate.metric('tollgate_shadow_decisions_total', { route, result, reason }), 1, reason);
    }
    t.match(await gate.logged((line) => line['shadowReason'] === 'store_unavailable'), {
      route: 'things',
      status: 200,
      result: 'permit',
      shadow: 'outage',
    });
  },
);
