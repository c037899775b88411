// Validated fields -> the settings every room reads. Fills in what depends on other settings; judges nothing.

import { dirname, join } from 'node:path';
import type { ErrorDialect, RouteRule } from '../decision/route-rule.ts';
import type { FileFields } from './schema.ts';
import type {
  Address,
  AstraSettings,
  IssuerSettings,
  OauthClientSettings,
  Settings,
  StoreSettings,
  UpstreamSettings,
  VcdSettings,
} from './settings.ts';

type RouteFields = FileFields['routes'][number];
type UpstreamFields = FileFields['upstreams'][string];

/** The whole, from fields that have passed every check. */
export const resolveSettings = (fields: FileFields): Settings => {
  const issuer = fields.issuer ?? issuerOf(fields.listen, fields.tls !== undefined);
  const store = resolveStore(fields.store);
  return {
    listen: fields.listen,
    tls: fields.tls,
    ops: fields.ops,
    upstreams: {
      default: resolveUpstream('default', fields.upstream),
      ...Object.fromEntries(
        Object.entries(fields.upstreams).map(([name, upstream]) => [name, resolveUpstream(name, upstream)]),
      ),
    },
    store,
    issuer,
    audience: fields.audience ?? issuer,
    identity: {
      headers: fields.identity.headers,
      strip: fields.identity.strip,
      keep: fields.identity.keep,
      jwtLifetimeMs: fields.identity.jwtLifetime,
    },
    credential: { ...fields.credential, cookie: fields.credential.cookie },
    issuers: fields.issuers.map(resolveIssuer),
    errors: fields.errors,
    routes: fields.routes.map((route) => resolveRoute(route, fields.errors)),
    oauth: { ...fields.oauth, clients: fields.oauth.clients.map(resolveClient) },
    surfaces: {
      csp: { ...fields.surfaces.csp, domain: fields.surfaces.csp.domain ?? new URL(issuer).hostname },
      navigator: fields.surfaces.navigator,
      vcd: resolveVcd(fields.surfaces.vcd),
      astra: resolveAstra(fields.surfaces.astra),
      management: fields.surfaces.management,
    },
    tokens: {
      algorithm: fields.tokens.algorithm,
      accessTokenLifetimeMs: fields.tokens.accessTokenLifetime,
      apiTokenLifetimeMs: fields.tokens.apiTokenLifetime,
      perUserMax: fields.tokens.perUserMax,
      clockLeewayMs: fields.tokens.clockLeeway,
    },
    keys: {
      encryptionKey: fields.keys.encryptionKey,
      encryptionKeyFile: keyFileOf(fields, store),
      signingKeys: fields.keys.signingKeys,
      publishLeadMs: fields.keys.publishLead,
    },
    cache: {
      identitiesMax: fields.cache.identitiesMax,
      identityTtlMs: fields.cache.identityTtl,
      unknownMax: fields.cache.unknownMax,
      unknownTtlMs: fields.cache.unknownTtl,
    },
    feed: { maxStalenessMs: fields.feed.maxStaleness, whenStale: fields.feed.whenStale },
    limits: resolveLimits(fields.limits),
    audit: fields.audit,
    trustedProxies: fields.trustedProxies,
    log: fields.log,
    shutdown: { drainDelayMs: fields.shutdown.drainDelay, deadlineMs: fields.shutdown.deadline },
  };
};

/** The URL that belongs to a listen address, for a caller on the same machine. */
export const issuerOf = (listen: Address, isTls: boolean): string => {
  const scheme = isTls ? 'https' : 'http';
  if (listen.kind === 'unix') return `${scheme}://localhost`;
  const host = listen.host === '0.0.0.0' || listen.host === '::' ? '127.0.0.1' : listen.host;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`;
};

/** One rule; `upstream` and `tenant` refer to names that the checks have found. */
const resolveRoute = (route: RouteFields, errors: ErrorDialect): RouteRule => ({
  name: route.name,
  methods: route.methods === undefined ? undefined : [...new Set(route.methods)],
  path: route.path.pattern,
  public: route.public,
  scopes: [...new Set(route.scopes)],
  tenantParameter: tenantOf(route),
  foreignTenant: route.foreignTenant,
  errors: route.errors ?? errors,
  sessions: route.sessions,
  upstream: route.upstream,
  forwardCredential: route.forwardCredential,
  credentialQueryParameter: route.credentialQueryParameter,
  upgrade: route.upgrade,
  requestBodyBytesMax: route.requestBodyBytesMax,
  responseTimeoutMs: route.responseTimeout,
});

/** A parameter named `org` is the tenant unless the route says otherwise or is public. */
const tenantOf = ({ tenant, path, public: isPublic }: RouteFields): string | undefined => {
  if (tenant !== undefined) return tenant === 'none' ? undefined : tenant;
  return !isPublic && path.parameters.includes('org') ? 'org' : undefined;
};

const resolveUpstream = (name: string, upstream: UpstreamFields): UpstreamSettings => ({
  name,
  origin: upstream.url.origin,
  socketPath: upstream.url.socketPath,
  ca: upstream.ca,
  connectionsMax: upstream.connectionsMax,
  callerShare: upstream.callerShare,
  addressShare: upstream.addressShare,
  connectTimeoutMs: upstream.connectTimeout,
  keepAliveTimeoutMs: upstream.keepAliveTimeout,
  bodyIdleTimeoutMs: upstream.bodyIdleTimeout,
  hostHeader: upstream.hostHeader,
});

const resolveStore = ({ url, ...store }: FileFields['store']): StoreSettings =>
  url.kind === 'sqlite'
    ? url
    : {
        ...url,
        ca: store.ca,
        username: store.username ?? url.username,
        password: store.password ?? url.password,
        prefix: store.prefix,
        connectTimeoutMs: store.connectTimeout,
        readTimeoutMs: store.readTimeout,
        writeTimeoutMs: store.writeTimeout,
        replicasMin: store.replicasMin,
      };

const resolveVcd = ({
  enabled,
  prefix,
  providerOrg,
  tokenLifetime,
}: FileFields['surfaces']['vcd']): VcdSettings => ({
  enabled,
  prefix,
  providerOrg,
  tokenLifetimeMs: tokenLifetime,
});

const resolveAstra = ({
  enabled,
  prefix,
  tokenLifetime,
  foreignAccount,
}: FileFields['surfaces']['astra']): AstraSettings => ({
  enabled,
  prefix,
  tokenLifetimeMs: tokenLifetime,
  foreignAccount,
});

const resolveClient = ({
  id,
  secret,
  org,
  user,
}: FileFields['oauth']['clients'][number]): OauthClientSettings => ({
  id,
  secret,
  account: org === undefined || user === undefined ? undefined : { orgId: org, userId: user },
});

const resolveIssuer = (issuer: FileFields['issuers'][number]): IssuerSettings => ({
  issuer: issuer.issuer,
  jwksUrl: issuer.jwks,
  ca: issuer.ca,
  audiences: issuer.audience,
  algorithms: issuer.algorithms,
  type: issuer.type,
  tokenAgeMsMax: issuer.tokenAgeMax,
  staleKeysMsMax: issuer.staleKeysMax,
  claims: issuer.claims,
  fixedOrg: issuer.fixedOrg,
  orgs: issuer.orgs,
  sessions: issuer.sessions,
  scopePrefix: issuer.scopePrefix ?? '',
});

const resolveLimits = (limits: FileFields['limits']): Settings['limits'] => ({
  headerBytesMax: limits.headerBytesMax,
  headersMax: limits.headersMax,
  targetBytesMax: limits.targetBytesMax,
  connectionsMax: limits.connectionsMax,
  headersTimeoutMs: limits.headersTimeout,
  requestTimeoutMs: limits.requestTimeout,
  keepAliveTimeoutMs: limits.keepAliveTimeout,
  writeStallTimeoutMs: limits.writeStallTimeout,
  body: {
    bufferBytes: limits.bodyBufferBytes,
    waitMs: limits.bodyWait,
    stallTimeoutMs: limits.bodyStallTimeout,
    rateMin: limits.bodyRateMin,
  },
  connectionsPerAddressMax: limits.connectionsPerAddressMax,
  refusalsPerConnectionMax: limits.refusalsPerConnectionMax,
  unknownTokensPerMinute: limits.unknownTokensPerMinute,
  exchangesPerMinute: limits.exchangesPerMinute,
  commandsPerMinute: limits.commandsPerMinute,
  signInFailuresPerAccount: limits.signInFailuresPerAccount,
  signInFailuresPerAddress: limits.signInFailuresPerAddress,
});

/** With the embedded store: `tollgate.key` beside the database. */
const keyFileOf = ({ keys }: FileFields, store: StoreSettings): string | undefined => {
  if (keys.encryptionKey !== undefined) return undefined;
  if (keys.encryptionKeyFile !== undefined) return keys.encryptionKeyFile;
  return store.kind === 'sqlite' ? join(dirname(store.file), 'tollgate.key') : undefined;
};
