// What operators and Kubernetes ask, on its own address: /metrics /livez /readyz. GET and HEAD only, bounded in
// time and connections. It says nothing about callers and takes nothing from them.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AddressesReading } from './metric-sources.ts';
import type { Metrics } from './metrics.ts';

export interface Readiness {
  readonly ready: boolean;
  /** What is missing, one plain line each; empty when ready. */
  readonly reasons: readonly string[];
  /** What should be looked at although requests are served, one plain line each. */
  readonly warnings: readonly string[];
}

export interface OpsSources {
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>;
  isReady(): Readiness;
  /** Upstream's name -> its addresses, for `/readyz?verbose`. */
  upstreams(): Readonly<Record<string, AddressesReading>>;
}

const connectionsMax = 64;
/** Short: who asks every fifteen seconds connects anew, at next to no cost. */
const idleMs = 10_000;

/** The server, not yet listening. /livez is 200 as long as the process turns; /readyz is 503 with the reasons, and lists upstreams with `?verbose`. */
export const createOpsServer = (sources: OpsSources): Server => {
  let rendering: Promise<string> | undefined;
  /** Scrapes that overlap share one rendering. */
  const render = (): Promise<string> => {
    rendering ??= sources.metrics.render().finally(() => {
      rendering = undefined;
    });
    return rendering;
  };
  const server = createServer(
    {
      headersTimeout: 2_000,
      requestTimeout: 2_000,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 8_192,
    },
    (request, response) => {
      answer(request, response, { ...sources, render });
    },
  );
  server.setTimeout(idleMs);
  keepRoom(server);
  return server;
};

/** Of too many, closes the oldest without a request under way, or else the oldest: a probe, the newest, always gets in. */
const keepRoom = (server: Server): void => {
  /** Open connections, the oldest first; true: a request is under way. */
  const open = new Map<Socket, boolean>();
  server.on('connection', (socket: Socket) => {
    open.set(socket, false);
    socket.once('close', () => open.delete(socket));
    if (open.size <= connectionsMax) return;
    const sockets = [...open.keys()];
    const closed = sockets.find((each) => each !== socket && open.get(each) === false) ?? sockets[0];
    // At once: that it has closed is only heard later.
    if (closed !== undefined && open.delete(closed)) closed.destroy();
  });
  server.on('request', ({ socket }, response: ServerResponse) => {
    if (!open.has(socket)) return;
    open.set(socket, true);
    response.once('close', () => {
      if (open.has(socket)) open.set(socket, false);
    });
  });
};

const answer = (
  request: IncomingMessage,
  response: ServerResponse,
  sources: OpsSources & { readonly render: () => Promise<string> },
): void => {
  // A body is never read: the connection ends with the answer.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
    response.setHeader('connection', 'close');
  const [path, query] = request.url?.split('?', 2) ?? [];
  const known = path === '/metrics' || path === '/livez' || path === '/readyz';
  if (!known) return send(response, 404, 'text/plain; charset=utf-8', 'Try /metrics, /livez or /readyz.\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(response, 405, 'text/plain; charset=utf-8', 'GET or HEAD only.\n');
  }
  switch (path) {
    case '/livez':
      return send(response, 200, 'text/plain; charset=utf-8', 'ok\n');
    case '/readyz': {
      const { ready, reasons, warnings } = sources.isReady();
      const isVerbose = new URLSearchParams(query).has('verbose');
      const body = JSON.stringify({
        ready,
        reasons,
        warnings,
        ...(isVerbose && { upstreams: sources.upstreams() }),
      });
      return send(response, ready ? 200 : 503, 'application/json', `${body}\n`);
    }
    case '/metrics':
      sources.render().then(
        (text) => send(response, 200, sources.metrics.contentType, text),
        () => send(response, 500, 'text/plain; charset=utf-8', 'The metrics could not be read.\n'),
      );
  }
};

const send = (response: ServerResponse, status: number, type: string, body: string): void => {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
};
