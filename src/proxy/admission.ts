// Small judgements about a request whose rule is known: what of its query goes on, what it may not do here whoever asks,
// which Host the API sees. Values only; the handler acts on them.

import { withoutParameter } from '../decision/credential.ts';
import { denial, type Refusal } from '../decision/outcome.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import type { Settings } from '../settings/settings.ts';
import { asksForWebSocket, type HeaderFacts } from './hygiene.ts';
import type { Passage } from './passage.ts';

/** The query without the parameter that carries the credential, unless the rule keeps credentials. */
export const forwardedQuery = (rule: RouteRule, query: string): string =>
  rule.credentialQueryParameter === undefined || rule.forwardCredential === 'keep'
    ? query
    : withoutParameter(query, rule.credentialQueryParameter);

/** What the caller may not do here whoever it is: upgrade where the rule does not, or send more than the rule allows. */
export const unfitOf = (
  { exit, method, request }: Passage,
  facts: HeaderFacts,
  rule: RouteRule,
): Refusal | undefined => {
  if (exit.kind === 'socket') {
    if (!rule.upgrade || !asksForWebSocket(facts)) return denial('upgrade_refused');
    const isPlain = method === 'GET' && request.httpVersionMinor === 1;
    if (!isPlain || facts.isChunked || facts.contentLength > 0)
      return denial('request_malformed', 'an upgrade with a body, or by another method than GET');
  }
  return facts.contentLength > rule.requestBodyBytesMax
    ? denial('request_too_large', `${facts.contentLength} bytes`)
    : undefined;
};

/** The caller's Host, or the API's own, as the upstream's settings say. */
export const hostFor = (upstreams: Settings['upstreams'], rule: RouteRule, facts: HeaderFacts): string => {
  const upstream = upstreams[rule.upstream];
  if (upstream === undefined) throw new Error(`no upstream is named ${rule.upstream}`);
  return upstream.hostHeader === 'caller' && facts.host !== undefined
    ? facts.host
    : upstream.origin.slice(upstream.origin.indexOf('//') + 2);
};

/** Nobody waits for the answer any more. */
export const hasLeft = ({ request, exit }: Passage): boolean =>
  request.socket.destroyed || (exit.kind === 'response' && exit.response.destroyed);
