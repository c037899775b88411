// The request that a proxy asks about, read from the request it asks with; only for peers that are trusted. A header that is
// missing or stands twice is a fault with a message for the operator, never a guess. Of the target, escapes are put
// into normal form.

import { withoutCredentials } from '../../decision/borrowed-places.ts';
import { normalTarget } from '../../decision/normal-path.ts';
import { namesCaller } from '../caller-address.ts';
import type { RequestHead } from '../request-decision.ts';
import { nameUse, part, type QuestionNames, type Style, words } from './question-names.ts';

/** What the proxy asked with. */
export interface AskingRequest {
  readonly method: string;
  /** Path and query; without `forwardAuth.path` where that is set. */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly peerAddress: string;
}

export interface OriginalRequest {
  readonly head: RequestHead;
  /** Headers, as spelled, that the caller may not send; and those that may carry its credential. */
  readonly spoofed: readonly string[];
  readonly proxyWords: readonly string[];
  readonly credentials: readonly string[];
  /** The body stays with the proxy, so what comes next on its connection could be read as it. */
  readonly announcesBody: boolean;
}

export interface OriginalFault {
  /** What the proxy must be told to do. */
  readonly fault: string;
}

const methodSyntax = /^[A-Za-z-]{1,32}$/;
/** The target of an absolute URL, without reading any of it in another way. */
const absoluteUrl = /^https?:\/\/([^/?#]+)(\/.*)$/;

export const readOriginal = (
  style: Style,
  names: QuestionNames,
  asking: AskingRequest,
): OriginalRequest | OriginalFault => {
  const { rawHeaders, peerAddress } = asking;
  const found: (string | undefined)[] = [];
  let spoofed: string[] | undefined;
  let proxyWords: string[] | undefined;
  let credentials: string[] | undefined;
  let isUpgrade = false;
  let announcesBody = false;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const use = names.useOf(name);
    if (use === nameUse.plain) continue;
    if (use >= nameUse.word) {
      const place = use - nameUse.word;
      if (found[place] !== undefined)
        return { fault: `${words[style][place]} stands twice; the proxy must set it, not add to it` };
      found[place] = rawHeaders[at + 1] ?? '';
    } else if (use === nameUse.credential) (credentials ??= []).push(name);
    else if (use === nameUse.protocols) {
      if (carriesCredential(rawHeaders[at + 1] ?? '', names)) (credentials ??= []).push(name);
    } else if (use === nameUse.spoof) (spoofed ??= []).push(name);
    else if (use === nameUse.proxyWord) (proxyWords ??= []).push(name);
    else if (use === nameUse.body) announcesBody ||= rawHeaders[at + 1] !== '0';
    else if (use === nameUse.upgrade) {
      // Another one, such as `h2c`, would open a way to the API that nobody judges.
      if (rawHeaders[at + 1]?.toLowerCase() === 'websocket') isUpgrade = true;
      else (spoofed ??= []).push(name);
    }
  }
  if (!namesCaller(found[part.forwardedFor]))
    return { fault: 'X-Forwarded-For is missing, or does not end with an IP address: the caller’s' };
  const original = describedBy(style, asking, found);
  if ('fault' in original) return original;
  const { method } = original;
  if (!methodSyntax.test(method)) return { fault: 'the method of the original request is no HTTP method' };
  return {
    head: {
      method,
      // Forwarded as the proxy wrote it: no server that reads escapes as RFC 3986 does can tell the two apart.
      target: normalTarget(original.target),
      host: original.host,
      rawHeaders,
      httpVersion: '1.1',
      peer: {
        address: peerAddress,
        isTrusted: true,
        proto: found[part.proto] === 'https' ? 'https' : 'http',
        forwardedFor: peerAddress,
      },
      isUpgrade,
    },
    spoofed: spoofed ?? none,
    proxyWords: proxyWords ?? none,
    credentials: credentials ?? none,
    announcesBody,
  };
};

const carriesCredential = (line: string, { protocolPrefix }: QuestionNames): boolean =>
  protocolPrefix !== undefined && withoutCredentials(line, protocolPrefix) !== line;

const none: readonly string[] = [];

interface Description {
  readonly method: string;
  readonly target: string;
  /** Undefined: Host says it. */
  readonly host?: string | undefined;
}

type Found = readonly (string | undefined)[];

const describedBy = (style: Style, asking: AskingRequest, found: Found): Description | OriginalFault => {
  if (style === 'envoy') return asking;
  const method = found[part.method];
  const target = found[part.target];
  const url = found[part.url];
  if (!isWritten(method)) return missing(style, part.method);
  if (url !== undefined) return describedByUrl(method, target, url);
  if (!isWritten(target)) return missing(style, part.target);
  if (style === 'forwarded') {
    if (!isWritten(found[part.host])) return missing(style, part.host);
    if (!isWritten(found[part.proto])) return missing(style, part.proto);
  }
  return { method, target, host: style === 'forwarded' ? found[part.host] : undefined };
};

const describedByUrl = (
  method: string,
  target: string | undefined,
  url: string,
): Description | OriginalFault => {
  if (target !== undefined)
    return { fault: 'X-Original-URI and X-Original-URL both stand there; the proxy must send one of them' };
  const [, host, rest] = absoluteUrl.exec(url) ?? [];
  return rest === undefined
    ? { fault: 'X-Original-URL is no URL with scheme, host and path' }
    : { method, target: rest, host };
};

const isWritten = (value: string | undefined): value is string => value !== undefined && value !== '';

const missing = (style: Style, which: number): OriginalFault => ({
  fault: `${words[style][which]} is missing: the proxy must set it for each request it asks about, see docs/forward-auth.md`,
});
