// The change feed a replica follows: one follower for all streams, or on a Cluster one per stream, seen by the
// listener as one. It is connected when all are, heard when all were, caught up when all are.

import type { RedisSettings } from '../../settings/settings.ts';
import type { ChangeListener, Subscription } from '../token-store.ts';
import { clusterNodeOptions, nodeOptions } from './connection-options.ts';
import type { StoreContext } from './context.ts';
import { Follower, type FollowerEvents } from './follower.ts';
import { allShards } from './key-space.ts';

/** Follows the feed until closed. `secrets` never appear in a log line. */
export const followChanges = (
  context: StoreContext,
  settings: RedisSettings,
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
  let isFailing = false;

  const tellConnected = (): void => {
    const now = connected.size === groups.length;
    // Half-way through the first connection nothing has been lost yet.
    if (now === isConnected || (!now && isConnected === undefined && connected.size > 0)) return;
    isConnected = now;
    if (now && isFailing) log.info('the change feed is connected again', {});
    if (now) isFailing = false;
    listener.connected(now);
  };

  const eventsOf = (group: number): FollowerEvents => ({
    changes: (changes) => listener.changes(changes),
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
    clock: (offsetMs) => listener.clock?.(offsetMs),
    met: context.renew,
    connected: (isUp) => {
      if (isUp) connected.add(group);
      else connected.delete(group);
      tellConnected();
    },
    failed: (fault) => {
      context.feedFailed();
      if (isFailing) return;
      isFailing = true;
      log.error('the change feed is not connected; trying again', { code: fault.code, error: fault.message });
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
          options: (redirect, attempt) => {
            if (settings.mode !== 'cluster') return nodeOptions(settings, 'feed');
            const seed = settings.nodes[(group + attempt) % settings.nodes.length];
            if (seed === undefined) throw new Error('the Redis settings name no server');
            return clusterNodeOptions(settings, 'feed', redirect ?? seed);
          },
        },
        eventsOf(group),
      ),
    );

  return {
    close: async () => {
      await Promise.all(followers.map((follower) => follower.close()));
    },
  };
};
