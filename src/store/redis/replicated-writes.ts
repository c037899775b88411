// Writes that are answered only when enough replicas have them. What was written while a WAIT was on its way goes out
// together, followed by the next WAIT: a dead replica costs every caller one wait or two, not a queue of them.
//
// WAIT promises only that the writes of its own connection have reached replicas (https://redis.io/commands/wait). So it
// follows on the same connection, and a mark is written before it: a script that found its work done by an earlier attempt
// writes nothing, and without the mark WAIT could say "replicated" although that attempt never reached a replica.

import type { Redis } from 'ioredis';
import { type MasterConnections, notReplicatedCode } from './context.ts';
import { RedisFault } from './fault.ts';
import { replicationMarkBeside } from './key-space.ts';
import { askFirst, isNoScript, type Script, script } from './script.ts';

/** How many writes wait for a connection, and how many go out together: no write waits for more than two WAITs. */
const pendingMax = 1000;

/**
 * A write that every replica is sent, also where Redis is at maxmemory: it refuses only the first write of a script, and
 * this one, of a field that never is, takes no memory. KEYS mark.
 */
const writeMark = script(`
redis.call('HDEL', KEYS[1], 'never')
redis.call('HSET', KEYS[1], 'at', '0')
`);

interface Job {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  readonly isAsking: boolean;
  /** Send the script's text: the server does not know it. */
  readonly isTextNeeded: boolean;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The writes on their way over one connection. */
interface Lane {
  readonly pending: Job[];
  isBusy: boolean;
}

export class ReplicatedWrites {
  readonly #connections: MasterConnections;
  readonly #replicasMin: number;
  readonly #waitMs: number;
  readonly #lanes = new WeakMap<Redis, Lane>();

  /**
   * `connections`: of its own, because WAIT holds up everything behind it. `waitMs`: how long a write may take to
   * reach `replicasMin` replicas; below the connections' command timeout.
   */
  constructor(connections: MasterConnections, replicasMin: number, waitMs: number) {
    this.#connections = connections;
    this.#replicasMin = replicasMin;
    this.#waitMs = waitMs;
  }

  /** Runs a script; rejects with `NOT_REPLICATED` when too few replicas have it in time (it may be done all the same). */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#connections.on(keys[0] ?? '', async (client, isAsking) => {
      const submit = (isTextNeeded: boolean): Promise<unknown> =>
        new Promise((resolve, reject) => {
          this.#enter(client, { script, keys, args, isAsking, isTextNeeded, resolve, reject });
        });
      try {
        return await submit(isAsking);
      } catch (error) {
        if (!isNoScript(error)) throw error;
        return submit(true);
      }
    });
  }

  #enter(client: Redis, job: Job): void {
    const lane = this.#lanes.get(client) ?? { pending: [], isBusy: false };
    this.#lanes.set(client, lane);
    if (lane.pending.length >= pendingMax)
      return job.reject(new RedisFault('OVERLOADED', 'too many writes wait for the replicas'));
    lane.pending.push(job);
    if (!lane.isBusy) void this.#drain(client, lane);
  }

  async #drain(client: Redis, lane: Lane): Promise<void> {
    lane.isBusy = true;
    while (lane.pending.length > 0) await this.#send(client, lane.pending.splice(0));
    lane.isBusy = false;
  }

  /** The commands of one turn leave in one write, in this order. */
  async #send(client: Redis, jobs: readonly Job[]): Promise<void> {
    const replies = jobs.map(({ script, keys, args, isAsking, isTextNeeded }) => {
      askFirst({ client, isAsking });
      return isTextNeeded
        ? client.eval(script.lua, keys.length, ...keys, ...args)
        : client.evalsha(script.sha, keys.length, ...keys, ...args);
    });
    const marks = marksOf(jobs).map((mark) => {
      askFirst({ client, isAsking: mark.isAsking });
      return client.eval(writeMark.lua, 1, mark.key);
    });
    const wait = client.wait(this.#replicasMin, this.#waitMs);
    const [results, marked, [waited]] = await Promise.all([
      Promise.allSettled(replies),
      Promise.allSettled(marks),
      Promise.allSettled([wait]),
    ]);
    const doubt = this.#doubtOf(marked, waited);
    for (const [index, { resolve, reject }] of jobs.entries()) {
      const result = results[index];
      if (result?.status !== 'fulfilled') reject(result?.reason);
      else if (doubt !== undefined) reject(doubt);
      else resolve(result.value);
    }
  }

  /** Why the jobs may not be replicated. One mark that was written is enough: WAIT waits for all that came before it. */
  #doubtOf(marked: readonly PromiseSettledResult<unknown>[], waited: PromiseSettledResult<number>): unknown {
    const failures = marked.filter((mark) => mark.status === 'rejected');
    if (failures.length === marked.length)
      return failures[0]?.reason ?? new RedisFault(notReplicatedCode, 'no mark of the write was answered');
    const replicas = waited.status === 'fulfilled' ? waited.value : 0;
    if (replicas >= this.#replicasMin) return undefined;
    return new RedisFault(
      notReplicatedCode,
      `the write reached ${replicas} of ${this.#replicasMin} replicas within ${this.#waitMs} ms`,
    );
  }
}

/** A mark for each shard written to: on a Cluster one of them may be moving. */
const marksOf = (jobs: readonly Job[]): readonly { readonly key: string; readonly isAsking: boolean }[] => {
  const marks = new Map<string, boolean>();
  for (const { keys, isAsking } of jobs) {
    const key = replicationMarkBeside(keys[0] ?? '');
    marks.set(key, isAsking || marks.get(key) === true);
  }
  return [...marks].map(([key, isAsking]) => ({ key, isAsking }));
};
