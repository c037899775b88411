// Listings of API tokens in the embedded store: a few rows of an index, from where the last page ended.

import { setImmediate } from 'node:timers/promises';
import { isOutage } from '../../decision/outcome.ts';
import {
  mergeSorted,
  sortKeyOf,
  scanLimitMax,
  type TokenCount,
  type TokenListings,
  type TokenOrder,
  type TokenPart,
  type TokenScan,
} from '../token-listing.ts';
import type { FileConnection } from './connection.ts';
import type { FileAccess, Step } from './file-access.ts';
import { integerOf, parseToken, textOf, tokenTable } from './rows.ts';
import { markRevoked } from './tokens.ts';

const columns: Readonly<Record<TokenOrder, string>> = {
  createdAtMs: 'created_at_ms',
  name: 'name',
  expiresAtMs: 'ends_at_ms',
};

const states: Readonly<Record<TokenPart, string>> = { live: 'active', revoked: 'revoked' };

/** Both parts are read in one go: no token moves from one to the other in between. */
const scanTokens: Step<'scanTokens'> = (connection, scan) => {
  const limit = Math.max(1, Math.min(scan.limit, scanLimitMax));
  const found = scan.parts.map((part) => {
    const { sql, values } = statementOf(scan, part, limit);
    return connection.all(sql, ...values).map((row) => {
      const token = parseToken(row);
      return { token, sortKey: sortKeyOf(token, scan.by) };
    });
  });
  const { items, isEnd } = mergeSorted(found, { isDescending: scan.isDescending, limit, asked: limit });
  const tokens = items.map(({ token }) => token);
  return { tokens, visited: items.length, last: items.at(-1)?.sortKey, isEnd };
};

/** The statement of a scan; its plan is tested. */
export const statementOf = (
  { orgId, userId, by, isDescending, name, after }: TokenScan,
  part: TokenPart,
  limit: number,
): { readonly sql: string; readonly values: readonly (string | number)[] } => {
  const column = columns[by];
  const [beyond, direction] = isDescending ? ['<', 'DESC'] : ['>', 'ASC'];
  const conditions = [
    'org_id = ?',
    ...(userId === undefined ? [] : ['user_id = ?']),
    'state = ?',
    ...(name === undefined ? [] : ['name = ?']),
    ...(after === undefined ? [] : [`(${column}, id) ${beyond} (?, ?)`]),
  ];
  const values = [orgId, userId, states[part], name, after?.value, after?.id, limit];
  return {
    sql: `SELECT ${tokenTable.columns} FROM tokens WHERE ${conditions.join(' AND ')}
      ORDER BY ${column} ${direction}, id ${direction} LIMIT ?`,
    values: values.filter((value) => value !== undefined),
  };
};

const countedAtOnce = 5_000;

/** How many tokens stand in one stretch of an index, and where the next stretch begins; undefined: this was the last. */
interface CountedStretch {
  readonly count: number;
  readonly end: { readonly endsAtMs: number; readonly id: string } | undefined;
}

const countStretch = (
  connection: FileConnection,
  { orgId, userId, part, unexpiredAtMs }: TokenCount,
  after: CountedStretch['end'],
): CountedStretch => {
  const ofUser = userId === undefined ? '' : 'AND user_id = ?';
  const from = `FROM tokens WHERE org_id = ? ${ofUser} AND state = ? AND (ends_at_ms, id) > (?, ?)`;
  const values = [
    orgId,
    ...(userId === undefined ? [] : [userId]),
    states[part],
    after?.endsAtMs ?? unexpiredAtMs ?? -1,
    // Whatever expires at that very time has: its id, of hex digits, comes before this.
    after?.id ?? (unexpiredAtMs === undefined ? '' : '~'),
  ];
  const last = connection.get(
    `SELECT ends_at_ms, id ${from} ORDER BY ends_at_ms, id LIMIT 1 OFFSET ${countedAtOnce - 1}`,
    ...values,
  );
  if (last !== undefined)
    return { count: countedAtOnce, end: { endsAtMs: integerOf(last, 'ends_at_ms'), id: textOf(last, 'id') } };
  const rest = connection.get(`SELECT count(*) AS count ${from}`, ...values);
  return { count: rest === undefined ? 0 : integerOf(rest, 'count'), end: undefined };
};

const buryTokens = (connection: FileConnection, tokenIds: readonly string[], nowMs: number): void => {
  for (const tokenId of tokenIds) markRevoked(connection, tokenId, nowMs);
};

/** Requests are served between two steps of a listing, and between two stretches of a count. */
export const tokenListings = (file: FileAccess): TokenListings => {
  const [scanStep, countStep] = [file.reading(scanTokens), file.reading(countStretch)];
  return {
    scanTokens: async (scan) => {
      const step = await scanStep(scan);
      await setImmediate();
      return step;
    },

    countTokens: async (count) => {
      let total = 0;
      for (let after: CountedStretch['end']; ; await setImmediate()) {
        const stretch = await countStep(count, after);
        if (isOutage(stretch)) return stretch;
        total += stretch.count;
        after = stretch.end;
        if (after === undefined) return total;
      }
    },

    buryTokens: file.noting(buryTokens),
  };
};
