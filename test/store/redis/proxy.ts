// A wire between the store and a server that a test can cut at will: with TLS, or swallowing a reply.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Test } from 'tap';

export interface Wire {
  readonly port: number;
  /** Resolves once a command with this word in it was sent on; its reply is swallowed and the connection cut. */
  loseReplyTo(word: string): Promise<void>;
}

/** Listens on a loopback port and passes everything to the server's unix socket. */
export const startWire = async (
  t: Test,
  socketPath: string,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Wire> => {
  const sockets = new Set<Socket>();
  let cut: { readonly word: string; readonly done: () => void } | undefined;
  const pass = (near: Socket): void => {
    const far = connect(socketPath);
    let isCut = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (data) => {
      if (cut !== undefined && data.includes(cut.word)) isCut = true;
      far.write(data);
    });
    far.on('data', (data) => {
      // A server that does not know the script yet has done nothing; it is sent again whole.
      if (data.includes('NOSCRIPT')) isCut = false;
      if (!isCut) return void near.write(data);
      // The server has done it; the answer never arrives.
      const { done } = cut ?? { done: () => undefined };
      cut = undefined;
      near.destroy();
      done();
    });
  };
  const server: Server = tls === undefined ? createServer(pass) : createTlsServer(tls, pass);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    loseReplyTo: (word) =>
      new Promise((done) => {
        cut = { word, done };
      }),
  };
};
