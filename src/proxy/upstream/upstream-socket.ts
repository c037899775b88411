// What undici cannot tell us of an upstream's socket: whether it is being used again, whether an answer has begun,
// when everything received has been handed on; and `100 Continue`, on which undici gives up, taken out of the way.
// It changes no other byte.

import type { Socket } from 'node:net';

/** Told when the socket has no more bytes for now. */
export interface DryListener {
  onDry(): void;
}

export class UpstreamSocket {
  /** Whole responses this socket has carried; more than 0: a request on it may meet a connection gone stale. */
  served = 0;
  /** Bytes of the answer to the current request have arrived. */
  hasAnswer = false;
  /** The next bytes are the head of a response. */
  isHeadExpected = false;
  #listener: DryListener | undefined;
  #held: Buffer | undefined;

  constructor(socket: Socket) {
    const read = socket.read.bind(socket);
    socket.read = (size?: number): unknown => {
      const chunk: unknown = read(size);
      if (!(chunk instanceof Buffer)) {
        if (size !== 0) this.#listener?.onDry();
        return chunk;
      }
      if (!this.isHeadExpected) return chunk;
      this.hasAnswer = true;
      // The tenth byte is the first digit of the status: nothing to do unless it is an interim one.
      return this.#held === undefined && chunk.length > 9 && chunk[9] !== one ? chunk : this.#filter(chunk);
    };
  }

  /** A request is about to be written. */
  expectHead(listener: DryListener): void {
    this.isHeadExpected = true;
    this.hasAnswer = false;
    this.#listener = listener;
  }

  /** The exchange on this socket is over. */
  rest(): void {
    this.isHeadExpected = false;
    this.#listener = undefined;
  }

  /** Takes whole `100 Continue` heads out; holds back a head that has only partly arrived. */
  #filter(chunk: Buffer): Buffer | null {
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = undefined;
    const kept: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (bytes.length - at > 9 && bytes[at + 9] !== one) {
        kept.push(bytes.subarray(at));
        break;
      }
      const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
      if (end < 0) {
        const rest = bytes.subarray(at);
        if (rest.length > heldBytesMax) kept.push(rest);
        else this.#held = rest;
        break;
      }
      if (bytes.toString('latin1', at + 9, at + 12) !== '100') kept.push(bytes.subarray(at, end + 4));
      at = end + 4;
    }
    return kept.length === 0 ? null : Buffer.concat(kept);
  }
}

const one = 0x31;
const heldBytesMax = 16_384;
