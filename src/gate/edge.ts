// The part of the gate that requests go through: surfaces, forwarder, upgrader, handler, and the sweep that ends what a
// revocation or an expiry speaks against. Built here from settings; binds no address.

import { createCommandLimit } from '../identity/command-limit.ts';
import { createSessionLimit } from '../identity/session-limit.ts';
import { createSignInLimit } from '../identity/sign-in-limit.ts';
import { createUnknownTokenLimit } from '../identity/unknown-token-limit.ts';
import { createAudit } from '../lifecycle/audit.ts';
import { createPasswordHashes } from '../lifecycle/password-hash.ts';
import type { Log } from '../observe/log.ts';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import type { CountShadow } from '../observe/shadow-metrics.ts';
import { limitPerAddress } from '../proxy/connections-per-address.ts';
import { createAuthListener, withAuthPath } from '../proxy/forward-auth/auth-listener.ts';
import { createForwardAuth } from '../proxy/forward-auth/forward-auth.ts';
import { createHandler } from '../proxy/handler.ts';
import { createListener, type Listener } from '../proxy/listener.ts';
import { createTrust } from '../proxy/peer.ts';
import { createRunning } from '../proxy/running.ts';
import { createForwarder, type Forwarder } from '../proxy/upstream/forward.ts';
import { createLiveConnections } from '../proxy/upstream/live-connections.ts';
import { type CountedUpgrader, createUpgrader } from '../proxy/upstream/upgrade.ts';
import type { Settings } from '../settings/settings.ts';
import type { Surfaces } from '../surfaces/serve.ts';
import { createSurfaces } from '../surfaces/surfaces.ts';
import type { Identification } from './identification.ts';

export interface Edge {
  readonly listener: Listener;
  /** Where proxies ask; undefined: nowhere, or on a path of `listener`. */
  readonly authListener: Listener | undefined;
  /** Connections closed unread, because their address had limits.connectionsPerAddressMax open. */
  readonly refusedByAddress: () => number;
  readonly forwarder: Pick<Forwarder, 'reading'>;
  readonly upgrader: Pick<CountedUpgrader, 'size'>;
  /** Ends tunnels and streams that nothing else would end. */
  readonly endLongLived: () => void;
  close(): Promise<void>;
}

/** Expiry has no event: what lives longer than a request is looked at this often. */
const sweepEveryMs = 1_000;

export const openEdge = async (
  settings: Settings,
  identification: Identification,
  deps: {
    readonly log: Log;
    readonly record: RecordOutcome;
    readonly countShadow: CountShadow;
    readonly now: () => number;
    readonly isShuttingDown: () => boolean;
  },
): Promise<Edge> => {
  const { identifier, feedState } = identification;
  const { log, now } = deps;
  const live = createLiveConnections();
  const sweep = (): void => void live.sweep((identity) => identifier.standing(identity, now()), now());
  feedState.onChange(sweep);
  const sweeper = setInterval(sweep, sweepEveryMs).unref();
  const { limits } = settings;
  const options = {
    writeStallTimeoutMs: limits.writeStallTimeoutMs,
    body: limits,
    reportBug: (err: unknown): void => log.error('a bug was caught at the edge of a request', { err }),
  };
  const forwarder = createForwarder(settings.upstreams, live, options);
  const upgrader = createUpgrader(settings.upstreams, live, options);
  const { surfaces, audit } = await openSurfaces(settings, identification, deps);
  const running = createRunning(
    settings,
    { identifier, forwarder, upgrader, surfaces, record: deps.record, countShadow: deps.countShadow },
    now,
  );
  const doors = { running: () => running, isShuttingDown: deps.isShuttingDown, log };
  const handler = createHandler(doors);
  const { forwardAuth } = settings;
  const answerProxy = createForwardAuth(doors);
  const endLongLived = (): void => {
    live.endAll();
    void upgrader.close();
  };
  const listener = createListener(
    settings,
    forwardAuth.path === undefined ? handler : withAuthPath(handler, forwardAuth.path, answerProxy),
  );
  const trusts = createTrust(settings.trustedProxies);
  return {
    listener,
    authListener: forwardAuth.listen && createAuthListener(limits, answerProxy),
    refusedByAddress: limitPerAddress(listener, limits.connectionsPerAddressMax, trusts, warnOfFull(log)),
    forwarder,
    upgrader,
    endLongLived,
    close: async () => {
      clearInterval(sweeper);
      endLongLived();
      surfaces.close();
      await forwarder.close();
      await audit.close();
    },
  };
};

const warnOfFull =
  (log: Log) =>
  (address: string): void =>
    log.warn(
      'an address has limits.connectionsPerAddressMax connections open, and more are closed unread. A load balancer belongs in trustedProxies; many callers behind one address need a higher limit.',
      { address },
    );

const openSurfaces = async (
  settings: Settings,
  { store, identifier, signingKeys }: Identification,
  { log, record, now }: { readonly log: Log; readonly record: RecordOutcome; readonly now: () => number },
): Promise<{ readonly surfaces: Surfaces; readonly audit: ReturnType<typeof createAudit> }> => {
  const audit = createAudit({ store, log, now, exchangeSampling: settings.audit.exchangeSampling });
  const surfaces = await createSurfaces({
    settings,
    store,
    identifier,
    keys: signingKeys.ring,
    clientSecretLimit: createUnknownTokenLimit(settings.limits.unknownTokensPerMinute),
    sessionLimit: createSessionLimit(settings.limits.exchangesPerMinute),
    commandLimit: createCommandLimit(settings.limits.commandsPerMinute),
    passwords: createPasswordHashes(),
    signInLimit: createSignInLimit(settings.limits),
    audit,
    now,
    record,
  });
  return { surfaces, audit };
};
