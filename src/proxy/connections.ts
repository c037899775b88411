// What is remembered of each caller's connection: who is at its other end, and the request under way on it.
// Forgotten with the connection.

import type { Socket } from 'node:net';
import type { Connection } from './passage.ts';
import { describePeer, type TrustsAddress } from './peer.ts';

export class Connections {
  readonly #trusts: TrustsAddress;
  readonly #bySocket = new WeakMap<Socket, Connection>();

  constructor(trusts: TrustsAddress) {
    this.#trusts = trusts;
  }

  of(socket: Socket): Connection {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const connection: Connection = {
      peer: describePeer(socket, this.#trusts),
      passage: undefined,
      isClosing: false,
    };
    this.#bySocket.set(socket, connection);
    return connection;
  }
}
