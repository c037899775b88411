// The one HTTP listener of the gate, with every bound set in so many words: sizes, counts, times, connections. Plain or
// TLS, on TCP or a unix socket. It hands everything to the handler and decides nothing.

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { normalTarget } from '../decision/normal-path.ts';
import type { Settings } from '../settings/settings.ts';
import { originFormOf } from './absolute-form.ts';

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** What a listener needs of the gate; see handler.ts. */
export interface Handler {
  /** A new connection; with TLS, after its handshake. */
  connection(socket: Socket): void;
  readonly request: Serve;
  /** `Expect: 100-continue`: decided before the caller is told to send its body. */
  readonly checkContinue: Serve;
  /** Any other expectation. */
  readonly checkExpectation: Serve;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** CONNECT: a tunnel has no path, so no rule can let it through. */
  connect(request: IncomingMessage, socket: Duplex): void;
  /** Whether a request that could be upgraded is given to `upgrade`; others are ordinary requests (`h2c`). */
  shouldUpgrade(request: IncomingMessage): boolean;
  /** Bytes that are no request, a broken body, or a request that took too long. */
  clientError(error: Error, socket: Socket): void;
}

export type Listener = Server | TlsServer;

type ListenerSettings = Pick<Settings, 'limits' | 'tls'>;

/** A server that does not listen yet. */
export const createListener = (settings: ListenerSettings, handler: Handler): Listener => {
  const { limits, tls } = settings;
  const options: ServerOptions = {
    insecureHTTPParser: false,
    // Checked by the handler, so that the refusal is recorded like every other.
    requireHostHeader: false,
    joinDuplicateHeaders: false,
    connectionsCheckingInterval: checkingIntervalMs(limits),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    shouldUpgradeCallback: (request) => handler.shouldUpgrade(readTarget(request)),
  };
  const listener: Listener =
    tls === undefined
      ? createServer(options)
      : createTlsServer({
          ...options,
          ALPNProtocols: ['http/1.1'],
          // Before the handshake is done no time of HTTP runs; Node's own bound is two minutes.
          handshakeTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
        });
  // No limit here: beyond its own, Node drops headers without a word (CVE-2026-58044). The handler counts and refuses.
  listener.maxHeadersCount = 0;
  listener.maxRequestsPerSocket = 0;
  listener.timeout = 0;
  adjustListener(listener, settings);

  listener.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) =>
    handler.connection(socket),
  );
  listener.on('request', (request, response) => handler.request(readTarget(request), response));
  listener.on('checkContinue', (request, response) => handler.checkContinue(readTarget(request), response));
  listener.on('checkExpectation', (request, response) =>
    handler.checkExpectation(readTarget(request), response),
  );
  listener.on('upgrade', (request, socket, head) => handler.upgrade(readTarget(request), socket, head));
  listener.on('connect', (request, socket) => handler.connect(request, socket));
  listener.on('clientError', (error, socket) => {
    if (socket instanceof Socket) handler.clientError(error, socket);
    else socket.destroy();
  });
  return listener;
};

/** The target in its normal form, and in origin form where it came in absolute form, before anybody has read it or Host. */
const readTarget = (request: IncomingMessage): IncomingMessage => {
  const { method = '', url = '', rawHeaders, httpVersion } = request;
  if (url.charCodeAt(0) === slash) {
    if (url.includes('%')) request.url = normalTarget(url);
    return request;
  }
  const read = originFormOf({ method, target: url, rawHeaders, httpVersion });
  if (read === undefined) return request;
  request.url = normalTarget(read.target);
  request.rawHeaders = [...read.rawHeaders];
  request.headers.host = read.host;
  return request;
};
const slash = 47;

/** Puts bounds and certificate in force, also while it listens. Throws, with nothing changed, when the certificate is bad. */
export const adjustListener = (listener: Listener, { limits, tls }: ListenerSettings): void => {
  if (tls !== undefined && 'setSecureContext' in listener)
    listener.setSecureContext({ cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' });
  // Node reads it for each new connection; its types do not know it.
  Object.assign(listener, { maxHeaderSize: limits.headerBytesMax });
  listener.headersTimeout = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs);
  listener.requestTimeout = limits.requestTimeoutMs;
  listener.keepAliveTimeout = limits.keepAliveTimeoutMs;
  listener.maxConnections = limits.connectionsMax;
};

/** How often Node looks for requests past their time: often enough that a time-out is at most half as long again. */
const checkingIntervalMs = ({ headersTimeoutMs, requestTimeoutMs }: Settings['limits']): number =>
  Math.max(50, Math.min(1_000, headersTimeoutMs / 2, requestTimeoutMs / 2));
