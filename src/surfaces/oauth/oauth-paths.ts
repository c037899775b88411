// Where the oauth surface is: a configurable prefix for the endpoints, and the well-known paths of the RFCs.

export interface OauthPaths {
  readonly token: string;
  readonly introspect: string;
  readonly revoke: string;
  readonly serverMetadata: string;
  readonly openidMetadata: string;
  readonly jwks: string;
}

/** `prefix`: begins with `/`, does not end with one; empty: the root. */
export const oauthPaths = (prefix: string): OauthPaths => ({
  token: `${prefix}/token`,
  introspect: `${prefix}/introspect`,
  revoke: `${prefix}/revoke`,
  serverMetadata: '/.well-known/oauth-authorization-server',
  openidMetadata: '/.well-known/openid-configuration',
  jwks: '/.well-known/jwks.json',
});
