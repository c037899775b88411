// One long-lived connection (on a Cluster: one per node) that reconnects by itself and answers at once or fails at once.
// It is trusted only while the server behind it says it is a master: a demoted one still answers reads, with stale data.

import { Cluster, Redis } from 'ioredis';
import type { RedisSettings } from '../../settings/settings.ts';
import { type Purpose, clusterOptions, nodeOptions } from './connection-options.ts';
import { RedisFault, faultOf } from './fault.ts';
import { infoField } from './info.ts';
import { type Script, runScript } from './script.ts';

/** What the store tells its operator; pino fits. */
export interface StoreLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type RedisClient = Redis | Cluster;

export interface LinkOptions {
  readonly log: StoreLog;
  /** Never in a log line. */
  readonly secrets: readonly string[];
  readonly met?: (server: Redis) => void;
}

const roleCheckMs = 1000;
const demotedRetryMs = 500;

export class RedisLink {
  readonly client: RedisClient;
  readonly #purpose: Purpose;
  readonly #log: StoreLog;
  readonly #secrets: readonly string[];
  #isMaster = false;
  #isClosed = false;
  #isFailing = false;
  /** `master_replid`: names the history the server behind the connection writes. */
  #history: string | undefined;
  #roleTimer: NodeJS.Timeout | undefined;

  /** `met` is told of every server a connection was made to. */
  constructor(settings: RedisSettings, purpose: Purpose, { log, secrets, met }: LinkOptions) {
    this.#purpose = purpose;
    this.#log = log;
    this.#secrets = secrets;
    this.client =
      settings.mode === 'cluster'
        ? new Cluster(
            settings.nodes.map(({ host, port }) => ({ host, port })),
            clusterOptions(settings, purpose),
          )
        : new Redis(nodeOptions(settings, purpose));
    this.client.on('error', (error: unknown) => this.#failed(error));
    this.client.on('node error', (error: unknown) => this.#failed(error));
    this.client.on('close', () => {
      this.#isMaster = false;
    });
    this.client.on('ready', () => {
      this.recheck();
      const servers = this.client instanceof Cluster ? this.client.nodes('master') : [this.client];
      for (const server of servers) met?.(server);
    });
  }

  /** Connects. Resolves when the server is usable, or at the first failure: it goes on trying in the background. */
  async open(): Promise<void> {
    const { client } = this;
    const settled = new Promise<void>((resolve) => {
      this.#opened = resolve;
      client.once('close', resolve);
      client.once('error', () => resolve());
    });
    client.connect().catch((error: unknown) => this.#failed(error));
    this.#roleTimer = setInterval(() => this.recheck(), roleCheckMs).unref();
    await settled;
  }
  #opened: () => void = () => undefined;

  /** Whether commands can be sent to a master now. */
  get isUsable(): boolean {
    return this.#isMaster;
  }

  /** Runs a script; rejects at once when there is no master to ask. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    if (!this.#isMaster) return Promise.reject(notConnected());
    return runScript(this.client, script, keys, args);
  }

  /** The client for a plain command; throws at once when there is no master to ask. */
  usable(): RedisClient {
    if (!this.#isMaster) throw notConnected();
    return this.client;
  }

  /** Drops a connection to another server than the one the feed found to be the master now. */
  renew(history: string): void {
    if (this.#isMaster && this.#history !== undefined && this.#history !== history) this.#reconnect();
  }

  /** Asks the server again whether it is a master. */
  recheck(): void {
    void this.#checkRole();
  }

  #reconnect(): void {
    if (this.#isClosed || this.client instanceof Cluster) return;
    this.#isMaster = false;
    this.client.disconnect(true);
  }

  close(): void {
    this.#isClosed = true;
    this.#isMaster = false;
    clearInterval(this.#roleTimer);
    this.client.disconnect();
  }

  async #checkRole(): Promise<void> {
    const { client } = this;
    // A replica in a Cluster sends every command to its master by itself (MOVED).
    if (client instanceof Cluster) return this.#usable(client.status === 'ready');
    if (client.status !== 'ready' || this.#isClosed) return;
    let role = '';
    try {
      const info = await client.info('replication');
      role = infoField(info, 'role');
      this.#history = infoField(info, 'master_replid');
    } catch (error) {
      if (faultOf(error, this.#secrets).code !== 'NOPERM') return;
      role = 'master'; // Not allowed to ask: writes still find out (READONLY).
    }
    if (role === 'master') return this.#usable(true);
    this.#usable(false);
    this.#log.warn({ purpose: this.#purpose, role }, 'the Redis server is not a master; looking for another');
    setTimeout(() => this.#reconnect(), demotedRetryMs).unref();
  }

  #usable(isMaster: boolean): void {
    if (this.#isClosed) return;
    if (isMaster && this.#isFailing) this.#log.info({ purpose: this.#purpose }, 'Redis answers again');
    if (isMaster) this.#isFailing = false;
    this.#isMaster = isMaster;
    this.#opened();
  }

  /** Says once per failure that the server is gone; the connection tries again several times a second. */
  #failed(error: unknown): void {
    if (this.#isFailing || this.#isClosed) return;
    this.#isFailing = true;
    const fault = faultOf(error, this.#secrets);
    this.#log.error(
      { purpose: this.#purpose, code: fault.code, error: fault.message },
      'Redis is unreachable',
    );
  }
}

const notConnected = (): RedisFault =>
  new RedisFault('NOT_CONNECTED', 'there is no connection to a Redis master');
