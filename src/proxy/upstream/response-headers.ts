// The header section of an upstream's response, made fit for the caller: framing checked, hop-by-hop fields removed,
// everything else in its order, spelling and number. It decides nothing and writes nothing.

import type { RouteRule } from '../../decision/route-rule.ts';
import { mapAnswer } from '../../decision/response-mapping.ts';
import type { Exchange } from './exchange.ts';

/** What of a response's header section reaches the caller, and what frames the body. Fields are added in their order. */
export class ResponseHeaders {
  /** Raw pairs `[name, value, name, value, ...]`, Latin-1, without hop-by-hop fields. */
  pairs: string[] = [];
  /** Bytes announced by Content-Length; -1 when the body is chunked, or ends with the connection. */
  contentLength = -1;
  isChunked = false;
  /** The framing could be read in two ways (RFC 9112 section 6.3). */
  isAmbiguous = false;
  /** Values of `Keep-Alive`, joined. */
  keepAlive = '';
  /** Values of `Trailer`, joined: it goes on only where trailers can. */
  trailer = '';
  /** Values of `Connection`, joined, each after a comma. */
  options = '';
  readonly #status: number;

  constructor(status: number) {
    this.#status = status;
  }

  add(name: string, value: string): void {
    switch (name.length) {
      case 2:
      case 7:
      case 10:
      case 14:
      case 16:
      case 17:
        if (this.#keeps(name.toLowerCase(), value)) this.pairs.push(name, value);
        break;
      default:
        this.pairs.push(name, value);
    }
  }

  /** Reads a field that might be hop-by-hop or framing; whether it goes on. */
  #keeps(name: string, value: string): boolean {
    switch (name) {
      case 'te':
      case 'upgrade':
      case 'proxy-connection':
        return false;
      case 'keep-alive':
        this.keepAlive = joined(this.keepAlive, value);
        return false;
      case 'trailer':
        this.trailer = joined(this.trailer, value);
        return false;
      case 'connection':
        this.options += `,${value}`;
        return false;
      case 'content-length':
        if (this.contentLength >= 0 || !digits.test(value)) this.isAmbiguous = true;
        this.contentLength = Number(value);
        // RFC 9110 section 8.6: never in 1xx and 204.
        return this.#status >= 200 && this.#status !== 204;
      case 'transfer-encoding':
        if (this.isChunked || value.toLowerCase() !== 'chunked') this.isAmbiguous = true;
        this.isChunked = true;
        return false;
      default:
        return true;
    }
  }

  /** After the last field. */
  finish(): void {
    if (this.isChunked && this.contentLength >= 0) this.isAmbiguous = true;
    if (this.options !== '' && !ordinaryOptions.has(this.options))
      this.pairs = withoutNamed(this.pairs, this.options);
  }
}

/** From names and values in turn. Undefined when the framing could be read in two ways. */
export const readResponseHeaders = (raw: readonly string[], status: number): ResponseHeaders | undefined => {
  const headers = new ResponseHeaders(status);
  for (let at = 0; at + 1 < raw.length; at += 2) headers.add(raw[at] ?? '', raw[at + 1] ?? '');
  headers.finish();
  return headers.isAmbiguous ? undefined : headers;
};

const joined = (before: string, value: string): string => (before === '' ? value : `${before}, ${value}`);

/** What is ours on the API's answer. */
export type OwnFields = Pick<Exchange, 'requestId' | 'answerPairs' | 'answerMap' | 'via'> & {
  readonly permit: { readonly rule: Pick<RouteRule, 'cors'> };
};

/** Maps what the API says of its own place, and adds what is ours. */
export const addOwn = (
  pairs: string[],
  { permit, requestId, answerPairs, answerMap, via }: OwnFields,
): void => {
  if (answerMap !== undefined) mapAnswer(pairs, answerMap);
  addRequestId(pairs, requestId);
  if (via !== undefined) pairs.push('Via', via);
  if (answerPairs.length > 0) replaceWith(pairs, answerPairs, permit.rule.cors !== undefined);
};

/** X-Request-Id, unless there is one: an API's own id, which its logs have, is worth more to its callers. */
const addRequestId = (pairs: string[], requestId: string): void => {
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at] ?? '';
    if (name.length === 12 && name.toLowerCase() === 'x-request-id') return;
  }
  pairs.push('X-Request-Id', requestId);
};

/**
 * In place: fields named in `own` go, except `Vary`, and those of `own` come last. `isCors`: the API says nothing of CORS itself;
 * two values of Access-Control-Allow-Origin are an error to browsers, and one that reflects any origin would open the route to it.
 */
const replaceWith = (pairs: string[], own: readonly string[], isCors: boolean): void => {
  let end = 0;
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at] ?? '';
    if (isAmong(name, own) || (isCors && name.toLowerCase().startsWith('access-control-'))) continue;
    pairs[end] = name;
    pairs[end + 1] = pairs[at + 1] ?? '';
    end += 2;
  }
  pairs.splice(end, Infinity, ...own);
};

/** Whether one of these few fields has the name, which is not `Vary`. */
const isAmong = (name: string, own: readonly string[]): boolean => {
  for (let at = 0; at < own.length; at += 2) {
    const other = own[at] ?? '';
    if (other.length !== name.length) continue;
    const lower = name.toLowerCase();
    if (other.toLowerCase() === lower) return lower !== 'vary';
  }
  return false;
};

/** For `addTrailers`, without fields that frame, route or authenticate a message (RFC 9110 section 6.5.1). */
export const readTrailers = (raw: readonly string[]): [string, string][] => {
  const trailers: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (!neverInTrailers.has(name.toLowerCase())) trailers.push([name, raw[at + 1] ?? '']);
  }
  return trailers;
};

/** They name no field, and nearly every answer has one of them or none. */
const ordinaryOptions = new Set([',keep-alive', ',Keep-Alive', ',close', ',Close']);

const digits = /^\d{1,15}$/;

/** Fields a `Connection` option cannot remove: losing one would change what the message means. */
const keptWhenNamed = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'date',
]);

const neverInTrailers = new Set([
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'trailer',
  'te',
  'connection',
  'keep-alive',
  'upgrade',
  'host',
  'set-cookie',
  'authorization',
  'www-authenticate',
  'location',
  'cache-control',
]);

/** Removes the fields named by `Connection` (RFC 9110 section 7.6.1). */
const withoutNamed = (pairs: string[], options: string): string[] => {
  const named = new Set(
    options
      .toLowerCase()
      .split(',')
      .map((option) => option.trim())
      .filter((option) => !keptWhenNamed.has(option)),
  );
  return pairs.filter((_, at) => !named.has((pairs[at - (at % 2)] ?? '').toLowerCase()));
};
