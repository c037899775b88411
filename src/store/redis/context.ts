// What every part of the Redis store shares: key names, connections to the master that holds a key, and the one place where a
// failure becomes an Outage.

import type { Redis } from 'ioredis';
import { type Outage, outage } from '../../decision/outcome.ts';
import type { StoreLog } from '../store-options.ts';
import type { CommandAnswer, CommandInput, StoreCommand } from '../token-store.ts';
import { faultOf } from './fault.ts';
import type { KeySpace } from './key-space.ts';
import type { OwnWrites } from './own-writes.ts';
import { runScript, type Script } from './script.ts';

/** `isAsking`: the server is only taking the key's slot over; it takes one command, and a script only as text. */
export type Work<T> = (client: Redis, isAsking: boolean) => Promise<T>;

export interface MasterConnections {
  /** Connects. Resolves when a server is usable, or at the first failure: it goes on trying in the background. */
  open(): Promise<void>;
  close(): void;
  /** Runs work on a connection to the master that holds `key`; rejects at once when there is none. */
  on<T>(key: string, work: Work<T>): Promise<T>;
  /** Asks the servers again whether they are masters. */
  recheck(): void;
  /** Drops a connection to another server than the one the feed found to be the master now. */
  renew(history: string): void;
}

/** Runs a script where its first key lives. */
export const runOn = (
  connections: MasterConnections,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> =>
  connections.on(keys[0] ?? '', (client, isAsking) => runScript(client, script, keys, args, isAsking));

/** All fields of a hash; undefined when there is none. */
export const readHash = async (
  connections: MasterConnections,
  key: string,
): Promise<ReadonlyMap<string, string> | undefined> => {
  const fields = Object.entries(await connections.on(key, (client) => client.hgetall(key)));
  return fields.length === 0 ? undefined : new Map(fields);
};

/** Members of an index in byte order, after one of them. */
export const listIndex = (
  connections: MasterConnections,
  key: string,
  after: string | undefined,
  count: number,
): Promise<string[]> => {
  const from = after === undefined ? '-' : `(${after}`;
  return connections.on(key, (client) => client.zrangebylex(key, from, '+', 'LIMIT', 0, count));
};

/**
 * The writes that may be lost in a failover. `audit`, `last_use` and `usage` are collected and written later; `sweep` is repeated by
 * the next listing; `write_back` is repeated by every replica that notices the loss; of `counts` those of a moment are lost.
 */
export type UnacknowledgedWrite = 'audit' | 'last_use' | 'usage' | 'sweep' | 'write_back' | 'counts';

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
