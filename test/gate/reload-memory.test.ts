// A process that has reloaded a thousand times is as large as one that has not.

import { setFlagsFromString } from 'node:v8';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { t } from 'tap';
import { openTelemetry } from '../../src/gate/telemetry.ts';
import { openGate } from '../../src/gate.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { until } from '../support/gate-process.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

t.test('what a reload replaces is let go of', async (t) => {
  const directory = makeDirectory(t);
  let round = 0;
  const load = () =>
    loadSettings({
      file: undefined,
      env: {},
      flags: {
        listen: '127.0.0.1:0',
        ops: '127.0.0.1:0',
        issuer: 'http://127.0.0.1:8080',
        store: `sqlite:${join(directory, 'tollgate.db')}`,
        'shutdown.drainDelay': '0s',
        'log.level': 'silent',
        'reload.watch': false,
        // Everything is made anew: keys, verifiers, identifier, upstreams, surfaces.
        'tokens.accessTokenLifetime': `${20 + (round % 2)}m`,
        upstream: `http://127.0.0.1:${9_000 + round}`,
        issuers: [
          {
            issuer: 'https://a.example',
            jwks: `http://127.0.0.1:1/${round}`,
            audience: 'x',
            fixedOrg: 'acme',
          },
        ],
        routes: [{ name: `round-${round}`, path: '/*', public: true }],
      },
    });
  const loaded = load();
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { log, metrics } = openTelemetry(loaded.settings, 'test');
  const gate = await openGate(loaded.settings, log, metrics, { ...loaded, load });
  t.teardown(() => gate.shutDown());
  await until(() => gate.readiness().ready);
  const heapAfter = async (rounds: number): Promise<number> => {
    for (const end = round + rounds; round < end;) {
      round += 1;
      await gate.reload();
      t.same(gate.readiness().warnings, [], `round ${round}`);
    }
    collect();
    return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  };
  const before = await heapAfter(3);
  const after = await heapAfter(30);
  // One identifier alone has two megabytes of empty places for identities.
  t.ok(after - before < 20_000_000, `${before} bytes, then ${after}`);
});
