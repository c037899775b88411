// An HTTP server on loopback that a test takes down and brings up again at the same port.

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export interface Restartable {
  readonly port: number;
  /** Closes the listener and all connections: from now on the server is down. */
  readonly stop: () => Promise<void>;
  /** Listens on the same port again. */
  readonly start: () => Promise<void>;
}

/** Listens on a free port; ends with the test. */
export const listenRestartably = async (t: Test, server: Server): Promise<Restartable> => {
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  t.teardown(stop);
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return { port, stop, start: () => listen(port) };
};
