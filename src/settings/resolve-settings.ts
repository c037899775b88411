// Validated fields -> the settings every room reads. Fills in what depends on other settings, and gives everything else on
// as it is. Judges nothing.

import { dirname, join } from 'node:path';
import { addressRuleOf } from '../decision/address-rule.ts';
import { parameterNames } from '../decision/path-pattern.ts';
import { compileRewrite, isRewriteFault, type RewriteSettings } from '../decision/path-rewrite.ts';
import { resourceMetadataUrl, scopeAtIssuer } from '../decision/protected-resource.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import type { Address } from './network-readers.ts';
import { corsRuleOf } from './cors-fields.ts';
import type { FileFields } from './schema.ts';

type RouteFields = FileFields['routes'][number];

/** `sealingKey`: what `keys.encryptionKeyFile` holds, where that has been read. */
export const resolveSettings = (
  { upstream, ...fields }: FileFields,
  sealingKey: Uint8Array | undefined = fields.keys.encryptionKey,
) => {
  const issuer = fields.issuer ?? issuerOf(fields.listen, fields.tls !== undefined);
  const { csp } = fields.surfaces;
  return {
    ...fields,
    upstreams: resolveUpstreams({ default: upstream, ...fields.upstreams }),
    store: resolveStore(fields.store),
    /** Of machines that pass others' requests or connections on. No address rule is for one of them. */
    proxyAddresses: addressRuleOf(
      [...fields.trustedProxies, ...fields.proxyProtocol.trustedPeers].filter((range) => range !== 'unix'),
    ),
    /** Our own issuer URL, without a trailing slash. */
    issuer,
    audience: fields.audience ?? issuer,
    /** For answers to requests that no route covers. */
    cors: corsRuleOf(fields.cors, { methods: undefined, mode: fields.mode }),
    issuers: fields.issuers.map(resolveIssuer),
    routes: fields.routes.map((route) => resolveRoute(route, { ...fields, upstream })),
    rateLimits: fields.rateLimits.map((limit) => ({ ...limit, burst: limit.burst ?? limit.requests })),
    oauth: { ...fields.oauth, clients: fields.oauth.clients.map(resolveClient) },
    surfaces: { ...fields.surfaces, csp: { ...csp, domain: csp.domain ?? new URL(issuer).hostname } },
    keys: {
      ...fields.keys,
      encryptionKey: sealingKey,
      encryptionKeyFile: sealingKey === undefined ? keyFileOf(fields) : undefined,
    },
  } as const;
};

/** The URL that belongs to a listen address, for a caller on the same machine. */
export const issuerOf = (listen: Address, isTls: boolean): string => {
  const scheme = isTls ? 'https' : 'http';
  if (listen.kind === 'unix') return `${scheme}://localhost`;
  const host = listen.host === '0.0.0.0' || listen.host === '::' ? '127.0.0.1' : listen.host;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`;
};

const resolveUpstreams = (upstreams: FileFields['upstreams']) =>
  Object.fromEntries(
    Object.entries(upstreams).map(([name, { url, connectionAgeMsMax = Infinity, ...upstream }]) => [
      name,
      { name, ...url, ...upstream, connectionAgeMsMax },
    ]),
  );

/** The user and password stand in the URL or beside it. */
const resolveStore = ({ url, ...store }: FileFields['store']) =>
  url.kind === 'sqlite'
    ? url
    : {
        ...url,
        ...store,
        username: store.username ?? url.username,
        password: store.password ?? url.password,
      };

const resolveIssuer = ({ jwks, audience, scopePrefix = '', ...issuer }: FileFields['issuers'][number]) => ({
  ...issuer,
  jwksUrl: jwks,
  audiences: audience,
  scopePrefix,
});

/** Whom a client is, where a surface takes client credentials; undefined: nobody. */
const resolveClient = ({ id, secret, org, user }: FileFields['oauth']['clients'][number]) => ({
  id,
  secret,
  account: org === undefined || user === undefined ? undefined : { orgId: org, userId: user },
});

/** One rule; `upstream` and `tenant` refer to names that the checks have found. */
const resolveRoute = (
  { tenant, stripPrefix, addPrefix, rewrite, ...route }: RouteFields,
  fields: Pick<FileFields, 'cors' | 'errors' | 'issuers' | 'mode' | 'upstream' | 'upstreams'>,
): RouteRule => {
  const mode = fields.mode === 'shadow' ? fields.mode : route.mode;
  const methods = route.methods === undefined ? undefined : [...new Set(route.methods)];
  return {
    ...route,
    mode,
    methods,
    cors: corsRuleOf(route.cors ?? fields.cors, { methods, mode }),
    scopes: [...new Set(route.scopes)],
    rewrite: rewriteOf({ path: route.path, stripPrefix, addPrefix, rewrite }),
    tenantParameter: tenantOf(tenant, route),
    errors: route.errors ?? fields.errors,
    challenge: challengeOf(route, fields),
    responseTimeoutMs:
      route.responseTimeoutMs ?? (fields.upstreams[route.upstream] ?? fields.upstream).responseTimeoutMs,
  };
};

/** Throws on a fault, which the checks have found. */
const rewriteOf = (written: RewriteSettings): RouteRule['rewrite'] => {
  const rewrite = compileRewrite(written);
  if (isRewriteFault(rewrite)) throw new Error(`${rewrite.key}: ${rewrite.fault}`);
  return rewrite;
};

/** Where the upstream of a route has a `resource`. */
const challengeOf = (
  { upstream: name, scopes = [] }: Pick<RouteFields, 'upstream' | 'scopes'>,
  { issuers, upstream, upstreams }: Pick<FileFields, 'issuers' | 'upstream' | 'upstreams'>,
): RouteRule['challenge'] => {
  const { resource } = upstreams[name] ?? upstream;
  if (resource === undefined) return undefined;
  const prefixes = issuers.map(({ scopePrefix = '' }) => scopePrefix);
  const asked = [...new Set(scopes.map((scope) => scopeAtIssuer(scope, prefixes)))];
  return { metadataUrl: resourceMetadataUrl(resource), scope: asked.join(' ') };
};

/** A parameter named `org` is the tenant unless the route says otherwise or is public. */
export const tenantOf = (
  tenant: string | undefined,
  { path, public: isPublic }: Pick<RouteFields, 'path' | 'public'>,
): string | undefined => {
  if (tenant !== undefined) return tenant === 'none' ? undefined : tenant;
  return !isPublic && parameterNames(path).includes('org') ? 'org' : undefined;
};

/** Where the sealing key is kept, made with mode 0600 when missing: with the embedded store, `tollgate.key` beside it. */
const keyFileOf = ({ keys, store }: Pick<FileFields, 'keys' | 'store'>): string | undefined => {
  if (keys.encryptionKeyFile !== undefined) return keys.encryptionKeyFile;
  return store.url.kind === 'sqlite' ? join(dirname(store.url.file), 'tollgate.key') : undefined;
};
