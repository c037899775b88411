// What undici does not say of one connection to an upstream; and corrects two faults of undici's parser. It never sees, changes
// or holds back a byte: the parser reads everything the upstream sends, as it was sent.

import type { Socket } from 'node:net';

/** Called when the socket has no more bytes for now. */
export interface DryListener {
  onDry(): void;
}

export class UpstreamSocket {
  /** Whole responses this socket has carried; more than 0: a request on it may meet a connection that has gone stale. */
  served = 0;
  /** The first byte of a response to the current request has arrived. */
  hasAnswer = false;
  /** An exchange on this socket went wrong: its end says nothing of how long the upstream keeps idle ones. */
  hasFailed = false;
  /** The interim response being handed on is a `100 Continue`; undici is given 102 for it. */
  isContinue = false;
  readonly #socket: Socket;
  #listener: DryListener | undefined;

  /** `socket` as undici's `connect` event leaves it: with its parser. Throws when the parser is not the one known here. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.#correct(parserOf(socket));
  }

  /** A request is about to be written. */
  expectResponse(listener: DryListener): void {
    this.hasAnswer = false;
    this.#listener = listener;
  }

  /** The exchange on this socket is over. */
  rest(): void {
    this.#listener = undefined;
  }

  /** Closes it while it is idle; undici connects anew for the next request. */
  retire(): void {
    this.#socket.destroy();
  }

  #correct(parser: Parser): void {
    const { onHeadersComplete, readMore } = parser;
    // undici ends the connection at a 100 nobody asked for, which a client must be able to read (RFC 9110 section 15.2).
    // To the parser all interim responses are one: a head without a body, and the next head follows.
    parser.onHeadersComplete = (status, isUpgrade, shouldKeepAlive) => {
      this.isContinue = status === 100;
      return onHeadersComplete.call(parser, this.isContinue ? 102 : status, isUpgrade, shouldKeepAlive);
    };
    // undici keeps the last piece of a reason phrase that comes in several, and reads it as UTF-8.
    parser.onStatus = (piece) => {
      parser.statusText += piece.toString('latin1');
      parser.trackHeader(piece.length);
      return 0;
    };
    parser.readMore = () => {
      readMore.call(parser);
      if (!parser.paused) this.#listener?.onDry();
    };
  }
}

/** What is used here of undici's parser (class `Parser` in its lib/dispatcher/client-h1.js). */
interface Parser {
  readonly paused: boolean;
  /** The reason phrase; undici empties it after each response, interim ones too. */
  statusText: string;
  /** Counts bytes of a head; ends the connection where they are more than `maxHeaderSize`. */
  trackHeader(bytes: number): void;
  /** Returns 0 to go on. */
  onStatus: (piece: Buffer) => number;
  /** Returns what llhttp is to do next. */
  onHeadersComplete: (status: number, isUpgrade: boolean, shouldKeepAlive: boolean) => number;
  /** Parses all that has been received, unless paused. */
  readMore: () => void;
}

/** undici keeps the parser of a socket on the socket, under a symbol of its own. */
const parserOf = (socket: Socket): Parser => {
  for (const key of Object.getOwnPropertySymbols(socket)) {
    if (key.description !== 'parser') continue;
    const value: unknown = Reflect.get(socket, key);
    if (isParser(value)) return value;
  }
  throw new Error('this version of undici has another response parser: upstream-socket.ts must follow it');
};

const isParser = (value: unknown): value is Parser =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'paused') === 'boolean' &&
  typeof Reflect.get(value, 'statusText') === 'string' &&
  ['trackHeader', 'onStatus', 'onHeadersComplete', 'readMore'].every(
    (name) => typeof Reflect.get(value, name) === 'function',
  );
