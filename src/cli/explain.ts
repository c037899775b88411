// `tollgate explain`: the rule that a request meets, what it asks, the verdict, and what the API would receive.
// It asks the pipeline that judges real requests; only the caller is imagined. Sends nothing.

import type { Identity } from '../decision/identity.ts';
import { renderIdentityHeaders } from '../decision/identity-headers.ts';
import { denial, isDenial, type Refusal } from '../decision/outcome.ts';
import { wireOf } from '../decision/refusal.ts';
import { type RouteRule, unroutedRule } from '../decision/route-rule.ts';
import { ownApiToken, ownSession } from '../identity/authenticators.ts';
import { originFormOf } from '../proxy/absolute-form.ts';
import { createPipeline, decide, type Pipeline } from '../proxy/pipeline.ts';
import type { Decision, Forward, RequestHead } from '../proxy/request-decision.ts';
import type { Settings } from '../settings/settings.ts';
import { command, type Given } from './command.ts';
import { exitCode } from './exit-code.ts';
import { withSettings } from './global-options.ts';
import { pairs } from './output.ts';
import {
  argument,
  argumentRead,
  choice,
  collectWords,
  optionOr,
  optionRead,
  readText,
} from './parameters.ts';

const takes = {
  method: argumentRead('<METHOD>', 'GET, POST, ...', (method) => method.toUpperCase()),
  target: argument('<PATH>', 'path or URL as a caller sends it, with a query or without'),
  scopes: optionRead(
    '--scopes <SCOPES>',
    'scopes in effect, repeatable; "" for none. Without it: no credential',
    collectWords,
  ),
  orgId: optionOr('--org <ID>', "id of the caller's org", 'example-org', readText),
  userId: optionOr('--user <ID>', "id of the caller's user", 'example-user', readText),
  sessionKind: choice(
    '--session <KIND>',
    'how the caller proved who they are',
    ['api_token', 'interactive'],
    'api_token',
  ),
};

type Question = Given<typeof takes>;

export const explainCommand = command({
  name: 'explain',
  description: 'which rule a request meets, what it asks, and what the API would receive',
  takes,
  help:
    '\nSends nothing. Exits 0 when the request would be let through, 1 when it would be refused.\n' +
    '\nExamples:\n  tollgate explain GET /things/1\n' +
    '  tollgate explain GET /things/1 --scopes "things:read things:write" --org acme --user ann',
  run: (question, invocation) =>
    withSettings(invocation, async (settings) => {
      const explanation = await explain(settings, question);
      if (invocation.output.isJson) invocation.output.json(asJson(explanation));
      else invocation.output.line(explanationText(question, explanation));
      return explanation.verdict === 'permit' ? exitCode.ok : exitCode.refused;
    }),
});

/** Judges an imagined request. Its caller is whom the question says, whatever credential the target may hold. */
const explain = async (settings: Settings, question: Question): Promise<Explanation> => {
  const pipeline = createPipeline(settings, answeringWith(settings, question), () => 0);
  const bare = await decide(headOf(question, []), pipeline);
  const decision =
    question.scopes !== undefined && lacksCredential(bare)
      ? await decide(headOf(question, ['Authorization', credentials[question.sessionKind]]), pipeline)
      : bare;
  return explanationOf(settings, decision);
};

type Explanation = ReturnType<typeof explanationOf>;

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

const headOf = ({ method, target }: Question, credential: readonly string[]): RequestHead => {
  const asked = { method, target, rawHeaders: ['Host', 'api.example', ...credential], httpVersion: '1.1' };
  return {
    ...asked,
    ...originFormOf(asked),
    peer: { address: '127.0.0.1', isTrusted: false, proto: 'http', forwardedFor: '127.0.0.1' },
    isUpgrade: false,
  };
};

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

/** A path as it is written in the settings. */
const asJson = ({ rule, ...explanation }: Explanation): object => ({
  rule: rule === undefined ? undefined : { ...rule, path: rule.path.written },
  ...explanation,
});

const explanationText = (question: Question, explanation: Explanation): string => {
  const { rule, forwarded } = explanation;
  if (explanation.ownSurface)
    return pairs([
      ['request', `${question.method} ${question.target}`],
      ['answered by', `Tollgate itself (see ${explanation.setting ?? 'oauth'} in the settings)`],
    ]);
  return [
    pairs([
      ['request', `${question.method} ${question.target}`],
      ['rule', rule === undefined ? undefined : `${rule.name} (${rule.path.written})`],
      ['asks for', rule === undefined ? undefined : demandOf(rule)],
      ['caller', callerOf(question)],
      ['verdict', verdictOf(explanation)],
      ['forwarded to', forwarded === undefined ? undefined : `${forwarded.upstream}${forwarded.target}`],
      ['credential', forwarded === undefined ? undefined : credentialOf(forwarded.credential)],
    ]),
    ...headersText(forwarded?.headers),
  ].join('\n');
};

const headersText = (headers: readonly (readonly [string, string])[] | undefined): readonly string[] => {
  if (headers === undefined) return [];
  if (headers.length === 0)
    return ['\nIdentity headers the API receives: none (what a caller sends of them is removed).'];
  return ['\nIdentity headers the API receives:', ...headers.map(([name, value]) => `  ${name}: ${value}`)];
};

const demandOf = (rule: RouteRule): string =>
  [
    rule.public
      ? 'nothing (public)'
      : rule.scopes.length === 0
        ? 'any valid credential'
        : `${rule.scopes.length === 1 ? 'the scope' : 'all the scopes'} ${rule.scopes.join(' ')}`,
    ...(rule.tenantParameter === undefined
      ? []
      : [`{${rule.tenantParameter}} in the path to be the caller's org`]),
    ...(rule.sessions === 'interactive' ? ['a person who signed in'] : []),
  ].join('; ');

const callerOf = ({ scopes, orgId, userId }: Question): string =>
  scopes === undefined
    ? 'nobody (no credential; try --scopes)'
    : `${orgId}/${userId} with ${scopes.length === 0 ? 'no scopes' : scopes.join(' ')}`;

const verdictOf = (explanation: Explanation): string => {
  const { verdict, shadow } = explanation;
  if (verdict === 'denial') return `refused: ${refusalText(explanation)}`;
  return shadow === undefined
    ? 'let through'
    : `let through in shadow mode; enforced, it is refused: ${refusalText(shadow)}`;
};

const refusalText = ({
  status,
  reason,
  evidence,
}: Pick<Explanation, 'reason' | 'evidence' | 'status'>): string =>
  `${status ?? ''} ${reason ?? ''}${evidence === undefined ? '' : ` (${evidence})`}`;

const credentialOf = (forward: RouteRule['forwardCredential']): string => {
  switch (forward) {
    case 'strip':
      return 'removed';
    case 'access-token':
      return 'replaced by an access token';
    case 'keep':
      return 'kept as it came';
  }
};
