// Where proxies ask: a listener of its own, or a path on the callers' one. It decides nothing.

import type { IncomingMessage } from 'node:http';
import { wireOfClass } from '../../decision/refusal.ts';
import type { Settings } from '../../settings/settings.ts';
import { requestIdOf } from '../correlation.ts';
import { createListener, type Handler, type Listener, type Serve } from '../listener.ts';
import { respondOnSocket } from '../reply.ts';

/** A listener that does not listen yet. Plain HTTP: it is for proxies nearby. */
export const createAuthListener = (limits: Settings['limits'], answer: Serve): Listener =>
  createListener(
    { limits, tls: undefined },
    {
      connection: (socket) => void socket.on('error', () => socket.destroy()),
      request: answer,
      // The body stays with the proxy.
      checkContinue: answer,
      checkExpectation: answer,
      // It asks about an upgrade; its own connection stays as it is.
      shouldUpgrade: () => false,
      upgrade: (_request, socket) => socket.destroy(),
      connect: (_request, socket) => socket.destroy(),
      clientError: (_error, socket) => {
        respondOnSocket(socket, wireOfClass('malformed'), requestIdOf(undefined));
      },
    },
  );

/** The callers' handler, but for `path` and all below it. */
export const withAuthPath = (handler: Handler, path: string, answer: Serve): Handler => {
  const isAsked = ({ url = '' }: IncomingMessage): boolean =>
    url.startsWith(path) &&
    (url.length === path.length || url[path.length] === '/' || url[path.length] === '?');
  const unlessAsked =
    (serve: Serve): Serve =>
    (request, response) =>
      isAsked(request) ? answer(request, response) : serve(request, response);
  return {
    ...handler,
    request: unlessAsked(handler.request),
    checkContinue: unlessAsked(handler.checkContinue),
    checkExpectation: unlessAsked(handler.checkExpectation),
    shouldUpgrade: (request) => !isAsked(request) && handler.shouldUpgrade(request),
  };
};
