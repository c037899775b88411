// Follows the change streams that live on one server: reads the window, then waits for lines, checks that history is
// still whole, and after any loss of the connection goes on from the last line read. Never repeats a gap in silence.

import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Change } from '../records.ts';
import { parseLine } from './change-codec.ts';
import { type NodeOptions, feedBlockMs, reconnectDelayMs } from './connection-options.ts';
import { type Continuity, continuityOf, readClockOffset, readServerIdentity } from './continuity.ts';
import { RedisFault, faultOf } from './fault.ts';
import { type Redirect, parseRedirect } from './redirect.ts';
import { askRetention } from './retention.ts';

/** Of each stream; small enough for a server that limits its clients' output buffers. */
const linesPerRead = 100;
const checkEveryMs = 1000;
/** Clocks drift slowly. */
const clockEveryMs = 15_000;

export interface FollowerEvents {
  changes(changes: readonly Change[]): void;
  heard(): void;
  caughtUp(): void;
  reset(reason: Exclude<Continuity, 'whole'>): void;
  connected(isConnected: boolean): void;
  /** How far our clock is ahead of the server's, in ms. */
  clock(offsetMs: number): void;
  /** A master answers; `history` names what it writes. */
  met(history: string): void;
  failed(fault: RedisFault): void;
  unknownLine(stream: string, id: string): void;
}

export interface FollowerSettings {
  readonly streams: readonly { readonly changes: string; readonly retention: string }[];
  readonly retentionMs: number;
  /** Where to connect: undefined at first and after a failure, else where the Cluster sent us. */
  readonly options: (redirect: Redirect | undefined, attempt: number) => NodeOptions;
  /**
   * `identity`: any other process or history behind the address is a loss. `lines`: only lines that are gone are (on
   * a Cluster a slot moves whole between servers).
   */
  readonly trust: 'identity' | 'lines';
  readonly secrets: readonly string[];
}

export class Follower {
  readonly #settings: FollowerSettings;
  readonly #events: FollowerEvents;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  /** Stream -> where the next read goes on; empty: from the horizon. */
  readonly #positions = new Map<string, string>();
  /** Stream -> the last line read; only lines, never the horizon. */
  readonly #seen = new Map<string, string>();
  #identity: string | undefined;
  #isCaughtUp = false;
  /** The server has been asked to keep the streams for as long as we need them. */
  #isKept = false;
  /** Counts how often everything read was forgotten. */
  #beginnings = 0;
  #client: Redis | undefined;

  constructor(settings: FollowerSettings, events: FollowerEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#done = this.#run();
  }

  /** Reads everything again from the horizon. */
  rewind(): void {
    this.#forget();
    this.#client?.disconnect();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#client?.disconnect();
    await this.#done;
  }

  #forget(): void {
    this.#positions.clear();
    this.#seen.clear();
    this.#isCaughtUp = false;
    this.#beginnings += 1;
  }

  async #run(): Promise<void> {
    let failures = 0;
    let redirect: Redirect | undefined;
    let redirections = 0;
    while (!this.#stop.signal.aborted) {
      const client = new Redis(this.#settings.options(redirect, failures));
      this.#client = client;
      let lastError: unknown;
      client.on('error', (error: unknown) => {
        lastError = error;
      });
      try {
        await client.connect();
        await this.#resume(client, redirect?.isAsking ?? false);
        failures = 0;
        redirections = 0;
        await this.#listen(client, redirect?.isAsking ?? false);
      } catch (error) {
        client.disconnect();
        redirect = parseRedirect(error, client.options.host);
        if (this.#stop.signal.aborted) return;
        if (redirect !== undefined && redirections++ < 5) continue;
        this.#events.connected(false);
        failures += 1;
        redirect = undefined;
        this.#events.failed(this.#fault(error, lastError));
        await delay(reconnectDelayMs(failures), undefined, { signal: this.#stop.signal }).catch(
          () => undefined,
        );
      }
    }
    this.#client?.disconnect();
  }

  /** The library rejects with "Connection is closed" and tells the reason in an event. */
  #fault(error: unknown, lastError: unknown): RedisFault {
    try {
      const fault = faultOf(error, this.#settings.secrets);
      return fault.code === 'NOT_CONNECTED' && lastError instanceof Error
        ? faultOf(lastError, this.#settings.secrets)
        : fault;
    } catch (bug) {
      // Whatever is wrong, the feed goes on: a replica without it knows of no revocation.
      return new RedisFault('BUG', bug instanceof Error ? (bug.stack ?? bug.message) : 'unknown');
    }
  }

  /** Makes sure that a master with the history we know answers, and reads up to the end it has now. */
  async #resume(client: Redis, isAsking: boolean): Promise<void> {
    const server = await readServerIdentity(client);
    if (server.role !== 'master') throw new RedisFault('NOT_MASTER', 'the Redis server is not a master');
    const identity = `${server.runId}/${server.history}`;
    const isOther = this.#identity !== undefined && this.#identity !== identity;
    this.#identity = identity;
    this.#events.met(server.history);
    if (isOther && this.#settings.trust === 'identity') this.#lost('server_replaced');
    else await this.#checkHistory(client, isAsking);
    const keptMs = await this.#askRetention(client, isAsking);
    const horizon = `${Math.max(0, server.nowMs - keptMs)}-0`;
    for (const { changes } of this.#settings.streams)
      if (!this.#positions.has(changes)) this.#positions.set(changes, horizon);
    let isFirst = true;
    for (;;) {
      const count = await this.#read(client, isAsking, undefined);
      if (isFirst) this.#events.connected(true);
      isFirst = false;
      this.#events.heard();
      if (count === 0) break;
    }
    if (!this.#isCaughtUp) {
      this.#isCaughtUp = true;
      this.#events.caughtUp();
    }
  }

  async #listen(client: Redis, isAsking: boolean): Promise<void> {
    let checkedAt = performance.now();
    let clockAt = -Infinity;
    while (!this.#stop.signal.aborted) {
      if (performance.now() - clockAt >= clockEveryMs) {
        const offsetMs = await readClockOffset(client);
        if (offsetMs !== undefined) this.#events.clock(offsetMs);
        clockAt = performance.now();
      }
      await this.#read(client, isAsking, feedBlockMs);
      if (performance.now() - checkedAt >= checkEveryMs) {
        await this.#checkHistory(client, isAsking);
        if (!this.#isCaughtUp) throw readAgain();
        if (!this.#isKept) await this.#askRetention(client, isAsking);
        checkedAt = performance.now();
      }
      this.#events.heard();
    }
  }

  /** How long the streams are kept; as long as there are any lines while the server does not say. */
  async #askRetention(client: Redis, isAsking: boolean): Promise<number> {
    const { streams, retentionMs } = this.#settings;
    const keys = streams.flatMap(({ retention, changes }) => [retention, changes]);
    const keptMs = await askRetention(client, keys, retentionMs, isAsking);
    this.#isKept = keptMs !== undefined;
    return keptMs ?? Infinity;
  }

  async #checkHistory(client: Redis, isAsking: boolean): Promise<void> {
    const continuity = await continuityOf(client, this.#seen, isAsking);
    if (continuity !== 'whole') this.#lost(continuity);
  }

  #lost(reason: Exclude<Continuity, 'whole'>): void {
    this.#forget();
    this.#events.reset(reason);
  }

  /** Reads one batch and delivers it; `blockMs` undefined: does not wait. Returns the number of lines. */
  async #read(client: Redis, isAsking: boolean, blockMs: number | undefined): Promise<number> {
    const streams = [...this.#positions.keys()];
    const ids = [...this.#positions.values()];
    const beginning = this.#beginnings;
    if (isAsking) void client.asking().catch(() => undefined);
    const reply = await (blockMs === undefined
      ? client.xread('COUNT', linesPerRead, 'STREAMS', ...streams, ...ids)
      : client.xread('COUNT', linesPerRead, 'BLOCK', blockMs, 'STREAMS', ...streams, ...ids));
    if (beginning !== this.#beginnings) throw readAgain();
    let count = 0;
    for (const [stream, lines] of reply ?? []) {
      const changes: Change[] = [];
      for (const [id, words] of lines) {
        const change = parseLine(words);
        if (change === undefined) this.#events.unknownLine(stream, id);
        else changes.push(change);
      }
      const last = lines.at(-1)?.[0];
      if (last === undefined) continue;
      this.#positions.set(stream, last);
      this.#seen.set(stream, last);
      count += lines.length;
      if (changes.length > 0) this.#events.changes(changes);
    }
    return count;
  }
}

const readAgain = (): RedisFault => new RedisFault('HISTORY_LOST', 'reading the change feed again');
