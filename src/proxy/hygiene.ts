// Step 1: refuse what two parsers could read differently, and gather in one pass over the raw headers all that the later steps
// need of them. Node's strict parser has refused most of it (test/proxy/listener.test.ts); nothing here relies on that.

import { token } from '../decision/http-text.ts';
import { type Denial, denial } from '../decision/outcome.ts';
import { type ClassifyHeader, type HeaderClass, headerClass } from './header-class.ts';
import type { Framing } from './upstream/exchange.ts';

/** The header section of one request, read once. Values as received; a line that repeats is joined by `, `. */
export type HeaderFacts = Readonly<Omit<Reading, 'connection'>>;

/** The facts while they are gathered. */
interface Reading {
  host: string | undefined;
  authorization: string | undefined;
  bareCredentials: string[] | undefined;
  cookies: string[] | undefined;
  /** -1 without a Content-Length. */
  contentLength: number;
  isChunked: boolean;
  connection: string | undefined;
  /** Lower-case names that `Connection` marks as meant for us alone. */
  connectionNames: ReadonlySet<string> | undefined;
  upgrade: string | undefined;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwardedHost: string | undefined;
  forwarded: string | undefined;
  requestId: string | undefined;
  traceparent: string | undefined;
  /** Undefined too where it is not read. */
  via: string | undefined;
  /** Methods that a header asks the API to use instead. */
  methodOverrides: string[] | undefined;
  /** What browsers say; undefined where it is not asked for, or nothing was said. */
  browser: BrowserFacts | undefined;
}

/** What a browser says of the page that sends a request. */
export interface BrowserFacts {
  origin?: string;
  fetchSite?: string;
  corsMethod?: string;
  corsHeaders?: string;
  webSocketKey?: string;
  webSocketProtocol?: string;
}

/** `uri-host [":" port]` of RFC 9110 section 7.2, without user information, escapes and empty names. */
const hostSyntax = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
/** Whether a text is a host that is understood in one way: of Host, or of a target in absolute form. */
export const isHost = (text: string): boolean => hostSyntax.test(text);
const digits = /^\d{1,15}$/;

/** Reads the raw header pairs of a request. HTTP/1.1 and HTTP/1.0 only: Node's parser also lets 0.9 and 2.0 through. */
export const inspectHeaders = (
  rawHeaders: readonly string[],
  httpVersion: string,
  headersMax: number,
  classify: ClassifyHeader,
): HeaderFacts | Denial => {
  const isHttp10 = httpVersion === '1.0';
  if (!isHttp10 && httpVersion !== '1.1') return denial('request_malformed', `HTTP/${httpVersion}`);
  if (rawHeaders.length > headersMax * 2)
    return denial('headers_too_large', `${rawHeaders.length / 2} headers`);
  const facts = nothingRead();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const kind = classify(rawHeaders[at] ?? '');
    if (kind <= headerClass.drop) continue;
    const fault = readHeader(facts, kind, rawHeaders[at + 1] ?? '', isHttp10);
    if (fault !== undefined) return denial('request_malformed', fault);
  }
  const { connection } = facts;
  // RFC 9112 section 6.1
  if (facts.isChunked && facts.contentLength >= 0)
    return denial('request_malformed', 'Transfer-Encoding and Content-Length');
  if (facts.host === undefined && !isHttp10) return denial('request_malformed', 'no Host header');
  if (connection === undefined || plainConnections.has(connection)) return facts;
  const names = readConnection(connection, classify);
  if (names === 'refused') return denial('request_malformed', 'Connection names a header that matters');
  facts.connectionNames = names;
  return facts;
};

/** Every field from the start: all facts then have one hidden class in V8. */
const nothingRead = (): Reading => ({
  host: undefined,
  authorization: undefined,
  bareCredentials: undefined,
  cookies: undefined,
  contentLength: -1,
  isChunked: false,
  connection: undefined,
  connectionNames: undefined,
  upgrade: undefined,
  forwardedFor: undefined,
  forwardedProto: undefined,
  forwardedHost: undefined,
  forwarded: undefined,
  requestId: undefined,
  traceparent: undefined,
  via: undefined,
  methodOverrides: undefined,
  browser: undefined,
});

/** Writes one header into `facts`; answers what is wrong with it. */
const readHeader = (
  facts: Reading,
  kind: HeaderClass,
  value: string,
  isHttp10: boolean,
): string | undefined => {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other classes matter later only
  switch (kind) {
    case headerClass.lookalike:
      return 'a framing header in another spelling';
    case headerClass.host:
      if (facts.host !== undefined) return 'two Host headers';
      if (!isHost(value)) return 'Host is no host';
      facts.host = value;
      break;
    case headerClass.connection:
      facts.connection = joined(facts.connection, value);
      break;
    case headerClass.contentLength:
      if (facts.contentLength >= 0 || !digits.test(value)) return 'Content-Length';
      facts.contentLength = Number(value);
      break;
    case headerClass.transferEncoding:
      if (facts.isChunked || isHttp10 || value.toLowerCase() !== 'chunked')
        return 'Transfer-Encoding other than one chunked';
      facts.isChunked = true;
      break;
    case headerClass.upgrade:
      facts.upgrade = joined(facts.upgrade, value);
      break;
    case headerClass.authorization:
      if (facts.authorization !== undefined) return 'two Authorization headers';
      facts.authorization = value;
      break;
    case headerClass.bareCredential:
      (facts.bareCredentials ??= []).push(value);
      break;
    case headerClass.cookie:
      (facts.cookies ??= []).push(value);
      break;
    case headerClass.methodOverride:
      (facts.methodOverrides ??= []).push(value);
      break;
    case headerClass.forwardedFor:
      facts.forwardedFor = joined(facts.forwardedFor, value);
      break;
    case headerClass.forwardedProto:
      facts.forwardedProto = joined(facts.forwardedProto, value);
      break;
    case headerClass.forwardedHost:
      facts.forwardedHost = joined(facts.forwardedHost, value);
      break;
    case headerClass.forwarded:
      facts.forwarded = joined(facts.forwarded, value);
      break;
    case headerClass.requestId:
      facts.requestId = joined(facts.requestId, value);
      break;
    case headerClass.traceparent:
      facts.traceparent = joined(facts.traceparent, value);
      break;
    case headerClass.via:
      facts.via = joined(facts.via, value);
      break;
    default:
      if (kind >= headerClass.origin) readBrowserHeader((facts.browser ??= {}), kind, value);
      break;
  }
  return undefined;
};

const browserNames: Readonly<Partial<Record<HeaderClass, keyof BrowserFacts>>> = {
  [headerClass.origin]: 'origin',
  [headerClass.fetchSite]: 'fetchSite',
  [headerClass.corsMethod]: 'corsMethod',
  [headerClass.corsHeaders]: 'corsHeaders',
  [headerClass.webSocketKey]: 'webSocketKey',
  [headerClass.webSocketProtocol]: 'webSocketProtocol',
};

/** A line that stands twice is joined, and so is no origin and no method. */
const readBrowserHeader = (browser: BrowserFacts, kind: HeaderClass, value: string): void => {
  const name = browserNames[kind];
  if (name !== undefined) browser[name] = joined(browser[name], value);
};

const joined = (before: string | undefined, value: string): string =>
  before === undefined ? value : `${before}, ${value}`;

/** What nearly every client sends, and names no header of its own. */
const plainConnections = new Set([
  'keep-alive',
  'close',
  'Keep-Alive',
  'Close',
  'Upgrade',
  'upgrade',
  'keep-alive, Upgrade',
]);

/** Connection options that are not names of headers to drop, or that are dropped anyway. */
const connectionOptions = new Set(['', 'close', 'keep-alive', 'upgrade', 'te', 'http2-settings']);

/**
 * RFC 9110 section 7.6.1: a field named by Connection goes no further. One that this proxy acts on, or that says what
 * the body is, may not be taken away like that.
 */
const readConnection = (
  connection: string,
  classify: ClassifyHeader,
): ReadonlySet<string> | undefined | 'refused' => {
  const names = new Set<string>();
  for (const part of connection.split(',')) {
    const name = part.trim().toLowerCase();
    if (connectionOptions.has(name)) continue;
    if (!token.test(name) || name.startsWith('content-')) return 'refused';
    const kind = classify(name);
    if (kind > headerClass.drop) return 'refused';
    names.add(name);
  }
  return names.size === 0 ? undefined : names;
};

/** Whether the request asks for a WebSocket (RFC 6455 section 4.1); `h2c` and the like are ordinary requests. */
export const asksForWebSocket = (facts: Pick<HeaderFacts, 'upgrade'>): boolean =>
  facts.upgrade !== undefined && facts.upgrade.toLowerCase() === 'websocket';

/** How the request's body ends. A Content-Length of 0 is no body. */
export const framingOf = ({ isChunked, contentLength }: HeaderFacts): Framing => {
  if (isChunked) return 'chunked';
  return contentLength > 0 ? contentLength : 'none';
};
