// Follows the change streams that live on one server: reads the window, then waits for lines, checks that history is
// still whole, and after any loss of the connection goes on from the last line read. Never repeats a gap in silence.
// It cannot get stuck: each attempt begins with the owner the directory knows then, and ends in a bounded wait.

import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisSettings } from '../../settings/settings.ts';
import type { ChangeListener } from '../token-store.ts';
import { parseRedirect } from './cluster-slots.ts';
import { feedBlockMs, reconnectDelayMs, serverOptions } from './connection-options.ts';
import type { StoreContext } from './context.ts';
import { type Directory, type ServerAddress, nameOf } from './directory.ts';
import { RedisFault, faultOf } from './fault.ts';
import type { FeedSession } from './script.ts';
import { readServerIdentity, readServerTime } from './server-info.ts';
import { askRetention, type Continuity, type LineEvents, readAgain, StreamReader } from './stream-reader.ts';
import { TimedRedis } from './timed-redis.ts';

const checkEveryMs = 1000;
/** Lines about to be trimmed are not missed. */
const trimMarginMs = 1000;
/** How often one attempt is sent on to another server. */
const hopsMax = 5;

/** What a listener of the feed hears, of the streams of one follower, and what the feed itself must know. */
export interface FollowerEvents extends Required<ChangeListener>, LineEvents {
  /** A master answers; `history` names what it writes. */
  reachedMaster(history: string): void;
  failed(fault: RedisFault): void;
}

export interface FeedOptions {
  readonly context: StoreContext;
  readonly settings: RedisSettings;
  /** Undefined for a single server. */
  readonly directory: Directory | undefined;
  /** Never in a log line. */
  readonly secrets: readonly string[];
}

export class StreamFollower {
  readonly #feed: FeedOptions;
  /** Their streams are followed. On a Cluster they are of one hash tag. */
  readonly #shards: readonly number[];
  readonly #events: FollowerEvents;
  readonly #reader: StreamReader;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #identity: string | undefined;
  #isCaughtUp = false;
  /** The server has been asked to keep the streams for as long as we need them. */
  #isKept = false;
  /** How long the server keeps lines; Infinity while it does not say. */
  #keptMs = Infinity;
  #client: Redis | undefined;
  /** The owner this attempt began with, or was sent on to. */
  #owner: ServerAddress | undefined;
  /** The attempt under way was ended by us, not by a fault. */
  #isRestarting = false;
  /** Lines were waited for since the last failure. */
  #hasListened = false;

  constructor(feed: FeedOptions, shards: readonly number[], events: FollowerEvents) {
    this.#feed = feed;
    this.#shards = shards;
    this.#events = events;
    const streams = shards.map((shard) => feed.context.keys.changes(shard));
    this.#reader = new StreamReader(streams, events);
    this.#done = this.#run();
  }

  /** Reads everything again from the horizon. */
  rewind(): void {
    this.#forget();
    this.#restart();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#client?.disconnect();
    await this.#done;
  }

  /** Undefined while nobody knows, and where there is one server only. */
  #ownerNow(): ServerAddress | undefined {
    return this.#feed.directory?.ownerOf(this.#tag);
  }

  get #tag(): string {
    return String(this.#shards[0]);
  }

  #restart(): void {
    this.#isRestarting = true;
    this.#client?.disconnect();
  }

  #forget(): void {
    this.#reader.forget();
    this.#isCaughtUp = false;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { directory } = this.#feed;
    const stopWatching = directory?.onChange(() => {
      const owner = this.#ownerNow();
      if (owner !== undefined && this.#owner !== undefined && nameOf(owner) !== nameOf(this.#owner))
        this.#restart();
    });
    let failures = 0;
    while (!signal.aborted) {
      this.#isRestarting = false;
      this.#hasListened = false;
      const fault = await this.#attempt();
      if (signal.aborted) break;
      if (this.#isRestarting) failures = 0;
      else {
        failures = this.#hasListened ? 1 : failures + 1;
        this.#events.connected(false);
        this.#events.failed(fault);
      }
      const pause = delay(reconnectDelayMs(failures), undefined, { signal }).catch(() => undefined);
      await Promise.all([pause, this.#isRestarting ? undefined : directory?.refresh()]);
    }
    stopWatching?.();
  }

  /** Follows from the owner on, wherever it is sent, until the connection is lost. Answers why. */
  async #attempt(): Promise<RedisFault> {
    const { directory } = this.#feed;
    this.#owner = this.#ownerNow();
    if (directory !== undefined && this.#owner === undefined)
      return new RedisFault('NOT_CONNECTED', 'nobody says which server holds the change feed');
    let server = this.#owner;
    let isAsking = false;
    for (let hops = 0; ; hops++) {
      const error = await this.#follow(server, isAsking);
      const redirect = parseRedirect(error, server?.host);
      if (redirect === undefined || this.#isRestarting || this.#stop.signal.aborted)
        return this.#faultOf(error);
      if (this.#hasListened) hops = 0;
      this.#hasListened = false;
      if (hops === hopsMax) return new RedisFault('REDIRECTIONS', 'the Cluster redirects in circles');
      server = redirect.to;
      ({ isAsking } = redirect);
      if (isAsking) continue;
      this.#owner = server;
      directory?.moved(this.#tag, server);
    }
  }

  /** One connection, to its end. Answers the error that ended it. */
  async #follow(server: ServerAddress | undefined, isAsking: boolean): Promise<unknown> {
    const client = new TimedRedis(serverOptions(this.#feed.settings, 'feed', server));
    this.#client = client;
    try {
      await client.connect();
      await this.#resume({ client, isAsking });
      await this.#listen({ client, isAsking });
      return undefined;
    } catch (error) {
      return client.reasonOf(error);
    } finally {
      client.disconnect();
    }
  }

  #faultOf(error: unknown): RedisFault {
    try {
      return faultOf(error, this.#feed.secrets);
    } catch (bug) {
      // Whatever is wrong, the feed goes on: a replica without it knows of no revocation.
      return new RedisFault('BUG', bug instanceof Error ? (bug.stack ?? bug.message) : 'unknown');
    }
  }

  /** Makes sure that a master with the history we know answers, and reads up to the end it has now. */
  async #resume(session: FeedSession): Promise<void> {
    const server = await readServerIdentity(session.client);
    if (server.role !== 'master') throw new RedisFault('NOT_MASTER', 'the Redis server is not a master');
    const identity = `${server.runId}/${server.history}`;
    const isOther = this.#identity !== undefined && this.#identity !== identity;
    this.#events.reachedMaster(server.history);
    // On a Cluster a slot moves whole between servers: there, only lines that are gone are a loss.
    if (isOther && this.#feed.settings.mode !== 'cluster') this.#lost('server_replaced');
    else if ((await this.#checkHistory(session, server.nowMs)) && isOther) this.#events.handedOver();
    this.#identity = identity;
    await this.#askRetention(session);
    this.#reader.beginAt(server.nowMs - this.#keptMs);
    let isFirst = true;
    for (;;) {
      const count = await this.#reader.read(session);
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

  async #listen(session: FeedSession): Promise<void> {
    let checkedAt = performance.now();
    while (!this.#stop.signal.aborted) {
      await this.#reader.read(session, feedBlockMs);
      this.#hasListened = true;
      if (performance.now() - checkedAt >= checkEveryMs) {
        await this.#checkHistory(session, await readServerTime(session.client));
        if (!this.#isCaughtUp) {
          this.#isRestarting = true; // The server is well: its history is read again.
          throw readAgain();
        }
        if (!this.#isKept) await this.#askRetention(session);
        checkedAt = performance.now();
      }
      this.#events.heard();
    }
  }

  async #askRetention(session: FeedSession): Promise<void> {
    const { keys, retentionMs } = this.#feed.context;
    const touched = this.#shards.flatMap((shard) => [keys.retention(shard), keys.changes(shard)]);
    const keptMs = await askRetention(session, touched, retentionMs);
    this.#isKept = keptMs !== undefined;
    this.#keptMs = keptMs ?? Infinity;
  }

  /** Answers whether it is whole; reports a loss when it is not. */
  async #checkHistory(session: FeedSession, nowMs: number): Promise<boolean> {
    const continuity = await this.#reader.continuity(session, nowMs - this.#keptMs + trimMarginMs);
    if (continuity !== 'whole') this.#lost(continuity);
    return continuity === 'whole';
  }

  #lost(reason: Exclude<Continuity, 'whole'>): void {
    this.#forget();
    this.#events.reset(reason);
  }
}
