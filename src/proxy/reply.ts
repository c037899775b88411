// Our own answers on the proxied path: a refusal's wire form onto a response or a bare socket, with the request's id.
// When the caller is still sending, the connection closes, but only after it had the time to read the answer.
// It decides nothing.

import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Wire } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';
import type { Exit, Passage } from './passage.ts';

/** A body up to this size is read away and the connection kept; a longer or unknown one ends it. */
const drainedBytesMax = 65_536;
/** How long a caller that is still sending gets to read the answer. */
const lingerMs = 1_000;

/**
 * Sends the answer.
 * @param isBroken the request can be read no further, so the connection ends.
 * @returns the status sent; 0 when nothing could be.
 */
export const answer = (passage: Passage, kind: RefusalClass, isBroken: boolean): number => {
  const { exit } = passage;
  const wire = passage.responseTo(kind);
  if (exit.kind === 'socket') return answerOnSocket(exit.socket, wire, passage.requestId);
  const { response } = exit;
  if (response.headersSent) {
    response.destroy();
    return 0;
  }
  if (response.destroyed || response.socket?.destroyed === true) return 0;
  const ending = isBroken ? 'close' : endingOf(passage, exit);
  const headers = [...wire.headers, 'X-Request-Id', passage.requestId];
  if (ending !== 'keep') {
    headers.push('Connection', 'close');
    passage.closeAfter();
  }
  response.writeHead(wire.status, headers);
  if (ending === 'linger') endLate(passage, response, wire.body);
  else response.end(wire.body);
  return wire.status;
};

/** What becomes of the connection: kept, closed, or closed once the caller has stopped sending. */
const endingOf = (passage: Passage, exit: Exit): 'keep' | 'close' | 'linger' => {
  const { facts } = passage;
  // The caller waits for 100, and will not send the body it has announced.
  if (exit.kind === 'response' && exit.expectsContinue) return 'close';
  if (facts === undefined) return 'linger';
  if (facts.isChunked || facts.contentLength > drainedBytesMax) return 'linger';
  return passage.isLastRefusal ? 'close' : 'keep';
};

const endLate = ({ request, method }: Passage, response: ServerResponse, body: string): void => {
  if (method === 'HEAD') response.flushHeaders();
  else response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once('end', end);
  request.once('close', end);
  request.resume();
};

/** Also the answer to bytes that never became a request. */
export const answerOnSocket = (socket: Duplex, wire: Wire, requestId: string): number => {
  if (socket.destroyed || !socket.writable) return 0;
  const lines = [`HTTP/1.1 ${wire.status} ${STATUS_CODES[wire.status] ?? ''}`];
  for (let at = 0; at + 1 < wire.headers.length; at += 2)
    lines.push(`${wire.headers[at]}: ${wire.headers[at + 1]}`);
  lines.push(
    `X-Request-Id: ${requestId}`,
    `Date: ${new Date().toUTCString()}`,
    'Connection: close',
    '',
    wire.body,
  );
  endSocket(socket, lines.join('\r\n'));
  return wire.status;
};

/** Writes the last bytes of a connection, lets the caller read them, and closes whatever the caller does. */
const endSocket = (socket: Duplex, bytes: string): void => {
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  socket.end(bytes, 'latin1');
  socket.resume();
};

/** Closes the connection when the answer under way has been sent. */
export const endAfter = ({ exit }: Passage, socket: Socket): void => {
  if (exit.kind === 'socket') return void socket.destroy();
  const { response } = exit;
  response.shouldKeepAlive = false;
  response.once('close', () => socket.destroySoon());
};
