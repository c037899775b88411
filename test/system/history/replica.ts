// One replica of a run: a gate process that may be killed and started again, each time as another incarnation.

import type { Test } from 'tap';
import { type GateOptions, type GateProcess, startGate } from '../../support/gate-process.ts';

export interface Reason {
  readonly reason: string;
  /** What the gate knows of an outage beyond its reason. */
  readonly cause: unknown;
}

export interface Replica {
  readonly name: string;
  /** Counts its starts, from 0. */
  readonly incarnation: number;
  /** Undefined while it is down. */
  readonly url: string | undefined;
  readonly gate: GateProcess;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again with the same settings; does not wait until it is ready. */
  start(): Promise<void>;
  /** Why requests were refused or met an outage, by request id, as far as the logs of all its processes tell. */
  reasons(): Map<string, Reason>;
}

export const startReplica = async (t: Test, options: GateOptions & { name: string }): Promise<Replica> => {
  const gates = [await startGate(t, options)];
  let isUp = true;
  const current = (): GateProcess => gates.at(-1)!;
  return {
    name: options.name,
    get incarnation() {
      return gates.length - 1;
    },
    get url() {
      return isUp ? current().url : undefined;
    },
    get gate() {
      return current();
    },
    kill: async () => {
      isUp = false;
      current().child.kill('SIGKILL');
      await current().ended;
    },
    start: async () => {
      gates.push(await startGate(t, options));
      isUp = true;
    },
    reasons: () => {
      const reasons = new Map<string, Reason>();
      for (const gate of gates)
        for (const { msg, requestId, reason, cause } of gate.lines())
          if (msg === 'request' && typeof requestId === 'string' && typeof reason === 'string')
            reasons.set(requestId, { reason, cause });
      return reasons;
    },
  };
};
