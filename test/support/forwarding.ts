// A bare node:http server around the forwarder (and the upgrader): every request is let through on one public rule, so
// tests of forwarding need neither tokens nor the handler. Refusals are answered with their status and `X-Failure`.
//
//   const proxy = await startForwarding(upstream);       // anything with `origin` and `socketPath`
//   t.teardown(() => proxy.close());
//   await exchangeRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
//   const end = await proxy.nextEnd();                   // the ForwardEnd of each exchange, in order

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Test } from 'tap';
import { authorizePublic, authorizeShadow, isPermit, type Permit } from '../../src/decision/authorize.ts';
import type { Identity } from '../../src/decision/identity.ts';
import { patternOf } from '../../src/decision/path-pattern.ts';
import type { RouteRule } from '../../src/decision/route-rule.ts';
import type { Exchange, ExchangeLimits, ForwardEnd, Framing } from '../../src/proxy/upstream/exchange.ts';
import { createForwarder, type Forwarder } from '../../src/proxy/upstream/forward.ts';
import { LiveConnections } from '../../src/proxy/upstream/live-connections.ts';
import { type CountedUpgrader, createUpgrader } from '../../src/proxy/upstream/upgrade.ts';
import {
  createUpstreamAddresses,
  type UpstreamAddresses,
} from '../../src/proxy/upstream/addresses/upstream-addresses.ts';
import type { Lookup } from '../../src/proxy/upstream/addresses/address-book.ts';
import type { UpstreamSettings } from '../../src/settings/settings.ts';
import { connectRaw } from './raw-client.ts';
import { type RawUpstreamOptions, startRawUpstream } from './raw-upstream.ts';
import { settingsWith } from './settings.ts';

export interface ForwardingOptions {
  readonly upstream?: Partial<UpstreamSettings>;
  readonly rule?: Partial<RouteRule>;
  readonly identity?: Identity;
  readonly writeStallTimeoutMs?: number;
  /** Without it every body is passed on as it comes. */
  readonly body?: Partial<ExchangeLimits>;
  /** Raw pairs added to every forwarded request. */
  readonly headers?: readonly string[];
  /** Instead of the request's own target. */
  readonly target?: string;
  /** Instead of the system's. */
  readonly lookup?: Lookup;
}

export const noLog = { info: (): void => undefined, warn: (): void => undefined };

export interface Forwarding {
  readonly port: number;
  readonly server: Server;
  readonly forwarder: Forwarder;
  readonly upgrader: CountedUpgrader;
  readonly live: LiveConnections;
  readonly addresses: UpstreamAddresses;
  /** Lines of the log. */
  readonly lines: readonly (readonly [
    message: string,
    fields: Readonly<Record<string, unknown>> | undefined,
  ])[];
  readonly ends: readonly ForwardEnd[];
  readonly bugs: readonly unknown[];
  /** Requests the server has emitted. */
  readonly requestCount: number;
  nextEnd(): Promise<ForwardEnd>;
  close(): Promise<void>;
}

export const upstreamSettings = (
  at: { readonly origin: string; readonly socketPath?: string | undefined },
  more: Partial<UpstreamSettings> = {},
): UpstreamSettings => ({
  ...settingsWith().upstreams['default']!,
  name: 'api',
  origin: at.origin,
  socketPath: at.socketPath,
  connectionsMax: 64,
  callerShare: 1,
  addressShare: 1,
  connectTimeoutMs: 5_000,
  bodyIdleTimeoutMs: 10_000,
  ...more,
});

const publicRule = (more: Partial<RouteRule> = {}): RouteRule => ({
  name: 'all',
  mode: 'enforce',
  methods: undefined,
  path: patternOf('/*'),
  public: true,
  scopes: [],
  tenantParameter: undefined,
  foreignTenant: 'forbidden',
  errors: 'problem',
  sessions: 'any',
  upstream: 'api',
  forwardCredential: 'strip',
  credentialQueryParameter: undefined,
  upgrade: true,
  requestBodyBytesMax: 10_000_000,
  responseTimeoutMs: 10_000,
  ...more,
});

const permitFor = (rule: RouteRule, target: string, identity?: Identity): Permit => {
  const permit = authorizePublic(rule, target, identity);
  if (rule.mode === 'shadow') return authorizeShadow(rule, target, permit);
  if (!isPermit(permit)) throw new Error('the rule is not public');
  return permit;
};

const hopByHop =
  /^(content-length|transfer-encoding|te|trailer|connection|keep-alive|upgrade|expect|proxy-connection)$/i;

/** What the handler would send on: the request's raw headers without framing and hop-by-hop ones. */
const endToEndHeaders = (request: IncomingMessage): string[] => {
  const { rawHeaders } = request;
  return rawHeaders.filter((_, at) => !hopByHop.test(rawHeaders[at - (at % 2)]!));
};

const framingOf = ({ headers }: IncomingMessage): Framing => {
  if (headers['transfer-encoding'] !== undefined) return 'chunked';
  return Number(headers['content-length'] ?? 0) || 'none';
};

const statuses: Readonly<Record<string, number>> = {
  request_too_large: 413,
  upstream_timeout: 504,
  overloaded: 503,
  shutting_down: 503,
  token_revoked: 401,
  token_expired: 401,
  upgrade_refused: 403,
};

export const statusOf = (failure: Exclude<ForwardEnd['failure'], undefined | 'client_gone'>): number =>
  statuses[failure.reason] ?? 502;

/** A raw upstream, the forwarder in front of it and one raw caller; all end with the test. */
export const openForwarding = async (
  t: Test,
  options: ForwardingOptions = {},
  upstreamOptions: RawUpstreamOptions = {},
) => {
  const upstream = await startRawUpstream(upstreamOptions);
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream, options);
  t.teardown(() => proxy.close());
  const client = await connectRaw(proxy.port);
  t.teardown(() => client.socket.destroy());
  return { upstream, proxy, client };
};

export const startForwarding = async (
  upstream: { readonly origin: string; readonly socketPath?: string | undefined },
  options: ForwardingOptions = {},
): Promise<Forwarding> => {
  const live = new LiveConnections();
  const ends: ForwardEnd[] = [];
  const bugs: unknown[] = [];
  let taken = 0;
  let requestCount = 0;
  let wake: (() => void) | undefined;
  const upstreams = { api: upstreamSettings(upstream, options.upstream) };
  const forwardOptions = {
    live,
    limits: {
      writeStallTimeoutMs: options.writeStallTimeoutMs ?? 10_000,
      bodyBufferBytes: 0,
      bodyWaitMs: 0,
      bodyStallTimeoutMs: 10_000,
      bodyRateMin: 0,
      ...options.body,
    },
    reportBug: (error: unknown) => void bugs.push(error),
  };
  const lines: [string, Readonly<Record<string, unknown>> | undefined][] = [];
  const keep = (message: string, fields?: Readonly<Record<string, unknown>>): void =>
    void lines.push([message, fields]);
  const reach = createUpstreamAddresses(upstreams, {
    log: { info: keep, warn: keep },
    ...(options.lookup !== undefined && { lookup: options.lookup }),
  });
  const addresses = reach.byUpstream.get('api')!;
  addresses.start();
  const forwarder = createForwarder(reach, forwardOptions);
  const upgrader = createUpgrader(reach, forwardOptions);
  const rule = publicRule(options.rule);
  const onEnd = (end: ForwardEnd): void => {
    ends.push(end);
    wake?.();
  };
  const serve = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    requestCount += 1;
    const exchange: Exchange = {
      permit: permitFor(rule, options.target ?? request.url!, options.identity),
      request,
      response,
      headers: [...endToEndHeaders(request), ...(options.headers ?? [])],
      framing: framingOf(request),
      expectsContinue,
      requestId: 'request-1',
      answerPairs: [],
      addressBlock: '127.0.0.1',
    };
    forwarder.forward(exchange, (end) => {
      onEnd(end);
      const { failure } = end;
      if (failure === undefined || failure === 'client_gone' || end.responded) return;
      response.writeHead(statusOf(failure), ['X-Failure', failure.reason, 'Content-Length', '0']).end();
    });
  };
  const server = createServer((request, response) => serve(request, response, false));
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    serve(request, response, true),
  );
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    requestCount += 1;
    // As the handler does: the refusal is written here, so an error of the socket is ours until then.
    socket.on('error', () => undefined);
    const headers = [...endToEndHeaders(request), ...(options.headers ?? [])];
    const permit = permitFor(rule, options.target ?? request.url!, options.identity);
    upgrader.upgrade(
      {
        permit,
        request,
        socket,
        head,
        headers,
        requestId: 'request-1',
        answerPairs: [],
        addressBlock: '127.0.0.1',
      },
      (end) => {
        onEnd(end);
        const { failure } = end;
        if (failure === undefined || failure === 'client_gone' || end.responded) return;
        const lines = [
          `HTTP/1.1 ${statusOf(failure)} No`,
          `X-Failure: ${failure.reason}`,
          'Connection: close',
          '',
          '',
        ];
        socket.end(lines.join('\r\n'), () => socket.destroy());
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    server,
    forwarder,
    upgrader,
    live,
    addresses,
    lines,
    ends,
    bugs,
    get requestCount() {
      return requestCount;
    },
    nextEnd: async () => {
      while (ends.length <= taken) await new Promise<void>((resolve) => (wake = resolve));
      return ends[taken++]!;
    },
    close: async () => {
      addresses.close();
      await upgrader.close();
      await forwarder.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
