// What the proxy is answered: that the request may pass, with the headers to set and the names to remove, or the refusal
// that its caller should get. Values only.

import type { Wire } from '../../decision/refusal.ts';
import type { HeaderFacts } from '../hygiene.ts';
import { type ClassifyHeader, type HeaderClass, headerClass } from '../header-class.ts';
import type { Forward } from '../request-decision.ts';

/** Names, separated by commas, of the caller's headers that the proxy must remove. */
export const removeHeader = 'X-Tollgate-Remove';

/**
 * For nginx, which passes no status but 401 and 403 on, and no body: the refusal again, as headers that `auth_request_set`
 * can read.
 */
const statusHeader = 'X-Tollgate-Status';
const bodyHeader = 'X-Tollgate-Body';

/** Raw pairs of a 200. `Authorization` is what the API is to get in place of the caller's; without it, nothing. */
export const passHeaders = (
  { identityPairs, passed, facts }: Forward,
  removed: readonly string[],
  requestId: string,
): string[] => {
  const headers = ['Content-Length', '0', 'Cache-Control', 'no-store', 'X-Request-Id', requestId];
  for (const pair of identityPairs) headers.push(pair);
  const authorization = authorizationOf(passed, facts);
  if (authorization !== undefined) headers.push('Authorization', authorization);
  if (removed.length > 0) headers.push(removeHeader, removed.join(', '));
  return headers;
};

const authorizationOf = (passed: Forward['passed'], facts: HeaderFacts): string | undefined => {
  if (passed.accessToken !== undefined) return `Bearer ${passed.accessToken}`;
  return passed.keepsCredential ? facts.authorization : undefined;
};

/** Which of the caller's headers may not reach the API; `spoofed`: those of them that only Tollgate may send. */
export const removedNames = (
  rawHeaders: readonly string[],
  classify: ClassifyHeader,
  { keepsCredential }: Forward['passed'],
): { readonly removed: readonly string[]; readonly spoofed: readonly string[] } => {
  let removed: string[] | undefined;
  let spoofed: string[] | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const kind = classify(name);
    const isCredential = kind === headerClass.authorization || kind === headerClass.bareCredential;
    if (isSpoof(kind, name)) (spoofed ??= []).push(name);
    else if (!(isCredential && !keepsCredential) && !ofProxies.has(kind)) continue;
    if (removed?.includes(name) !== true) (removed ??= []).push(name);
  }
  return { removed: removed ?? none, spoofed: spoofed ?? none };
};

const none: readonly string[] = [];

/** What a caller may not say of the way its request came. */
const ofProxies: ReadonlySet<HeaderClass> = new Set([headerClass.proxyWord, headerClass.forwarded]);

/** Who the caller is, which path or host is meant, or a spelling that some APIs take for another name's. */
const isSpoof = (kind: HeaderClass, name: string): boolean => {
  if (kind === headerClass.identity) return true;
  if (kind === headerClass.proxyWord) return !addedByProxies.test(name);
  // `X_Forwarded_For` and the like; and `Proxy` (CVE-2016-5385).
  return kind === headerClass.drop && (name.includes('_') || name.toLowerCase() === 'proxy');
};

/** What proxies add of their own to what they ask with: it is not the caller's spoof. */
const addedByProxies =
  /^x-(?:real-ip|envoy-.*|forwarded-(?:port|server|scheme|client-cert|tls-client-cert(?:-info)?)|original-forwarded-for)$/i;

/** Raw pairs of a refusal. `isForNginx`: once more as headers. */
export const refusalHeaders = (
  { status, headers, body }: Wire,
  requestId: string,
  isForNginx: boolean,
): string[] => {
  const pairs = [...headers, 'X-Request-Id', requestId];
  if (!isForNginx) return pairs;
  pairs.push(statusHeader, String(status));
  const line = body.trim().replaceAll(/\s*\n\s*/g, ' ');
  if (lineSyntax.test(line)) pairs.push(bodyHeader, line);
  return pairs;
};

/** What fits the one buffer in which nginx takes the headers of an answer. */
const lineSyntax = /^[\x20-\x7e]{1,2048}$/;
