// What `tollgate explain` says of a request that was judged: the rule, the verdict, and what the API would receive; as a
// value, and as text.

import { detailOf, isDenial, type Refusal } from '../decision/outcome.ts';
import { pathOf } from '../decision/path.ts';
import { wireOf } from '../decision/refusal.ts';
import { reservedEscapeOf } from '../decision/reserved-escapes.ts';
import { type RouteRule, unroutedRule } from '../decision/route-rule.ts';
import type { Decision, Forward } from '../proxy/request-decision.ts';
import { shownOf } from '../proxy/upstream/addresses/upstream-address.ts';
import type { Settings, UpstreamSettings } from '../settings/settings.ts';
import { type ExplainedLimit, limitsText } from './explained-limits.ts';
import { pairs } from './output.ts';

/** What is asked about. */
export interface Question {
  readonly method: string;
  readonly target: string;
  /** Undefined: a caller without a credential. */
  readonly scopes: readonly string[] | undefined;
  readonly orgId: string;
  readonly userId: string;
  /** The page that asks; undefined: none. */
  readonly origin: string | undefined;
}

export type Explanation = ReturnType<typeof explanationOf>;

export const explanationOf = (
  settings: Settings,
  decision: Decision,
  limits: readonly ExplainedLimit[],
  path: string,
) => {
  const { rule } = decision.known;
  const refused = decision.kind === 'refused' ? reasonOf(decision.refusal) : undefined;
  const forward = decision.kind === 'forward' ? decision : undefined;
  return {
    // In shadow mode also what no route covers goes on.
    rule: rule?.name === unroutedRule.name ? undefined : rule,
    /** The path that was judged: in origin form, its escapes in their normal form. */
    path,
    /** What Tollgate answers by itself, without the API. */
    ownSurface: decision.kind === 'owned',
    /** The group of settings that makes it do so, e.g. `surfaces.csp`. */
    setting: decision.kind === 'owned' ? decision.owner : undefined,
    verdict: refused === undefined ? 'permit' : 'denial',
    reason: refused?.reason,
    evidence: refused?.evidence,
    /** What the caller reads, where it is more than what all refusals of this reason say. */
    detail: refused?.detail,
    /** Of a route in shadow mode: why enforcing would refuse what goes on now; undefined where it would not. */
    shadow: forward?.permit.refusal && reasonOf(forward.permit.refusal),
    status: refused?.status,
    /** Whether the page that asks may read the answer; undefined where CORS is the API's own matter. */
    isReadable: rule?.cors && decision.known.answerPairs.includes('Access-Control-Allow-Origin'),
    /** Pages beside the own ones that may use the cookie; undefined: no cookie carries a credential. */
    cookieOrigins: settings.credential.cookie === undefined ? undefined : settings.credential.cookieOrigins,
    /** What else a request like this one is held to once it is let through. */
    limits,
    /** Whether it is use of an API token that is counted. */
    isCounted: settings.usage.enabled && decision.known.identity?.tokenId !== undefined,
    /** Where it is forwarded to; undefined when it is not. */
    forwarded: forward && forwardedOf(settings, forward),
  } as const;
};

const reasonOf = (refusal: Refusal) => ({
  reason: refusal.reason,
  evidence: isDenial(refusal) ? refusal.evidence : undefined,
  detail: detailOf(refusal),
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
    connection: upstream && connectionOf(upstream, rule.responseTimeoutMs),
    via: settings.via.to === 'off' ? undefined : settings.via,
  } as const;
};

/** How the API is reached. Addresses of a name, and which of them are up, are known to a running Tollgate alone. */
const connectionOf = (upstream: UpstreamSettings, responseTimeoutMs: number) => {
  const { name, addresses, clientCertificate, connectTimeoutMs, keepAlive, connectionAgeMsMax, health } =
    upstream;
  return {
    upstream: name,
    addresses: addresses?.map(shownOf),
    clientCertificate: clientCertificate !== undefined,
    connectTimeoutMs,
    responseTimeoutMs,
    responseHeadBytesMax: upstream.responseHeadBytesMax,
    keepAlive,
    /** Undefined: any. */
    connectionAgeMsMax: connectionAgeMsMax === Infinity ? undefined : connectionAgeMsMax,
    probe: health.probe && (health.probe.path ?? 'a connection'),
  } as const;
};

/** A path as it is written in the settings. */
export const asJson = ({ rule, ...explanation }: Explanation): object => ({
  rule:
    rule === undefined
      ? undefined
      : { ...rule, path: rule.path.written, host: rule.host?.written, allowFrom: rule.allowFrom?.entries },
  ...explanation,
});

export const explanationText = (question: Question, explanation: Explanation): string => {
  const { rule, forwarded } = explanation;
  if (explanation.ownSurface)
    return pairs([
      ['request', `${question.method} ${question.target}`],
      ['answered by', `Tollgate itself (see ${explanation.setting ?? 'oauth'} in the settings)`],
    ]);
  return [
    pairs([
      ['request', `${question.method} ${question.target}`],
      [
        'rule',
        rule === undefined ? undefined : `${rule.name} (${rule.host?.written ?? ''}${rule.path.written})`,
      ],
      ['asks for', rule === undefined ? undefined : demandOf(rule)],
      ['caller', callerOf(question)],
      ['verdict', verdictOf(explanation)],
      ['pages', pagesOf(question, explanation)],
      ['cookie', explanation.cookieOrigins && cookieOf(explanation.cookieOrigins)],
      ['advice', explanation.detail],
      ['limits', limitsText(explanation.limits)],
      ['usage', usageOf(explanation)],
      ['escapes', escapesOf(explanation)],
      ['forwarded to', forwarded === undefined ? undefined : `${forwarded.upstream}${forwarded.target}`],
      ['rewritten', rewrittenOf(explanation)],
      [
        'answers',
        rule?.mapResponses === true ? 'Location, Content-Location and Set-Cookie are mapped back' : undefined,
      ],
      ['credential', forwarded === undefined ? undefined : credentialOf(forwarded.credential)],
      ['connection', forwarded?.connection && connectionText(forwarded.connection)],
      ['Via', forwarded?.via && viaOf(forwarded.via)],
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
    ...(rule.allowFrom === undefined ? [] : [`a caller from ${rule.allowFrom.entries.join(' or ')}`]),
  ].join('; ');

const pagesOf = ({ origin }: Question, { rule, isReadable }: Explanation): string | undefined => {
  if (rule?.cors === undefined) return undefined;
  const { origins, credentials } = rule.cors;
  const whose = `answers are for pages of ${origins.join(', ')}${credentials ? ', with cookies' : ''}`;
  return origin === undefined
    ? whose
    : `${whose}; ${origin} ${isReadable === true ? 'may read them' : 'may not read them'}`;
};

const cookieOf = (origins: readonly string[]): string =>
  `for what is not safe only of own pages${origins.map((origin) => `, or of ${origin}`).join('')}`;

const usageOf = ({ isCounted, verdict }: Explanation): string | undefined =>
  isCounted ? `counted for the API token${verdict === 'denial' ? ', as refused' : ''}` : undefined;

const callerOf = ({ scopes, orgId, userId }: Question): string =>
  scopes === undefined
    ? 'nobody (no credential; try --scopes)'
    : `${orgId}/${userId} with ${scopes.length === 0 ? 'no scopes' : scopes.join(' ')}`;

/** The path that was judged, and the one that the API gets. */
const rewrittenOf = ({ rule, path, forwarded }: Explanation): string | undefined =>
  rule?.rewrite === undefined || forwarded === undefined
    ? undefined
    : `the rule is judged on ${path}, the API gets ${pathOf(forwarded.target)}`;

const escapesOf = ({ rule, forwarded }: Explanation): string | undefined => {
  const escape = forwarded && reservedEscapeOf(pathOf(forwarded.target));
  return escape === undefined
    ? undefined
    : `${escape} goes on as it came (encodedReserved: ${rule?.encodedReserved ?? 'refuse'})`;
};

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

const connectionText = (connection: ReturnType<typeof connectionOf>): string => {
  const { upstream, addresses, clientCertificate, keepAlive, connectionAgeMsMax, probe } = connection;
  return [
    `upstream ${upstream}${addresses === undefined ? '' : ` at ${addresses.join(', ')}`}`,
    ...(clientCertificate ? ['with a client certificate'] : []),
    `opened within ${seconds(connection.connectTimeoutMs)}, answered within ${seconds(connection.responseTimeoutMs)} with a head of at most ${connection.responseHeadBytesMax} bytes`,
    keepAlive
      ? `kept${connectionAgeMsMax === undefined ? '' : ` for ${seconds(connectionAgeMsMax)} at most`}`
      : 'closed after the request',
    ...(probe === undefined ? [] : [`probed: ${probe}`]),
  ].join('; ');
};

const seconds = (ms: number): string => `${ms / 1_000} s`;

/** Which messages get a `Via` that names Tollgate. */
const viaOf = ({ to, pseudonym = 'tollgate-... (new at each start)' }: Settings['via']): string =>
  `${to === 'both' ? 'to the API and the caller' : to === 'api' ? 'to the API' : 'to the caller'}: 1.1 ${pseudonym}`;

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
