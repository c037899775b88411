// The short form of the history checker: few operations against real replicas and stores, with faults; then judged. The
// long form is `npm run test:long`. A failure prints its seed: SEED=... tap test/system/history/history.test.ts

import { randomUUID } from 'node:crypto';
import t from 'tap';
import { type Figures, tableOf } from './figures.ts';
import { runScenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

t.setTimeout(240_000);

const seed = process.env['SEED'] ?? randomUUID().slice(0, 8);
const operations = 150;
const rows: Figures[] = [];

for (const scenario of scenarios.slice(0, 2))
  t.test(`${scenario.name} keeps every promise`, async (t) => {
    const figures = await runScenario(t, scenario, { seed, operations });
    if (figures !== undefined) rows.push(figures);
  });

t.teardown(() => console.error(`SEED=${seed}\n${tableOf(rows)}`));
