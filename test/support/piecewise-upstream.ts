// An upstream that sends the same response cut into pieces as the test says, each piece a TCP segment of its own that the
// other side has read before the next one leaves.
//
//   const upstream = await startPiecewiseUpstream(t);
//   upstream.next = { pieces: ['HTTP/1.1 200 O', 'K\r\n\r\nbody'], isClosed: true };   // for the next request

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Test } from 'tap';
import { RawConnection } from './raw-connection.ts';

export interface PiecewiseResponse {
  /** Latin-1. */
  readonly pieces: readonly string[];
  /** The end of the connection is the end of the response. */
  readonly isClosed: boolean;
}

export interface PiecewiseUpstream {
  readonly origin: string;
  readonly socketPath: undefined;
  readonly port: number;
  next: PiecewiseResponse;
}

/**
 * `isRead` waits until all that was sent on a connection has been read (`watchReads` for a proxy); without it a few turns of
 * the event loop must do.
 */
export const startPiecewiseUpstream = async (
  t: Test,
  isRead: (connection: RawConnection) => Promise<void> = takeTurns,
): Promise<PiecewiseUpstream> => {
  const upstream: { next: PiecewiseResponse } = { next: { pieces: [], isClosed: false } };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(new RawConnection(socket)).catch(() => socket.destroy());
  });
  const serve = async (connection: RawConnection): Promise<void> => {
    for (;;) {
      await connection.readMessage();
      const { pieces, isClosed } = upstream.next;
      for (const piece of pieces) {
        connection.send(piece);
        await isRead(connection);
      }
      if (!isClosed) continue;
      connection.end();
      return;
    }
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(upstream, { origin: `http://127.0.0.1:${port}`, socketPath: undefined, port });
};

const takeTurns = async (): Promise<void> => {
  for (let count = 0; count < 3; count += 1) await turn();
};
