// Judgements about a request whose rule is known: the verdict, what nobody may do, what query and Host the API sees. Values only.

import { authorize, authorizePublic, type Claim, doubtOf, type Permit } from '../decision/authorize.ts';
import { withoutParameter } from '../decision/credential.ts';
import { authorityOf } from '../decision/http-text.ts';
import { type Denial, denial, isDenial, isOutage, type Refusal } from '../decision/outcome.ts';
import type { Target } from '../decision/path.ts';
import { rewritePath } from '../decision/path-rewrite.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import type { Subject } from '../identity/identifier.ts';
import { meansOrg } from '../identity/vendor-ids.ts';
import type { Settings } from '../settings/settings.ts';
import { asksForWebSocket, type HeaderFacts } from './hygiene.ts';
import type { RequestHead } from './request-decision.ts';

/**
 * The path as the rule rewrites it, and the query without the parameter that carries the credential; the target as it came where
 * neither is so. A path is rewritten in shadow mode too: it says where the request goes, not who may send it.
 */
export const forwardedTarget = (rule: RouteRule, raw: string, { path, query }: Target): string | Denial => {
  const { credentialQueryParameter: parameter, rewrite } = rule;
  const keepsQuery = parameter === undefined || rule.forwardCredential === 'keep' || rule.mode === 'shadow';
  if (rewrite === undefined) return keepsQuery ? raw : path + withoutParameter(query, parameter);
  const rewritten = rewritePath(rewrite, path);
  if (isDenial(rewritten)) return rewritten;
  return rewritten + (keepsQuery ? query : withoutParameter(query, parameter));
};

/** What cannot be forwarded whatever the rule says: an upgrade that two servers could read differently. */
export const unsafeUpgradeOf = (
  { isUpgrade, method, httpVersion }: RequestHead,
  facts: HeaderFacts,
): Denial | undefined => {
  if (!isUpgrade) return undefined;
  if (!asksForWebSocket(facts)) return denial('upgrade_refused');
  const isPlain = method === 'GET' && httpVersion === '1.1';
  return isPlain && !facts.isChunked && facts.contentLength <= 0
    ? undefined
    : denial('request_malformed', 'an upgrade with a body, or by another method than GET');
};

/** What no caller may do here: upgrade where the rule does not, or send more than the rule allows. */
export const unfitOf = (head: RequestHead, facts: HeaderFacts, rule: RouteRule): Denial | undefined => {
  if (head.isUpgrade && !rule.upgrade) return denial('upgrade_refused');
  const unsafe = unsafeUpgradeOf(head, facts);
  if (unsafe !== undefined) return unsafe;
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
    : authorityOf(upstream.origin);
};

export const isSubject = <T extends Subject>(found: T | Refusal | undefined): found is T =>
  found !== undefined && 'identity' in found;

/** A claim whose identity may still be missing, refused or in doubt. */
export interface OpenClaim extends Omit<Claim, 'identity'> {
  /** Undefined for a caller without a credential. */
  readonly found: Subject | Refusal | undefined;
}

/** The verdict. On a public rule a credential that is not good counts as none; an outage never does. */
export const judge = (claim: OpenClaim): Permit | Refusal => {
  const { rule, target, found, standing, clientAddress, proxies, nowMs, serveWhenUnknown } = claim;
  if (!isSubject(found)) {
    if (found === undefined || (rule.public && isDenial(found)))
      return authorizePublic(rule, target, undefined);
    return found;
  }
  const { identity } = found;
  if (!rule.public) {
    // Vendors' clients name an org by the UUID that they were shown.
    const isOwn = claim.tenant !== undefined && meansOrg(identity.org.id, claim.tenant);
    const tenant = isOwn ? identity.org.id : claim.tenant;
    return authorize({
      rule,
      target,
      tenant,
      identity,
      standing,
      clientAddress,
      proxies,
      nowMs,
      serveWhenUnknown,
    });
  }
  const doubt = doubtOf({ identity, standing, clientAddress, proxies, nowMs, serveWhenUnknown });
  if (isOutage(doubt)) return doubt;
  return authorizePublic(rule, target, doubt === undefined ? identity : undefined);
};
