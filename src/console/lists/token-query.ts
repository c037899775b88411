// What a list of tokens is asked for: in the address of the page, so that going back finds it again, and in the API's query.

export const tokenStates = ['any', 'active', 'expiring', 'expired', 'revoked'] as const;
export type TokenStateChoice = (typeof tokenStates)[number];

export const tokenSorts = [
  '-createdAt',
  'createdAt',
  'expiresAt',
  '-expiresAt',
  'name',
  '-name',
  '-lastUsedAt',
  'lastUsedAt',
] as const;
export type TokenSort = (typeof tokenSorts)[number];

export interface TokenQuery {
  readonly search: string;
  readonly state: TokenStateChoice;
  readonly sort: TokenSort;
  /** Of the organization's list: only this owner's. */
  readonly user: string;
}

export const plainTokenQuery: TokenQuery = { search: '', state: 'any', sort: '-createdAt', user: '' };

export const isTokenSort = (name: string): name is TokenSort => tokenSorts.some((each) => each === name);

/** Of the page's address; what is none of the choices is as if it were not there. */
export const parseTokenQuery = (query: string): TokenQuery => {
  const parameters = new URLSearchParams(query);
  return {
    search: (parameters.get('search') ?? '').slice(0, 128),
    state: tokenStates.find((each) => each === parameters.get('state')) ?? plainTokenQuery.state,
    sort: tokenSorts.find((each) => each === parameters.get('sort')) ?? plainTokenQuery.sort,
    user: (parameters.get('user') ?? '').slice(0, 128),
  };
};

/** For the page's address: what is as usual is not written. */
export const printTokenQuery = (query: TokenQuery): string => {
  const parameters = new URLSearchParams();
  for (const name of ['search', 'state', 'sort', 'user'] as const)
    if (query[name] !== plainTokenQuery[name]) parameters.set(name, query[name]);
  return parameters.toString();
};

/** For the API. */
export const askTokens = (
  { search, state, sort, user }: TokenQuery,
  cursor: string | undefined,
  limit: number,
): Readonly<Record<string, string | undefined>> => ({
  search: search.trim() === '' ? undefined : search.trim(),
  state: state === 'any' ? undefined : state,
  user: user.trim() === '' ? undefined : user.trim(),
  sort,
  cursor,
  limit: String(limit),
});

export const isNarrowed = ({ search, state, user }: TokenQuery): boolean =>
  search.trim() !== '' || state !== 'any' || user.trim() !== '';
