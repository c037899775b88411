// Runs a plan: four clients work through its operations while its faults come and go, one at a time. When all are over,
// every credential is tried on every replica.

import { until } from '../../support/gate-process.ts';
import { Client } from './client.ts';
import type { Bounds, Fault, History, Operation } from './history.ts';
import type { FaultIntent, Plan } from './plan.ts';
import { Pool } from './pool.ts';
import { pause } from './pause.ts';
import type { Reason, Replica } from './replica.ts';

const clientCount = 4;
const backOff = 10;

/** Injects a fault and resolves when its cause is gone. */
export type Inject = (intent: FaultIntent) => Promise<Pick<Fault, 'replicas' | 'losesRecords'>>;

export interface Deployment {
  readonly replicas: readonly Replica[];
  /** By kind. */
  readonly faults: Readonly<Record<string, Inject>>;
}

export const runPlan = async (deployment: Deployment, plan: Plan, bounds: Bounds): Promise<History> => {
  const { replicas } = deployment;
  const run = { replicas, pool: new Pool(), operations: [] as Operation[] };
  const faults: Fault[] = [];
  let begun = 0;
  /** Resolves when the fault before the latest is over: no operation overtakes the next one. */
  let cleared: Promise<void> = Promise.resolve();
  let healed: Promise<void> = Promise.resolve();
  const work = async (client: Client): Promise<void> => {
    for (;;) {
      const number = begun++;
      const intent = plan.intents[number];
      if (intent === undefined) return;
      for (const fault of plan.faults.filter(({ at }) => at === number)) {
        cleared = healed;
        healed = cleared.then(async () => void faults.push(await inject(deployment, fault)));
        // A fault that cannot be injected ends the run where it is awaited.
        healed.catch(() => undefined);
      }
      await cleared;
      await pause(intent.pauseMs);
      const known = run.operations.length;
      await client.perform(`${number}`, intent);
      // Callers back off from an outage; else they would spend all their operations on it.
      if (run.operations.slice(known).some(({ outcome }) => outcome.kind === 'outage'))
        await pause(intent.pauseMs * backOff);
    }
  };
  await Promise.all(Array.from({ length: clientCount }, () => work(new Client(run))));
  await healed;
  const sweepFromMs = await settle(replicas, faults, bounds);
  await Promise.all(replicas.map((replica) => sweep(run, replica)));
  await explainRefusals(run, sweepFromMs);
  return { operations: run.operations, credentials: run.pool.credentials, faults, bounds, sweepFromMs };
};

const inject = async ({ faults }: Deployment, intent: FaultIntent): Promise<Fault> => {
  const { kind } = intent;
  const beganMs = performance.now();
  const injectIt = faults[kind];
  if (injectIt === undefined) throw new Error(`this deployment has no fault ${kind}`);
  const { replicas, losesRecords } = await injectIt(intent);
  return { kind, replicas, losesRecords, beganMs, healedMs: performance.now() };
};

/** Waits until every replica is ready (where one never is, the sweep tells), and until no bound is running any more. */
const settle = async (
  replicas: readonly Replica[],
  faults: readonly Fault[],
  bounds: Bounds,
): Promise<number> => {
  await Promise.allSettled(
    replicas.map((replica) => until(async () => (await replica.gate.readiness()).ready, 30_000)),
  );
  const quietMs = faults.length === 0 ? bounds.healthyMs : Math.max(bounds.cutOffMs, bounds.settleMs);
  await pause(quietMs);
  return performance.now();
};

type Run = ConstructorParameters<typeof Client>[0];

/** Tries every credential on one replica, again while it answers with an outage, but not for ever. */
const sweep = async (run: Run, replica: Replica): Promise<void> => {
  const client = new Client(run);
  const deadlineMs = performance.now() + sweepMs;
  for (const credential of run.pool.credentials.values()) {
    const needs = credential.canWrite ? 'write' : 'read';
    for (let attempt = 0; ; attempt += 1) {
      client.begin(`sweep-${replica.name}-${credential.id}-${attempt}`);
      const outcome = await client.use(replica, credential, needs);
      if (outcome?.kind === 'ok' || outcome?.kind === 'refused' || performance.now() > deadlineMs) break;
    }
  }
};

const sweepMs = 20_000;

/** Fills in why a replica refused, from its access log, once what the sweep met there is written. */
const explainRefusals = async ({ replicas, operations }: Run, sweepFromMs: number): Promise<void> => {
  const explain = (): boolean => {
    for (const replica of replicas) {
      const reasons = replica.reasons();
      for (const [index, operation] of operations.entries()) {
        const found = reasons.get(operation.id);
        if (found !== undefined) operations[index] = explained(operation, found);
      }
    }
    return !operations.some(
      ({ invokedMs, outcome }) =>
        invokedMs >= sweepFromMs && outcome.kind === 'refused' && outcome.reason === undefined,
    );
  };
  // A replica that was killed took its last lines with it: those refusals stay unexplained.
  await until(explain, 5_000).catch(() => undefined);
};

const explained = (operation: Operation, { reason, cause }: Reason): Operation => {
  const { outcome } = operation;
  if (outcome.kind !== 'refused' && outcome.kind !== 'outage') return operation;
  if (outcome.reason !== undefined) return operation;
  const isOutage = outcome.kind === 'outage' && typeof cause === 'string';
  return { ...operation, outcome: { ...outcome, reason: isOutage ? `${reason}: ${cause}` : reason } };
};
