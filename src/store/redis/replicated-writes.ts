// Writes that take something away, answered only when enough replicas have them. What was written while a WAIT was on
// its way goes out together, followed by the next WAIT: a dead replica costs every caller one wait, not a queue of them.
// WAIT must follow on the connection of the write, and on a Cluster on the node that owns the slot.

import { Cluster, type Redis } from 'ioredis';
import { notReplicatedCode } from './context.ts';
import { RedisFault } from './fault.ts';
import type { RedisLink } from './link.ts';
import { type Redirect, parseRedirect } from './redirect.ts';
import { type Script, isNoScript } from './script.ts';

const pendingMax = 1000;
const perBatch = 100;
const attemptsMax = 4;

interface Job {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Send the script's text: the server does not know it. */
  isTextNeeded: boolean;
  redirect: Redirect | undefined;
  attempts: number;
}

/** The writes on their way to one server. */
interface Lane {
  readonly pending: Job[];
  isBusy: boolean;
}

export class ReplicatedWrites {
  readonly #link: RedisLink;
  readonly #replicasMin: number;
  readonly #waitMs: number;
  readonly #lanes = new Map<string, Lane>();
  readonly #slots = new Map<string, number>();

  /** `waitMs`: how long a write may take to reach `replicasMin` replicas; below the link's command timeout. */
  constructor(link: RedisLink, replicasMin: number, waitMs: number) {
    this.#link = link;
    this.#replicasMin = replicasMin;
    this.#waitMs = waitMs;
  }

  /** Runs a script; rejects with `NOT_REPLICATED` when too few replicas have it in time (it may be done all the same). */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const job: Job = {
        script,
        keys,
        args,
        resolve,
        reject,
        isTextNeeded: false,
        redirect: undefined,
        attempts: 0,
      };
      this.#enter(job).catch(reject);
    });
  }

  async #enter(job: Job): Promise<void> {
    job.attempts += 1;
    const node = await this.#ownerOf(job);
    const name = nameOf(node);
    const lane = this.#lanes.get(name) ?? { pending: [], isBusy: false };
    this.#lanes.set(name, lane);
    if (lane.pending.length >= pendingMax)
      throw new RedisFault('OVERLOADED', 'too many writes wait for the replicas');
    lane.pending.push(job);
    if (lane.isBusy) return;
    lane.isBusy = true;
    try {
      while (lane.pending.length > 0) await this.#send(node, lane.pending.splice(0, perBatch));
    } finally {
      lane.isBusy = false;
      for (const left of lane.pending.splice(0))
        left.reject(new RedisFault('CLOSED', 'the connection was lost'));
    }
  }

  async #send(node: Redis, jobs: readonly Job[]): Promise<void> {
    const pipeline = node.pipeline();
    for (const { script, keys, args, isTextNeeded, redirect } of jobs) {
      if (redirect?.isAsking === true) pipeline.asking();
      if (isTextNeeded) pipeline.eval(script.lua, keys.length, ...keys, ...args);
      else pipeline.evalsha(script.sha, keys.length, ...keys, ...args);
    }
    pipeline.wait(this.#replicasMin, this.#waitMs);
    const results = (await pipeline.exec()) ?? [];
    const [waitError, waited] = results.at(-1) ?? [null, 0];
    const replicas = waitError === null && typeof waited === 'number' ? waited : 0;
    let at = 0;
    for (const job of jobs) {
      if (job.redirect?.isAsking === true) at += 1;
      const [error, reply] = results[at++] ?? [new RedisFault('CLOSED', 'the connection was lost'), null];
      if (error !== null) this.#again(job, error, node);
      else if (replicas >= this.#replicasMin) job.resolve(reply);
      else
        job.reject(
          new RedisFault(
            notReplicatedCode,
            `the write reached ${replicas} of ${this.#replicasMin} replicas within ${this.#waitMs} ms`,
          ),
        );
    }
  }

  /** What the server refused before it did anything is sent again the way it asks for. */
  #again(job: Job, error: Error, node: Redis): void {
    const redirect = parseRedirect(error, node.options.host);
    if (job.attempts >= attemptsMax || (redirect === undefined && !isNoScript(error)))
      return job.reject(error);
    if (redirect === undefined) job.isTextNeeded = true;
    else job.redirect = redirect;
    this.#enter(job).catch(job.reject);
  }

  /** The server to write to. Throws when there is none to be reached now. */
  async #ownerOf({ keys, redirect }: Job): Promise<Redis> {
    const client = this.#link.usable();
    if (!(client instanceof Cluster)) return client;
    const masters = client.nodes('master');
    const name =
      redirect === undefined ? await this.#ownerName(client, keys[0] ?? '') : nameOf({ options: redirect });
    const owner = masters.find((node) => nameOf(node) === name);
    if (owner === undefined) throw new RedisFault('NOT_CONNECTED', 'the owner of a slot is not known');
    return owner;
  }

  async #ownerName(client: Cluster, key: string): Promise<string> {
    const tag = /\{(.*?)\}/.exec(key)?.[1] ?? key;
    let slot = this.#slots.get(tag);
    if (slot === undefined) {
      slot = await client.cluster('KEYSLOT', tag);
      this.#slots.set(tag, slot);
    }
    return client.slots[slot]?.[0] ?? '';
  }
}

const nameOf = ({
  options: { host, port },
}: {
  readonly options: { readonly host?: string | undefined; readonly port?: number | undefined };
}): string => `${host}:${port}`;
