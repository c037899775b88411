// What the proxy is answered. Values only.

import { withoutCredentials } from '../../decision/borrowed-places.ts';
import type { Wire } from '../../decision/refusal.ts';
import type { HeaderFacts } from '../hygiene.ts';
import type { JudgedRequest } from '../judged-request.ts';
import type { Forward } from '../request-decision.ts';
import type { OriginalRequest } from './original-request.ts';

/** Names, separated by commas, of the caller's headers that the proxy must remove. */
export const removeHeader = 'X-Tollgate-Remove';

/** For nginx, which passes on no status but 401 and 403, and no body: the refusal as headers that `auth_request_set` reads. */
const statusHeader = 'X-Tollgate-Status';
const bodyHeader = 'X-Tollgate-Body';

/** Raw pairs of a 200. `Authorization` is what the API is to get in place of the caller's; without it, nothing. */
export const passHeaders = (
  { identityPairs, passed, facts, known }: Forward,
  removed: readonly string[],
  requestId: string,
  protocolPrefix: string | undefined,
): string[] => {
  const headers = ['Content-Length', '0', 'Cache-Control', 'no-store', 'X-Request-Id', requestId];
  for (const pair of identityPairs) headers.push(pair);
  const authorization = authorizationOf(passed, facts);
  if (authorization !== undefined) headers.push('Authorization', authorization);
  const protocols = protocolPrefix === undefined ? undefined : protocolsOf(passed, facts, protocolPrefix);
  if (protocols !== undefined) headers.push('Sec-WebSocket-Protocol', protocols);
  if (removed.length > 0) headers.push(removeHeader, removed.join(', '));
  headers.push(...known.answerPairs);
  return headers;
};

const authorizationOf = (passed: Forward['passed'], facts: HeaderFacts): string | undefined => {
  if (passed.accessToken !== undefined) return `Bearer ${passed.accessToken}`;
  return passed.keepsCredential ? facts.authorization : undefined;
};

/**
 * The subprotocols that the API is to get, in place of the caller's: those that are no credential. Always all of them, because a
 * proxy that is told to take this header over removes the caller's own.
 */
const protocolsOf = (
  { keepsCredential }: Forward['passed'],
  { browser }: HeaderFacts,
  protocolPrefix: string,
): string | undefined => {
  const written = browser?.webSocketProtocol;
  return written === undefined || keepsCredential ? written : withoutCredentials(written, protocolPrefix);
};

/** Which of the caller's headers may not reach the API, each once. */
export const removedNames = (
  { spoofed, proxyWords, credentials }: OriginalRequest,
  { keepsCredential }: Forward['passed'],
): readonly string[] => {
  const isOne = spoofed.length === 0 && proxyWords.length === 0 && credentials.length <= 1;
  if (isOne) return keepsCredential ? [] : credentials;
  return [...new Set([...(keepsCredential ? [] : credentials), ...spoofed, ...proxyWords])];
};

/** Raw pairs of a refusal. `isForNginx`: once more as headers. */
export const refusalHeaders = (
  { status, headers, body }: Wire,
  { requestId, answerPairs }: Pick<JudgedRequest, 'requestId' | 'answerPairs'>,
  isForNginx: boolean,
): string[] => {
  const pairs = [...headers, 'X-Request-Id', requestId, ...answerPairs];
  if (!isForNginx) return pairs;
  pairs.push(statusHeader, String(status));
  const line = body.trim().replaceAll(/\s*\n\s*/g, ' ');
  if (lineSyntax.test(line)) pairs.push(bodyHeader, line);
  return pairs;
};

/** What fits the one buffer in which nginx takes the headers of an answer. */
const lineSyntax = /^[\x20-\x7e]{1,2048}$/;

/** The proxy is set up wrongly: whoever tries it out reads why. */
export const teach = (detail: string): Wire => {
  const body = `${JSON.stringify({ type: 'about:blank', title: 'Bad Request', status: 400, detail })}\n`;
  const length = String(Buffer.byteLength(body));
  const headers = ['Content-Type', 'application/problem+json', 'Content-Length', length];
  return { status: 400, headers: [...headers, 'Cache-Control', 'no-store'], body };
};
