// The whole HTTP edge for tests: real listener, handler, router, forwarder and upgrader, over an identifier with fixed data.
//
//   const edge = await startEdge(upstream, { routes: [aRule({ scopes: ['things:read'] })] });
//   t.teardown(() => edge.close());
//   await exchangeRaw(edge.port, 'GET /things/7 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer good\r\n\r\n');
//   const outcome = await edge.nextOutcome();            // the RequestOutcome of each request, in order
//
// Credentials it knows: `good` (Alice of Acme, things:read), `admin` (things:read and things:admin), `a.b.c` (an access
// token of Alice, without a token id), and those given as `answers`.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ownSession } from '../../src/identity/authenticators.ts';
import type { PathPattern } from '../../src/decision/path-pattern.ts';
import type { RouteRule } from '../../src/decision/route-rule.ts';
import type { UpstreamReading } from '../../src/observe/metric-sources.ts';
import type { RequestOutcome } from '../../src/observe/request-outcome.ts';
import { createForwarder } from '../../src/proxy/upstream/forward.ts';
import { limitPerAddress } from '../../src/proxy/connections/connections-per-address.ts';
import { createHandler } from '../../src/proxy/handler.ts';
import { type Caller, createRunning } from '../../src/proxy/running.ts';
import { createListener, type Listener } from '../../src/proxy/listener.ts';
import { LiveConnections } from '../../src/proxy/upstream/live-connections.ts';
import { createHostRouters, rulesOfHost } from '../../src/proxy/routing/host-routes.ts';
import { createRouter } from '../../src/proxy/routing/router.ts';
import { createUpstreamAddresses } from '../../src/proxy/upstream/addresses/upstream-addresses.ts';
import { createUpgrader } from '../../src/proxy/upstream/upgrade.ts';
import type { Settings, UpstreamSettings } from '../../src/settings/settings.ts';
import { type Answer, createFixedIdentifier, type FixedIdentifier } from './fixed-identifier.ts';
import { noLog, upstreamSettings } from './forwarding.ts';
import { anIdentity } from './identity.ts';
import { aRule } from './route-rule.ts';
import { settingsWith } from './settings.ts';

export interface EdgeOptions {
  /** Default: `/things/*` with `things:read`, `/admin` with `things:admin`, `/public/*` for everyone. */
  readonly routes?: readonly RouteRule[];
  /** Paths that are answered here, for the router. */
  readonly owned?: readonly PathPattern[];
  readonly answers?: Readonly<Record<string, Answer>>;
  readonly limits?: Partial<Settings['limits']>;
  readonly credential?: Partial<Settings['credential']>;
  readonly identityHeaders?: Settings['identity']['headers'];
  readonly identityStrip?: readonly string[];
  readonly trustedProxies?: readonly string[];
  readonly cors?: Settings['cors'];
  readonly onAddressFull?: (addressBlock: string) => void;
  readonly whenStale?: 'refuse' | 'serve';
  readonly errors?: Settings['errors'];
  readonly mode?: Settings['mode'];
  readonly via?: Settings['via'];
  readonly upstream?: Partial<UpstreamSettings>;
  readonly tls?: Settings['tls'];
  readonly surface?: {
    readonly path: string;
    handle(request: IncomingMessage, response: ServerResponse, caller: Caller): void;
  };
  readonly now?: () => number;
}

export interface Edge {
  readonly port: number;
  readonly listener: Listener;
  readonly identifier: FixedIdentifier;
  readonly outcomes: readonly RequestOutcome[];
  /** Decisions of routes in shadow mode, and their reasons, in order. */
  readonly shadowed: readonly (readonly [route: string, verdict: string])[];
  nextOutcome(): Promise<RequestOutcome>;
  /** Of the one upstream. */
  upstreamReading(): UpstreamReading;
  beginShutdown(): void;
  close(): Promise<void>;
}

export const defaultRoutes: readonly RouteRule[] = [
  aRule({ scopes: ['things:read'] }),
  aRule({ name: 'admin', path: '/admin', scopes: ['things:admin'] }),
  aRule({ name: 'public', path: '/public/*', public: true }),
];

const alice = anIdentity({});

export const startEdge = async (
  upstream: { readonly origin: string; readonly socketPath?: string | undefined },
  options: EdgeOptions = {},
): Promise<Edge> => {
  const outcomes: RequestOutcome[] = [];
  const shadowed: (readonly [route: string, verdict: string])[] = [];
  let taken = 0;
  let wake: (() => void) | undefined;
  let isShuttingDown = false;
  const settings = settingsWith({
    ...(options.credential && { credential: options.credential }),
    errors: options.errors ?? 'problem',
    mode: options.mode ?? 'enforce',
    ...(options.via && { via: options.via }),
    cors: options.cors,
    routes: [...(options.routes ?? defaultRoutes)],
    feed: { whenStale: options.whenStale ?? 'refuse' },
    identity: {
      ...(options.identityHeaders && { headers: options.identityHeaders }),
      strip: options.identityStrip ?? [],
    },
    limits: {
      connectionsMax: 1_000,
      headersTimeoutMs: 10_000,
      requestTimeoutMs: 10_000,
      keepAliveTimeoutMs: 10_000,
      writeStallTimeoutMs: 10_000,
      connectionsPerAddressMax: 1_000,
      refusalsPerConnectionMax: 1_000_000,
      ...options.limits,
    },
    tls: options.tls,
    trustedProxies: options.trustedProxies ?? [],
    upstreams: { default: upstreamSettings(upstream, { name: 'default', ...options.upstream }) },
  });
  const identifier = createFixedIdentifier(
    {
      good: alice,
      admin: anIdentity({ scopes: new Set(['things:read', 'things:admin']) }),
      'a.b.c': anIdentity({ authenticator: ownSession, tokenId: undefined, sessionId: 's-1' }),
      ...options.answers,
    },
    settings.identity.headers,
  );
  const live = new LiveConnections();
  const forwardOptions = {
    live,
    limits: settings.limits,
    reportBug: (error: unknown) => {
      throw error;
    },
  };
  const reach = createUpstreamAddresses(settings.upstreams, { log: noLog });
  const forwarder = createForwarder(reach, forwardOptions);
  const upgrader = createUpgrader(reach, forwardOptions);
  const made = createRunning(
    settings,
    {
      identifier,
      forwarder,
      upgrader,
      countShadow: (route, verdict) =>
        void shadowed.push([route, verdict === 'permit' ? verdict : verdict.reason]),
      record: (outcome) => {
        outcomes.push(outcome);
        wake?.();
      },
      surfaces: {
        handle: (request, response, caller) => options.surface?.handle(request, response, caller),
        refuseBody: () => false,
      },
    },
    options.now ?? Date.now,
  );
  const running = {
    ...made,
    pipeline: {
      ...made.pipeline,
      router: createRouter(rulesOfHost(options.routes ?? defaultRoutes, undefined), options.owned),
      routerOf: createHostRouters(options.routes ?? defaultRoutes, options.owned),
      ownerOf: (path: string) => (path === options.surface?.path ? 'a surface' : undefined),
    },
  };
  const { trusts } = running.pipeline;
  const handler = createHandler({ running: () => running, isShuttingDown: () => isShuttingDown });
  const listener = createListener(settings, handler);
  limitPerAddress(listener, () => settings.limits.connectionsPerAddressMax, trusts, options.onAddressFull);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    listener,
    identifier,
    outcomes,
    shadowed,
    nextOutcome: async () => {
      while (outcomes.length <= taken) await new Promise<void>((resolve) => (wake = resolve));
      return outcomes[taken++]!;
    },
    upstreamReading: () => forwarder.reading()['default']!,
    beginShutdown: () => {
      isShuttingDown = true;
    },
    close: async () => {
      live.endAll();
      await Promise.all([forwarder.close(), upgrader.close()]);
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
};
