// The request that a proxy asks about, read from the request it asks with. Only for peers that are trusted: whoever sends
// these headers says what is judged. A header that is missing or stands twice is a fault with a message for the operator
// of the proxy, never a guess. The target is taken byte for byte. No I/O.

import { isIP } from 'node:net';
import type { Settings } from '../../settings/settings.ts';
import type { RequestHead } from '../request-decision.ts';

type Style = Settings['forwardAuth']['style'];

/** What the proxy asked with. */
export interface AskingRequest {
  readonly method: string;
  /** Path and query; without `forwardAuth.path` where that is set. */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly peerAddress: string;
}

export interface OriginalFault {
  /** What the proxy must be told to do. */
  readonly fault: string;
}

/** Names by which a proxy describes a request, and their values; undefined where there is none. */
type Words = Map<string, string>;

/** Lower case. All of them go no further than here. */
const targetWords: Readonly<Record<Style, readonly string[]>> = {
  original: ['x-original-method', 'x-original-uri', 'x-original-url'],
  forwarded: ['x-forwarded-method', 'x-forwarded-uri'],
  envoy: [],
};
const callerWords: Readonly<Record<Style, readonly string[]>> = {
  original: ['x-forwarded-for', 'x-forwarded-proto'],
  forwarded: ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'],
  envoy: ['x-forwarded-for', 'x-forwarded-proto'],
};

/** Of the connection between the proxy and us, and of a body that is not sent to us. */
const ofConnection = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive', 'te']);
/** What the NGINX Ingress controller adds of its own beside `X-Original-URL`. */
const ofIngress = new Set(['x-auth-request-redirect', 'x-sent-from']);

const methodSyntax = /^[A-Za-z-]{1,32}$/;
/** Scheme, authority and target of an absolute URL, without reading any of them in another way. */
const absoluteUrl = /^(https?):\/\/([^/?#]+)(\/.*)$/;

/** Makes what reads the original request in one style. */
export const createOriginalReader = (style: Style) => {
  const ofTarget = new Set(targetWords[style]);
  const words = new Set([...ofTarget, ...callerWords[style]]);

  return (asking: AskingRequest): RequestHead | OriginalFault => {
    const { rawHeaders } = asking;
    const found: Words = new Map();
    const kept: string[] = [];
    let host: string | undefined;
    let isUpgrade = false;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] ?? '';
      const value = rawHeaders[at + 1] ?? '';
      const lower = name.toLowerCase();
      if (words.has(lower)) {
        if (found.has(lower)) return { fault: `${lower} stands twice; the proxy must set it, not add to it` };
        found.set(lower, value);
      }
      if (lower === 'host') {
        if (host !== undefined) return { fault: 'Host stands twice' };
        host = value;
      } else if (!ofTarget.has(lower) && !ofConnection.has(lower)) {
        if (lower === 'upgrade' && value.toLowerCase() === 'websocket') isUpgrade = true;
        kept.push(name, value);
      }
    }
    const address = lastAddress(found.get('x-forwarded-for'));
    if (address === undefined)
      return { fault: 'X-Forwarded-For is missing, or does not end with an IP address: the caller’s' };
    const original = read(style, asking, found, host);
    if ('fault' in original) return original;
    const { method, target } = original;
    if (!methodSyntax.test(method)) return { fault: 'the method of the original request is no HTTP method' };
    const isFromIngress = found.has('x-original-url');
    return {
      method,
      target,
      rawHeaders: [...hostPair(original.host), ...(isFromIngress ? withoutIngress(kept) : kept)],
      httpVersion: '1.1',
      peer: {
        address: asking.peerAddress,
        isTrusted: true,
        proto: found.get('x-forwarded-proto') === 'https' ? 'https' : 'http',
        forwardedFor: asking.peerAddress,
      },
      isUpgrade,
    };
  };
};

interface Original {
  readonly method: string;
  readonly target: string;
  readonly host: string | undefined;
}

const read = (
  style: Style,
  asking: AskingRequest,
  words: Words,
  host: string | undefined,
): Original | OriginalFault => {
  switch (style) {
    case 'envoy':
      return { method: asking.method, target: asking.target, host };
    case 'forwarded': {
      const method = words.get('x-forwarded-method');
      const target = words.get('x-forwarded-uri');
      const forwardedHost = words.get('x-forwarded-host');
      if (!isWritten(method)) return missing('X-Forwarded-Method');
      if (!isWritten(target)) return missing('X-Forwarded-Uri');
      if (!isWritten(forwardedHost)) return missing('X-Forwarded-Host');
      if (!isWritten(words.get('x-forwarded-proto'))) return missing('X-Forwarded-Proto');
      return { method, target, host: forwardedHost };
    }
    case 'original':
      return readOriginalWords(words, host);
  }
};

const readOriginalWords = (words: Words, host: string | undefined): Original | OriginalFault => {
  const method = words.get('x-original-method');
  const target = words.get('x-original-uri');
  const url = words.get('x-original-url');
  if (!isWritten(method)) return missing('X-Original-Method');
  if (url === undefined) return isWritten(target) ? { method, target, host } : missing('X-Original-URI');
  if (target !== undefined)
    return { fault: 'X-Original-URI and X-Original-URL both stand there; the proxy must send one of them' };
  const [, , authority, rest] = absoluteUrl.exec(url) ?? [];
  return rest === undefined
    ? { fault: 'X-Original-URL is no URL with scheme, host and path' }
    : { method, target: rest, host: authority };
};

const isWritten = (value: string | undefined): value is string => value !== undefined && value !== '';

const missing = (name: string): OriginalFault => ({
  fault: `${name} is missing: the proxy must set it for each request it asks about, see docs/forward-auth.md`,
});

const lastAddress = (forwardedFor: string | undefined): string | undefined => {
  const last = forwardedFor?.slice(forwardedFor.lastIndexOf(',') + 1).trim();
  return last !== undefined && isIP(last) !== 0 ? last : undefined;
};

const hostPair = (host: string | undefined): readonly string[] => (host === undefined ? [] : ['Host', host]);

const withoutIngress = (rawHeaders: readonly string[]): readonly string[] =>
  rawHeaders.filter((_, at) => !ofIngress.has((rawHeaders[at - (at % 2)] ?? '').toLowerCase()));
