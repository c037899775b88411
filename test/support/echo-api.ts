// A real API behind the gate that tells what it received, and can be made to take its time.
//
//   /anything   200, { method, url, headers } as it received them
//   /slow...    holds its answer until the test says `release()`
//   /stream...  a long response: 200 and `data: hello`, then a tick now and then, until somebody ends it
//   /ws...      a WebSocket that greets with the identity headers it received and echoes

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { WebSocketServer } from 'ws';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface EchoApi {
  readonly url: string;
  readonly port: number;
  /** Every request that reached it, oldest first. */
  readonly received: readonly Received[];
  /** Responses under way: slow ones and streams. */
  readonly open: number;
  /** Answers everything that is held, and from now on holds nothing. */
  release(): void;
}

const tickMs = 100;

/** Listens on a free port of 127.0.0.1; ends with the test. */
export const startEchoApi = async (
  t: Test,
  tls?: { readonly cert: string; readonly key: string },
): Promise<EchoApi> => {
  const received: Received[] = [];
  const held = new Set<() => void>();
  let isReleased = false;
  let open = 0;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url = '', headers } = request;
    received.push({ method, url, headers });
    request.resume();
    const send = (): void => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ method, url, headers }));
    };
    if (!/^\/(?:slow|stream)/.test(url)) return send();
    open += 1;
    response.once('close', () => {
      open -= 1;
    });
    if (url.startsWith('/slow')) {
      if (isReleased) send();
      else held.add(send);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: hello\n\n');
    const ticker = setInterval(() => response.write('data: tick\n\n'), tickMs);
    response.once('close', () => clearInterval(ticker));
  };
  const server: Server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.on('upgrade', (request, socket, head) => {
    received.push({ method: 'GET', url: request.url ?? '', headers: request.headers });
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => webSocket.terminate());
      webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
      webSocket.send(JSON.stringify(request.headers));
    });
  });
  const webSockets = new WebSocketServer({ noServer: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    for (const client of webSockets.clients) client.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    port,
    received,
    get open() {
      return open;
    },
    release: () => {
      isReleased = true;
      for (const send of held) send();
      held.clear();
    },
  };
};
