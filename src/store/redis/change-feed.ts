// The change feed a replica follows: one follower for all streams, or on a Cluster one per stream, seen by the
// listener as one. It is connected when all are, heard when all were, caught up when all are.

import { outage } from '../../decision/outcome.ts';
import type { RedisSettings } from '../../settings/settings.ts';
import type { ChangeListener, Subscription } from '../token-store.ts';
import { masterOptions, onlyServerOptions } from './connection-options.ts';
import type { StoreContext } from './context.ts';
import type { Directory } from './directory.ts';
import type { RedisFault } from './fault.ts';
import { Follower, type FollowerEvents, type Whereabouts } from './follower.ts';
import { allShards } from './key-space.ts';

/** While a part of the feed is cut off: a frozen server holds a follower up for two seconds, a new owner frees it. */
const lookForOwnersMs = 500;

/** Follows the feed until closed. `directory` is undefined for a single server. `secrets` never appear in a log line. */
export const followChanges = (
  context: StoreContext,
  settings: RedisSettings,
  directory: Directory | undefined,
  listener: ChangeListener,
  secrets: readonly string[],
): Subscription => {
  const { keys, log, retentionMs } = context;
  const groups = settings.mode === 'cluster' ? allShards.map((shard) => [shard]) : [allShards];
  const followers: Follower[] = [];
  const connected = new Set<number>();
  const unheard = new Set(groups.keys());
  const behind = new Set(groups.keys());
  let isConnected: boolean | undefined;
  let lastFault: RedisFault | undefined;

  const tellConnected = (): void => {
    const now = connected.size === groups.length;
    // Half-way through the first connection nothing has been lost yet.
    if (now === isConnected || (!now && isConnected === undefined && connected.size > 0)) return;
    isConnected = now;
    if (now && lastFault !== undefined) log.info('the change feed is connected again', {});
    if (now) lastFault = undefined;
    listener.connected(now);
  };

  const eventsOf = (group: number): FollowerEvents => ({
    changes: (changes) => {
      context.delivered(changes);
      listener.changes(changes);
    },
    heard: () => {
      unheard.delete(group);
      if (unheard.size > 0) return;
      for (const each of groups.keys()) unheard.add(each);
      listener.heard();
    },
    caughtUp: () => {
      if (behind.delete(group) && behind.size === 0) listener.caughtUp();
    },
    reset: (reason) => {
      for (const each of groups.keys()) behind.add(each);
      listener.reset(reason);
      for (const [each, follower] of followers.entries()) if (each !== group) follower.rewind();
    },
    handedOver: () => listener.handedOver?.(),
    met: context.renew,
    connected: (isUp) => {
      if (isUp) connected.add(group);
      else connected.delete(group);
      tellConnected();
    },
    failed: (fault) => {
      context.feedFailed();
      const isFirst = lastFault === undefined;
      lastFault = fault;
      if (!isFirst) return;
      const { code, message, advice } = fault;
      log.error('the change feed is not connected; trying again', {
        code,
        error: message,
        ...(advice === undefined ? {} : { advice }),
      });
    },
    unknownLine: (stream, id) =>
      log.error('a line of the change feed is not understood; is a replica newer than this one?', {
        stream,
        id,
      }),
  });

  for (const [group, shards] of groups.entries())
    followers.push(
      new Follower(
        {
          streams: shards.map((shard) => ({
            changes: keys.changes(shard),
            retention: keys.retention(shard),
          })),
          retentionMs,
          trust: settings.mode === 'cluster' ? 'lines' : 'identity',
          secrets,
          whereabouts: directory && whereaboutsOf(directory, String(shards[0])),
          options: (server) =>
            server === undefined
              ? onlyServerOptions(settings, 'feed')
              : masterOptions(settings, 'feed', server),
        },
        eventsOf(group),
      ),
    );

  const search = setInterval(() => {
    if (connected.size < groups.length) void directory?.refresh();
  }, lookForOwnersMs).unref();

  return {
    fault: () => lastFault && outage('store_unavailable', lastFault),
    close: async () => {
      clearInterval(search);
      await Promise.all(followers.map((follower) => follower.close()));
    },
  };
};

/** All streams of a follower have one owner: on a Cluster they are of one tag. */
const whereaboutsOf = (directory: Directory, tag: string): Whereabouts => ({
  owner: () => directory.ownerOf(tag),
  refresh: () => directory.refresh(),
  moved: (to) => directory.moved(tag, to),
  onChange: (subscriber) => directory.onChange(subscriber),
});
