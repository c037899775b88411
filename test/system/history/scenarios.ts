// The scenarios: which stores and replicas, and which faults befall them.

import type { Scenario } from './scenario.ts';
import { deploySqlite } from './sqlite-deployment.ts';

export const scenarios: readonly Scenario[] = [
  { name: 'sqlite', deploy: (t) => deploySqlite(t, 1), faultKinds: [], faults: 0 },
  {
    name: 'sqlite: gates killed',
    deploy: (t) => deploySqlite(t, 2),
    faultKinds: ['kill a gate', 'freeze a gate'],
    faults: 4,
  },
];
