// Where proxies ask: a listener of its own, or a path on the callers' one. It decides nothing.

import type { IncomingMessage } from 'node:http';
import type { Settings } from '../../settings/settings.ts';
import { createListener, type Handler, type Listener } from '../listener.ts';
import type { AnswerProxy } from './forward-auth.ts';

/** A listener that does not listen yet. Plain HTTP: it is for proxies nearby. */
export const createAuthListener = (limits: Settings['limits'], answer: AnswerProxy): Listener =>
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
        if (socket.writable) socket.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
        socket.destroySoon();
      },
    },
  );

/** The callers' handler, but for `path` and all below it. */
export const withAuthPath = (handler: Handler, path: string, answer: AnswerProxy): Handler => {
  const isAsked = ({ url = '' }: IncomingMessage): boolean =>
    url.startsWith(path) &&
    (url.length === path.length || url[path.length] === '/' || url[path.length] === '?');
  return {
    ...handler,
    request: (request, response) =>
      isAsked(request) ? answer(request, response) : handler.request(request, response),
    checkContinue: (request, response) =>
      isAsked(request) ? answer(request, response) : handler.checkContinue(request, response),
    checkExpectation: (request, response) =>
      isAsked(request) ? answer(request, response) : handler.checkExpectation(request, response),
    shouldUpgrade: (request) => !isAsked(request) && handler.shouldUpgrade(request),
  };
};
