// The addresses of the pages, below the prefix of the console. Pure: the address bar is router.tsx's.

export type Route =
  | { readonly page: SimplePage }
  | { readonly page: SinglePage; readonly id: string }
  | { readonly page: 'unknown' };

const simplePages = {
  signIn: '/sign-in',
  tokens: '/tokens',
  generate: '/tokens/generate',
  revokeAll: '/tokens/revoke-all',
  account: '/account',
  orgTokens: '/organization/tokens',
  users: '/organization/users',
  addUser: '/organization/add-user',
  roles: '/organization/roles',
  audit: '/organization/audit',
  orgSettings: '/organization/settings',
  orgs: '/operator/organizations',
  keys: '/operator/keys',
  status: '/operator/status',
} as const;

export type SimplePage = keyof typeof simplePages;
/** Of one token or user. */
export type SinglePage = 'token' | 'regenerate' | 'secret' | 'user';

const isSimplePage = (name: string): name is SimplePage => Object.hasOwn(simplePages, name);

/** `path`: below the prefix, with a slash before it. The bare console is the list of one's tokens. */
export const parsePath = (path: string): Route => {
  const clean = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  if (clean === '/' || clean === '') return { page: 'tokens' };
  const simple = Object.entries(simplePages).find(([, each]) => each === clean)?.[0];
  if (simple !== undefined && isSimplePage(simple)) return { page: simple };
  const [, token, what] = /^\/tokens\/([^/]+)(?:\/(regenerate|secret))?$/.exec(clean) ?? [];
  if (token !== undefined) return withId(what === 'regenerate' || what === 'secret' ? what : 'token', token);
  const [, user] = /^\/organization\/users\/([^/]+)$/.exec(clean) ?? [];
  return user === undefined ? { page: 'unknown' } : withId('user', user);
};

const withId = (page: SinglePage, text: string): Route => {
  try {
    const id = decodeURIComponent(text);
    // It becomes a step of the API's path: none that leads to another operation.
    return id === '.' || id === '..' ? { page: 'unknown' } : { page, id };
  } catch {
    return { page: 'unknown' };
  }
};

export const pathOf = (route: Route): string => {
  if (route.page === 'unknown') return simplePages.tokens;
  if (!('id' in route)) return simplePages[route.page];
  const id = encodeURIComponent(route.id);
  if (route.page === 'user') return `${simplePages.users}/${id}`;
  return `${simplePages.tokens}/${id}${route.page === 'token' ? '' : `/${route.page}`}`;
};
