// One WebSocket upgrade from handshake to end: what the caller sends early is kept, a refusal is answered with right
// framing, and whichever side goes, the other follows. It moves no frames itself: the tunnel is http-proxy's pipe.

import { type ClientRequest, type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Permit } from '../../decision/authorize.ts';
import { isOutage, type Outage, outage } from '../../decision/outcome.ts';
import type { Connected } from './addresses/connect-attempt.ts';
import type { ForwardEnd, ForwardOptions, Upgrade } from './exchange.ts';
import { outageOf } from './forward-failure.ts';
import type { RequestUnderWay } from './live-connections.ts';
import { addOwn, type OwnFields, readResponseHeaders } from './response-headers.ts';
import type { UpstreamAddresses } from './addresses/upstream-addresses.ts';

export interface Handshake {
  readonly request: ClientRequest;
  /** Writes the 101 and joins the sockets. */
  openTunnel(response: IncomingMessage, upstreamSocket: Socket, head: Buffer): void;
}

export interface UpgradeContext extends ForwardOptions {
  /** Longest silence between two pieces of a refusal's body. */
  readonly bodyIdleTimeoutMs: number;
}

export class UpgradeExchange implements RequestUnderWay {
  index = -1;
  isLive = false;
  readonly #upgrade: Upgrade;
  readonly #socket: Socket;
  readonly #context: UpgradeContext;
  readonly #onEnd: (end: ForwardEnd) => void;
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  #handshake: Handshake | undefined;
  #upstreamSocket: Socket | undefined;
  #status = 0;
  /** Of the upstream's socket when the tunnel was opened. */
  #before = { read: 0, written: 0 };
  /** Of the body of a refusal. */
  #refusalBytes = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(upgrade: Upgrade, socket: Socket, context: UpgradeContext, onEnd: (end: ForwardEnd) => void) {
    this.#upgrade = upgrade;
    this.#socket = socket;
    this.#context = context;
    this.#onEnd = onEnd;
  }

  /** `shakeHands` sends the handshake on a connection that has been opened. */
  start(
    reach: Pick<UpstreamAddresses, 'connect' | 'answered'>,
    shakeHands: (upstreamSocket: Socket) => Handshake,
  ): void {
    const socket = this.#socket;
    // First of all: from here on an error of the caller's socket must find a listener.
    socket.on('error', ignore);
    socket.on('close', this.#onClientGone);
    socket.on('end', this.#onClientGone);
    if (socket.destroyed) return this.end('client_gone');
    if (this.#upgrade.head.length > 0) this.#onEarly(this.#upgrade.head);
    socket.on('data', this.#onEarly);
    this.#timer = setTimeout(
      () => this.end(outage('upstream_timeout')),
      this.#upgrade.permit.rule.responseTimeoutMs,
    );
    this.#context.live.watch(this);
    reach.connect((result) => this.#onConnected(result, reach, shakeHands));
  }

  #onConnected(
    result: Connected | Outage,
    reach: Pick<UpstreamAddresses, 'answered'>,
    shakeHands: (upstreamSocket: Socket) => Handshake,
  ): void {
    if (isOutage(result)) return this.end(result);
    const { socket, address } = result;
    socket.once('close', () => {
      address.busy -= 1;
      address.open -= 1;
    });
    socket.on('error', ignore);
    if (this.#isOver) return void socket.destroy();
    let handshake: Handshake;
    try {
      handshake = shakeHands(socket);
    } catch (bug) {
      socket.destroy();
      this.#context.reportBug(bug);
      return this.end(outage('upstream_invalid', bug));
    }
    this.#handshake = handshake;
    handshake.request.on('error', (error) => this.end(outageOf(error, false)));
    handshake.request.on('response', (response) => {
      reach.answered(address, response.statusCode ?? 0);
      this.#onRefused(response);
    });
    handshake.request.on('upgrade', (response, upstreamSocket, head) =>
      this.#onAccepted(handshake, response, upstreamSocket, head),
    );
  }

  get permit(): Permit {
    return this.#upgrade.permit;
  }

  /** Ends it now, with both sockets; before a status was sent, the caller's socket is left to be answered. */
  end(failure: ForwardEnd['failure']): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearInterval(this.#stallTimer);
    this.#context.live.unwatch(this);
    const bytes = this.#bytes;
    this.#handshake?.request.destroy();
    this.#upstreamSocket?.destroy();
    this.#forgetHandshake();
    if (this.#status !== 0 || failure === 'client_gone') this.#socket.destroy();
    try {
      this.#onEnd({ status: this.#status, failure, responded: this.#status !== 0, ...bytes });
    } catch (error) {
      this.#context.reportBug(error);
    }
  }

  /** What went through the tunnel, or of the refusal's body. */
  get #bytes(): Required<Pick<ForwardEnd, 'bytesIn' | 'bytesOut'>> {
    const { read, written } = this.#before;
    const socket = this.#upstreamSocket;
    return socket === undefined
      ? { bytesIn: 0, bytesOut: this.#refusalBytes }
      : { bytesIn: socket.bytesWritten - written, bytesOut: socket.bytesRead - read };
  }

  readonly #onClientGone = (): void => this.end('client_gone');

  /** Bytes sent before the upstream's answer; a caller that sends too many waits. */
  readonly #onEarly = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > earlyBytesMax) this.#socket.pause();
  };

  #forgetHandshake(): void {
    this.#socket.off('data', this.#onEarly).off('end', this.#onClientGone).off('close', this.#onClientGone);
  }

  #onAccepted(handshake: Handshake, response: IncomingMessage, upstreamSocket: Socket, head: Buffer): void {
    upstreamSocket.on('error', ignore);
    if (this.#isOver) return void upstreamSocket.destroy();
    this.#upstreamSocket = upstreamSocket;
    this.#before = { read: upstreamSocket.bytesRead - head.length, written: upstreamSocket.bytesWritten };
    const headers = acceptedHeaders(response, this.#upgrade);
    if (headers === undefined)
      return this.end(outage('upstream_invalid', new Error('not a WebSocket handshake')));
    clearTimeout(this.#timer);
    this.#forgetHandshake();
    const socket = this.#socket;
    // http-proxy writes the head from this object, as a string in the socket's default encoding.
    response.headers = headers;
    socket.setDefaultEncoding('latin1');
    if (this.#earlyBytes > 0) socket.unshift(Buffer.concat(this.#early.splice(0)));
    this.#status = 101;
    handshake.openTunnel(response, upstreamSocket, head);
    socket.setDefaultEncoding('utf8');
    this.#context.live.watchLive(this);
    this.#guard(socket, upstreamSocket);
    this.#watchStall();
  }

  /** Whichever side ends, the other gets a moment to take what is left, and then goes too. */
  #guard(socket: Socket, upstreamSocket: Socket): void {
    const linger = (): void => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.end(undefined), this.#context.limits.writeStallTimeoutMs);
    };
    const follow = (first: Socket, other: Socket): void => {
      first.once('end', linger);
      first.once('close', () => {
        if (other.destroyed || other.writableFinished) return this.end(undefined);
        other.once('close', () => this.end(undefined));
        other.destroySoon();
        linger();
      });
    };
    socket.once('error', () => this.end('client_gone'));
    upstreamSocket.once('error', (error) => this.end(outageOf(error, true)));
    follow(socket, upstreamSocket);
    follow(upstreamSocket, socket);
  }

  /** A tunnel may be silent for hours, but bytes that nobody takes may not wait for ever; nor those of a refusal. */
  #watchStall(): void {
    const sockets = [this.#socket, this.#upstreamSocket];
    let before = sockets.map(() => -1);
    this.#stallTimer = setInterval(() => {
      const now = sockets.map((socket) =>
        socket !== undefined && socket.writableLength > 0 ? socket.bytesWritten - socket.writableLength : -1,
      );
      const isStalled = now.some((sent, at) => sent >= 0 && sent === before[at]);
      before = now;
      if (isStalled) this.end('client_gone');
    }, this.#context.limits.writeStallTimeoutMs);
  }

  /** The upstream has answered in time; from now on only its silence counts, and not while the caller is behind. */
  #watchSilence(response: IncomingMessage, answer: ServerResponse): void {
    clearTimeout(this.#timer);
    const timer = setTimeout(() => {
      if (answer.writableNeedDrain) timer.refresh();
      else this.end(outage('upstream_timeout'));
    }, this.#context.bodyIdleTimeoutMs);
    this.#timer = timer;
    response.on('data', (chunk: Buffer) => {
      this.#refusalBytes += chunk.length;
      timer.refresh();
    });
    response.once('end', () => clearTimeout(timer));
  }

  /** The upstream answered, but not with a tunnel: pass its answer on, then close. */
  #onRefused(response: IncomingMessage): void {
    if (this.#isOver) return void response.destroy();
    const status = response.statusCode ?? 0;
    const headers =
      status < 200 || status > 599 ? undefined : readResponseHeaders(response.rawHeaders, status);
    if (headers === undefined) return this.end(outage('upstream_invalid', new Error(`status ${status}`)));
    addOwn(headers.pairs, this.#upgrade);
    const answer = new ServerResponse(this.#upgrade.request);
    answer.shouldKeepAlive = false;
    try {
      answer.writeHead(status, response.statusMessage ?? '', headers.pairs);
    } catch (error) {
      return this.end(outage('upstream_invalid', error));
    }
    this.#status = status;
    this.#watchSilence(response, answer);
    const socket = this.#socket;
    socket.off('data', this.#onEarly).resume();
    answer.assignSocket(socket);
    // Node's server let go of the socket with the upgrade: nothing else tells the response that there is room again.
    socket.on('drain', () => answer.emit('drain'));
    answer.once('finish', () => {
      socket.off('end', this.#onClientGone).off('close', this.#onClientGone);
      socket.once('close', () => this.end(undefined));
      socket.destroySoon();
    });
    response.once('close', () => {
      if (!response.complete) this.end(outage('upstream_unreachable', new Error('the refusal broke off')));
    });
    response.on('error', ignore);
    response.pipe(answer);
    this.#watchStall();
  }
}

const earlyBytesMax = 65_536;

const ignore = (): void => undefined;

/** Headers of the 101 for the caller; undefined when it accepts something other than a WebSocket. */
const acceptedHeaders = (
  response: IncomingMessage,
  own: OwnFields,
): NodeJS.Dict<string | string[]> | undefined => {
  if (response.headers.upgrade?.toLowerCase() !== 'websocket') return undefined;
  const accepted = readResponseHeaders(response.rawHeaders, 204);
  if (accepted === undefined) return undefined;
  addOwn(accepted.pairs, own);
  const headers: NodeJS.Dict<string | string[]> = { Connection: 'Upgrade', Upgrade: 'websocket' };
  for (let at = 0; at + 1 < accepted.pairs.length; at += 2) {
    const name = accepted.pairs[at] ?? '';
    const before = headers[name];
    const value = accepted.pairs[at + 1] ?? '';
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
};
