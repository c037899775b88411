// The vendor's listings: which page of what, filtered and sorted how, and the page as it is answered. Judges the query;
// knows nothing of what is listed but the names of its members.

import type { Identity } from '../../decision/identity.ts';
import { type Answer, neverStored, permitted, type SurfaceRequest } from '../answer.ts';
import { decode } from '../body.ts';
import { readParameters } from '../vendor-parameters.ts';
import { type Filter, parseFilter } from './fiql.ts';

export interface ListQuery<Key extends string> {
  readonly page: number;
  readonly pageSize: number;
  /** Undefined: everything. */
  readonly filter: Filter | undefined;
  readonly sort: { readonly by: Key; readonly isDescending: boolean } | undefined;
}

const pageSizeDefault = 25;
const pageSizeMax = 128;
const pageMax = 1_000_000;

/** A sentence for the caller when it cannot be read. */
export const readListQuery = <Key extends string>(
  request: SurfaceRequest,
  names: readonly string[],
  sortKeys: Readonly<Record<string, Key>>,
): ListQuery<Key> | string => {
  const parameters = readParameters(request, 'query');
  if (typeof parameters === 'string') return parameters;
  const page = wholeNumber(parameters.one('page'), 1, pageMax);
  if (page === undefined) return 'page is a whole number from 1.';
  const pageSize = wholeNumber(parameters.one('pageSize'), pageSizeDefault, pageSizeMax);
  if (pageSize === undefined) return `pageSize is a whole number from 1 to ${pageSizeMax}.`;
  const written = parameters.one('filter');
  const isEncoded = parameters.one('filterEncoded')?.toLowerCase() === 'true';
  const decodeValue = (value: string): string => (isEncoded ? (decode(value) ?? value) : value);
  const filter = written === undefined ? undefined : parseFilter(written, { names, decodeValue });
  if (typeof filter === 'string') return filter;
  const [ascending, descending] = [parameters.one('sortAsc'), parameters.one('sortDesc')];
  const sortBy = descending ?? ascending;
  const by = sortBy === undefined || !Object.hasOwn(sortKeys, sortBy) ? undefined : sortKeys[sortBy];
  if ((ascending !== undefined && descending !== undefined) || (sortBy !== undefined && by === undefined))
    return `Sort by one of ${Object.keys(sortKeys).join(', ')}, in sortAsc or sortDesc.`;
  return {
    page,
    pageSize,
    filter,
    sort: by === undefined ? undefined : { by, isDescending: descending !== undefined },
  };
};

const wholeNumber = (text: string | undefined, fallback: number, max: number): number | undefined => {
  if (text === undefined) return fallback;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= max ? number : undefined;
};

export interface ListPage {
  readonly values: readonly object[];
  /** On all pages together. */
  readonly total: number;
  /** Where the listing lies, for the link to its next page. */
  readonly url: string;
}

export const listPage = (
  request: SurfaceRequest,
  { page, pageSize }: Pick<ListQuery<string>, 'page' | 'pageSize'>,
  { values, total, url }: ListPage,
  identity: Identity,
): Answer => {
  const pageCount = Math.ceil(total / pageSize);
  const next = `${url}?${queryOfPage(request.query, page + 1)}`;
  return {
    status: 200,
    headers: { ...neverStored, ...(page < pageCount && { link: `<${next}>;rel="nextPage"` }) },
    body: { resultTotal: total, pageCount, page, pageSize, associations: null, values },
    note: permitted(identity),
  };
};

/** The same query with another page; everything else byte for byte, but for what would end the link early. */
const queryOfPage = (query: string, page: number): string => {
  const others = query
    .split('&')
    .filter((piece) => piece !== '' && decode(piece.split('=', 1)[0] ?? '') !== 'page');
  return [`page=${page}`, ...others]
    .join('&')
    .replaceAll(/[<>"\\^`{|}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
};
