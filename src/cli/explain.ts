// What would happen to a request: the rule, what it asks, the verdict for given scopes, and what the API would receive.
// It asks the pipeline that judges real requests; only the caller is imagined. Sends nothing.

import type { Identity } from '../decision/identity.ts';
import { renderIdentityHeaders } from '../decision/identity-headers.ts';
import { denial, isDenial, type Refusal } from '../decision/outcome.ts';
import { wireOf } from '../decision/refusal.ts';
import { type RouteRule, unroutedRule } from '../decision/route-rule.ts';
import { ownApiToken, ownSession } from '../identity/authenticators.ts';
import { createPipeline, decide, type Pipeline } from '../proxy/pipeline.ts';
import type { Decision, Forward, Refused, RequestHead } from '../proxy/request-decision.ts';
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

export interface Explanation {
  readonly rule: RouteRule | undefined;
  /** What Tollgate answers by itself, without the API. */
  readonly ownSurface: boolean;
  /** The group of settings that makes it do so, e.g. `surfaces.csp`. */
  readonly setting: string | undefined;
  readonly verdict: 'permit' | 'denial';
  readonly reason: string | undefined;
  readonly evidence: string | undefined;
  /** Of a route in shadow mode: why enforcing would refuse what goes on now; undefined where it would not. */
  readonly shadow: Pick<Explanation, 'reason' | 'evidence' | 'status'> | undefined;
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

/** Judges an imagined request. Its caller is whom the question says, whatever credential the target may hold. */
export const explain = async (settings: Settings, question: Question): Promise<Explanation> => {
  const pipeline = createPipeline(settings, answeringWith(settings, question), () => 0);
  const bare = await decide(headOf(question, []), pipeline);
  const decision =
    question.scopes !== undefined && lacksCredential(bare)
      ? await decide(headOf(question, ['Authorization', credentials[question.sessionKind]]), pipeline)
      : bare;
  switch (decision.kind) {
    case 'owned':
      return { ...own, setting: decision.owner };
    case 'refused':
      return refused(decision);
    case 'forward':
      return permitted(settings, decision);
  }
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

const own: Explanation = {
  rule: undefined,
  ownSurface: true,
  setting: undefined,
  verdict: 'permit',
  reason: undefined,
  evidence: undefined,
  shadow: undefined,
  status: undefined,
  forwarded: undefined,
};

const refused = ({ known, refusal }: Refused): Explanation => ({
  ...own,
  ownSurface: false,
  rule: known.rule,
  verdict: 'denial',
  ...reasonOf(refusal),
});

const reasonOf = (refusal: Refusal): NonNullable<Explanation['shadow']> => ({
  reason: refusal.reason,
  evidence: isDenial(refusal) ? refusal.evidence : undefined,
  status: wireOf(refusal).status,
});

const permitted = (settings: Settings, { permit, identityPairs }: Forward): Explanation => {
  const { rule, target } = permit;
  const upstream = settings.upstreams[rule.upstream];
  return {
    ...own,
    ownSurface: false,
    // In shadow mode also what no route covers goes on.
    rule: rule.name === unroutedRule.name ? undefined : rule,
    shadow: permit.refusal && reasonOf(permit.refusal),
    forwarded: {
      upstream:
        upstream?.socketPath === undefined
          ? (upstream?.origin ?? rule.upstream)
          : `unix:${upstream.socketPath}`,
      target,
      headers: identityPairs.flatMap((name, index) =>
        index % 2 === 0 ? [[name, identityPairs[index + 1] ?? ''] as const] : [],
      ),
      credential: permit.kind === 'shadow' ? 'keep' : rule.forwardCredential,
    },
  };
};

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
