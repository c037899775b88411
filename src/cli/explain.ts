// `tollgate explain`: the rule that a request meets, what it asks, the verdict, and what the API would receive
// (explanation.ts). It asks the pipeline that judges real requests; only the caller is imagined. Sends nothing.

import type { Identity } from '../decision/identity.ts';
import { renderIdentityHeaders } from '../decision/identity-headers.ts';
import { denial } from '../decision/outcome.ts';
import { normalTarget } from '../decision/normal-path.ts';
import { pathOf } from '../decision/path.ts';
import { ownApiToken, ownSession } from '../identity/authenticators.ts';
import { originFormOf } from '../proxy/absolute-form.ts';
import { createPipeline, decide, type Pipeline } from '../proxy/pipeline.ts';
import type { Decision, RequestHead } from '../proxy/request-decision.ts';
import type { Settings } from '../settings/settings.ts';
import { command, type Given } from './command.ts';
import { exitCode } from './exit-code.ts';
import { explainLimits } from './explained-limits.ts';
import { asJson, type Explanation, explanationOf, explanationText } from './explanation.ts';
import { withSettings } from './global-options.ts';
import {
  argument,
  argumentRead,
  choice,
  collectWords,
  flag,
  option,
  optionOr,
  optionRead,
  readText,
} from './parameters.ts';

const takes = {
  method: argumentRead('<METHOD>', 'GET, POST, ...', (method) => method.toUpperCase()),
  target: argument('<PATH>', 'path or URL as a caller sends it, with a query or without'),
  host: optionOr('--host <HOST>', 'Host that the caller asks for', 'api.example', readText),
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
  from: option('--from <ADDRESS>', "the caller's address. Without it: one that the route is for"),
  origin: option('--origin <ORIGIN>', 'the page that asks, as a browser names it: https://app.example.com'),
  isInCookie: flag('--cookie', 'the credential stands in the cookie (credential.cookie), and nowhere else'),
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
  const decision = await judgedAs(settings, question);
  const isIdentified = decision.known.identity !== undefined;
  const caller = isIdentified ? identityOf(settings, question) : undefined;
  const limits = await explainLimits(settings, decision.known.rule, caller);
  return explanationOf(settings, decision, limits, pathOf(headOf(question, []).target));
};

/** By somebody of a network that the rule is for, where the question names no address. */
const judgedAs = async (settings: Settings, question: Question): Promise<Decision> => {
  const decision = await judged(settings, question);
  const { allowFrom } = decision.known.rule ?? {};
  if (question.from !== undefined || allowFrom === undefined) return decision;
  const [from] = allowFrom.entries[0]?.split('/') ?? [];
  return judged(settings, { ...question, from });
};

const judged = async (settings: Settings, question: Question): Promise<Decision> => {
  const pipeline = createPipeline(settings, answeringWith(settings, question), () => 0);
  const bare = await decide(headOf(question, []), pipeline);
  if (question.scopes === undefined || !lacksCredential(bare)) return bare;
  return decide(headOf(question, credentialLines(settings, question)), pipeline);
};

/** It only stands for a credential, and has the form of its kind. */
const credentialLines = (
  { credential }: Settings,
  { sessionKind, isInCookie }: Question,
): readonly string[] => {
  const value = sessionKind === 'interactive' ? 'a.b.c' : 'imagined';
  return isInCookie && credential.cookie !== undefined
    ? ['Cookie', `${credential.cookie}=${value}`]
    : ['Authorization', `Bearer ${value}`];
};

const headOf = (
  { method, target, host, from = '127.0.0.1', origin }: Question,
  credential: readonly string[],
): RequestHead => {
  const asked = {
    method,
    target,
    rawHeaders: ['Host', host, ...credential, ...(origin === undefined ? [] : ['Origin', origin])],
    httpVersion: '1.1',
  };
  const read = originFormOf(asked) ?? asked;
  return {
    ...asked,
    ...read,
    target: normalTarget(read.target),
    peer: { address: from, isTrusted: false, proto: 'http', forwardedFor: from },
    isUpgrade: false,
  };
};

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
