// The long form of the history checker (npm run test:long): every scenario with 1,000 operations. It prints a table and the
// seed; SEED=... replays the same operations and faults, SCENARIO=... only those whose name contains the text, OPERATIONS=...
// shortens it. Not found by `npm test`, for it takes many minutes.

import { randomUUID } from 'node:crypto';
import t from 'tap';
import { type Figures, tableOf } from './figures.ts';
import { runScenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

const {
  SEED: seed = randomUUID().slice(0, 8),
  SCENARIO: wanted = '',
  OPERATIONS: count = '1000',
} = process.env;
const rows: Figures[] = [];

t.setTimeout(0);
t.teardown(() => console.error(`\nSEED=${seed}\n${tableOf(rows)}`));

for (const scenario of scenarios.filter(({ name }) => name.includes(wanted)))
  t.test(scenario.name, { timeout: 0 }, async (t) => {
    const figures = await runScenario(t, scenario, { seed, operations: Number(count) });
    if (figures === undefined) return;
    rows.push(figures);
    console.error(tableOf([figures]).split('\n').at(-1));
  });
