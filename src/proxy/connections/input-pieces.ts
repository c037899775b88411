// Input in small pieces. The system hands over up to 64 KB at once, and Node's parser makes some two thousand requests of it
// before anybody else is read. Of a piece of 4 KB it makes 146; the others stay bytes while the connection is paused.
// It costs two microseconds a request, so only callers that have sent too many requests ahead of their answers are read so.

import type { Socket } from 'node:net';

const pieceBytes = 4_096;
/** How long an address is remembered after it was last noted. */
const rememberedMs = 60_000;
/** Addresses remembered; beyond it the one noted first is forgotten. */
const addressesMax = 10_000;

class InputPieces {
  readonly #socket: Socket;
  /** The stream's own: to its listeners, or its buffer. */
  readonly #push: Socket['push'];
  #rest: Buffer = noBytes;
  #hasEnded = false;
  #isScheduled = false;

  /** From now on the socket is read so; no byte is changed. */
  constructor(socket: Socket) {
    this.#socket = socket;
    // Node's server has given the socket to its parser, which reads behind the stream's back until somebody listens to it.
    socket.on('data', ignore).off('data', ignore);
    this.#push = socket.push.bind(socket);
    // The stream has been waiting for its first bytes since then, and would not ask for any before they come.
    this.#push(noBytes);
    socket.push = (chunk: unknown, encoding) => this.#onChunk(chunk, encoding);
    socket.on('resume', this.#deliver);
  }

  /** No longer: the connection has become a tunnel. */
  stop(): void {
    const { push } = Object.getPrototypeOf(this.#socket);
    this.#socket.push = push;
    this.#socket.off('resume', this.#deliver);
    const rest = this.#rest;
    this.#rest = noBytes;
    if (rest.length > 0) this.#push(rest);
    if (this.#hasEnded) this.#push(null);
  }

  /** False: the socket is read no further until the stream asks for more. */
  #onChunk(chunk: unknown, encoding: BufferEncoding | undefined): boolean {
    if (chunk === null && this.#rest.length > 0) {
      this.#hasEnded = true;
      return false;
    }
    if (!(chunk instanceof Buffer)) return this.#push(chunk, encoding);
    if (this.#rest.length === 0 && chunk.length <= pieceBytes) return this.#push(chunk);
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#schedule();
    return false;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#deliver();
    });
  }

  /** The next piece, in a turn of its own, unless the connection is paused. */
  readonly #deliver = (): void => {
    const rest = this.#rest;
    if (rest.length === 0 || this.#isScheduled || this.#socket.isPaused() || this.#socket.destroyed) return;
    this.#rest = rest.length > pieceBytes ? rest.subarray(pieceBytes) : noBytes;
    this.#push(rest.subarray(0, pieceBytes));
    if (this.#rest.length > 0) this.#schedule();
    else if (this.#hasEnded) this.#push(null);
    else this.#socket.read(0);
  };
}

/** Addresses that have sent too much ahead. Another caller behind the same address hardly notices that it is read in pieces. */
export class Pipeliners {
  /** Address block -> when it was last noted, in ms of the monotonic clock; the one noted longest ago is first. */
  readonly #notedAtMs = new Map<string, number>();
  readonly #pieces = new WeakMap<Socket, InputPieces>();

  get size(): number {
    return this.#notedAtMs.size;
  }

  /** This connection has too many requests waiting. */
  note(addressBlock: string, socket: Socket): void {
    this.#notedAtMs.delete(addressBlock);
    this.#notedAtMs.set(addressBlock, performance.now());
    for (const oldest of this.#notedAtMs.keys()) {
      if (this.#notedAtMs.size <= addressesMax) break;
      this.#notedAtMs.delete(oldest);
    }
    this.#read(socket);
  }

  /** A new connection. */
  meet(addressBlock: string, socket: Socket): void {
    const notedAtMs = this.#notedAtMs.get(addressBlock);
    if (notedAtMs === undefined) return;
    if (performance.now() - notedAtMs < rememberedMs) this.#read(socket);
    else this.#notedAtMs.delete(addressBlock);
  }

  /** The connection becomes a tunnel. */
  release(socket: Socket): void {
    this.#pieces.get(socket)?.stop();
  }

  #read(socket: Socket): void {
    if (!this.#pieces.has(socket)) this.#pieces.set(socket, new InputPieces(socket));
  }
}

const noBytes = Buffer.alloc(0);
const ignore = (): void => undefined;
