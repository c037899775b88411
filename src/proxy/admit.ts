// Steps 6 to 8 of a request's life: the verdict, the limits, and what the API learns of the caller. Values to values, as the steps
// before them (pipeline.ts); they wait only where a limit must be asked about.

import { isPermit, type Permit } from '../decision/authorize.ts';
import type { Standing } from '../decision/identity.ts';
import { isOutage, type Refusal } from '../decision/outcome.ts';
import type { Identifier, Subject } from '../identity/identifier.ts';
import type { Limiter, LimitVerdict } from '../limits/limiter.ts';
import type { Settings } from '../settings/settings.ts';
import { isSubject, judge, unfitOf } from './admission.ts';
import { type Asked, knownOf, noPairs, permit, refuse } from './conclude.ts';
import { passedCredential } from './passed-credential.ts';
import type { Decision, PendingDecision } from './request-decision.ts';

/** What a request whose caller has been looked up is judged by. */
export interface Admitting {
  readonly settings: Pick<Settings, 'feed' | 'proxyAddresses'>;
  readonly identifier: Pick<Identifier, 'standing' | 'headersFor' | 'accessTokenFor'>;
  /** Undefined where nothing is limited. */
  readonly limiter?: Pick<Limiter, 'judge'> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Steps 6 to 8: the verdict, the limits, and what the API learns of the caller. `found` is undefined for a caller without a
 * credential, `limits` where they have not been asked.
 */
export const admit = (
  asked: Asked,
  found: Subject | Refusal | undefined,
  standing: Standing,
  nowMs: number,
  pipeline: Admitting,
  limits?: LimitVerdict,
): Decision | PendingDecision => {
  const { settings, identifier, limiter } = pipeline;
  const { facts, head, match } = asked;
  const { rule } = match;

  // 6 authorize
  const verdict = judge({
    rule,
    tenant: match.tenant,
    target: asked.target,
    found,
    standing,
    clientAddress: asked.clientAddress,
    proxies: settings.proxyAddresses,
    nowMs,
    serveWhenUnknown: settings.feed.whenStale === 'serve',
  });
  if (!isPermit(verdict)) return refuse(asked, verdict, isSubject(found) ? found.identity : undefined);
  const { identity } = verdict;
  const unfit = unfitOf(head, facts, rule);
  if (unfit !== undefined) return refuse(asked, unfit, identity);

  // 7 limits
  if (limiter === undefined) return permitWithHeaders(asked, verdict, found, nowMs, identifier);
  const counted = limits ?? limiter.judge(rule, identity, asked.clientAddress, nowMs);
  if (counted instanceof Promise) {
    const decision = counted.then((late) => admitLater(asked, found, pipeline, late));
    return Object.assign(decision, { known: knownOf(asked, identity, undefined) });
  }
  if (counted === undefined) return permitWithHeaders(asked, verdict, found, nowMs, identifier);
  // Where nothing is enforced, nothing is said of limits either.
  const shown =
    rule.mode === 'shadow' || counted.pairs.length === 0
      ? asked
      : { ...asked, answerPairs: joined(asked.answerPairs, counted.pairs) };
  if (counted.refusal !== undefined) return refuse(shown, counted.refusal, identity);
  return permitWithHeaders(shown, verdict, found, nowMs, identifier);
};

const joined = (before: readonly string[], pairs: readonly string[]): readonly string[] =>
  before.length === 0 ? pairs : [...before, ...pairs];

/** A request that waited, for its identity or its limits: its caller may have been revoked meanwhile. */
export const admitLater = (
  asked: Asked,
  found: Subject | Refusal | undefined,
  pipeline: Admitting,
  limits?: LimitVerdict,
): Decision | PendingDecision => {
  const nowMs = pipeline.now();
  const standing = isSubject(found) ? pipeline.identifier.standing(found.identity, nowMs) : 'live';
  return admit(asked, found, standing, nowMs, pipeline, limits);
};

/** Step 8, headers: adds what the API learns of the caller. */
const permitWithHeaders = (
  asked: Asked,
  verdict: Permit,
  found: Subject | Refusal | undefined,
  nowMs: number,
  identifier: Admitting['identifier'],
): Decision => {
  const { rule } = asked.match;
  const { identity } = verdict;
  const subject = isSubject(found) && identity !== undefined ? found : undefined;
  const identityPairs =
    subject === undefined ? noPairs : identifier.headersFor(subject, rule.upstream, nowMs);
  if (isOutage(identityPairs)) return refuse(asked, identityPairs, identity);
  const passed = passedCredential(rule, subject, asked.credential, identifier, nowMs);
  if (isOutage(passed)) return refuse(asked, passed, identity);
  return permit(asked, verdict, identityPairs, passed);
};
