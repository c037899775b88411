// What clients are told of a protected resource, so that they find out where its tokens are issued (RFC 9728). No I/O.

/** What the challenges of a route say beside the error. */
export interface ResourceChallenge {
  /** URL of the resource's metadata (RFC 9728 section 5.1). */
  readonly metadataUrl: string;
  /** The scopes that the route asks for, as clients ask an issuer for them; may be empty. */
  readonly scope: string;
}

/** RFC 9728 section 3.1: `https://host/mcp` -> `/.well-known/oauth-protected-resource/mcp`. */
export const resourceMetadataPath = (resource: string): string => {
  const { pathname } = new URL(resource);
  return `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`;
};

export const resourceMetadataUrl = (resource: string): string =>
  new URL(resource).origin + resourceMetadataPath(resource);

/** A scope as clients ask for it: without what Tollgate puts before the scopes of an issuer. */
export const scopeAtIssuer = (scope: string, prefixes: readonly string[]): string => {
  const prefix = prefixes.find((prefix) => prefix !== '' && scope.startsWith(prefix));
  return prefix === undefined ? scope : scope.slice(prefix.length);
};
