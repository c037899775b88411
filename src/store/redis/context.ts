// What every part of the Redis store shares: key names, connections, and the one place where a failure becomes an Outage.

import { type Outage, outage } from '../../decision/outcome.ts';
import type { StoreLog } from '../store-options.ts';
import type { CommandAnswer, CommandInput, StoreCommand } from '../token-store.ts';
import { faultOf } from './fault.ts';
import type { KeySpace } from './key-space.ts';
import type { MasterConnections } from './connections.ts';
import type { OwnWrites } from './own-writes.ts';
import type { Script } from './script.ts';

/**
 * The writes that may be lost in a failover. `audit` and `last_use` are collected and written later; `sweep` is repeated by
 * the next listing; `write_back` is repeated by every replica that notices the loss.
 */
export type UnacknowledgedWrite = 'audit' | 'last_use' | 'sweep' | 'write_back';

export interface StoreContext {
  readonly keys: KeySpace;
  readonly reads: MasterConnections;
  /** How long change lines are kept: the longest access-token life and a margin. */
  readonly retentionMs: number;
  readonly log: StoreLog;
  /** Runs a write. Answers only when `store.replicasMin` replicas have everything this server has written until then. */
  readonly write: (
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ) => Promise<unknown>;
  /** Connections for a write that does not wait for replicas, because nobody is answered that it was done. */
  readonly unacknowledged: (why: UnacknowledgedWrite) => MasterConnections;
  /** Does something whose faults become an Outage. */
  readonly attempt: <T>(work: () => Promise<T>) => Promise<T | Outage>;
  /** Makes the connections to any other server again: the one with this history is the master now. */
  readonly renew: (history: string) => void;
  /** Whether this process follows the feed, and does what upkeep.ts says in the background. */
  readonly isServing: () => boolean;
  readonly own: OwnWrites;
  /** The feed's connection failed: asks the servers behind the others whether they are still masters. */
  readonly feedFailed: () => void;
}

/** What a command of the port does. */
export type Step<Command extends StoreCommand> = (
  context: StoreContext,
  ...input: CommandInput<Command>
) => Promise<CommandAnswer<Command>>;

/** Makes commands of the port from what they do. */
export const commandsOf =
  (context: StoreContext) =>
  <Input extends unknown[], T>(
    step: (context: StoreContext, ...input: Input) => Promise<T>,
  ): ((...input: Input) => Promise<T | Outage>) =>
  (...input) =>
    context.attempt(() => step(context, ...input));

/** Makes `attempt`. `secrets` never appear in an outage's cause. */
export const attemptWith =
  (secrets: readonly string[]): StoreContext['attempt'] =>
  async (work) => {
    try {
      return await work();
    } catch (error) {
      const fault = faultOf(error, secrets);
      return outage(notReplicated.has(fault.code) ? 'store_not_replicated' : 'store_unavailable', fault);
    }
  };

export const notReplicatedCode = 'NOT_REPLICATED';
/** Ours, and the server's own when it has fewer replicas than `min-replicas-to-write`. */
const notReplicated = new Set([notReplicatedCode, 'NOREPLICAS']);
