// Which exchanges are under way on which caller's socket, so that each hears at once when its caller leaves: one listener
// per connection instead of one per request, also for pipelined requests whose response has no socket yet.

import type { Socket } from 'node:net';

export interface LeaveListener {
  onClientGone(): void;
}

export class ClientSockets {
  readonly #exchanges = new WeakMap<Socket, Set<LeaveListener>>();

  /** False when the caller has left already. */
  watch(socket: Socket, exchange: LeaveListener): boolean {
    if (socket.destroyed) return false;
    let exchanges = this.#exchanges.get(socket);
    if (exchanges === undefined) {
      exchanges = new Set();
      this.#exchanges.set(socket, exchanges);
      socket.once('close', leave.bind(undefined, exchanges));
    }
    exchanges.add(exchange);
    return true;
  }

  unwatch(socket: Socket, exchange: LeaveListener): void {
    this.#exchanges.get(socket)?.delete(exchange);
  }
}

const leave = (exchanges: ReadonlySet<LeaveListener>): void => {
  for (const exchange of exchanges) exchange.onClientGone();
};
