// What would happen to a request: the rule, what it asks, the verdict for given scopes, and what the API would receive.
// It asks the pipeline that judges real requests; only the caller is imagined. Sends nothing.

import type { Identity } from '../decision/identity.ts';
import { renderIdentityHeaders } from '../decision/identity-headers.ts';
import { denial, isDenial, type Refusal } from '../decision/outcome.ts';
import { wireOf } from '../decision/refusal.ts';
import { unroutedRule } from '../decision/route-rule.ts';
import { ownApiToken, ownSession } from '../identity/authenticators.ts';
import { createPipeline, decide, type Pipeline } from '../proxy/pipeline.ts';
import type { Decision, Forward, RequestHead } from '../proxy/request-decision.ts';
import type { Settings } from '../settings/settings.ts';

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

/** Judges an imagined request. Its caller is whom the question says, whatever credential the target may hold. */
export const explain = async (settings: Settings, question: Question): Promise<Explanation> => {
  const pipeline = createPipeline(settings, answeringWith(settings, question), () => 0);
  const bare = await decide(headOf(question, []), pipeline);
  const decision =
    question.scopes !== undefined && lacksCredential(bare)
      ? await decide(headOf(question, ['Authorization', credentials[question.sessionKind]]), pipeline)
      : bare;
  return explanationOf(settings, decision);
};

export type Explanation = ReturnType<typeof explanationOf>;

const explanationOf = (settings: Settings, decision: Decision) => {
  const { rule } = decision.known;
  const refused = decision.kind === 'refused' ? reasonOf(decision.refusal) : undefined;
  const forward = decision.kind === 'forward' ? decision : undefined;
  return {
    // In shadow mode also what no route covers goes on.
    rule: rule?.name === unroutedRule.name ? undefined : rule,
    /** What Tollgate answers by itself, without the API. */
    ownSurface: decision.kind === 'owned',
    /** The group of settings that makes it do so, e.g. `surfaces.csp`. */
    setting: decision.kind === 'owned' ? decision.owner : undefined,
    verdict: refused === undefined ? 'permit' : 'denial',
    reason: refused?.reason,
    evidence: refused?.evidence,
    /** Of a route in shadow mode: why enforcing would refuse what goes on now; undefined where it would not. */
    shadow: forward?.permit.refusal && reasonOf(forward.permit.refusal),
    status: refused?.status,
    /** Where it is forwarded to; undefined when it is not. */
    forwarded: forward && forwardedOf(settings, forward),
  } as const;
};

const reasonOf = (refusal: Refusal) => ({
  reason: refusal.reason,
  evidence: isDenial(refusal) ? refusal.evidence : undefined,
  status: wireOf(refusal).status,
});

const forwardedOf = (settings: Settings, { permit, identityPairs }: Forward) => {
  const { rule, target } = permit;
  const upstream = settings.upstreams[rule.upstream];
  return {
    upstream:
      upstream?.socketPath === undefined
        ? (upstream?.origin ?? rule.upstream)
        : `unix:${upstream.socketPath}`,
    target,
    /** `[name, value]` of the identity family. */
    headers: identityPairs.flatMap((name, index) =>
      index % 2 === 0 ? [[name, identityPairs[index + 1] ?? ''] as const] : [],
    ),
    credential: permit.kind === 'shadow' ? 'keep' : rule.forwardCredential,
  } as const;
};

const headOf = ({ method, target }: Question, rawHeaders: readonly string[]): RequestHead => ({
  method,
  target,
  rawHeaders: ['Host', 'api.example', ...rawHeaders],
  httpVersion: '1.1',
  peer: { address: '127.0.0.1', isTrusted: false, proto: 'http', forwardedFor: '127.0.0.1' },
  isUpgrade: false,
});

/** They only stand for a credential: each has the form of its kind. */
const credentials = { api_token: 'Bearer imagined', interactive: 'Bearer a.b.c' };

const lacksCredential = (decision: Decision): boolean =>
  decision.kind === 'refused'
    ? decision.refusal.reason === 'credential_missing'
    : decision.known.credentialKind === undefined;

/** Knows one caller, and signs nothing. */
const answeringWith = (settings: Settings, question: Question): Pipeline['identifier'] => ({
  identify: () =>
    question.scopes === undefined
      ? denial('credential_missing')
      : { identity: identityOf(settings, question), standing: 'live' },
  standing: () => 'live',
  headersFor: ({ identity }) =>
    renderIdentityHeaders(Object.entries(settings.identity.headers), identity, jwtShown),
  accessTokenFor: () => 'an access token',
});

/** Stands for the JWT, which only a running Tollgate can sign. */
const jwtShown = '<JWT of these, signed by Tollgate>';

const identityOf = (settings: Settings, question: Question): Identity => ({
  authenticator: question.sessionKind === 'interactive' ? ownSession : ownApiToken,
  sessionKind: question.sessionKind,
  issuer: settings.issuer,
  org: { id: question.orgId, name: question.orgId },
  user: { id: question.userId, name: question.userId, roles: [] },
  scopes: new Set(question.scopes),
  tokenId: question.sessionKind === 'interactive' ? undefined : 'TOKEN-ID',
  secretNumber: undefined,
  sessionId: question.sessionKind === 'interactive' ? 'SESSION-ID' : undefined,
  generation: undefined,
  issuedAtMs: 0,
  expiresAtMs: Infinity,
});
