// The scenarios: which stores and replicas, and which faults befall them.

import { spawnSync } from 'node:child_process';
import { clockOff } from '../../support/fake-clock.ts';
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

const clock = (name: string, seconds: number): Scenario => ({
  name: `redis: one clock ${name}`,
  deploy: async (t) => (hasFaketime() ? deployRedis(t, { b: clockOff(seconds) }) : 'needs faketime'),
  faultKinds: ['kill a gate', 'freeze Redis', 'cut a gate off'],
  faults: 6,
});

const hasFaketime = (): boolean => spawnSync('faketime', ['--version']).error === undefined;

export const scenarios: readonly Scenario[] = [
  { name: 'sqlite: no fault', deploy: (t) => deploySqlite(t, 1), faultKinds: [], faults: 0 },
  {
    name: 'sqlite: gates killed and frozen',
    deploy: (t) => deploySqlite(t, 2),
    faultKinds: ['kill a gate', 'freeze a gate'],
    faults: 6,
  },
  {
    name: 'sqlite: file locked and read-only',
    deploy: (t) => deploySqlite(t, 2),
    faultKinds: ['lock the file', 'make the file read-only'],
    faults: 6,
  },
  {
    name: 'sqlite: disk full',
    deploy: (t) => deploySqlite(t, 2),
    faultKinds: ['fill the disk', 'limit the size of files', 'kill a gate'],
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
  clock('5 minutes fast', 300),
  clock('5 minutes slow', -300),
  redis(
    'everything',
    'kill a gate',
    'freeze Redis',
    'cut a gate off',
    'lose the feed',
    'kill Redis',
    'part a gate from Redis',
    'trim the feed',
    'freeze a gate',
  ),
  redis('emptied', 'empty Redis', 'kill a gate'),
];
