// All of the gate that is made from settings, as one immutable value. A reload makes another one from the one before and has
// no effect on that: a reload that fails has changed nothing.

import { createCommandLimit } from '../identity/command-limit.ts';
import { createSessionLimit } from '../identity/session-limit.ts';
import type { Tallies } from '../identity/shared-window.ts';
import { createSignInLimit } from '../identity/sign-in-limit.ts';
import { createUnknownTokenLimit } from '../identity/unknown-token-limit.ts';
import { Limiter } from '../limits/limiter.ts';
import type { Audit } from '../lifecycle/audit.ts';
import type { Usage } from '../lifecycle/usage.ts';
import type { PasswordHashes } from '../lifecycle/password-hash.ts';
import type { Metrics } from '../observe/metrics.ts';
import { createRecorder } from '../observe/access-line.ts';
import { createRunning, type Running } from '../proxy/running.ts';
import { createForwarder, type HeritableForwarder } from '../proxy/upstream/forward.ts';
import type { Inheritance } from '../proxy/upstream/inheritance.ts';
import type { LiveConnections } from '../proxy/upstream/live-connections.ts';
import { type CountedUpgrader, createUpgrader } from '../proxy/upstream/upgrade.ts';
import {
  createUpstreamAddresses,
  type UpstreamAddresses,
} from '../proxy/upstream/addresses/upstream-addresses.ts';
import { certificateExpiryMs } from '../settings/pem.ts';
import type { Settings } from '../settings/settings.ts';
import type { Surfaces } from '../surfaces/serve.ts';
import type { SurfaceDeps } from '../surfaces/surface.ts';
import { createSurfaces } from '../surfaces/surfaces.ts';
import { settingsApart } from './apart.ts';
import type { Foundation } from './foundation.ts';
import {
  createIdentification,
  type Identification,
  type IdentificationDeps,
  retireIdentification,
} from './identification.ts';
import { keep } from './keep.ts';
import { createOutageLog } from './outage-log.ts';
import { shadowWarningOf } from './readiness.ts';

/** The surfaces of a listener, and what its requests are judged by. */
interface Served {
  readonly surfaces: Surfaces;
  readonly running: Running;
}

export interface Configuration {
  readonly settings: Settings;
  readonly identification: Identification;
  readonly limits: Limits;
  /** Where the upstreams are, and which of their addresses are up. */
  readonly reach: Inheritance<UpstreamAddresses>;
  /** Undefined where nothing is limited. */
  readonly limiter: Limiter | undefined;
  readonly forwarder: HeritableForwarder;
  readonly upgrader: CountedUpgrader;
  readonly surfaces: Surfaces;
  readonly running: Running;
  /** What serves the console where it has a listener of its own. */
  readonly apart: Served | undefined;
  /** Of the certificate that callers are shown; undefined without TLS. */
  readonly certificateExpiryMs: number | undefined;
  /** Which routes are in shadow mode; undefined where none is. */
  readonly shadowWarning: string | undefined;
}

/** What the surfaces count against callers; each counts on while its own settings are the same. */
type Limits = Pick<SurfaceDeps, 'clientSecretLimit' | 'sessionLimit' | 'commandLimit' | 'signInLimit'>;

/** What no reload replaces. */
export interface ConfigurationDeps extends IdentificationDeps {
  readonly foundation: Foundation;
  readonly live: LiveConnections;
  readonly audit: Audit;
  readonly usage: Usage;
  readonly passwords: PasswordHashes;
  readonly metrics: Pick<Metrics, 'record' | 'shadow' | 'status'>;
}

export const createConfiguration = async (
  settings: Settings,
  deps: ConfigurationDeps,
  before?: Configuration,
): Promise<Configuration> => {
  const { foundation, live, log, metrics } = deps;
  const { now } = foundation.clock;
  const identification = createIdentification(settings, deps, before?.identification);
  const options = {
    live,
    limits: settings.limits,
    reportBug: (err: unknown): void => log.error('a bug was caught at the edge of a request', { err }),
  };
  const reach = createUpstreamAddresses(settings.upstreams, { log }, before?.reach);
  const forwarder = createForwarder(reach, options, before?.forwarder);
  const upgrader = createUpgrader(reach, options, before?.upgrader);
  const limits = createLimits(settings, foundation.tallies, before?.limits);
  const record = createRecorder(metrics, log, settings.log.access);
  const { identifier } = identification;
  const surfaceDeps = {
    store: foundation.store,
    identifier,
    keys: identification.signingKeys.ring,
    signingKeys: identification.signingKeys,
    status: metrics.status,
    ...limits,
    passwords: deps.passwords,
    audit: deps.audit,
    now,
    record,
  };
  const recordForwarded = settings.usage.enabled ? deps.usage.noting(record) : record;
  const limiter = createLimiter(settings, deps, before?.limiter);
  const parts = {
    identifier,
    forwarder,
    upgrader,
    limiter,
    record: recordForwarded,
    countShadow: metrics.shadow,
  };
  const serve = async (served: Settings): Promise<Served> => {
    const surfaces = await createSurfaces({ ...surfaceDeps, settings: served });
    return { surfaces, running: createRunning(served, { ...parts, surfaces }, now) };
  };
  const apart = settingsApart(settings);
  return {
    settings,
    identification,
    limits,
    reach,
    limiter,
    forwarder,
    upgrader,
    ...(await serve(settings)),
    apart: apart && (await serve(apart)),
    certificateExpiryMs: settings.tls && certificateExpiryMs(settings.tls.cert),
    shadowWarning: shadowWarningOf(settings),
  };
};

const createLimiter = (
  { rateLimits, quotas, rateLimitHeaders, routes }: Settings,
  { foundation: { store, clock }, log }: ConfigurationDeps,
  before: Limiter | undefined,
): Limiter | undefined => {
  if (rateLimits.length + quotas.length === 0) return undefined;
  const settings = { rateLimits, quotas, rateLimitHeaders };
  const names = routes.map(({ name }) => name);
  return keep(
    before,
    { settings, names },
    [],
    () =>
      new Limiter(
        settings,
        { store, now: clock.now, onOutage: createOutageLog(log) },
        before?.reading().limits,
      ),
  );
};

const createLimits = ({ limits }: Settings, tallies: Tallies, before: Limits | undefined): Limits => {
  const { unknownTokensPerMinute, exchangesPerMinute, commandsPerMinute } = limits;
  const { signInFailuresPerAccount, signInFailuresPerAddress } = limits;
  const signIns = { signInFailuresPerAccount, signInFailuresPerAddress };
  return {
    clientSecretLimit: keep(before?.clientSecretLimit, unknownTokensPerMinute, [], () =>
      createUnknownTokenLimit(unknownTokensPerMinute, undefined, tallies, 'client-secrets'),
    ),
    sessionLimit: keep(before?.sessionLimit, exchangesPerMinute, [], () =>
      createSessionLimit(exchangesPerMinute, undefined, tallies),
    ),
    commandLimit: keep(before?.commandLimit, commandsPerMinute, [], () =>
      createCommandLimit(commandsPerMinute, undefined, tallies),
    ),
    signInLimit: keep(before?.signInLimit, signIns, [], () => createSignInLimit(signIns, tallies)),
  };
};

/** New requests are refused from here on. */
export const closeSurfaces = ({ surfaces, apart }: Configuration): void => {
  surfaces.close();
  apart?.surfaces.close();
};

/** Lets go of what `next` has not taken over, once nothing is under way on it. */
export const retireConfiguration = (old: Configuration, next: Configuration): void => {
  retireIdentification(old.identification, next.identification);
  for (const addresses of next.reach.retired) addresses.close();
  for (const connections of next.forwarder.retired) connections.retire();
  if (old.limiter !== next.limiter) void old.limiter?.close();
};
