// Steps 1 to 7 of a request's life, as one function from values to a value: who asks for what, and may they. Every door
// that judges requests calls it: the proxy's listener forwards, `tollgate explain` prints. It sends nothing and keeps
// nothing, knows no socket, and waits only for an identity that is not cached.

import { isPermit } from '../decision/authorize.ts';
import { type Credential, isCredential, likelyKind, readCredential } from '../decision/credential.ts';
import type { Identity, Standing } from '../decision/identity.ts';
import { methodsAskedFor } from '../decision/method-override.ts';
import { denial, isDenial, isOutage, type Refusal } from '../decision/outcome.ts';
import { parseTarget } from '../decision/path.ts';
import { PathTree } from '../decision/path-tree.ts';
import type { Identifier, Subject } from '../identity/identifier.ts';
import type { Settings } from '../settings/settings.ts';
import { type OwnedPaths, ownedPatterns } from '../settings/surface-paths.ts';
import { forwardedTarget, isSubject, judge, unfitOf } from './admission.ts';
import { type ClassifyHeader, createHeaderClassifier, headerNamesOf } from './header-class.ts';
import { framingOf, type HeaderFacts, inspectHeaders } from './hygiene.ts';
import { passedCredential } from './passed-credential.ts';
import { callerAddress, createTrust, type TrustsAddress } from './peer.ts';
import type { Decision, Known, PendingDecision, Refused, RequestHead } from './request-decision.ts';
import { createRouter, type RouteMatch, type Router } from './router.ts';

/** What all requests are judged by. */
export interface Pipeline {
  readonly settings: Pick<Settings, 'credential' | 'feed'> & {
    readonly limits: Pick<Settings['limits'], 'headersMax' | 'targetBytesMax'>;
  };
  readonly classify: ClassifyHeader;
  readonly trusts: TrustsAddress;
  readonly router: Router;
  /** The owner of a path that Tollgate answers itself; undefined for all others. */
  readonly ownerOf: (path: string) => string | undefined;
  readonly identifier: Pick<Identifier, 'identify' | 'standing' | 'headersFor' | 'accessTokenFor'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export const createPipeline = (
  settings: Pick<Settings, 'credential' | 'feed' | 'identity' | 'limits' | 'routes' | 'trustedProxies'> &
    OwnedPaths,
  identifier: Pipeline['identifier'],
  now: () => number,
): Pipeline => {
  const owned = ownedPatterns(settings);
  const owners = new PathTree(owned.map(({ pattern, setting }) => [pattern, setting]));
  return {
    settings,
    classify: createHeaderClassifier(headerNamesOf(settings)),
    trusts: createTrust(settings.trustedProxies),
    router: createRouter(
      settings.routes,
      owned.map(({ pattern }) => pattern),
    ),
    ownerOf: (path) => owners.find(path)?.value,
    identifier,
    now,
  };
};

/** A request whose caller is all that is still to be found out. */
interface Asked {
  readonly head: RequestHead;
  readonly facts: HeaderFacts;
  readonly clientAddress: string;
  readonly match: RouteMatch;
  /** Path and query as the API will see them. */
  readonly target: string;
  readonly credential: Credential | undefined;
}

/** Judges a request. A promise only where the identity has to be looked up. Throws and rejects for bugs alone. */
export const decide = (head: RequestHead, pipeline: Pipeline): Decision | PendingDecision => {
  const { settings, router } = pipeline;
  const { method, peer } = head;

  // 1 hygiene
  const facts = inspectHeaders(
    head.rawHeaders,
    head.httpVersion,
    settings.limits.headersMax,
    pipeline.classify,
  );
  if (isDenial(facts)) return refused(facts, unrouted(undefined, peer.address, '(invalid)'));
  const clientAddress = callerAddress(peer, facts.forwardedFor, pipeline.trusts);

  // 2 path
  const parsed = parseTarget(head.target, settings.limits.targetBytesMax);
  if (isDenial(parsed)) return refused(parsed, unrouted(facts, clientAddress, '(invalid)'));
  const { path, query } = parsed;
  const owner = pipeline.ownerOf(path);
  if (owner !== undefined) return { kind: 'owned', known: unrouted(facts, clientAddress, '(none)'), owner };

  // 3 route
  const match = router.match(method, path);
  if (match === undefined)
    return refused(router.refusalOf(method, path), unrouted(facts, clientAddress, '(none)'));
  const { rule } = match;
  const target = forwardedTarget(rule, head.target, parsed);
  const asked = { head, facts, clientAddress, match, target, credential: undefined };
  for (const other of methodsAskedFor(facts.methodOverrides, query))
    if (router.match(other.toUpperCase(), path)?.rule !== rule)
      return refused(
        denial('method_refused', 'an override to a method of another rule'),
        knownOf(asked, undefined),
      );

  // 4 credential
  const credential = readCredential(
    {
      authorization: facts.authorization,
      bare: facts.bareCredentials,
      cookies: facts.cookies,
      cookieName: settings.credential.cookie,
      query,
      queryParameter: rule.credentialQueryParameter,
    },
    settings.credential,
  );
  if (!isCredential(credential)) {
    if (rule.public) return admit(asked, undefined, 'live', pipeline.now(), pipeline);
    return refused(credential ?? denial('credential_missing'), knownOf(asked, undefined));
  }
  return identify({ head, facts, clientAddress, match, target, credential }, credential, pipeline);
};

/** Step 5, identity. What is cached is judged by the standing that the cache was read with. */
const identify = (asked: Asked, credential: Credential, pipeline: Pipeline): Decision | PendingDecision => {
  const { identifier } = pipeline;
  const nowMs = pipeline.now();
  const found = identifier.identify(credential, nowMs, asked.clientAddress);
  if (!(found instanceof Promise))
    return admit(asked, found, isSubject(found) ? found.standing : 'live', nowMs, pipeline);
  const decision = found.then((late) => {
    const lateMs = pipeline.now();
    const standing = isSubject(late) ? identifier.standing(late.identity, lateMs) : 'live';
    return admit(asked, late, standing, lateMs, pipeline);
  });
  return Object.assign(decision, { known: knownOf(asked, undefined) });
};

/** Steps 6 and 7: may they, and what the API is told of them. `found` is undefined for a caller without a credential. */
const admit = (
  asked: Asked,
  found: Subject | Refusal | undefined,
  standing: Standing,
  nowMs: number,
  { settings, identifier }: Pipeline,
): Decision => {
  const { facts, head, match } = asked;
  const { rule } = match;

  // 6 authorize
  const permit = judge({
    rule,
    tenant: match.tenant,
    target: asked.target,
    found,
    standing,
    nowMs,
    serveWhenUnknown: settings.feed.whenStale === 'serve',
  });
  if (!isPermit(permit))
    return refused(permit, knownOf(asked, isSubject(found) ? found.identity : undefined));
  const known = knownOf(asked, permit.identity);
  const unfit = unfitOf(head, facts, rule);
  if (unfit !== undefined) return refused(unfit, known);

  // 7 headers
  const subject = isSubject(found) && permit.identity !== undefined ? found : undefined;
  const identityPairs =
    subject === undefined ? noPairs : identifier.headersFor(subject, rule.upstream, nowMs);
  if (isOutage(identityPairs)) return refused(identityPairs, known);
  const passed = passedCredential(rule, subject, asked.credential, identifier, nowMs);
  if (isOutage(passed)) return refused(passed, known);
  return { kind: 'forward', known, facts, permit, identityPairs, passed, framing: framingOf(facts) };
};

const noPairs: readonly string[] = [];

const refused = (refusal: Refusal, known: Known): Refused => ({ kind: 'refused', known, refusal });

const unrouted = (facts: HeaderFacts | undefined, clientAddress: string, route: string): Known => ({
  facts,
  clientAddress,
  route,
  rule: undefined,
  credentialKind: undefined,
  identity: undefined,
});

const knownOf = (asked: Asked, identity: Identity | undefined): Known => ({
  facts: asked.facts,
  clientAddress: asked.clientAddress,
  route: asked.match.rule.name,
  rule: asked.match.rule,
  credentialKind:
    identity?.authenticator.credentialKind ?? (asked.credential && likelyKind(asked.credential)),
  identity,
});
