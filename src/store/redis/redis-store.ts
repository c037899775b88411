// The TokenStore on Redis: standalone, Sentinel or Cluster. Here the connections are made and the parts put together;
// what the parts do is in their own files. Nothing of a request is decided here.

import type { RedisSettings } from '../../settings/settings.ts';
import { silentLog, type StoreOptions } from '../store-options.ts';
import type { TokenStore } from '../token-store.ts';
import { accounts } from './accounts.ts';
import { apiTokens } from './api-tokens.ts';
import { audit, copyEarlierAudit } from './audit.ts';
import { ChangeFeed } from './change-feed.ts';
import { ClusterDirectory } from './cluster-directory.ts';
import { type Purpose, serverOptions } from './connection-options.ts';
import { attemptWith, type MasterConnections, runOn, type StoreContext } from './context.ts';
import { counts } from './counts.ts';
import { deletions } from './deletion.ts';
import type { Directory, ServerAddress } from './directory.ts';
import type { FaultLog } from './fault.ts';
import { KeySpace } from './key-space.ts';
import { type LinkOptions, RedisLink } from './link.ts';
import { lookUps } from './lookups.ts';
import { OwnWrites } from './own-writes.ts';
import { writeBack } from './reapply.ts';
import { ReplicatedWrites } from './replicated-writes.ts';
import { planEarlierLooks, reminders } from './reminders.ts';
import { RoutedLinks } from './routed-links.ts';
import { SentinelDirectory } from './sentinel-directory.ts';
import { checkServer, probe } from './server-info.ts';
import { signingKeys } from './signing-keys.ts';
import { tokenListings } from './token-scan.ts';
import { createUpkeep, indexEarlierTokens, sweepVanished, type Upkeep } from './upkeep.ts';
import { usage } from './usage.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Makes the store; `open()` connects. */
export const createRedisStore = (settings: RedisSettings, options: StoreOptions): TokenStore => {
  const { log = silentLog, now = Date.now } = options;
  const secrets = settings.password === undefined ? [] : [settings.password];
  const { directory, reads, writes, write, all } = connectionsFor(settings, { log, secrets });
  const own = new OwnWrites();
  let { retentionMs } = options;
  const context: StoreContext = {
    keys: new KeySpace(settings.prefix),
    reads,
    write,
    unacknowledged: () => writes,
    get retentionMs() {
      return retentionMs;
    },
    log,
    renew: (history) => {
      for (const each of all) each.renew(history);
    },
    attempt: attemptWith(secrets),
    own,
    isServing: () => upkeep.isBegun,
    feedFailed: () => {
      for (const each of all) each.recheck();
    },
  };
  const upkeep: Upkeep = createUpkeep(context, [
    { work: indexEarlierTokens, everyMs: hourMs },
    { work: planEarlierLooks, everyMs: hourMs },
    { work: copyEarlierAudit, everyMs: hourMs },
    { work: (each, isClosed) => sweepVanished(each, isClosed, now), everyMs: minuteMs },
  ]);
  return {
    open: async () => {
      await directory?.open();
      await Promise.all(all.map((each) => each.open()));
    },
    close: async () => {
      upkeep.close();
      directory?.close();
      for (const each of all) each.close();
    },
    ...lookUps(context),
    ...accounts(context),
    ...deletions(context),
    ...apiTokens(context),
    probe: () => context.attempt(() => probe(context, settings.mode === 'cluster')),
    ...tokenListings(context),
    ...signingKeys(context),
    ...audit(context),
    ...reminders(context),
    ...usage(context),
    ...counts(context),
    reapply: (changes) => context.attempt(() => writeBack(context, [...changes, ...own.unread()], now())),
    // Who follows the feed serves: only then is there time for what earlier versions left.
    follow: (listener, longerMs = 0) => {
      retentionMs = Math.max(retentionMs, longerMs);
      upkeep.begin();
      return new ChangeFeed({ context, settings, directory, secrets }, listener);
    },
  };
};

/**
 * Look-ups and writes have connections of their own, so neither waits for the other; so have writes that wait for replicas,
 * because WAIT holds up everything behind it.
 */
const connectionsFor = (settings: RedisSettings, link: LinkOptions) => {
  const directory = directoryFor(settings, link);
  const connect = (purpose: Purpose, onConnected?: LinkOptions['onConnected']): MasterConnections => {
    const linkOptions = { ...link, ...(onConnected && { onConnected }) };
    const linkTo = (server?: ServerAddress): RedisLink =>
      new RedisLink(serverOptions(settings, purpose, server), linkOptions);
    return directory === undefined ? linkTo() : new RoutedLinks(directory, linkTo);
  };
  const reads = connect('read');
  const writes = connect('write', (server) => void checkServer(server, link.log).catch(() => undefined));
  const write: StoreContext['write'] = (script, keys, args) => runOn(writes, script, keys, args);
  const plain = { directory, reads, writes, write, all: [reads, writes] };
  if (settings.replicasMin === 0) return plain;
  const waiting = connect('write');
  const waitMs = Math.ceil(settings.writeTimeoutMs * 0.6);
  const replicated = new ReplicatedWrites(waiting, settings.replicasMin, waitMs);
  return { ...plain, write: replicated.run.bind(replicated), all: [reads, writes, waiting] };
};

/** Who finds the master; undefined where the settings name the only server. */
const directoryFor = (settings: RedisSettings, report: FaultLog): Directory | undefined => {
  switch (settings.mode) {
    case 'cluster':
      return new ClusterDirectory(settings, report);
    case 'sentinel':
      return new SentinelDirectory(settings, report);
    case 'standalone':
      return undefined;
  }
};
