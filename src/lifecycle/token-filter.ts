// Filters of a listing of API tokens, as a tree that each surface builds from its own grammar, and what of a tree an index
// can answer. Pure.

import type { TokenView } from './token-list.ts';

export type TokenFilter =
  | { readonly kind: 'all' | 'any'; readonly of: readonly TokenFilter[] }
  /** Exactly this value: answered from an index where every token must have it. */
  | { readonly kind: 'is'; readonly field: 'name' | 'userId'; readonly value: string }
  /** Anything else: judged token by token. */
  | { readonly kind: 'test'; readonly holds: (token: TokenView) => boolean };

export const matches = (filter: TokenFilter, token: TokenView): boolean => {
  switch (filter.kind) {
    case 'all':
      return filter.of.every((part) => matches(part, token));
    case 'any':
      return filter.of.some((part) => matches(part, token));
    case 'is':
      return token[filter.field] === filter.value;
    case 'test':
      return filter.holds(token);
  }
};

/** The value that every matching token has; undefined: the filter does not say. */
export const requiredValue = (
  filter: TokenFilter | undefined,
  field: 'name' | 'userId',
): string | undefined => {
  if (filter === undefined || filter.kind === 'test') return undefined;
  if (filter.kind === 'is') return filter.field === field ? filter.value : undefined;
  if (filter.kind === 'any') return filter.of.length === 1 ? requiredValue(filter.of[0], field) : undefined;
  for (const part of filter.of) {
    const value = requiredValue(part, field);
    if (value !== undefined) return value;
  }
  return undefined;
};
