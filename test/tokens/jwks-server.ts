// A real JWKS endpoint on loopback whose answer a test can change, count and hold back.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { serverCertificate, serverKey } from './tls-certificates.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface JwksServer {
  readonly url: string;
  /** Requests received so far. */
  requests: number;
  answer: Answer;
  /** Closes the listener and all connections: from now on the endpoint is down. */
  stop(): Promise<void>;
  /** Listens on the same port again. */
  start(): Promise<void>;
}

export const answerJson =
  (body: unknown): Answer =>
  (_request, response) =>
    void response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify(body));

/** Serves `{ keys }` until told otherwise; stops with the test. */
export const startJwksServer = async (
  t: Test,
  keys: readonly unknown[],
  scheme: 'http' | 'https' = 'http',
): Promise<JwksServer> => {
  const listener: Answer = (request, response) => {
    jwks.requests += 1;
    jwks.answer(request, response);
  };
  const server: Server =
    scheme === 'http'
      ? createServer(listener)
      : createTlsServer({ cert: serverCertificate, key: serverKey }, listener);
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
  const jwks: JwksServer = {
    url: `${scheme}://127.0.0.1:${port}/jwks.json`,
    requests: 0,
    answer: answerJson({ keys }),
    stop,
    start: () => listen(port),
  };
  return jwks;
};
