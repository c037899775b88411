// The header section of an upstream's response, made fit for the caller: framing checked, hop-by-hop fields removed,
// everything else in its order, spelling and number. It decides nothing and writes nothing.

import type { Exchange } from './exchange.ts';

/** What of a response's head reaches the caller. */
export interface ResponseHeaders {
  /** Raw pairs `[name, value, name, value, ...]`, Latin-1. */
  readonly pairs: string[];
  /** Bytes announced by Content-Length; -1 when the body is chunked or ends with the connection. */
  readonly contentLength: number;
}

/**
 * From names and values in turn. Undefined when the framing could be read in two ways (RFC 9112 section 6.3). 204 carries no
 * Content-Length (RFC 9110 section 8.6); `Trailer` only goes where trailers can.
 */
export const readResponseHeaders = (
  raw: readonly (Buffer | string)[],
  status: number,
): ResponseHeaders | undefined => {
  const pairs: string[] = [];
  let contentLength = -1;
  let isChunked = false;
  let options = '';
  let trailer: string | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = latin1(raw[at]);
    switch (name.length) {
      case 2:
      case 7:
      case 10:
      case 14:
      case 16:
      case 17: {
        const value = latin1(raw[at + 1]);
        switch (name.toLowerCase()) {
          case 'te':
          case 'upgrade':
          case 'keep-alive':
          case 'proxy-connection':
            continue;
          case 'trailer':
            trailer = trailer === undefined ? value : `${trailer}, ${value}`;
            continue;
          case 'connection':
            options += `,${value}`;
            continue;
          case 'content-length':
            if (contentLength >= 0 || !digits.test(value)) return undefined;
            contentLength = Number(value);
            if (status !== 204) pairs.push(name, value);
            continue;
          case 'transfer-encoding':
            if (isChunked || value.toLowerCase() !== 'chunked') return undefined;
            isChunked = true;
            continue;
          default:
            pairs.push(name, value);
            continue;
        }
      }
      default:
        pairs.push(name, latin1(raw[at + 1]));
    }
  }
  if (isChunked && contentLength >= 0) return undefined;
  if (trailer !== undefined && isChunked) pairs.push('Trailer', trailer);
  return {
    pairs: options.length > ordinaryOptionsLength ? withoutNamed(pairs, options) : pairs,
    contentLength,
  };
};

/** What is ours on the API's answer. */
export type OwnFields = Pick<Exchange, 'requestId' | 'answerPairs' | 'via'>;

/** Adds what is ours. */
export const addOwn = (pairs: string[], { requestId, answerPairs, via }: OwnFields): void => {
  addRequestId(pairs, requestId);
  if (via !== undefined) pairs.push('Via', via);
  if (answerPairs.length > 0) replaceWith(pairs, answerPairs);
};

/** X-Request-Id, unless there is one: an API's own id, which its logs have, is worth more to its callers. */
const addRequestId = (pairs: string[], requestId: string): void => {
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at] ?? '';
    if (name.length === 12 && name.toLowerCase() === 'x-request-id') return;
  }
  pairs.push('X-Request-Id', requestId);
};

/** In place: fields named in `own` go, except `Vary`, and those of `own` come last. */
const replaceWith = (pairs: string[], own: readonly string[]): void => {
  const replaced = new Set<string>();
  for (let at = 0; at < own.length; at += 2) replaced.add((own[at] ?? '').toLowerCase());
  replaced.delete('vary');
  let end = 0;
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at] ?? '';
    if (replaced.has(name.toLowerCase())) continue;
    pairs[end] = name;
    pairs[end + 1] = pairs[at + 1] ?? '';
    end += 2;
  }
  pairs.splice(end, Infinity, ...own);
};

/** For `addTrailers`, without fields that frame, route or authenticate a message (RFC 9110 section 6.5.1). */
export const readTrailers = (raw: readonly (Buffer | string)[]): [string, string][] => {
  const trailers: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = latin1(raw[at]);
    if (!neverInTrailers.has(name.toLowerCase())) trailers.push([name, latin1(raw[at + 1])]);
  }
  return trailers;
};

/** `,keep-alive` and `,close` name no field. */
const ordinaryOptionsLength = 11;

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

const latin1 = (bytes: Buffer | string | undefined): string =>
  typeof bytes === 'object' ? bytes.toString('latin1') : (bytes ?? '');
