// The vendor's listings: reads page, filter and sort order from the query, and answers a page. Knows nothing of the entries
// but the names of their members.

import type { Identity } from '../../decision/identity.ts';
import { type Answer, success, type SurfaceRequest } from '../answer.ts';
import { decode } from '../body.ts';
import { parseWhole, readParameters } from '../parameters.ts';
import { type Filter, parseFilter } from './fiql.ts';

export interface ListQuery<Key extends string> {
  readonly page: number;
  readonly pageSize: number;
  /** Undefined: everything. */
  readonly filter: Filter | undefined;
  readonly sort: { readonly by: Key; readonly isDescending: boolean } | undefined;
  /** Where the page before ended, as its link said; undefined: the page is reached by its number. */
  readonly cursor: string | undefined;
  /** How many there were when the first page was read, as its link said; undefined: it did not. */
  readonly totalBefore: number | undefined;
}

const pageSizeDefault = '25';
const pageSizeMax = 128;
const pageMax = 1_000_000;

export const cursorSentence =
  'That cursor is not of this listing. Follow the link to the next page, or begin again.';

/** A sentence for the caller when it cannot be read. */
export const readListQuery = <Key extends string>(
  request: SurfaceRequest,
  names: readonly string[],
  sortKeys: Readonly<Record<string, Key>>,
): ListQuery<Key> | string => {
  const parameters = readParameters(request, 'query');
  if (typeof parameters === 'string') return parameters;
  const page = parseWhole(parameters.one('page') ?? '1', 1, pageMax);
  if (page === undefined) return 'page is a whole number from 1.';
  const pageSize = parseWhole(parameters.one('pageSize') ?? pageSizeDefault, 1, pageSizeMax);
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
  const [position, count] = parameters.one('cursor')?.split('.', 2) ?? [];
  if (count !== undefined && !/^\d{1,9}$/.test(count)) return cursorSentence;
  return {
    page,
    pageSize,
    filter,
    sort: by === undefined ? undefined : { by, isDescending: descending !== undefined },
    cursor: position,
    totalBefore: count === undefined ? undefined : Number(count),
  };
};

export interface ListPage {
  readonly values: readonly object[];
  /** On all pages together; undefined: not known. */
  readonly total: number | undefined;
  /** Where this page ends; undefined: it is the last, or the next one is reached by its number. */
  readonly next?: string | undefined;
  /** URL of the listing, for the link to its next page. */
  readonly url: string;
}

export const listPage = (
  request: SurfaceRequest,
  { page, pageSize, totalBefore }: Pick<ListQuery<string>, 'page' | 'pageSize' | 'totalBefore'>,
  { values, total: counted, next, url }: ListPage,
  identity: Identity,
): Answer => {
  // An unknown total is the least it can be: a client that counts pages goes on while there are more.
  const least = next === undefined ? (page - 1) * pageSize + values.length : page * pageSize + 1;
  const total = counted ?? totalBefore ?? least;
  const cursor = next === undefined || (counted ?? totalBefore) === undefined ? next : `${next}.${total}`;
  const pageCount = Math.ceil(total / pageSize);
  const isLast = next === undefined && page >= pageCount;
  const link = `<${url}?${queryOfPage(request.query, page + 1, cursor)}>;rel="nextPage"`;
  const body = { resultTotal: total, pageCount, page, pageSize, associations: null, values };
  return success(200, body, identity, isLast ? {} : { link });
};

/** The same query for the next page; everything else byte for byte, but for what would end the link early. */
const queryOfPage = (query: string, page: number, cursor: string | undefined): string => {
  const others = query
    .split('&')
    .filter(
      (piece) => piece !== '' && !['page', 'cursor'].includes(decode(piece.split('=', 1)[0] ?? '') ?? ''),
    );
  return [`page=${page}`, ...others, ...(cursor === undefined ? [] : [`cursor=${cursor}`])]
    .join('&')
    .replaceAll(/[<>"\\^`{|}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
};
