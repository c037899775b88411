// Steps 1 to 8 of a request's life, as one function from values to a value, which every door calls: who asks for what, and may
// they (the last three are in admit.ts). It sends nothing and keeps nothing, knows no socket, and waits only for an identity that
// is not cached, and for a limit of which nothing is in hand.

import { allowsCaller } from '../decision/address-rule.ts';
import type { CorsRule } from '../decision/cors.ts';
import { type Credential, isCredential } from '../decision/credential.ts';
import { methodsAskedFor } from '../decision/method-override.ts';
import { denial, isDenial } from '../decision/outcome.ts';
import { parseTarget } from '../decision/path.ts';
import { PathTree } from '../decision/path-tree.ts';
import { reservedEscapeOf } from '../decision/reserved-escapes.ts';
import { type RouteRule, unroutedRule } from '../decision/route-rule.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { Settings } from '../settings/settings.ts';
import { type OwnedPaths, ownedPatterns } from '../settings/surface-paths.ts';
import { forwardedTarget, isSubject } from './admission.ts';
import { admit, admitLater, type Admitting } from './admit.ts';
import { callerAddress } from './caller-address.ts';
import { type Asked, knownOf, refuse, refuseAlways, refused, refuseUnrouted, unrouted } from './conclude.ts';
import { answerPairsOf, corsBeside, preflightOf } from './cross-origin.ts';
import { type ClassifyHeader, createHeaderClassifier } from './header-class.ts';
import { createHostRouters, type RouterOfHost, rulesOfHost } from './routing/host-routes.ts';
import { type HeaderFacts, inspectHeaders } from './hygiene.ts';
import { createTrust, type TrustsAddress } from './peer.ts';
import { presentedCredential } from './presented-credential.ts';
import type { Decision, PendingDecision, RequestHead } from './request-decision.ts';
import { ambiguousPath, createRouter, type Router } from './routing/router.ts';
import { namesPseudonym, viaNames } from './via.ts';

/** What all requests are judged by. */
export interface Pipeline extends Admitting {
  readonly settings: Pick<Settings, 'credential' | 'feed' | 'proxyAddresses'> & {
    readonly limits: Pick<Settings['limits'], 'headersMax' | 'targetBytesMax'>;
  };
  readonly classify: ClassifyHeader;
  readonly trusts: TrustsAddress;
  /** In Via of what is forwarded: a request that carries it comes again. Undefined where none does. */
  readonly pseudonym: string | undefined;
  /** Of a request whose host no rule names, and of all where none names any. */
  readonly router: Router;
  /** Undefined where no rule names a host. */
  readonly routerOf?: RouterOfHost | undefined;
  /** Undefined where requests that no route covers are refused: everywhere but in shadow mode. */
  readonly unroutedRule: RouteRule | undefined;
  /** For answers to requests that no route covers. */
  readonly cors?: CorsRule | undefined;
  /** Whether a browser that asks before it sends is answered here. */
  readonly answersPreflights: boolean;
  /** The owner of a path that Tollgate answers itself; undefined for all others. */
  readonly ownerOf: (path: string) => string | undefined;
  readonly identifier: Pick<Identifier, 'identify' | 'standing' | 'headersFor' | 'accessTokenFor'>;
}

export const createPipeline = (
  settings: Pick<
    Settings,
    | 'cors'
    | 'credential'
    | 'errors'
    | 'feed'
    | 'identity'
    | 'limits'
    | 'mode'
    | 'proxyAddresses'
    | 'routes'
    | 'trustedProxies'
    | 'via'
  > &
    OwnedPaths,
  identifier: Pipeline['identifier'],
  now: () => number,
  limiter?: Pipeline['limiter'],
): Pipeline => {
  const owned = ownedPatterns(settings);
  const ownedPaths = owned.map(({ pattern }) => pattern);
  const pseudonym = viaNames(settings.via).toApi;
  const router = createRouter(rulesOfHost(settings.routes, undefined), ownedPaths);
  const owners = new PathTree(owned.map(({ pattern, setting }) => [pattern, setting]));
  return {
    settings,
    classify: createHeaderClassifier(settings, pseudonym !== undefined),
    trusts: createTrust(settings.trustedProxies),
    pseudonym,
    router,
    routerOf: createHostRouters(settings.routes, ownedPaths, router),
    unroutedRule: settings.mode === 'shadow' ? { ...unroutedRule, errors: settings.errors } : undefined,
    cors: settings.cors,
    answersPreflights: true,
    // What has a reserved escape is no path of ours, and is refused.
    ownerOf: (path) => (reservedEscapeOf(path) === undefined ? owners.find(path)?.value : undefined),
    identifier,
    limiter,
    now,
  };
};

/** Judges a request. A promise only where an identity or a limit has to be asked for. Throws and rejects for bugs alone. */
export const decide = (head: RequestHead, pipeline: Pipeline): Decision | PendingDecision => {
  const { settings } = pipeline;
  const { method, peer } = head;

  // 1 hygiene
  const facts = inspectHeaders(
    head.rawHeaders,
    head.httpVersion,
    settings.limits.headersMax,
    pipeline.classify,
  );
  if (isDenial(facts)) return refused(facts, unrouted(undefined, peer.address, '(invalid)'));
  const clientAddress = callerAddress(peer, facts, pipeline.trusts);
  const router =
    pipeline.routerOf === undefined ? pipeline.router : pipeline.routerOf(head.host ?? facts.host);
  if (router === undefined) return refused(ambiguousHost, unrouted(facts, clientAddress, '(invalid)'));
  if (
    facts.via !== undefined &&
    pipeline.pseudonym !== undefined &&
    namesPseudonym(facts.via, pipeline.pseudonym)
  )
    return refused(denial('loop_detected'), unrouted(facts, clientAddress, '(none)'));

  // 2 path
  const parsed = parseTarget(head.target, settings.limits.targetBytesMax);
  if (isDenial(parsed)) {
    const pairs = answerPairsOf(pipeline.cors, facts);
    return refused(parsed, unrouted(facts, clientAddress, '(invalid)', pairs));
  }
  const { path, query } = parsed;
  const owner = pipeline.ownerOf(path);
  if (owner !== undefined) return { kind: 'owned', known: unrouted(facts, clientAddress, '(none)'), owner };

  // 3 route
  if (facts.browser?.corsMethod !== undefined && pipeline.answersPreflights) {
    const preflight = preflightOf(head, facts, path, router, clientAddress);
    if (preflight !== undefined) return preflight;
  }
  const match = router.match(method, path);
  if (match === undefined) return refuseUnruled(head, facts, clientAddress, path, router, pipeline);
  const { rule } = match;
  const rewritten = forwardedTarget(rule, head.target, parsed);
  const target = isDenial(rewritten) ? head.target : rewritten;
  const answerPairs = answerPairsOf(rule.cors, facts);
  const asked = { head, facts, clientAddress, match, target, credential: undefined, answerPairs };
  if (isDenial(rewritten)) return refuseAlways(asked, rewritten, undefined);
  const overrides = overridesOf(facts, query, path, rule, router, pipeline);
  // A rule in shadow mode is no way round one that is enforced, nor round none.
  if (overrides === 'enforced') return refuseAlways(asked, overriddenMethod, undefined);
  if (match.isAmbiguous) return refuse(asked, ambiguousPath, undefined);
  if (overrides === 'shadow') return refuse(asked, overriddenMethod, undefined);

  if (rule.allowFrom !== undefined && !allowsCaller(rule.allowFrom, clientAddress, settings.proxyAddresses))
    return refuse(asked, addressRefused, undefined);

  // 4 credential
  const credential = presentedCredential(head, facts, query, rule, settings.credential);
  if (!isCredential(credential)) {
    if (rule.public) return admit(asked, undefined, 'live', pipeline.now(), pipeline);
    return refuse(asked, credential ?? denial('credential_missing'), undefined);
  }
  return identify(
    { head, facts, clientAddress, match, target, credential, answerPairs },
    credential,
    pipeline,
  );
};

const ambiguousHost = denial('request_malformed', 'a host with an empty label, or too long');
/** The record of the request has the caller's address. */
const addressRefused = denial('address_refused', 'the route is not for this address');
const overriddenMethod = denial('method_refused', 'an override to a method of another rule');

/** A request that no rule covers, by this method at least. */
const refuseUnruled = (
  head: RequestHead,
  facts: HeaderFacts,
  clientAddress: string,
  path: string,
  router: Router,
  { unroutedRule, cors }: Pipeline,
): Decision => {
  const shadowRule = router.looksOwned(path) ? undefined : unroutedRule;
  const refusal = router.refusalOf(head.method, path);
  const pairs = answerPairsOf(corsBeside(refusal, path, router, cors), facts);
  return refuseUnrouted(head, facts, clientAddress, refusal, shadowRule, pairs);
};

/** Whether a request asks the API for methods of other rules: one that is enforced, or none; or such in shadow mode alone. */
const overridesOf = (
  facts: HeaderFacts,
  query: string,
  path: string,
  rule: RouteRule,
  router: Router,
  { unroutedRule }: Pipeline,
): 'none' | 'shadow' | 'enforced' => {
  let found: 'none' | 'shadow' = 'none';
  for (const other of methodsAskedFor(facts.methodOverrides, query)) {
    const meant = router.match(other.toUpperCase(), path)?.rule ?? unroutedRule;
    if (meant === rule) continue;
    if (meant?.mode !== 'shadow') return 'enforced';
    found = 'shadow';
  }
  return found;
};

/** Step 5, identity. What is cached is judged by the standing that the cache was read with. */
const identify = (asked: Asked, credential: Credential, pipeline: Pipeline): Decision | PendingDecision => {
  const { identifier } = pipeline;
  const nowMs = pipeline.now();
  const found = identifier.identify(credential, nowMs, asked.clientAddress);
  if (!(found instanceof Promise))
    return admit(asked, found, isSubject(found) ? found.standing : 'live', nowMs, pipeline);
  const decision = found.then((late) => admitLater(asked, late, pipeline));
  return Object.assign(decision, { known: knownOf(asked, undefined, undefined) });
};
