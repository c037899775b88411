// A real JWKS endpoint on loopback whose answer a test can change, count and hold back.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Test } from 'tap';
import { listenRestartably, type Restartable } from '../support/restartable-server.ts';
import { serverCertificate, serverKey } from './tls-certificates.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface JwksServer extends Pick<Restartable, 'stop' | 'start'> {
  readonly url: string;
  /** Requests received so far. */
  requests: number;
  answer: Answer;
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
  const { port, stop, start } = await listenRestartably(t, server);
  const jwks: JwksServer = {
    url: `${scheme}://127.0.0.1:${port}/jwks.json`,
    requests: 0,
    answer: answerJson({ keys }),
    stop,
    start,
  };
  return jwks;
};
