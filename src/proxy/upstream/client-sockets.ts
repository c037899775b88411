// Which exchange is under way on which caller's socket, so that it hears at once when its caller leaves: one listener per
// connection instead of one per request. A connection has one exchange at a time (proxy/waiting-line.ts).

import type { Socket } from 'node:net';

export interface LeaveListener {
  onClientGone(): void;
}

/** Of one connection: what is called when its caller leaves. */
export class ClientSocket {
  listener: LeaveListener | undefined;

  constructor(socket: Socket) {
    socket.once('close', () => this.listener?.onClientGone());
  }
}

export class ClientSockets {
  readonly #bySocket = new WeakMap<Socket, ClientSocket>();

  of(socket: Socket): ClientSocket {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const client = new ClientSocket(socket);
    this.#bySocket.set(socket, client);
    return client;
  }
}
