// Gates on one SQLite file.

import { join } from 'node:path';
import type { Test } from 'tap';
import { startEchoApi } from '../../support/echo-api.ts';
import { openOperator } from '../../support/operator.ts';
import { gateSettings } from './gate-settings.ts';
import { freezeReplica, killReplica } from './replica-faults.ts';
import { startReplica } from './replica.ts';
import type { Deployment } from './run-plan.ts';
import { furnish } from './tenants.ts';
import { makeDirectory } from './temporary-directory.ts';

/** `count`: how many gate processes share the file. */
export const deploySqlite = async (t: Test, count: number): Promise<Deployment> => {
  const directory = makeDirectory(t);
  const api = await startEchoApi(t);
  const settings = gateSettings(api.url, { url: `sqlite:${join(directory, 'tollgate.db')}` });
  const names = ['a', 'b', 'c'].slice(0, count);
  const replicas = await Promise.all(names.map((name) => startReplica(t, { directory, name, settings })));
  const operator = await openOperator(t, replicas[0]!.gate.settingsFile);
  await furnish(operator);
  await Promise.all(replicas.map(({ gate }) => gate.whenReady()));
  return {
    replicas,
    faults: { 'kill a gate': killReplica(replicas), 'freeze a gate': freezeReplica(replicas) },
  };
};
