// Requests that a caller sent ahead of the answer to the one before (pipelining, RFC 9112 section 9.3.2). They begin one by one,
// each when the answer before it has gone. What has not begun has no outcome, and goes with its connection.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Refusal } from '../../decision/outcome.ts';
import type { ReplyChannel } from '../request-context.ts';

export interface PipelinedRequest {
  readonly request: IncomingMessage;
  readonly reply: ReplyChannel;
  /** It is refused whatever it says. */
  readonly refusal: Refusal | undefined;
}

/** What the lines of all connections have in common. */
export interface WaitingRoom {
  waiting: number;
  begin(request: PipelinedRequest): void;
}

/** Beyond this the connection is paused. One piece of input can hold more: some two thousand of the smallest requests. */
const lineMax = 16;
/** All together; beyond it a connection with more than its share is cut off. At about 3 KB each, 25 MB. */
const roomMax = 8_192;

export class WaitingLine {
  readonly #socket: Socket;
  readonly #room: WaitingRoom;
  #line: PipelinedRequest[] = [];
  #isPaused = false;
  #afterLast: (() => void) | undefined;

  constructor(socket: Socket, room: WaitingRoom) {
    this.#socket = socket;
    this.#room = room;
    socket.once('close', () => this.#clear());
    // Node resumes a socket by itself to read the body of a request, also of one that waits.
    socket.on('resume', () => {
      if (!this.#isPaused) return;
      socket.pause();
      // A socket that was paused before it had really been resumed emits none; Node's server stops reading at it.
      socket.emit('pause');
    });
  }

  get length(): number {
    return this.#line.length;
  }

  add(request: PipelinedRequest): void {
    if (this.#socket.destroyed) return;
    this.#line.push(request);
    this.#room.waiting += 1;
    if (this.#line.length < lineMax) return;
    this.#isPaused = true;
    this.#socket.pause();
    if (this.#room.waiting > roomMax) this.#socket.destroy();
  }

  /** Begins the next one, if the connection is still open. */
  next(): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return this.#clear();
    const request = this.#line.shift();
    if (request === undefined) return;
    this.#room.waiting -= 1;
    if (this.#isPaused && this.#line.length < lineMax) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    this.#room.begin(request);
    if (this.length === 0) this.#afterLast?.();
  }

  /** Runs `act` once the last that waits has begun; never, if it does not. */
  afterLast(act: () => void): void {
    this.#afterLast = act;
  }

  #clear(): void {
    this.#room.waiting -= this.#line.length;
    this.#line = [];
    this.#afterLast = undefined;
  }
}
