// The example API behind `npm start`: an HTTP service that knows nothing of tokens and believes the identity headers.
// `/things` (GET, POST), `/echo` shows the headers it received, `/health`, and a WebSocket at `/ws` that echoes.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';

const things = [
  { id: 1, name: 'anchor' },
  { id: 2, name: 'bell' },
  { id: 3, name: 'compass' },
];

/** Starts nothing: the caller listens. Answers JSON; unknown paths are 404. */
export const createExampleApi = (): Server => {
  const server = createServer(answer);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536 });
  server.on('upgrade', (request, socket, head) => {
    if (request.url?.split('?')[0] !== '/ws') return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => webSocket.terminate());
      webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
      webSocket.send(JSON.stringify({ hello: request.headers['x-identity-user'] ?? 'nobody' }));
    });
  });
  server.on('close', () => sockets.close());
  return server;
};

const answer = (request: IncomingMessage, response: ServerResponse): void => {
  request.resume();
  switch ((request.url ?? '').split('?', 1)[0] ?? '') {
    case '/things':
      return request.method === 'POST'
        ? send(response, 201, { created: true, by: request.headers['x-identity-user'] })
        : send(response, 200, { things, askedBy: request.headers['x-identity-user'] });
    case '/echo':
      return send(response, 200, { method: request.method, url: request.url, headers: request.headers });
    case '/health':
      return send(response, 200, { status: 'ok' });
    default:
      return send(response, 404, { error: `no such thing as ${String(request.url)}` });
  }
};

const send = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify(body, undefined, 2)}\n`);
};
