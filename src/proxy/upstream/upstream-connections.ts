// The connections to one upstream: a bounded number of undici clients, each one socket and one request at a time, the most
// recently used first. undici's Pool hides which socket a request is on, and a safe retry (RFC 9110 section 9.2.2) depends on
// just that. It moves no bytes.

import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { buildConnector, Client } from 'undici';
import { outage } from '../../decision/outcome.ts';
import type { UpstreamReading } from '../../observe/metric-sources.ts';
import type { UpstreamSettings } from '../../settings/settings.ts';
import { CallerShares, type ShareClaim, type Claimant } from './caller-shares.ts';
import { FairLine, type LineMember } from './fair-line.ts';
import { UpstreamSocket } from './upstream-socket.ts';

/** An exchange that needs a connection; exactly one of the two is called, `onConnection` perhaps at once. */
export interface ConnectionSeeker extends LineMember {
  readonly exchange: Claimant;
  onConnection(connection: UpstreamConnection): void;
}

export class UpstreamConnection {
  readonly client: Client;
  /** Undefined before the first connect; replaced at every reconnect. */
  socket: UpstreamSocket | undefined;
  /** When its last exchange was over; `performance.now()`. */
  idleSinceMs = 0;
  /** Of the exchange it carries. */
  claim: ShareClaim | undefined;

  constructor(
    upstream: UpstreamSettings,
    connector: buildConnector.connector,
    reportBug: (error: unknown) => void,
  ) {
    let connected: Socket | undefined;
    const connect: buildConnector.connector = (options, callback) =>
      connector(options, (...args) => {
        if (args[0] === null) connected = args[1];
        callback(...args);
      });
    this.client = new Client(upstream.origin, {
      connect,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: responseHeaderBytesMax,
      strictContentLength: true,
      keepAliveTimeout: upstream.keepAliveTimeoutMs,
      // An upstream may ask for less in its Keep-Alive header, never for more.
      keepAliveMaxTimeout: upstream.keepAliveTimeoutMs,
      keepAliveTimeoutThreshold: keepAliveMarginMs,
      bodyTimeout: upstream.bodyIdleTimeoutMs,
      // upstream-socket.ts knows the other parser, whatever the environment asks for.
      useMilo: false,
    });
    // Emitted when the parser is in its place and nothing has been written or read.
    this.client.on('connect', () => {
      if (connected !== undefined) this.#attach(connected, reportBug);
    });
  }

  #attach(socket: Socket, reportBug: (error: unknown) => void): void {
    try {
      this.socket = new UpstreamSocket(socket);
    } catch (bug) {
      reportBug(bug);
      socket.destroy(bug instanceof Error ? bug : undefined);
    }
  }
}

export class UpstreamConnections {
  readonly settings: UpstreamSettings;
  /** The name the upstream's certificate must carry; also for requests whose Host header names the caller's host. */
  readonly serverName: string;
  readonly #connector: buildConnector.connector;
  readonly #reportBug: (error: unknown) => void;
  readonly #all: UpstreamConnection[] = [];
  /** Idle with a socket; the last one was used last. */
  readonly #warm: UpstreamConnection[] = [];
  /** Idle without a socket. */
  readonly #cold: UpstreamConnection[] = [];
  readonly #shares: CallerShares;
  readonly #line: FairLine<ConnectionSeeker>;
  readonly #idleTrust = new IdleTrust();
  #isClosed = false;
  #isRetired = false;

  constructor(settings: UpstreamSettings, reportBug: (error: unknown) => void) {
    this.settings = settings;
    this.serverName = new URL(settings.origin).hostname.replace(/^\[|\]$/g, '');
    this.#connector = connectorOf(settings, this.serverName);
    this.#reportBug = reportBug;
    this.#shares = new CallerShares(settings);
    this.#line = new FairLine(settings.connectionsMax, settings.connectTimeoutMs);
  }

  /** Gives the seeker a connection now or as soon as its turn comes; refuses when too many wait, or it waits too long. */
  seek(seeker: ConnectionSeeker): void {
    if (this.#isClosed) return seeker.onRefused(outage('shutting_down'));
    const claim = this.#shares.claimOf(seeker.exchange);
    const connection = claim.isAtShare ? undefined : this.#idleOrNew();
    if (connection === undefined) this.#line.add(seeker, claim);
    else this.#lend(connection, claim, seeker);
  }

  /** For the gauges; costs nothing between two readings. */
  reading(): UpstreamReading {
    const idle = this.#warm.length;
    return {
      busy: this.#all.length - idle - this.#cold.length,
      idle,
      waiting: this.#line.length,
      callersAtShare: this.#shares.countAtShare(),
    };
  }

  /** The seeker no longer wants a connection. */
  forget(seeker: ConnectionSeeker): void {
    this.#line.remove(seeker);
  }

  /** Takes a connection back after its exchange. */
  release(connection: UpstreamConnection): void {
    connection.claim?.giveBack();
    connection.claim = undefined;
    connection.idleSinceMs = performance.now();
    this.#warm.push(connection);
    if (this.#isRetired && this.#line.length === 0) return this.#closeIdle();
    // After the current bytes: what follows the response on this socket must be seen before it is used again.
    if (this.#line.length > 0) queueMicrotask(() => this.#serveLine());
  }

  /** Whether a request that cannot be sent twice may use the connection's open socket. */
  isTrusted(connection: UpstreamConnection): boolean {
    const nowMs = performance.now();
    return this.#idleTrust.trusts(nowMs - connection.idleSinceMs, nowMs);
  }

  /** The connection was found closed when a request was written on it at `usedAtMs`. */
  noteStale(connection: UpstreamConnection, usedAtMs: number): void {
    this.#idleTrust.learn(usedAtMs - connection.idleSinceMs, performance.now());
  }

  /** Requests that begin now use others: each connection is closed as soon as nothing is under way on it. */
  retire(): void {
    this.#isRetired = true;
    this.#closeIdle();
  }

  /** Retired, and every connection is closed. */
  get isGone(): boolean {
    return this.#isRetired && this.#all.length === 0;
  }

  /** Refuses those who wait, aborts what is under way and closes every socket. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#line.disperse(outage('shutting_down'));
    await Promise.all(this.#all.map((connection) => connection.client.destroy()));
  }

  #closeIdle(): void {
    for (const connection of [...this.#warm.splice(0), ...this.#cold.splice(0)]) {
      this.#all.splice(this.#all.indexOf(connection), 1);
      void connection.client.destroy();
    }
  }

  #lend(connection: UpstreamConnection, claim: ShareClaim, seeker: ConnectionSeeker): void {
    claim.take();
    connection.claim = claim;
    seeker.onConnection(connection);
  }

  #hasRoom(): boolean {
    const { connectionsMax } = this.settings;
    return this.#warm.length > 0 || this.#cold.length > 0 || this.#all.length < connectionsMax;
  }

  #idleOrNew(): UpstreamConnection | undefined {
    return this.#warm.pop() ?? this.#cold.pop() ?? this.#open();
  }

  #open(): UpstreamConnection | undefined {
    if (this.#all.length >= this.settings.connectionsMax) return undefined;
    const connection = new UpstreamConnection(this.settings, this.#connector, this.#reportBug);
    connection.client
      .on('disconnect', (_origin, _targets, error) => this.#cool(connection, error))
      .on('connectionError', (_origin, _targets, error) => this.#cool(connection, error));
    const events: EventEmitter = connection.client;
    events.on('error', this.#reportBug);
    this.#all.push(connection);
    return connection;
  }

  #cool(connection: UpstreamConnection, error: Error): void {
    const isUsed = connection.socket !== undefined && !connection.socket.hasFailed;
    connection.socket = undefined;
    const at = this.#warm.lastIndexOf(connection);
    if (at < 0) return;
    if (isUsed && isClosedByUpstream(error)) this.noteStale(connection, performance.now());
    this.#warm.splice(at, 1);
    this.#cold.push(connection);
  }

  #serveLine(): void {
    while (this.#hasRoom()) {
      const turn = this.#line.next();
      if (turn === undefined) return;
      const connection = this.#idleOrNew();
      if (connection === undefined) return turn.member.onRefused(outage('overloaded'));
      this.#lend(connection, turn.claim, turn.member);
    }
  }
}

/** 16 KiB: Node's own limit for a header section. */
const responseHeaderBytesMax = 16_384;
const keepAliveMarginMs = 1_000;

/** Not by us: undici calls its own reasons (a time-out, the end after a last response) informational. */
const isClosedByUpstream = (error: Error): boolean => !('code' in error) || error.code !== 'UND_ERR_INFO';

const connectorOf = (settings: UpstreamSettings, serverName: string): buildConnector.connector => {
  const connector = buildConnector({
    allowH2: false,
    timeout: settings.connectTimeoutMs,
    rejectUnauthorized: true,
    ...(settings.socketPath === undefined ? {} : { socketPath: settings.socketPath }),
    ...(settings.ca === undefined ? {} : { ca: settings.ca }),
  });
  // TLS has no server name for an address (RFC 6066 section 3); its certificate is then checked by the address.
  const isAddress = isIP(serverName) !== 0;
  return (options, callback) => connector({ ...options, servername: isAddress ? '' : serverName }, callback);
};

/**
 * How long a connection may have been idle and still be trusted with a request that cannot be sent twice. Learned from the
 * upstream: the shortest idle age at which it closed a connection.
 */
export class IdleTrust {
  #shortestMs = Number.POSITIVE_INFINITY;
  #learnedAtMs = 0;

  /** The upstream closed a connection that had been idle for `idleMs`. */
  learn(idleMs: number, nowMs: number): void {
    if (idleMs > this.#expectedMs(nowMs)) return;
    this.#shortestMs = Math.max(idleMs, shortestMs);
    this.#learnedAtMs = nowMs;
  }

  /** Whether a connection idle for `idleMs` is younger than the upstream's closes, with a margin for the way there. */
  trusts(idleMs: number, nowMs: number): boolean {
    return idleMs < this.#expectedMs(nowMs) * margin;
  }

  /** One close may have been a restart: what was learned is believed less and less, unless it is seen again. */
  #expectedMs(nowMs: number): number {
    return this.#shortestMs * 2 ** ((nowMs - this.#learnedAtMs) / doublingMs);
  }
}

const margin = 0.5;
const doublingMs = 10_000;
/** Lower ages are noise of the clock and the event loop. */
const shortestMs = 1;
