// Writes that take something away, answered only when enough replicas have them. What was written while a WAIT was on
// its way goes out together, followed by the next WAIT: a dead replica costs every caller one wait, not a queue of
// them. WAIT follows in the same pipeline: on another connection it would wait for other writes.

import type { Redis } from 'ioredis';
import type { Connections } from './connections.ts';
import { notReplicatedCode } from './context.ts';
import { RedisFault } from './fault.ts';
import { type Script, isNoScript } from './script.ts';

const pendingMax = 1000;
const perBatch = 100;

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
  readonly #connections: Connections;
  readonly #replicasMin: number;
  readonly #waitMs: number;
  readonly #lanes = new WeakMap<Redis, Lane>();

  /**
   * `connections`: of its own, because WAIT holds up everything behind it. `waitMs`: how long a write may take to
   * reach `replicasMin` replicas; below the connections' command timeout.
   */
  constructor(connections: Connections, replicasMin: number, waitMs: number) {
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
    while (lane.pending.length > 0) await this.#send(client, lane.pending.splice(0, perBatch));
    lane.isBusy = false;
  }

  async #send(client: Redis, jobs: readonly Job[]): Promise<void> {
    const pipeline = client.pipeline();
    for (const { script, keys, args, isAsking, isTextNeeded } of jobs) {
      if (isAsking) pipeline.asking();
      if (isTextNeeded) pipeline.eval(script.lua, keys.length, ...keys, ...args);
      else pipeline.evalsha(script.sha, keys.length, ...keys, ...args);
    }
    pipeline.wait(this.#replicasMin, this.#waitMs);
    let results: Awaited<ReturnType<typeof pipeline.exec>>;
    try {
      results = await pipeline.exec();
    } catch (error) {
      for (const job of jobs) job.reject(error);
      return;
    }
    const [waitError, waited] = results?.at(-1) ?? [undefined, 0];
    const replicas = waitError === null && typeof waited === 'number' ? waited : 0;
    let at = 0;
    for (const job of jobs) {
      if (job.isAsking) at += 1;
      const [error, reply] = results?.[at++] ?? [lost(), undefined];
      if (error !== null) job.reject(error);
      else if (replicas >= this.#replicasMin) job.resolve(reply);
      else job.reject(this.#notReplicated(replicas));
    }
  }

  #notReplicated(replicas: number): RedisFault {
    return new RedisFault(
      notReplicatedCode,
      `the write reached ${replicas} of ${this.#replicasMin} replicas within ${this.#waitMs} ms`,
    );
  }
}

const lost = (): RedisFault => new RedisFault('NOT_CONNECTED', 'the connection was lost');
