// What each header name means to this proxy. Names are folded once per spelling (case, `-` and `_` alike) and then
// remembered, so the hot path is one map look-up a header. It judges names only, never values.

import { believedFrom } from '../decision/believed-headers.ts';
import { bareCredentialHeaders } from '../decision/credential.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import { foldName, identityFamily } from '../decision/identity-headers.ts';
import type { Settings } from '../settings/settings.ts';

/** What happens to a header on its way to the API. */
export const headerClass = {
  /** Goes on as it came. */
  pass: 0,
  /** Never goes on: hop-by-hop (RFC 9110 section 7.6.1), or a spelling only a spoof would use. */
  drop: 1,
  /** A framing or routing header in a spelling that some servers fold into the real one: 400. */
  lookalike: 2,
  host: 3,
  connection: 4,
  contentLength: 5,
  transferEncoding: 6,
  upgrade: 7,
  authorization: 8,
  bareCredential: 9,
  cookie: 10,
  /** Only ours may say who the caller is. */
  identity: 11,
  forwardedFor: 12,
  forwardedProto: 13,
  forwardedHost: 14,
  forwarded: 15,
  /** Other headers by which a proxy describes the caller; believed from trusted peers only. */
  proxyWord: 16,
  requestId: 17,
  traceparent: 18,
  tracestate: 19,
  methodOverride: 20,
  /** Read where requests to the API carry ours; otherwise it goes on. */
  via: 21,
  /** What browsers say of the page that sends a request; goes on. Read where a setting asks for it. */
  origin: 22,
  fetchSite: 23,
  corsMethod: 24,
  corsHeaders: 25,
  webSocketKey: 26,
  /** One of its entries may be a credential. */
  webSocketProtocol: 27,
} as const;

export type HeaderClass = (typeof headerClass)[keyof typeof headerClass];

/** Exact names, lower case. */
const exact: ReadonlyMap<string, HeaderClass> = new Map<string, HeaderClass>([
  ['host', headerClass.host],
  ['connection', headerClass.connection],
  ['content-length', headerClass.contentLength],
  ['transfer-encoding', headerClass.transferEncoding],
  ['upgrade', headerClass.upgrade],
  ['authorization', headerClass.authorization],
  ['cookie', headerClass.cookie],
  ['x-forwarded-for', headerClass.forwardedFor],
  ['x-forwarded-proto', headerClass.forwardedProto],
  ['x-forwarded-host', headerClass.forwardedHost],
  ['forwarded', headerClass.forwarded],
  ['x-request-id', headerClass.requestId],
  ['traceparent', headerClass.traceparent],
  ['tracestate', headerClass.tracestate],
  ['keep-alive', headerClass.drop],
  // CGI servers turn it into HTTP_PROXY (CVE-2016-5385).
  ['proxy', headerClass.drop],
  ['proxy-connection', headerClass.drop],
  ['proxy-authorization', headerClass.drop],
  ['proxy-authenticate', headerClass.drop],
  ['te', headerClass.drop],
  ['trailer', headerClass.drop],
  ['expect', headerClass.drop],
  ['http2-settings', headerClass.drop],
  ['x-http-method-override', headerClass.methodOverride],
  ['x-http-method', headerClass.methodOverride],
  ['x-method-override', headerClass.methodOverride],
]);

/** Framing and routing: another spelling of these is an attack on servers that fold names. */
const framingNames = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
  'te',
]);

/** Spellings remembered; callers may invent as many as they like, of any length. */
const spellingsMax = 2_048;
const spellingLengthMax = 64;

export type ClassifyHeader = (name: string) => HeaderClass;

/** Remembers what was found of each spelling. When more come than are kept, all are forgotten and learnt again. */
export const bySpelling = <T>(find: (lower: string, name: string) => T): ((name: string) => T) => {
  const known = new Map<string, T>();
  const learn = (name: string): T => {
    const found = find(name.toLowerCase(), name);
    if (name.length > spellingLengthMax) return found;
    if (known.size >= spellingsMax) known.clear();
    known.set(name, found);
    return found;
  };
  return (name) => known.get(name) ?? learn(name);
};

/** `readsVia`: whether `Via` says something to us. */
export const createHeaderClassifier = (
  settings: BrowserSettings & {
    readonly credential: Pick<Settings['credential'], 'headers'>;
    readonly identity: Pick<Settings['identity'], 'headers' | 'strip' | 'keep'>;
  },
  readsVia = false,
): ClassifyHeader => {
  const { headers, strip, keep } = settings.identity;
  const browser = browserClasses(settings);
  const isIdentity = identityFamily([...Object.keys(headers), ...strip]);
  const credential = new Set([
    ...bareCredentialHeaders,
    ...settings.credential.headers.map((name) => name.toLowerCase()),
  ]);
  const foldedCredential = new Set([...credential].map(foldName));
  /** They go on although an API may believe them (decision/believed-headers.ts). */
  const kept = new Set(keep.map(foldName));
  return bySpelling((lower): HeaderClass => {
    if (isIdentity(lower)) return headerClass.identity;
    const named = exact.get(lower) ?? browser.get(lower);
    if (named !== undefined) return named;
    if (readsVia && lower === 'via') return headerClass.via;
    if (credential.has(lower)) return headerClass.bareCredential;
    const folded = foldName(lower);
    if (framingNames.has(folded)) return headerClass.lookalike;
    if (exact.has(folded))
      return exact.get(folded) === headerClass.methodOverride ? headerClass.methodOverride : headerClass.drop;
    if (foldedCredential.has(folded) || browser.has(folded)) return headerClass.drop;
    if (kept.has(folded)) return headerClass.pass;
    const believed = believedFrom(folded);
    if (believed === undefined) return headerClass.pass;
    return believed === 'proxy' ? headerClass.proxyWord : headerClass.identity;
  });
};

/** By which it is known whether any of what browsers say matters: without them it is not read. */
export interface BrowserSettings {
  readonly cors?: Settings['cors'];
  readonly routes?: readonly Pick<RouteRule, 'cors'>[];
  readonly credential: Partial<Pick<Settings['credential'], 'cookie' | 'basic' | 'webSocketProtocol'>>;
}

const browserClasses = ({
  cors,
  routes = [],
  credential,
}: BrowserSettings): ReadonlyMap<string, HeaderClass> => {
  const classes = new Map<string, HeaderClass>();
  if (cors !== undefined || routes.some((route) => route.cors !== undefined))
    classes
      .set('origin', headerClass.origin)
      .set('access-control-request-method', headerClass.corsMethod)
      .set('access-control-request-headers', headerClass.corsHeaders);
  if (credential.cookie !== undefined || credential.basic === true)
    classes
      .set('origin', headerClass.origin)
      .set('sec-fetch-site', headerClass.fetchSite)
      .set('sec-websocket-key', headerClass.webSocketKey);
  if (credential.webSocketProtocol !== undefined)
    classes.set('sec-websocket-protocol', headerClass.webSocketProtocol);
  return classes;
};
