// What a request from a page of another origin is answered beside everything else: preflights, and the fields of CORS. Values only.

import { corsPairs, type CorsRule, preflightPairs } from '../decision/cors.ts';
import type { Denial } from '../decision/outcome.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import { noPairs } from './conclude.ts';
import type { HeaderFacts } from './hygiene.ts';
import type { Preflight, RequestHead } from './request-decision.ts';
import type { Router } from './routing/router.ts';

/**
 * The answer to a preflight (Fetch standard section 3.2.2): for the rule that the request would meet, without a credential, which no
 * browser sends with one. Every caller may ask, from any address: the answer only repeats the settings, and nothing is done.
 * Undefined where the request is none, or its rule says nothing of CORS.
 */
export const preflightOf = (
  { method, isUpgrade }: RequestHead,
  facts: HeaderFacts,
  path: string,
  router: Router,
  clientAddress: string,
): Preflight | undefined => {
  const { origin, corsMethod, corsHeaders } = facts.browser ?? {};
  if (corsMethod === undefined || origin === undefined || method !== 'OPTIONS' || isUpgrade) return undefined;
  const rule = router.match(corsMethod, path)?.rule;
  if (rule?.cors === undefined) return undefined;
  return {
    kind: 'preflight',
    known: {
      facts,
      clientAddress,
      route: rule.name,
      rule,
      credentialKind: undefined,
      identity: undefined,
      shadow: undefined,
      answerPairs: preflightPairs(rule.cors, { origin, requestedHeaders: corsHeaders }),
    },
  };
};

/** On whichever answer a request gets. */
export const answerPairsOf = (cors: CorsRule | undefined, facts: HeaderFacts): readonly string[] =>
  cors === undefined ? noPairs : corsPairs(cors, facts.browser?.origin);

/** By what the answer to a request that no rule covers may be read: a rule for the same path, or what holds for all. */
export const corsBeside = (
  { allow = [] }: Denial,
  path: string,
  router: Router,
  usual: CorsRule | undefined,
): RouteRule['cors'] =>
  allow.map((method) => router.match(method, path)?.rule.cors).find((cors) => cors !== undefined) ?? usual;
