// Which parts of the console a person may use: for the menu alone, the server checks every command.

const grants = {
  ownTokens: ['tollgate:tokens:own', 'tollgate:tokens:all', 'org:owner'],
  allTokens: ['tollgate:tokens:all', 'org:owner'],
  owner: ['org:owner'],
  audit: ['tollgate:audit:read', 'org:owner'],
  operate: ['tollgate:operate'],
} as const;

export type Right = keyof typeof grants;

export const mayUse = (scopes: readonly string[], right: Right): boolean =>
  grants[right].some((scope) => scopes.includes(scope));
