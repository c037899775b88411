// A caller's connection, as the exchange on it sees it: the exchange hears at once when its caller leaves, by one listener for each
// connection instead of one for each request. It reads and writes nothing.

import type { Socket } from 'node:net';

export interface LeavingListener {
  onClientGone(): void;
}

export interface CallerSocket {
  /** The one under way: a connection has one exchange at a time (proxy/waiting-line.ts). */
  exchange: LeavingListener | undefined;
}

const known = new WeakMap<Socket, CallerSocket>();

export const callerSocketOf = (socket: Socket): CallerSocket => {
  const before = known.get(socket);
  if (before !== undefined) return before;
  const caller: CallerSocket = { exchange: undefined };
  socket.once('close', () => caller.exchange?.onClientGone());
  known.set(socket, caller);
  return caller;
};
