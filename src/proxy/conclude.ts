// How the judging of a request ends: it goes on or is refused; in shadow mode what is refused goes on as it came. Values only.

import { authorizeShadow, type Permit } from '../decision/authorize.ts';
import { type Credential, likelyKind } from '../decision/credential.ts';
import type { Identity } from '../decision/identity.ts';
import type { Denial, Refusal } from '../decision/outcome.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import { unsafeUpgradeOf } from './admission.ts';
import { framingOf, type HeaderFacts } from './hygiene.ts';
import { keptCredential, type PassedCredential } from './passed-credential.ts';
import type { Forward, Known, Refused, RequestHead } from './request-decision.ts';
import type { RouteMatch } from './routing/router.ts';

/** A request whose caller is all that is still to be found out. */
export interface Asked {
  readonly head: RequestHead;
  readonly facts: HeaderFacts;
  readonly clientAddress: string;
  readonly match: RouteMatch;
  /** Path and query as the API will see them. */
  readonly target: string;
  readonly credential: Credential | undefined;
  /** As in `Known`. */
  readonly answerPairs: readonly string[];
}

export const noPairs: readonly string[] = [];

/** A request that may go on. On a route in shadow mode its permit says that nothing was enforced. */
export const permit = (
  asked: Asked,
  verdict: Permit,
  identityPairs: readonly string[],
  passed: PassedCredential,
): Forward => {
  const { rule } = asked.match;
  const issued = rule.mode === 'shadow' ? authorizeShadow(rule, asked.target, verdict) : verdict;
  return forward(asked, verdict.identity, issued, identityPairs, passed);
};

const forward = (
  asked: Asked,
  identity: Identity | undefined,
  permit: Permit,
  identityPairs: readonly string[],
  passed: PassedCredential,
): Forward => ({
  kind: 'forward',
  known: knownOf(asked, identity, permit),
  facts: asked.facts,
  permit,
  identityPairs,
  passed,
  framing: framingOf(asked.facts),
});

/** On a route in shadow mode only what cannot be forwarded safely is refused. */
export const refuse = (asked: Asked, refusal: Refusal, identity: Identity | undefined): Refused | Forward => {
  const { head, facts, match } = asked;
  if (match.rule.mode === 'enforce') return refuseAlways(asked, refusal, identity);
  const unsafe = unsafeUpgradeOf(head, facts);
  if (unsafe !== undefined) return refuseAlways(asked, unsafe, identity);
  return forward(
    asked,
    identity,
    authorizeShadow(match.rule, asked.target, refusal),
    noPairs,
    keptCredential,
  );
};

export const refuseAlways = (asked: Asked, refusal: Refusal, identity: Identity | undefined): Refused =>
  refused(refusal, knownOf(asked, identity, undefined));

/** A request that no route covers. `shadowRule` stands for the route where everything is in shadow mode. */
export const refuseUnrouted = (
  head: RequestHead,
  facts: HeaderFacts,
  clientAddress: string,
  refusal: Denial,
  shadowRule: RouteRule | undefined,
  answerPairs: readonly string[],
): Refused | Forward => {
  if (shadowRule === undefined || refusal.reason === 'path_ambiguous') {
    const pairs = [...allowPairs(refusal), ...answerPairs];
    return refused(refusal, unrouted(facts, clientAddress, '(none)', pairs));
  }
  const match = { rule: shadowRule, tenant: undefined, isAmbiguous: false };
  const asked = {
    head,
    facts,
    clientAddress,
    match,
    target: head.target,
    credential: undefined,
    answerPairs: noPairs,
  };
  return refuse(asked, refusal, undefined);
};

export const refused = (refusal: Refusal, known: Known): Refused => ({ kind: 'refused', known, refusal });

const allowPairs = ({ allow }: Denial): readonly string[] =>
  allow === undefined ? noPairs : ['Allow', allow.join(', ')];

export const unrouted = (
  facts: HeaderFacts | undefined,
  clientAddress: string,
  route: string,
  answerPairs: readonly string[] = noPairs,
): Known => ({
  facts,
  clientAddress,
  route,
  rule: undefined,
  credentialKind: undefined,
  identity: undefined,
  shadow: undefined,
  answerPairs,
});

export const knownOf = (asked: Asked, identity: Identity | undefined, permit: Permit | undefined): Known => ({
  facts: asked.facts,
  clientAddress: asked.clientAddress,
  route: asked.match.rule.name,
  rule: asked.match.rule,
  credentialKind:
    identity?.authenticator.credentialKind ?? (asked.credential && likelyKind(asked.credential)),
  identity,
  shadow: permit?.kind === 'shadow' ? (permit.refusal ?? 'permit') : undefined,
  answerPairs: asked.answerPairs,
});
