// When this replica may be sent traffic, and who is told. Never flips on a blip that the cache can ride out; liveness is not its matter.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { EnforcementMode } from '../decision/route-rule.ts';
import type { Readiness } from '../observe/ops-server.ts';
import type { UpstreamAddresses } from '../proxy/upstream/addresses/upstream-addresses.ts';
import type { Settings } from '../settings/settings.ts';
import { adviceOf } from './outage-log.ts';
import type { LookupState } from './store-watch.ts';

export interface ReadinessFacts {
  readonly isShuttingDown: boolean;
  readonly lookups: LookupState;
  /** The whole retention window of the change feed has been read once. */
  readonly isFeedRead: boolean;
  readonly isFeedStale: boolean;
  /** Stale for lost continuity, not for silence. */
  readonly isFeedBroken: boolean;
  /** Why the feed is not connected; undefined while it is. */
  readonly feedFault: Outage | undefined;
  readonly servesWhenStale: boolean;
  readonly keys: 'ready' | Outage;
  /** How far this machine's clock is ahead of the store's; undefined where it has none of its own, or is not known. */
  readonly clockOffsetMs: number | undefined;
  readonly clockLeewayMs: number;
  /** Which routes are in shadow mode; undefined where none is. */
  readonly shadowWarning: string | undefined;
  readonly upstreams: UpstreamFacts;
  /** `shadow`: every request goes on, whatever cannot be found out. */
  readonly mode: EnforcementMode;
}

/** Upstreams that are down, one sentence each. */
export interface UpstreamFacts {
  /** Of those in `ready.requireUpstream`. */
  readonly missing: readonly string[];
  readonly warnings: readonly string[];
}

/** What is asked for and cannot be reached; of the others a warning. */
export const upstreamFacts = (
  upstreams: Iterable<Pick<UpstreamAddresses, 'settings' | 'health' | 'faults'>>,
  required: readonly string[],
): UpstreamFacts => {
  const missing: string[] = [];
  const warnings: string[] = [];
  for (const upstream of upstreams) {
    const { name } = upstream.settings;
    const isRequired = required.includes(name);
    const health = upstream.health();
    if (health === 'up' || (health === 'unknown' && !isRequired)) continue;
    (isRequired ? missing : warnings).push(
      `upstream ${name}: ${health === 'unknown' ? 'not known to be up yet' : 'no address is up'}: ${upstream.faults()}`,
    );
  }
  return { missing, warnings };
};

/** Pure: the facts of now, turned into reasons a person at a dashboard understands. */
export const readinessOf = (facts: ReadinessFacts): Readiness => {
  // A request that nobody can take goes nowhere in shadow mode either.
  const ending = [...(facts.isShuttingDown ? ['shutting down'] : []), ...facts.upstreams.missing];
  const missing = missingOf(facts);
  const warnings = [facts.shadowWarning, clockWarning(facts), ...facts.upstreams.warnings].filter(
    (warning) => warning !== undefined,
  );
  // In shadow mode an outage stops no request, so it must not take this replica out of the load balancer either.
  return facts.mode === 'shadow'
    ? { ready: ending.length === 0, reasons: ending, warnings: [...warnings, ...missing] }
    : { ready: ending.length + missing.length === 0, reasons: [...ending, ...missing], warnings };
};

/** What requests cannot be judged without. */
const missingOf = (facts: ReadinessFacts): readonly string[] => {
  const reasons: string[] = [];
  const { lookups } = facts;
  const lookupFault = lookups.is === 'answered' ? undefined : lookups.cause;
  const knownFault = describeFault(lookupFault) ?? describeFault(facts.feedFault);
  const whyNoLookup = knownFault ?? storeUp;
  const whyNoFeed = describeFault(facts.feedFault) ?? describeFault(lookupFault) ?? storeUp;
  if (lookups.is === 'unread') reasons.push(`the store has not answered a look-up yet: ${whyNoLookup}`);
  else if (!facts.isFeedRead)
    reasons.push(`the change feed of the store has not been read yet: ${whyNoFeed}`);
  else if (facts.isFeedStale && !facts.servesWhenStale)
    reasons.push(
      facts.isFeedBroken
        ? 'the change feed lost its thread (the store was flushed, replaced or trimmed) and is being read again'
        : `the change feed has been silent for longer than feed.maxStaleness: ${whyNoFeed}`,
    );
  else if (lookups.is === 'silent' && !facts.servesWhenStale)
    reasons.push(`the store has answered no look-up for longer than feed.maxStaleness: ${whyNoLookup}`);
  else if (lookups.is === 'unproven' && !facts.servesWhenStale)
    reasons.push(
      `the store has answered no look-up since the change feed was lost: ${knownFault ?? 'one is on its way'}`,
    );
  if (isOutage(facts.keys)) {
    const { cause, reason } = facts.keys;
    const message = cause instanceof Error ? cause.message : reason;
    const isStoreAway = lookups.is !== 'answered' || facts.feedFault !== undefined;
    // What to do about a store that is away is said once.
    reasons.push(`signing keys: ${isStoreAway ? message : (describeFault(facts.keys) ?? message)}`);
  }
  return reasons;
};

/** Routes that a warning names. */
const namedMax = 10;

/** What an operator has to know of routes that let everybody through; undefined where every route is enforced. */
export const shadowWarningOf = ({ mode, routes }: Pick<Settings, 'mode' | 'routes'>): string | undefined => {
  const goesOn =
    'whatever is decided is counted and logged, and every request goes on with what it carries. ' +
    'Read tollgate_shadow_decisions_total, then enforce';
  if (mode === 'shadow') return `shadow mode, on all routes and without a route: ${goesOn}`;
  const names = routes.filter((route) => route.mode === 'shadow').map(({ name }) => name);
  if (names.length === 0) return undefined;
  const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : '';
  const routesNamed = `${names.slice(0, namedMax).join(', ')}${more}`;
  return `shadow mode, on ${names.length === 1 ? 'the route' : 'the routes'} ${routesNamed}: ${goesOn}`;
};

const clockWarning = ({ clockOffsetMs = 0, clockLeewayMs }: ReadinessFacts): string | undefined => {
  if (Math.abs(clockOffsetMs) <= clockLeewayMs) return undefined;
  const seconds = Math.round(Math.abs(clockOffsetMs) / 1000);
  return (
    `this machine's clock is ${seconds} s ${clockOffsetMs > 0 ? 'ahead of' : 'behind'} the store's, more than ` +
    "tokens.clockLeeway: tokens are made and judged by the store's clock; have NTP set the one that is wrong"
  );
};

const storeUp = 'is the store up?';

/** The innermost error that says in `advice` what an operator does about it; else the outermost, if any. Without secrets. */
const describeFault = (fault: Outage | undefined): string | undefined => {
  let described: string | undefined;
  for (let cause = fault?.cause; cause instanceof Error; cause = cause.cause) {
    const advice = adviceOf(cause);
    if (advice !== undefined) described = `${cause.message}. ${advice}`;
    else described ??= cause.message;
  }
  return described;
};

const lookEveryMs = 50;

/** Reports each change of readiness, the first time it is reached included; returns how to stop. */
export const watchReadiness = (
  read: () => Readiness,
  report: (readiness: Readiness) => void,
): (() => void) => {
  let wasReady = false;
  const look = (): void => {
    const readiness = read();
    if (readiness.ready === wasReady) return;
    wasReady = readiness.ready;
    report(readiness);
  };
  const timer = setInterval(look, lookEveryMs).unref();
  return () => clearInterval(timer);
};
