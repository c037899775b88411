// One long-lived connection that reconnects by itself and answers at once or fails at once. It is trusted only while
// the server behind it says it is a master: a demoted one still answers reads, with stale data.

import type { Redis } from 'ioredis';
import type { NodeOptions } from './connection-options.ts';
import type { MasterConnections, Work } from './context.ts';
import { type FaultLog, RedisFault, faultOf } from './fault.ts';
import { infoField } from './server-info.ts';
import { TimedRedis } from './timed-redis.ts';

export interface LinkOptions extends FaultLog {
  /** Called for every server a connection was made to. */
  readonly onConnected?: (server: Redis) => void;
}

const roleCheckMs = 1000;
const demotedRetryMs = 500;

export class RedisLink implements MasterConnections {
  readonly #client: Redis;
  readonly #options: LinkOptions;
  readonly #name: string;
  readonly #opened = Promise.withResolvers<void>();
  #isMaster = false;
  #isClosed = false;
  /** Whether the log says that the server cannot be used. */
  #isFailing = false;
  #roleTimer: NodeJS.Timeout | undefined;
  /** Why there is no connection; undefined while there is one, or where the server hung up without a word. */
  #fault: RedisFault | undefined;
  /** `master_replid`: names the history the server behind the connection writes. */
  #history: string | undefined;

  constructor(node: NodeOptions, options: LinkOptions) {
    this.#options = options;
    this.#name = node.connectionName ?? '';
    this.#client = new TimedRedis(node);
    this.#client.on('error', (error: unknown) => this.#failed(error));
    this.#client.on('close', () => {
      this.#isMaster = false;
      this.#opened.resolve();
    });
    this.#client.on('ready', () => {
      this.recheck();
      options.onConnected?.(this.#client);
    });
  }

  async open(): Promise<void> {
    if (this.#roleTimer === undefined && !this.#isClosed) {
      this.#roleTimer = setInterval(() => this.recheck(), roleCheckMs).unref();
      this.#client.connect().catch((error: unknown) => this.#failed(error));
    }
    await this.#opened.promise;
  }

  close(): void {
    this.#isClosed = true;
    this.#isMaster = false;
    this.#opened.resolve();
    clearInterval(this.#roleTimer);
    this.#client.disconnect();
  }

  get isUsable(): boolean {
    return this.#isMaster;
  }

  on<T>(_key: string, work: Work<T>): Promise<T> {
    if (!this.#isMaster) return Promise.reject(notConnected(this.#fault));
    return work(this.#client, false);
  }

  recheck(): void {
    void this.#checkRole();
  }

  renew(history: string): void {
    if (this.#isMaster && this.#history !== undefined && this.#history !== history) this.#reconnect();
  }

  #reconnect(): void {
    if (this.#isClosed) return;
    this.#isMaster = false;
    this.#client.disconnect(true);
  }

  async #checkRole(): Promise<void> {
    if (this.#client.status !== 'ready' || this.#isClosed) return;
    let role = '';
    try {
      const info = await this.#client.info('replication');
      role = infoField(info, 'role');
      this.#history = infoField(info, 'master_replid');
    } catch (error) {
      if (faultOf(error, this.#options.secrets).code !== 'NOPERM') return;
      role = 'master'; // Not allowed to ask: writes still find out (READONLY).
    }
    if (this.#isClosed) return;
    if (role === 'master') this.#recovered();
    else {
      this.#failed(new RedisFault('NOT_MASTER', `the Redis server is no master but a ${role}`));
      setTimeout(() => this.#reconnect(), demotedRetryMs).unref();
    }
    this.#isMaster = role === 'master';
    this.#opened.resolve();
  }

  #recovered(): void {
    if (this.#isFailing) this.#options.log.info('Redis answers again', { connection: this.#name });
    this.#isFailing = false;
    this.#fault = undefined;
  }

  /** Says once per failure that the server is gone; the connection tries again several times a second. */
  #failed(error: unknown): void {
    this.#opened.resolve();
    if (this.#isClosed) return;
    const fault = faultOf(error, this.#options.secrets);
    // "Connection is closed" comes after the error that says why.
    if (fault.code !== 'NOT_CONNECTED') this.#fault = fault;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.log.error('Redis is unreachable', { connection: this.#name, ...fault.facts });
  }
}

/** Nothing was sent. `why`: the fault of the last attempt to connect, as the cause; its code is not that of this fault. */
export const notConnected = (why: RedisFault | undefined): RedisFault =>
  new RedisFault('NOT_CONNECTED', 'there is no connection to a Redis master', why);
