// Scope tokens: their grammar, and what a token may do now (the token's scopes ∩ what the user's roles grant).
// No I/O. Role definitions come from people: only own properties count, so a role named `__proto__` grants nothing.

/** Longest `scope` text, in characters. */
const scopeTextLengthMax = 16_384;
export const scopesMax = 1_024;
/** Longest single scope, in characters. */
export const scopeLengthMax = 256;

/** Scopes that begin so are rights at Tollgate itself: roles of its own orgs grant them, and nobody else's token. */
export const ownScopePrefix = 'tollgate:';

/** RFC 6749 section 3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether a string is one scope token (RFC 6749 section 3.3) of at most `scopeLengthMax` characters. */
export const isScope = (text: string): boolean => text.length <= scopeLengthMax && scopeToken.test(text);

/**
 * Whether a text that somebody wrote as one scope holds a comma: almost certainly it was meant as several. The grammar of
 * RFC 6749 allows it, so a token of another issuer may carry one; here none is defined or asked for.
 */
export const looksLikeScopes = (text: string): boolean => text.includes(',');

/**
 * Reads `scope` text: tokens separated by exactly one space (RFC 6749 section 3.3), duplicates collapsed, order kept.
 * The empty text is no scopes: an access token of a user without roles carries `scope: ""`.
 * Undefined when it does not follow the grammar or passes a bound.
 */
export const parseScopes = (text: string): readonly string[] | undefined => {
  if (text === '') return [];
  if (text.length > scopeTextLengthMax) return undefined;
  const scopes = new Set<string>();
  for (const scope of text.split(' ')) {
    if (!isScope(scope)) return undefined;
    scopes.add(scope);
    if (scopes.size > scopesMax) return undefined;
  }
  return [...scopes];
};

/**
 * What a token may do now. `all` means whatever the roles grant.
 * @param definitions role name -> scopes; a role without a definition of its own grants nothing.
 */
export const effectiveScopes = (
  tokenScopes: readonly string[] | 'all',
  roles: readonly string[],
  definitions: Readonly<Record<string, readonly string[]>>,
): ReadonlySet<string> => {
  const granted = new Set(roles.flatMap((role) => scopesOf(role, definitions)));
  return tokenScopes === 'all' ? granted : new Set(tokenScopes.filter((scope) => granted.has(scope)));
};

const scopesOf = (
  role: string,
  definitions: Readonly<Record<string, readonly string[]>>,
): readonly string[] => (Object.hasOwn(definitions, role) ? (definitions[role] ?? []) : []);

/**
 * The roles that may be told of a token: all of its user's for `all`; of a narrower one those whose every scope it holds.
 * An API that decides by roles must not grant what the scopes were narrowed to refuse, so a role that says nothing of its
 * scopes is not told of a narrower token.
 * @param definitions role name -> scopes.
 */
export const effectiveRoles = (
  tokenScopes: readonly string[] | 'all',
  roles: readonly string[],
  definitions: Readonly<Record<string, readonly string[]>>,
): readonly string[] => {
  if (tokenScopes === 'all') return roles;
  const held = new Set(tokenScopes);
  return roles.filter((role) => {
    const scopes = scopesOf(role, definitions);
    return scopes.length > 0 && scopes.every((scope) => held.has(scope));
  });
};
