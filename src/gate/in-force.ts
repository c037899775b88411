// Holds the configuration that is in force, the one reference that everything reads it through, and puts another one in its
// place: as a whole, or not at all.

import { isDeepStrictEqual } from 'node:util';
import { isOutage } from '../decision/outcome.ts';
import { newCacheCounts } from '../identity/identity-cache.ts';
import { createAudit } from '../lifecycle/audit.ts';
import { createUsage, type Usage } from '../lifecycle/usage.ts';
import { createPasswordHashes } from '../lifecycle/password-hash.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { LiveConnections } from '../proxy/upstream/live-connections.ts';
import { createSchedule, type Schedule } from '../reminders/schedule.ts';
import type { Settings } from '../settings/settings.ts';
import {
  closeSurfaces,
  type Configuration,
  type ConfigurationDeps,
  createConfiguration,
  retireConfiguration,
} from './configuration.ts';
import type { Foundation } from './foundation.ts';
import { retireIdentification, startIdentification } from './identification.ts';

export interface InForce {
  readonly current: () => Configuration;
  readonly live: LiveConnections;
  readonly usage: Usage;
  /** Reads keys and warms issuers, once the feed is followed. */
  start(): Promise<void>;
  /** Puts settings in force, or changes nothing and says why. `adjust` does so where connections come from, and may throw. */
  put(settings: Settings, adjust: (settings: Settings) => void): Promise<'done' | readonly string[]>;
  /** After the last request. */
  close(): Promise<void>;
}

export const openInForce = async (
  settings: Settings,
  foundation: Foundation,
  log: Log,
  metrics: Metrics,
): Promise<InForce> => {
  const { feedState } = foundation;
  const { now } = foundation.clock;
  const deps = depsOf(foundation, log, metrics, () => current);
  let current = await createConfiguration(settings, deps);
  startReach(current);
  warnOfShadow(log, current);

  const reloadKeys = (): void => void current.identification.signingKeys.reload();
  feedState.onChange((changes) => {
    if (changes.some(({ kind }) => kind === 'keys')) reloadKeys();
  });
  const reminders = remind(foundation, { log, metrics }, () => current.settings);
  // A store that lost its history may have lost its keys: known ones are written back before another replica makes new ones.
  feedState.onReset(reloadKeys);

  return {
    current: () => current,
    live: deps.live,
    usage: deps.usage,
    start: async () => {
      current.limiter?.begin();
      reminders.start();
      await startIdentification(current.identification, now());
    },
    put: async (next, adjust) => {
      const before = current;
      const following = await follow(next, before, foundation, deps);
      if ('faults' in following) return following.faults;
      const unusable = attempt(() => adjust(next));
      if (unusable !== undefined) {
        retireIdentification(following.identification, before.identification);
        return [`tls: the certificate cannot be used: ${unusable}; write another one`];
      }
      // Nothing waits and nothing fails from here on.
      foundation.adjust(next);
      log.setLevel(next.log.level);
      metrics.setRoutes(next.routes);
      following.limiter?.begin();
      current = following;
      // A key may have been revoked after the new ones were read, when only the old ones heard of it.
      if (following.identification.signingKeys !== before.identification.signingKeys) reloadKeys();
      warnOfShadow(log, following, before);
      startReach(following);
      retireConfiguration(before, following);
      return 'done';
    },
    close: async () => {
      await reminders.close();
      closeSurfaces(current);
      for (const addresses of current.reach.byUpstream.values()) addresses.close();
      await current.forwarder.close();
      await current.limiter?.close();
      await deps.audit.close();
      await deps.usage.close();
      retireIdentification(current.identification, undefined);
    },
  };
};

/** What no reload replaces. `current`: the configuration in force. */
const depsOf = (
  foundation: Foundation,
  log: Log,
  metrics: Metrics,
  current: () => Configuration,
): ConfigurationDeps => ({
  foundation,
  log,
  metrics,
  audit: createAudit({
    store: foundation.store,
    log,
    now: foundation.clock.now,
    get exchangeSampling() {
      return current().settings.audit.exchangeSampling;
    },
  }),
  usage: createUsage({
    store: foundation.store,
    log,
    now: foundation.clock.now,
    settings: () => current().settings.usage,
  }),
  live: new LiveConnections(),
  passwords: createPasswordHashes(),
  counts: newCacheCounts(),
  onKeyRevoked: () => {
    log.warn('a signing key was revoked: its tokens are refused, and every cache was dropped');
    current().identification.identifier.drop();
  },
});

/** `settings`: those in force. */
const remind = (
  { store, clock }: Foundation,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
  settings: () => Settings,
): Schedule => createSchedule({ store, now: clock.now, settings, log, count: metrics.reminder });

/** Addresses are looked up and probed from here on. */
const startReach = ({ reach }: Configuration): void => {
  for (const addresses of reach.byUpstream.values()) addresses.start();
};

/** Says once that routes are in shadow mode. */
const warnOfShadow = (log: Log, { shadowWarning }: Configuration, before?: Configuration): void => {
  if (shadowWarning !== undefined && shadowWarning !== before?.shadowWarning) log.warn(shadowWarning);
};

/** What only a restart changes: what the process is bound to, and where its records are. */
const bound: Readonly<Record<string, (settings: Settings) => unknown>> = {
  listen: ({ listen }) => listen,
  'tls (whether there is one)': ({ tls }) => tls !== undefined,
  ops: ({ ops }) => ops,
  store: ({ store }) => store,
  'forwardAuth.listen': ({ forwardAuth }) => forwardAuth.listen,
  'proxyProtocol.listeners': ({ proxyProtocol }) => proxyProtocol.listeners,
  'surfaces.console.listen': ({ surfaces: { console: pages } }) => (pages.enabled ? pages.listen : undefined),
  'forwardAuth.path': ({ forwardAuth }) => forwardAuth.path,
};

/** Those that differ, by name. */
const needRestart = (before: Settings, after: Settings): readonly string[] =>
  Object.entries(bound)
    .filter(([, read]) => !isDeepStrictEqual(read(before), read(after)))
    .map(([name]) => name);

/** Why it failed; undefined when it did not. */
const attempt = (act: () => void): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** The configuration that follows, with all done that can fail or takes time; or why there is none. */
const follow = async (
  settings: Settings,
  before: Configuration,
  foundation: Foundation,
  deps: ConfigurationDeps,
): Promise<Configuration | { readonly faults: readonly string[] }> => {
  const fixed = needRestart(before.settings, settings);
  if (fixed.length > 0)
    return {
      faults: [`only a restart changes ${fixed.join(', ')}, so nothing was changed; restart, or undo that`],
    };
  const missing = await foundation.prepare(settings);
  if (missing !== undefined) return { faults: [missing] };
  const next = await createConfiguration(settings, deps, before);
  const nowMs = foundation.clock.now();
  const keys = await startIdentification(next.identification, nowMs, before.identification);
  if (!isOutage(keys)) return next;
  retireIdentification(next.identification, before.identification);
  return { faults: [`signing keys: ${keys.cause instanceof Error ? keys.cause.message : keys.reason}`] };
};
