// A real web proxy on loopback, as a company has one on its border: CONNECT for https, whole URLs for http. Whatever host is
// asked for, it leads to one port of this machine.
//
//   const proxy = await startWebProxy(t, port);
//   proxy.url                 // for HTTPS_PROXY
//   proxy.requests            // `CONNECT elsewhere.test:443`, `GET http://elsewhere.test/keys`, in order

import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Test } from 'tap';

export interface WebProxy {
  readonly url: string;
  readonly requests: string[];
  /** Of each request. */
  readonly authorizations: (string | undefined)[];
  /** What it does with a CONNECT. */
  connect: 'tunnel' | 'refuse' | 'silence' | 'stalled tunnel';
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
}

export const startWebProxy = async (t: Test, toPort: number): Promise<WebProxy> => {
  const server = createServer((incoming, response) => {
    note(incoming);
    const url = new URL(incoming.url ?? '');
    const onward = request({ port: toPort, path: url.pathname, headers: incoming.headers }, (answer) =>
      answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)),
    );
    incoming.pipe(onward);
  });
  const note = ({ method, url, headers }: IncomingMessage): void => {
    proxy.requests.push(`${method} ${url}`);
    proxy.authorizations.push(headers['proxy-authorization']);
  };
  const open = new Set<Socket>();
  server.on('connection', (socket) => open.add(socket.once('close', () => open.delete(socket))));
  server.on('connect', (incoming, socket: Duplex) => {
    note(incoming);
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end()).resume();
    if (proxy.connect === 'stalled tunnel') socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (proxy.connect === 'refuse') socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    if (proxy.connect !== 'tunnel') return;
    const onward = connect(toPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const proxy: WebProxy = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    authorizations: [],
    connect: 'tunnel',
    idle: async () => void (await Promise.all([...open].map((socket) => once(socket, 'close')))),
  };
  return proxy;
};
