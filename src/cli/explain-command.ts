// `tollgate explain`: which rule a request meets, what it asks, and what the API would receive.

import type { RouteRule } from '../decision/route-rule.ts';
import { command } from './command.ts';
import { type Explanation, explain, type Question } from './explain.ts';
import { exitCode } from './exit-code.ts';
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
import { withSettings } from './global-options.ts';

export const explainCommand = command({
  name: 'explain',
  description: 'which rule a request meets, what it asks, and what the API would receive',
  takes: {
    method: argumentRead('<METHOD>', 'GET, POST, ...', (method) => method.toUpperCase()),
    target: argument('<PATH>', 'path as a caller sends it, with a query or without'),
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
  },
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
