// What would happen to a request: the rule, what it asks, the verdict for given scopes, and what the API would receive.
// Uses the parts that judge real requests, so that it cannot tell another story. Sends nothing.

import { isPermit, type Permit } from '../decision/authorize.ts';
import type { Identity } from '../decision/identity.ts';
import { renderIdentityHeaders } from '../decision/identity-headers.ts';
import { isDenial, type Refusal } from '../decision/outcome.ts';
import { parseTarget } from '../decision/path.ts';
import { PathTree } from '../decision/path-tree.ts';
import { wireOf } from '../decision/refusal.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import { ownApiToken, ownSession } from '../identity/authenticators.ts';
import { forwardedTarget, judge } from '../proxy/admission.ts';
import { createRouter } from '../proxy/router.ts';
import type { Settings } from '../settings/settings.ts';
import { ownedPatterns } from '../settings/surface-paths.ts';

export interface Question {
  readonly method: string;
  /** Path, with a query or without. */
  readonly target: string;
  /** The scopes in effect; undefined: a call without a credential. */
  readonly scopes: readonly string[] | undefined;
  readonly orgId: string;
  readonly userId: string;
  readonly sessionKind: 'api_token' | 'interactive';
}

export interface Explanation {
  readonly rule: RouteRule | undefined;
  /** What Tollgate answers by itself, without the API. */
  readonly ownSurface: boolean;
  /** The group of settings that makes it do so, e.g. `surfaces.csp`. */
  readonly setting: string | undefined;
  readonly verdict: 'permit' | 'denial';
  readonly reason: string | undefined;
  readonly evidence: string | undefined;
  /** Of the refusal. */
  readonly status: number | undefined;
  /** Where it is forwarded to; undefined when it is not. */
  readonly forwarded:
    | {
        readonly upstream: string;
        readonly target: string;
        /** `[name, value]` of the identity family. */
        readonly headers: readonly (readonly [name: string, value: string])[];
        readonly credential: RouteRule['forwardCredential'];
      }
    | undefined;
}

/** Judges an imagined request. */
export const explain = (settings: Settings, question: Question): Explanation => {
  const target = parseTarget(question.target, settings.limits.targetBytesMax);
  if (isDenial(target)) return refused(undefined, target);
  const patterns = ownedPatterns(settings);
  const owned = new PathTree(patterns.map(({ pattern, setting }) => [pattern, setting])).find(target.path);
  if (owned !== undefined) return { ...own, setting: owned.value };
  const router = createRouter(
    settings.routes,
    patterns.map(({ pattern }) => pattern),
  );
  const match = router.match(question.method, target.path);
  if (match === undefined) return refused(undefined, router.refusalOf(question.method, target.path));
  const { rule, tenant } = match;
  const verdict = judge({
    rule,
    tenant,
    target: forwardedTarget(rule, question.target, target),
    found:
      question.scopes === undefined
        ? undefined
        : { identity: identityOf(settings, question, question.scopes) },
    standing: 'live',
    nowMs: 0,
    serveWhenUnknown: false,
  });
  return isPermit(verdict) ? permitted(settings, verdict) : refused(rule, verdict);
};

const own: Explanation = {
  rule: undefined,
  ownSurface: true,
  setting: undefined,
  verdict: 'permit',
  reason: undefined,
  evidence: undefined,
  status: undefined,
  forwarded: undefined,
};

const refused = (rule: RouteRule | undefined, refusal: Refusal): Explanation => ({
  ...own,
  ownSurface: false,
  rule,
  verdict: 'denial',
  reason: refusal.reason,
  evidence: isDenial(refusal) ? refusal.evidence : undefined,
  status: wireOf(refusal).status,
});

const permitted = (settings: Settings, { rule, target, identity }: Permit): Explanation => {
  const upstream = settings.upstreams[rule.upstream];
  const pairs =
    identity === undefined
      ? []
      : renderIdentityHeaders(Object.entries(settings.identity.headers), identity, jwtShown);
  return {
    ...own,
    ownSurface: false,
    rule,
    forwarded: {
      upstream:
        upstream?.socketPath === undefined
          ? (upstream?.origin ?? rule.upstream)
          : `unix:${upstream.socketPath}`,
      target,
      headers: pairs.flatMap((name, index) =>
        index % 2 === 0 ? [[name, pairs[index + 1] ?? ''] as const] : [],
      ),
      credential: rule.forwardCredential,
    },
  };
};

/** Stands for the JWT, which only a running Tollgate can sign. */
const jwtShown = '<JWT of these, signed by Tollgate>';

const identityOf = (settings: Settings, question: Question, scopes: readonly string[]): Identity => ({
  authenticator: question.sessionKind === 'interactive' ? ownSession : ownApiToken,
  sessionKind: question.sessionKind,
  issuer: settings.issuer,
  org: { id: question.orgId, name: question.orgId },
  user: { id: question.userId, name: question.userId, roles: [] },
  scopes: new Set(scopes),
  tokenId: question.sessionKind === 'interactive' ? undefined : 'TOKEN-ID',
  secretNumber: undefined,
  sessionId: question.sessionKind === 'interactive' ? 'SESSION-ID' : undefined,
  generation: undefined,
  issuedAtMs: 0,
  expiresAtMs: Infinity,
});
