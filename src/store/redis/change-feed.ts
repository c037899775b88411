// The change feed that a replica follows: one follower for all streams, or on a Cluster one for each, which the listener
// sees as one. It is connected when all are, heard when all were, caught up when all are.

import { type Outage, outage } from '../../decision/outcome.ts';
import type { ChangeListener, Subscription } from '../token-store.ts';
import type { RedisFault } from './fault.ts';
import { type FeedOptions, type FollowerEvents, StreamFollower } from './follower.ts';
import { allShards } from './key-space.ts';

/** While a part of the feed is cut off: a frozen server holds a follower up for two seconds, a new owner frees it. */
const lookForOwnersMs = 500;

/** Follows the feed until closed. */
export class ChangeFeed implements Subscription {
  readonly #context: FeedOptions['context'];
  readonly #listener: ChangeListener;
  readonly #groups: readonly (readonly number[])[];
  readonly #followers: readonly StreamFollower[];
  readonly #search: NodeJS.Timeout;
  readonly #connected = new Set<number>();
  readonly #unheard: Set<number>;
  readonly #behind: Set<number>;
  #isConnected: boolean | undefined;
  #lastFault: RedisFault | undefined;

  constructor(options: FeedOptions, listener: ChangeListener) {
    const { settings, directory } = options;
    this.#context = options.context;
    this.#listener = listener;
    this.#groups = settings.mode === 'cluster' ? allShards.map((shard) => [shard]) : [allShards];
    this.#unheard = new Set(this.#groups.keys());
    this.#behind = new Set(this.#groups.keys());
    this.#followers = this.#groups.map(
      (shards, group) => new StreamFollower(options, shards, this.#eventsOf(group)),
    );
    this.#search = setInterval(() => {
      if (this.#connected.size < this.#groups.length) void directory?.refresh();
    }, lookForOwnersMs).unref();
  }

  fault(): Outage | undefined {
    return this.#lastFault && outage('store_unavailable', this.#lastFault);
  }

  async close(): Promise<void> {
    clearInterval(this.#search);
    await Promise.all(this.#followers.map((follower) => follower.close()));
  }

  #eventsOf(group: number): FollowerEvents {
    const [context, listener] = [this.#context, this.#listener];
    return {
      changes: (changes) => {
        context.own.forget(changes);
        listener.changes(changes);
      },
      heard: () => this.#heard(group),
      caughtUp: () => {
        if (this.#behind.delete(group) && this.#behind.size === 0) listener.caughtUp();
      },
      reset: (reason) => {
        for (const each of this.#groups.keys()) this.#behind.add(each);
        listener.reset(reason);
        for (const [each, follower] of this.#followers.entries()) if (each !== group) follower.rewind();
      },
      handedOver: () => listener.handedOver?.(),
      reachedMaster: context.renew,
      connected: (isUp) => {
        if (isUp) this.#connected.add(group);
        else this.#connected.delete(group);
        this.#reportConnected();
      },
      failed: (fault) => this.#failed(fault),
      unknownLine: (stream, id) =>
        context.log.error('a line of the change feed is not understood; is a replica newer than this one?', {
          stream,
          id,
        }),
    };
  }

  #heard(group: number): void {
    this.#unheard.delete(group);
    if (this.#unheard.size > 0) return;
    for (const each of this.#groups.keys()) this.#unheard.add(each);
    this.#listener.heard();
  }

  #reportConnected(): void {
    const isConnected = this.#connected.size === this.#groups.length;
    // Half-way through the first connection nothing has been lost yet.
    if (!isConnected && this.#isConnected === undefined && this.#connected.size > 0) return;
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    if (isConnected && this.#lastFault !== undefined)
      this.#context.log.info('the change feed is connected again', {});
    if (isConnected) this.#lastFault = undefined;
    this.#listener.connected(isConnected);
  }

  #failed(fault: RedisFault): void {
    this.#context.feedFailed();
    const isFirst = this.#lastFault === undefined;
    this.#lastFault = fault;
    if (isFirst) this.#context.log.error('the change feed is not connected; trying again', fault.facts);
  }
}
