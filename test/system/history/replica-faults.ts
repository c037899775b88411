// Faults of the replicas themselves, whatever store they share.

import { until } from '../../support/gate-process.ts';
import { pause } from './pause.ts';
import type { FaultIntent } from './plan.ts';
import type { Replica } from './replica.ts';
import type { Inject } from './run-plan.ts';

export const pickReplica = (replicas: readonly Replica[], { pick }: FaultIntent): Replica =>
  replicas[Math.floor(pick * replicas.length)]!;

/** kill -9 of one replica, and its return. */
export const killReplica =
  (replicas: readonly Replica[]): Inject =>
  async (intent) => {
    const replica = pickReplica(replicas, intent);
    await replica.kill();
    await pause(intent.lastsMs / 3);
    await replica.start();
    await until(async () => (await replica.gate.readiness()).ready, 60_000);
    return { replicas: [replica.name], losesRecords: false };
  };

/** SIGSTOP of one replica: it wakes up with an old view of the world. */
export const freezeReplica =
  (replicas: readonly Replica[]): Inject =>
  async (intent) => {
    const replica = pickReplica(replicas, intent);
    replica.gate.child.kill('SIGSTOP');
    await pause(intent.lastsMs);
    replica.gate.child.kill('SIGCONT');
    return { replicas: [replica.name], losesRecords: false };
  };
