// The scenarios: which stores and replicas, and which faults befall them.

import { deployCluster } from './cluster-deployment.ts';
import { deployRedis } from './redis-deployment.ts';
import type { Scenario } from './scenario.ts';
import { deploySentinel } from './sentinel-deployment.ts';
import { deploySqlite } from './sqlite-deployment.ts';

const redis = (name: string, ...faultKinds: readonly string[]): Scenario => ({
  name: `redis: ${name}`,
  deploy: (t) => deployRedis(t),
  faultKinds,
  faults: 6,
});

const cluster = (name: string, ...faultKinds: readonly string[]): Scenario => ({
  name: `cluster: ${name}`,
  deploy: deployCluster,
  faultKinds,
  faults: 5,
});

export const scenarios: readonly Scenario[] = [
  { name: 'sqlite: no fault', deploy: (t) => deploySqlite(t, 1), faultKinds: [], faults: 0 },
  {
    name: 'sqlite: gates killed and frozen',
    deploy: (t) => deploySqlite(t, 2),
    faultKinds: ['kill a gate', 'freeze a gate'],
    faults: 6,
  },
  { ...redis('no fault'), faults: 0 },
  redis('gates killed and frozen', 'kill a gate', 'freeze a gate'),
  redis('Redis killed', 'kill Redis'),
  redis('Redis frozen', 'freeze Redis'),
  redis('gates parted and cut off', 'part a gate from Redis', 'cut a gate off'),
  redis('slow, sliced bytes', 'slice what a gate reads'),
  redis('the feed trimmed', 'trim the feed', 'kill a gate', 'lose the feed', 'kill a gate'),
  {
    name: 'sentinel: failovers forced',
    deploy: deploySentinel,
    faultKinds: ['force a failover'],
    faults: 5,
  },
  {
    name: 'sentinel: masters killed and frozen',
    deploy: deploySentinel,
    faultKinds: ['kill the master', 'freeze the master', 'kill a gate'],
    faults: 6,
  },
  cluster('masters killed', 'kill a master', 'freeze a master'),
  cluster('masters failed over', 'fail a master over', 'kill a gate'),
  cluster('slots moved', 'move slots'),
  redis('emptied', 'empty Redis', 'kill a gate'),
];
