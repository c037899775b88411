// Our own responses on the proxied path, onto a response or a bare socket. When the caller is still sending, the connection
// closes, but only after it had the time to read the response.

import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Wire } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';
import type { ReplyChannel, RequestContext } from './request-context.ts';

/** A body up to this size is read away and the connection kept; a longer or unknown one ends it. */
const drainedBytesMax = 65_536;
/** How long a caller that is still sending gets to read the response. */
const lingerMs = 1_000;

/** Returns the status sent; 0: none. `isBroken`: the request can be read no further, so the connection ends. */
export const respond = (
  context: RequestContext,
  kind: RefusalClass,
  isBroken: boolean,
  detail?: string,
): number => respondWith(context, context.responseTo(kind, detail), isBroken);

/** Says all there is to say in its head. */
export const noContent: Wire = { status: 204, headers: [], body: '' };

export const respondWith = (context: RequestContext, wire: Wire, isBroken: boolean): number => {
  const { reply } = context;
  if (reply.kind === 'socket')
    return respondOnSocket(reply.socket, wire, context.requestId, context.answerPairs);
  const { response } = reply;
  if (response.headersSent) {
    response.destroy();
    return 0;
  }
  if (response.destroyed || response.socket?.destroyed === true) return 0;
  const ending = isBroken ? 'close' : endingOf(context, reply);
  const headers = [...wire.headers, 'X-Request-Id', context.requestId, ...context.answerPairs];
  if (ending !== 'keep') {
    headers.push('Connection', 'close');
    context.closeAfter();
  }
  response.writeHead(wire.status, headers);
  if (ending === 'linger') endLate(context, response, wire.body);
  else response.end(wire.body);
  return wire.status;
};

/** What becomes of the connection: kept, closed, or closed once the caller has stopped sending. */
const endingOf = (context: RequestContext, reply: ReplyChannel): 'keep' | 'close' | 'linger' => {
  const facts = context.known?.facts;
  // The caller waits for 100, and will not send the body it has announced; unless it has begun to.
  if (reply.kind === 'response' && reply.expectsContinue && !context.request.readableDidRead) return 'close';
  if (facts === undefined) return 'linger';
  if (facts.isChunked || facts.contentLength > drainedBytesMax) return 'linger';
  return context.isLastRefusal ? 'close' : 'keep';
};

const endLate = ({ request }: RequestContext, response: ServerResponse, body: string): void => {
  if (request.method === 'HEAD' || body === '') response.flushHeaders();
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

/** Also the response to bytes that never became a request. */
export const respondOnSocket = (
  socket: Duplex,
  wire: Wire,
  requestId: string,
  answerPairs: readonly string[] = [],
): number => {
  if (socket.destroyed || !socket.writable) return 0;
  const lines = [`HTTP/1.1 ${wire.status} ${STATUS_CODES[wire.status] ?? ''}`];
  const pairs = [...wire.headers, ...answerPairs];
  for (let at = 0; at + 1 < pairs.length; at += 2) lines.push(`${pairs[at]}: ${pairs[at + 1]}`);
  lines.push(
    `X-Request-Id: ${requestId}`,
    `Date: ${new Date().toUTCString()}`,
    'Connection: close',
    '',
    wire.body,
  );
  // The caller may read it, and the connection closes whatever the caller does.
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  socket.end(lines.join('\r\n'), 'latin1');
  socket.resume();
  return wire.status;
};

/** Closes the connection when the response under way has been sent. */
export const endAfter = ({ reply }: RequestContext, socket: Socket): void => {
  if (reply.kind === 'socket') return void socket.destroy();
  const { response } = reply;
  response.shouldKeepAlive = false;
  response.once('close', () => socket.destroySoon());
};
