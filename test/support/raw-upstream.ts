// An upstream that speaks raw bytes, on port 0, a unix socket, or TLS: for answers no HTTP library would send.
//
//   const upstream = await startRawUpstream();
//   t.teardown(() => upstream.close());
//   const connection = await upstream.accept();          // connections in the order they came
//   const request = await connection.readMessage();
//   connection.send('HTTP/1.1 200 OK\r\n\r\n');
//
//   await startRawUpstream({ answer: 'HTTP/1.1 204 No Content\r\n\r\n' })   // the same bytes to every request
//   await startRawUpstream({ serve: async (connection) => { ... } })       // your code for every connection
//   upstream.requests                                                      // every request `answer` has read

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { RawConnection, type RawMessage, Silence } from './raw-connection.ts';

export interface RawUpstreamOptions {
  /** Listen on a unix socket instead of a port. */
  readonly unix?: boolean;
  readonly tls?: TlsOptions;
  /** Instead of 127.0.0.1. */
  readonly host?: string;
  /** Instead of one that the system chooses. */
  readonly port?: number;
  /** Sent in answer to every request, or made from it. */
  readonly answer?: string | ((request: RawMessage) => string);
  readonly serve?: (connection: RawConnection) => Promise<void>;
}

export interface RawUpstream {
  /** `http://127.0.0.1:port`, `https://localhost:port`, or `http://localhost` for a unix socket. */
  readonly origin: string;
  readonly port: number;
  readonly socketPath: string | undefined;
  readonly connections: readonly RawConnection[];
  readonly requests: readonly RawMessage[];
  /** Connections open at this moment. */
  readonly open: number;
  /** The next connection, in the order they came. */
  accept(): Promise<RawConnection>;
  close(): Promise<void>;
}

export const startRawUpstream = async (options: RawUpstreamOptions = {}): Promise<RawUpstream> => {
  const connections: RawConnection[] = [];
  const requests: RawMessage[] = [];
  let open = 0;
  let accepted = 0;
  let wake: (() => void) | undefined;

  const onConnection = (socket: Socket): void => {
    open += 1;
    socket.once('close', () => (open -= 1));
    const connection = new RawConnection(socket);
    connections.push(connection);
    wake?.();
    const serve =
      options.serve ?? (options.answer === undefined ? undefined : answering(options.answer, requests));
    serve?.(connection).catch((error: unknown) => {
      // Whoever waits for its end means the other side's: a connection on which nothing comes any more stays.
      if (!(error instanceof Silence)) socket.destroy(error instanceof Error ? error : undefined);
    });
  };
  const server: Server =
    options.tls === undefined
      ? createServer({ allowHalfOpen: true, noDelay: true }, onConnection)
      : createTlsServer({ ...options.tls, allowHalfOpen: true }, onConnection);
  server.on('tlsClientError', () => undefined);
  // Below TLS: also those whose handshake failed.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  const directory = options.unix === true ? mkdtempSync('/tmp/tg-') : undefined;
  const socketPath = directory === undefined ? undefined : join(directory, 'u.sock');
  server.listen(
    socketPath === undefined
      ? { port: options.port ?? 0, host: options.host ?? '127.0.0.1' }
      : { path: socketPath },
  );
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    origin: originOf(options, port),
    port,
    socketPath,
    connections,
    requests,
    get open() {
      return open;
    },
    accept: async () => {
      while (connections.length <= accepted) await new Promise<void>((resolve) => (wake = resolve));
      return connections[accepted++]!;
    },
    close: async () => {
      for (const connection of connections) connection.socket.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
};

const originOf = (options: RawUpstreamOptions, port: number): string => {
  if (options.unix === true) return 'http://localhost';
  return options.tls === undefined
    ? `http://${options.host ?? '127.0.0.1'}:${port}`
    : `https://localhost:${port}`;
};

const answering =
  (answer: string | ((request: RawMessage) => string), requests: RawMessage[]) =>
  async (connection: RawConnection): Promise<void> => {
    for (;;) {
      const request = await connection.readMessage();
      requests.push(request);
      connection.send(typeof answer === 'string' ? answer : answer(request));
    }
  };
