// A request's way onto a socket: the head as one string, the body by Content-Length or in chunks. What would break out of its line
// is refused, even if an earlier check let it pass. It reads nothing and waits for nothing.

import type { Socket } from 'node:net';
import { token } from '../../decision/http-text.ts';
import type { Framing } from './exchange.ts';

export interface RequestHeadParts {
  readonly method: string;
  readonly target: string;
  /** Raw pairs, Latin-1, Host among them, without framing and hop-by-hop fields. */
  readonly headers: readonly string[];
  readonly framing: Framing;
  /** The caller waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** Whether the connection may carry another request. */
  readonly keepsAlive: boolean;
}

/** The head section, Latin-1. Undefined when something in it cannot be sent: a bug in the code that built it. */
export const requestHeadOf = (parts: RequestHeadParts): string | undefined => {
  const { method, target, headers, framing } = parts;
  if (!token.test(method) || !targetSyntax.test(target)) return undefined;
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (!token.test(name) || isOurs(name) || unsafe.test(value)) return undefined;
    head += `${name}: ${value}\r\n`;
  }
  head += parts.keepsAlive ? 'connection: keep-alive\r\n' : 'connection: close\r\n';
  if (parts.expectsContinue) head += 'expect: 100-continue\r\n';
  if (framing === 'chunked') return `${head}transfer-encoding: chunked\r\n\r\n`;
  if (framing !== 'none') return `${head}content-length: ${framing}\r\n\r\n`;
  // RFC 9110 section 8.6
  return methodsWithContent.has(method) ? `${head}content-length: 0\r\n\r\n` : `${head}\r\n`;
};

/** No blank, no control character, nothing beyond one byte. */
const targetSyntax = /^[\x21-\x7e\x80-\xff]+$/;
/** RFC 9110 section 5.5. A character beyond one byte would lose its upper half, and U+010A is a line feed without it. */
const unsafe = /[^\t\x20-\x7e\x80-\xff]/;
const methodsWithContent = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);

/** Framing and the connection are decided here alone. */
const isOurs = (name: string): boolean => {
  switch (name.length) {
    case 6:
    case 7:
    case 10:
    case 14:
    case 17:
      return ownNames.has(name.toLowerCase());
    default:
      return false;
  }
};

const ownNames = new Set([
  'expect',
  'upgrade',
  'connection',
  'keep-alive',
  'content-length',
  'transfer-encoding',
]);

/** Writes one request after the other onto a socket. */
export class RequestWriter {
  /** The request has been written whole. */
  isWhole = true;
  readonly #socket: Socket;
  #isChunked = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** `body`: what of it is here already; `isLast`: all of it. False: the socket has enough for now. */
  begin(head: string, isChunked: boolean, body: Buffer | undefined, isLast: boolean): boolean {
    const socket = this.#socket;
    this.#isChunked = isChunked;
    this.isWhole = isLast;
    if (body === undefined) return socket.write(head, 'latin1');
    if (body.length <= stringBytesMax) {
      const framed = isChunked ? chunkOf(body, isLast) : body.toString('latin1');
      return socket.write(head + framed, 'latin1');
    }
    socket.cork();
    socket.write(head, 'latin1');
    const hasRoom = this.write(body, isLast);
    socket.uncork();
    return hasRoom;
  }

  /** A further piece of the body; it may be empty when it is the last. False: the socket has enough for now. */
  write(piece: Buffer, isLast: boolean): boolean {
    const socket = this.#socket;
    this.isWhole = isLast;
    if (!this.#isChunked) return piece.length === 0 || socket.write(piece);
    if (piece.length <= stringBytesMax) return socket.write(chunkOf(piece, isLast), 'latin1');
    socket.cork();
    socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
    socket.write(piece);
    const hasRoom = socket.write(isLast ? `\r\n${lastChunk}` : '\r\n', 'latin1');
    socket.uncork();
    return hasRoom;
  }
}

/** Small pieces go out as one string: as buffers they would be a dearer writev. */
const stringBytesMax = 12_288;

const lastChunk = '0\r\n\r\n';

const chunkOf = (piece: Buffer, isLast: boolean): string => {
  const chunk = piece.length === 0 ? '' : `${piece.length.toString(16)}\r\n${piece.toString('latin1')}\r\n`;
  return isLast ? chunk + lastChunk : chunk;
};
