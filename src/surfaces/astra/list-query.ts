// The query of a listing in astra's words: include, limit, filter, orderBy, skip, count, continue. Everything wrong with
// it is reported at once. Parameters it does not know are ignored: the vendor has more than these.

import type { InvalidParam } from '../../dialects/astra-problem.ts';
import { orderOf, type TokenFilter, type TokenQuery } from '../../lifecycle/token-list.ts';
import type { TokenOrder } from '../../store/token-listing.ts';
import { decodePair } from '../body.ts';
import { parseWhole } from '../parameters.ts';
import { readCursor } from '../token-cursor.ts';
import { type AstraToken, astraTokenOf } from './astra-token.ts';

export interface ListQuery extends Pick<TokenQuery, 'filter' | 'sort' | 'after' | 'skip' | 'limit'> {
  /** Undefined: whole resources; else the fields of each row, in their order. */
  readonly include: readonly ((token: AstraToken) => unknown)[] | undefined;
  readonly isCounted: boolean;
}

export interface Invalid {
  readonly invalidParams: readonly InvalidParam[];
}

export const isInvalid = (query: ListQuery | Invalid): query is Invalid => 'invalidParams' in query;

/** Most items of one answer, whatever the limit; `continue` leads to the others. */
export const itemsMax = 1000;

/** What a `filter` compares: the fields that are texts. Timestamps of this form sort as they are written. */
const texts = new Map<string, (token: AstraToken) => string>([
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
  ['userID', ({ userID }) => userID],
  ['type', ({ type }) => type],
  ['version', ({ version }) => version],
  ['metadata.creationTimestamp', ({ metadata }) => metadata.creationTimestamp],
  ['metadata.modificationTimestamp', ({ metadata }) => metadata.modificationTimestamp],
  ['metadata.createdBy', ({ metadata }) => metadata.createdBy],
]);

const fields = new Map<string, (token: AstraToken) => unknown>([
  ...texts,
  ['metadata', ({ metadata }) => metadata],
  ['metadata.labels', ({ metadata }) => metadata.labels],
]);

/** All tokens of a listing are one user's. */
const sortKeys = new Map<string, TokenOrder>([
  ['name', 'name'],
  ['userID', 'createdAtMs'],
  ['metadata.creationTimestamp', 'createdAtMs'],
  ['metadata.modificationTimestamp', 'createdAtMs'],
]);

export const readListQuery = (text: string): ListQuery | Invalid => {
  const invalidParams: InvalidParam[] = [];
  const given = readParameters(text, invalidParams);
  const read = <T>(name: string, parse: (value: string) => T | undefined, reason: string): T | undefined => {
    const value = given.get(name);
    if (value === undefined || value === '') return undefined;
    const parsed = parse(value);
    if (parsed === undefined) invalidParams.push({ name, reason });
    return parsed;
  };
  const include = read('include', parseInclude, `a list of ${[...fields.keys()].join(', ')}`);
  const limit = read('limit', (value) => parseWhole(value, 1), 'a whole number from 1');
  const filter = read('filter', parseFilter, "field eq 'value', also lt, gt, lte and gte, joined by and");
  const sort = read('orderBy', parseOrder, `one of ${[...sortKeys.keys()].join(', ')}, with asc or desc`);
  const skip = read('skip', (value) => parseWhole(value, 0), 'a whole number from 0');
  const isCounted = read('count', parseFlag, 'true or false');
  const order = orderOf({ filter, sort });
  const after = read(
    'continue',
    (value) => {
      const position = readCursor(value, order);
      return position === 'malformed' ? undefined : position;
    },
    'the value of continue in the metadata of the answer before, with the same filter and orderBy',
  );
  if (skip !== undefined && after !== undefined)
    invalidParams.push({ name: 'skip', reason: 'not together with continue' });
  if (invalidParams.length > 0) return { invalidParams };
  return {
    include,
    limit: Math.min(limit ?? itemsMax, itemsMax),
    filter,
    sort,
    after,
    skip: skip ?? 0,
    isCounted: isCounted ?? false,
  };
};

const known = ['include', 'limit', 'filter', 'orderBy', 'skip', 'count', 'continue'];

/** A question mark too many at the beginning is passed over: clients that build queries from pieces send it. */
const readParameters = (text: string, invalidParams: InvalidParam[]): ReadonlyMap<string, string> => {
  const given = new Map<string, string>();
  for (const piece of text.replace(/^\?/, '').split('&')) {
    const [name, value] = decodePair(piece);
    if (name === undefined || !known.includes(name)) continue;
    if (value === undefined) invalidParams.push({ name, reason: 'percent-encoded UTF-8' });
    else if (given.has(name)) invalidParams.push({ name, reason: 'given once' });
    else given.set(name, value);
  }
  return given;
};

const parseInclude = (value: string): readonly ((token: AstraToken) => unknown)[] | undefined => {
  const readers = value.split(',').map((name) => fields.get(name.trim()));
  const found = readers.filter((reader) => reader !== undefined);
  return found.length === readers.length && found.length <= fields.size ? found : undefined;
};

const parseFlag = (value: string): boolean | undefined =>
  value === 'true' ? true : value === 'false' ? false : undefined;

const parseOrder = (value: string): TokenQuery['sort'] => {
  const [name = '', direction = 'asc', ...more] = value.trim().split(/ +/);
  const by = sortKeys.get(name);
  const isKnown = (direction === 'asc' || direction === 'desc') && more.length === 0;
  return by !== undefined && isKnown ? { by, isDescending: direction === 'desc' } : undefined;
};

const comparisons = new Map<string, (found: string, wanted: string) => boolean>([
  ['eq', (found, wanted) => found === wanted],
  ['lt', (found, wanted) => found < wanted],
  ['gt', (found, wanted) => found > wanted],
  ['lte', (found, wanted) => found <= wanted],
  ['gte', (found, wanted) => found >= wanted],
]);

const conditionsMax = 10;

/** `field eq 'value' and field gt 'value'`; a quote within a value is doubled. */
const parseFilter = (value: string): TokenFilter | undefined => {
  const condition = / *([A-Za-z.]+) +([a-z]+) +'((?:[^']|'')*)' */y;
  const and = /and +/y;
  const conditions: TokenFilter[] = [];
  for (let at = 0; ;) {
    condition.lastIndex = at;
    const [, name = '', operator = '', quoted = ''] = condition.exec(value) ?? [];
    const [read, compare] = [texts.get(name), comparisons.get(operator)];
    if (read === undefined || compare === undefined || conditions.length === conditionsMax) return undefined;
    const wanted = quoted.replaceAll("''", "'");
    conditions.push(
      name === 'name' && operator === 'eq'
        ? { kind: 'is', field: 'name', value: wanted }
        : { kind: 'test', holds: (token) => compare(read(astraTokenOf(token)), wanted) },
    );
    if (condition.lastIndex === value.length) break;
    and.lastIndex = condition.lastIndex;
    if (!and.test(value)) return undefined;
    at = and.lastIndex;
  }
  return { kind: 'all', of: conditions };
};
