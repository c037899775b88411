// The short form of the history checker: few operations against real replicas and stores, with faults; then judged. The
// long form is `npm run test:long`. A failure prints its seed: SEED=... tap test/system/history/history.test.ts

import { randomUUID } from 'node:crypto';
import t from 'tap';
import { type Figures, tableOf } from './figures.ts';
import { runScenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

t.setTimeout(290_000);
// They wait for failovers half of the time.
t.jobs = 2;

/** Scenario -> how many faults. */
const short: Readonly<Record<string, number>> = {
  'sqlite: gates killed and frozen': 2,
  'redis: everything': 4,
  'sentinel: masters killed and frozen': 1,
  'cluster: masters killed': 1,
};
const operations = 120;
const seed = process.env['SEED'] ?? randomUUID().slice(0, 8);

const runs = Object.entries(short).map(async ([name, faults]) => {
  let figures: Figures | undefined;
  await t.test(`${name} keeps every promise`, { buffered: true }, async (t) => {
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`no scenario ${name}`);
    figures = await runScenario(t, { ...scenario, faults }, { seed, operations });
  });
  return figures ?? [];
});

t.comment(`SEED=${seed}\n${tableOf((await Promise.all(runs)).flat())}`);

// All is judged, and every process ends with its test. A handle that is open all the same must not hold up the whole run.
setTimeout(() => {
  process.stderr.write(
    `history.test.ts ends with open handles: ${process.getActiveResourcesInfo().join(', ')}\n`,
  );
  process.exit();
}, 20_000).unref();
