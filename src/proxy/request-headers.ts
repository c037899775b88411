// Step 7: the header section the API receives, built in one pass over the caller's raw headers. Order, spelling and repetition
// of what goes on are kept; ours come last. It is complete, Host included, but for framing and hop-by-hop headers: the
// forwarder frames the body by the request it reads, the upgrader adds the two lines of its handshake.

import { withoutCredentials } from '../decision/borrowed-places.ts';
import { withoutCookie, withoutCookies } from '../decision/credential.ts';
import { isSaneTraceparent, makeTraceparent } from './correlation.ts';
import { type ClassifyHeader, headerClass } from './header-class.ts';
import type { HeaderFacts } from './hygiene.ts';
import type { Peer } from './peer.ts';

export interface RequestHeaderParts {
  readonly rawHeaders: readonly string[];
  readonly httpVersion: string;
  readonly facts: HeaderFacts;
  readonly peer: Peer;
  /** What Host says to the API. */
  readonly host: string;
  readonly requestId: string;
  /** Rendered identity pairs; empty for a caller without one. */
  readonly identityPairs: readonly string[];
  /** `forwardCredential: keep`. */
  readonly keepsCredential: boolean;
  /** `forwardCredential: access-token`: stands in for the credential. */
  readonly accessToken: string | undefined;
}

export interface RequestHeaderNames {
  /** The configured cookie that may carry the credential. */
  readonly cookieName: string | undefined;
  /** How an entry of Sec-WebSocket-Protocol begins that carries the credential; undefined: none does. */
  readonly protocolPrefix: string | undefined;
  /** What Via says of this process; undefined: nothing. */
  readonly pseudonym: string | undefined;
  /** How the names of Tollgate's own cookies begin, which are for no API, whatever the route keeps. */
  readonly ownCookies: string | undefined;
}

export const createRequestHeaders =
  (classify: ClassifyHeader, { cookieName, protocolPrefix, pseudonym, ownCookies }: RequestHeaderNames) =>
  (parts: RequestHeaderParts): string[] => {
    const { rawHeaders, facts, peer, keepsCredential } = parts;
    const { connectionNames } = facts;
    const carriesTrace = isSaneTraceparent(facts.traceparent);
    const headers = ['Host', parts.host];
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] ?? '';
      const value = rawHeaders[at + 1] ?? '';
      // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- every other class goes no further
      switch (classify(name)) {
        case headerClass.pass:
          if (connectionNames !== undefined && connectionNames.has(name.toLowerCase())) break;
          headers.push(name, value);
          break;
        case headerClass.methodOverride:
        case headerClass.via:
        case headerClass.origin:
        case headerClass.fetchSite:
        case headerClass.corsMethod:
        case headerClass.corsHeaders:
        case headerClass.webSocketKey:
          headers.push(name, value);
          break;
        case headerClass.authorization:
        case headerClass.bareCredential:
          if (keepsCredential) headers.push(name, value);
          break;
        case headerClass.webSocketProtocol: {
          const kept =
            protocolPrefix === undefined || keepsCredential
              ? value
              : withoutCredentials(value, protocolPrefix);
          if (kept !== undefined) headers.push(name, kept);
          break;
        }
        case headerClass.cookie: {
          const others = ownCookies === undefined ? value : withoutCookies(value, ownCookies);
          const kept =
            cookieName === undefined || keepsCredential || others === undefined
              ? others
              : withoutCookie(others, cookieName);
          if (kept !== undefined) headers.push(name, kept);
          break;
        }
        case headerClass.proxyWord:
          if (peer.isTrusted) headers.push(name, value);
          break;
        case headerClass.tracestate:
          if (carriesTrace) headers.push(name, value);
          break;
        default:
          break;
      }
    }
    if (parts.accessToken !== undefined) headers.push('Authorization', `Bearer ${parts.accessToken}`);
    for (const pair of parts.identityPairs) headers.push(pair);
    addForwarded(headers, parts);
    if (pseudonym !== undefined) headers.push('Via', `${parts.httpVersion} ${pseudonym}`);
    headers.push('X-Request-Id', parts.requestId);
    headers.push('traceparent', carriesTrace ? (facts.traceparent ?? '') : makeTraceparent());
    return headers;
  };

/** X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239): the chain goes on behind a trusted peer, else begins here. */
const addForwarded = (headers: string[], { facts, peer }: RequestHeaderParts): void => {
  const { address, proto } = peer;
  const host = facts.host ?? '';
  const own = `for=${peer.forwardedFor};${host === '' ? '' : `host=${quoted(host)};`}proto=${proto}`;
  if (!peer.isTrusted) {
    headers.push('X-Forwarded-For', address, 'X-Forwarded-Proto', proto);
    if (host !== '') headers.push('X-Forwarded-Host', host);
    headers.push('Forwarded', own);
    return;
  }
  headers.push(
    'X-Forwarded-For',
    facts.forwardedFor === undefined ? address : `${facts.forwardedFor}, ${address}`,
  );
  headers.push('X-Forwarded-Proto', facts.forwardedProto ?? proto);
  const forwardedHost = facts.forwardedHost ?? host;
  if (forwardedHost !== '') headers.push('X-Forwarded-Host', forwardedHost);
  headers.push('Forwarded', facts.forwarded === undefined ? own : `${facts.forwarded}, ${own}`);
};

/** A host with a port or brackets is no token (RFC 7239 section 4). */
const quoted = (host: string): string => (/[:[]/.test(host) ? `"${host}"` : host);
