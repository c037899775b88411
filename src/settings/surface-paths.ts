// Which paths each surface answers: the one table that both the surfaces and the check of the routes read. A surface owns
// its paths for every method, so that none slips through to the API behind it. They are patterns (decision/path-pattern.ts)
// with two endings of their own: `/?` is a slash that may be left out, `/*` everything below and the path itself.

import { type PathPattern, patternOf } from '../decision/path-pattern.ts';

/** Where the API finds the keys that `X-Identity` is verified with: answered whatever surface is switched off. */
const identityKeysPath = '/.well-known/jwks.json';

/** The setting that owns it where the oauth surface is off: there is none that switches it. */
export const identityKeys = 'identity keys';

/** The oauth surface: a configurable prefix for the endpoints, and the well-known paths of the RFCs. */
export const oauthPaths = (prefix: string) =>
  ({
    authorize: `${prefix}/authorize`,
    token: `${prefix}/token`,
    introspect: `${prefix}/introspect`,
    revoke: `${prefix}/revoke`,
    serverMetadata: '/.well-known/oauth-authorization-server',
    openidMetadata: '/.well-known/openid-configuration',
    jwks: identityKeysPath,
  }) as const;

/** VMware Cloud Services. The rest of its API below the prefix is not ours. */
export const cspPaths = (prefix: string) =>
  ({
    exchange: `${prefix}/auth/api-tokens/authorize`,
    details: `${prefix}/auth/api-tokens/details`,
    authorize: `${prefix}/auth/authorize`,
    token: `${prefix}/auth/token`,
    publicKey: `${prefix}/auth/token-public-key`,
    metadata: `${prefix}/.well-known/openid-configuration`,
    metadataOlder: `${prefix}/auth/.well-known/openid-configuration`,
    introspect: `${prefix}/auth/introspect`,
    revoke: `${prefix}/auth/revoke`,
    logout: `${prefix}/auth/logout`,
    create: `${prefix}/loggedin/user/api-tokens`,
    deactivate: `${prefix}/orgs/{org}/api-tokens/deactivate`,
    deactivateOlder: `${prefix}/orgs/{org}/tokens/deactivate`,
  }) as const;

/** VMware Cloud Partner Navigator. */
export const navigatorPaths = (prefix: string) =>
  ({
    exchange: `${prefix}/authn/accesstoken/?`,
    clientCredentials: `${prefix}/authn/accounts/{org}/accesstoken/?`,
    orgs: `${prefix}/loggedinuser/orgs`,
  }) as const;

/** NetApp Astra Control, whose paths begin with the account; the same tokens are also reached through a group. */
export const astraPaths = (prefix: string) =>
  ({
    tokens: `${prefix}/accounts/{account}/core/v1/users/{user}/tokens/?`,
    token: `${prefix}/accounts/{account}/core/v1/users/{user}/tokens/{token}`,
    groupTokens: `${prefix}/accounts/{account}/core/v1/groups/{group}/users/{user}/tokens/?`,
    groupToken: `${prefix}/accounts/{account}/core/v1/groups/{group}/users/{user}/tokens/{token}`,
    bareGroupTokens: `${prefix}/core/v1/groups/{group}/users/{user}/tokens/?`,
    bareGroupToken: `${prefix}/core/v1/groups/{group}/users/{user}/tokens/{token}`,
  }) as const;

/** VMware Cloud Director. Its own API lies all around these. */
export const vcdPaths = (prefix: string) =>
  ({
    tenantToken: `${prefix}/oauth/tenant/{org}/token`,
    providerToken: `${prefix}/oauth/provider/token`,
    tenantRegister: `${prefix}/oauth/tenant/{org}/register`,
    providerRegister: `${prefix}/oauth/provider/register`,
    tokens: `${prefix}/cloudapi/1.0.0/tokens/?`,
    token: `${prefix}/cloudapi/1.0.0/tokens/{urn}`,
    sessions: `${prefix}/cloudapi/1.0.0/sessions/?`,
    providerSessions: `${prefix}/cloudapi/1.0.0/sessions/provider`,
    currentSession: `${prefix}/cloudapi/1.0.0/sessions/current`,
    session: `${prefix}/cloudapi/1.0.0/sessions/{urn}`,
    currentRights: `${prefix}/cloudapi/1.0.0/sessions/current/rights`,
    legacySession: `${prefix}/api/session/?`,
    legacySessions: `${prefix}/api/sessions/?`,
  }) as const;

/** Our own REST API: all below its prefix is its own, so that no password of a mistyped path reaches the API. */
export const managementPaths = (prefix: string) =>
  ({
    openapi: `${prefix}/openapi.json`,
    problem: `${prefix}/problems/{code}`,
    sessions: `${prefix}/sessions`,
    currentSession: `${prefix}/sessions/current`,
    tokenDetails: `${prefix}/api-tokens/details`,
    orgTokens: `${prefix}/orgs/{org}/api-tokens`,
    userTokens: `${prefix}/orgs/{org}/users/{user}/api-tokens`,
    token: `${prefix}/orgs/{org}/api-tokens/{tokenId}`,
    regenerate: `${prefix}/orgs/{org}/api-tokens/{tokenId}/regenerate`,
    revokeMine: `${prefix}/revoke-all`,
    revokeUser: `${prefix}/orgs/{org}/users/{user}/revoke-all`,
    revokeOrg: `${prefix}/orgs/{org}/revoke-all`,
    users: `${prefix}/orgs/{org}/users`,
    user: `${prefix}/orgs/{org}/users/{user}`,
    password: `${prefix}/orgs/{org}/users/{user}/password`,
    roles: `${prefix}/orgs/{org}/roles`,
    audit: `${prefix}/orgs/{org}/audit`,
    elsewhere: `${prefix}/*`,
  }) as const;

export interface SurfacePrefix {
  readonly enabled: boolean;
  /** Begins with `/`, does not end with one; empty: the paths lie at the root. */
  readonly prefix: string;
}

/** What of the settings says which paths are taken. */
export interface SurfacePrefixes {
  readonly oauth: SurfacePrefix;
  readonly surfaces: {
    readonly csp: SurfacePrefix;
    readonly navigator: SurfacePrefix;
    readonly vcd: SurfacePrefix;
    readonly astra: SurfacePrefix;
    readonly management: SurfacePrefix;
  };
}

export interface OwnedPattern {
  /** The group of settings that switches it: `oauth`, `surfaces.csp`; or `identityKeys`. */
  readonly setting: string;
  /** As people read it: a slash that may be left out is left out. */
  readonly shown: string;
  readonly pattern: PathPattern;
}

/** Every pattern of the surfaces that are switched on, and of the published keys. */
export const ownedPatterns = ({ oauth, surfaces }: SurfacePrefixes): readonly OwnedPattern[] => [
  ...(oauth.enabled ? [] : owned(identityKeys, [identityKeysPath])),
  ...ownedBy('oauth', oauth, oauthPaths),
  ...ownedBy('surfaces.csp', surfaces.csp, cspPaths),
  ...ownedBy('surfaces.navigator', surfaces.navigator, navigatorPaths),
  ...ownedBy('surfaces.vcd', surfaces.vcd, vcdPaths),
  ...ownedBy('surfaces.astra', surfaces.astra, astraPaths),
  ...ownedBy('surfaces.management', surfaces.management, (prefix) => ({
    all: managementPaths(prefix).elsewhere,
  })),
];

const ownedBy = (
  setting: string,
  { enabled, prefix }: SurfacePrefix,
  paths: (prefix: string) => Readonly<Record<string, string>>,
): readonly OwnedPattern[] => (enabled ? owned(setting, Object.values(paths(prefix))) : []);

const owned = (setting: string, paths: readonly string[]): readonly OwnedPattern[] =>
  paths.flatMap((path) =>
    patternsOf(path).map((pattern) => ({ setting, shown: path.replace(/\/\?$/, ''), pattern })),
  );

/** A path of the tables above: two patterns where a slash may be left out, or the path itself belongs to what is below it. */
export const patternsOf = (path: string): readonly PathPattern[] => {
  const [, bare, ending] = /^(.+)(\/\?|\/\*)$/.exec(path) ?? [];
  if (bare === undefined) return [patternOf(path)];
  return [patternOf(bare), patternOf(ending === '/*' ? path : `${bare}/`)];
};
