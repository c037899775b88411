// Addresses that have sent too many requests ahead of their answers. Their connections are read in small pieces
// (input-pieces.ts) for a while: nothing worse, so that a caller behind the same address or proxy hardly notices.

import type { Socket } from 'node:net';
import { InputPieces } from './input-pieces.ts';

/** How long an address is remembered after it was last noted. */
const rememberedMs = 60_000;
/** Addresses remembered; beyond it the one noted first is forgotten. */
const addressesMax = 10_000;

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
