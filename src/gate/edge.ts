// The listeners of the gate, and the sweep that ends what a revocation or an expiry speaks against. Binds no address.

import type { Log } from '../observe/log.ts';
import { limitPerAddress } from '../proxy/connections/connections-per-address.ts';
import { createAuthListener, withAuthPath } from '../proxy/forward-auth/auth-listener.ts';
import { createForwardAuth } from '../proxy/forward-auth/forward-auth.ts';
import { createHandler } from '../proxy/handler.ts';
import { adjustListener, createListener, type Listener } from '../proxy/listener.ts';
import type { LiveConnections } from '../proxy/upstream/live-connections.ts';
import type { Settings } from '../settings/settings.ts';
import type { Configuration } from './configuration.ts';
import type { Foundation } from './foundation.ts';
import { expectProxyHeadersOn } from './proxy-headers.ts';

export interface Edge {
  readonly listener: Listener;
  /** Where proxies ask; undefined: nowhere, or on a path of `listener`. */
  readonly authListener: Listener | undefined;
  /** Of the console, where it has one of its own. */
  readonly consoleListener: Listener | undefined;
  /** Connections closed unread, because their address had limits.connectionsPerAddressMax open. */
  readonly refusedByAddress: () => number;
  /** Connections closed for want of a PROXY header that is believed. */
  readonly refusedByProxyHeader: () => number;
  /** Puts bounds and certificate in force for what connects from here on. Throws when the certificate cannot be used. */
  readonly adjust: (settings: Settings) => void;
  /** Ends tunnels and streams that nothing else would end. */
  endLongLived(): void;
  close(): void;
}

/** Expiry has no event: what lives longer than a request is looked at this often. */
const sweepEveryMs = 1_000;

export const openEdge = (deps: {
  readonly current: () => Configuration;
  readonly foundation: Pick<Foundation, 'feedState' | 'clock'>;
  readonly live: LiveConnections;
  readonly log: Log;
  readonly isShuttingDown: () => boolean;
}): Edge => {
  const { current, live, log } = deps;
  const { feedState, clock } = deps.foundation;
  const sweep = (): void => {
    const { identifier } = current().identification;
    live.sweep((identity) => identifier.standing(identity, clock.now()), clock.now());
  };
  feedState.onChange(sweep);
  const sweeper = setInterval(sweep, sweepEveryMs).unref();
  const doors = { running: () => current().running, isShuttingDown: deps.isShuttingDown, log };
  const handler = createHandler(doors);
  const { settings } = current();
  const { forwardAuth } = settings;
  const answerProxy = createForwardAuth(doors);
  const listener = createListener(
    settings,
    forwardAuth.path === undefined ? handler : withAuthPath(handler, forwardAuth.path, answerProxy),
  );
  const authListener = forwardAuth.listen && createAuthListener(settings.limits, answerProxy);
  const { apart } = current();
  // Whatever is put in force, no route to the API appears there.
  const consoleListener =
    apart &&
    createListener(settings, createHandler({ ...doors, running: () => (current().apart ?? apart).running }));
  const limited = limitEach([listener, consoleListener], current, log);
  const proxyHeaders = expectProxyHeadersOn(
    { callers: listener, console: consoleListener, 'forward-auth': authListener },
    () => current().settings,
    log,
  );
  const endLongLived = (): void => {
    proxyHeaders.endWaiting();
    live.endAll();
    void current().upgrader.close();
  };
  return {
    listener,
    authListener,
    consoleListener,
    refusedByAddress: () => limited.reduce((sum, refused) => sum + refused(), 0),
    refusedByProxyHeader: proxyHeaders.refused,
    adjust: (next) => {
      adjustListener(listener, next);
      if (consoleListener !== undefined) adjustListener(consoleListener, next);
      if (authListener !== undefined) adjustListener(authListener, { limits: next.limits, tls: undefined });
    },
    endLongLived,
    close: () => {
      clearInterval(sweeper);
      endLongLived();
    },
  };
};

/** Counts the connections of each address at each listener; returns how many were closed unread, for each. */
const limitEach = (
  listeners: readonly (Listener | undefined)[],
  current: () => Configuration,
  log: Log,
): readonly (() => number)[] =>
  listeners
    .filter((each) => each !== undefined)
    .map((each) =>
      limitPerAddress(
        each,
        () => current().settings.limits.connectionsPerAddressMax,
        (address) => current().running.pipeline.trusts(address),
        (address) =>
          log.warn(
            'an address has limits.connectionsPerAddressMax connections open, and more are closed unread. A load balancer belongs in trustedProxies; many callers behind one address need a higher limit.',
            { address },
          ),
      ),
    );
