// API tokens as commands print them: never a secret, unless it was just made.

import type { CreatedApiToken } from '../lifecycle/create-api-token.ts';
import { isTokenDead } from '../store/api-token-state.ts';
import type { ApiTokenRecord, OrgRecord, UserRecord } from '../store/records.ts';
import { isoTime, listing, type Output, pairs, time } from './output.ts';
import type { Session } from './store-command.ts';

export const madeTokenJson = ({ secret, record }: CreatedApiToken, { now }: Session): object => ({
  ...tokenJson(record, now()),
  secret,
});

/** A new secret alone on standard output; everything about it beside it. */
export const printMadeToken = ({ secret, record }: CreatedApiToken, { output }: Session): void => {
  output.note(`${details(record)}\n\nThe API token, shown only now:`);
  output.line(secret);
};

const scopesOf = (token: ApiTokenRecord): string => (token.scopes === 'all' ? 'all' : token.scopes.join(' '));

const details = (token: ApiTokenRecord): string =>
  pairs([
    ['id', token.id],
    ['user', `${token.orgId}/${token.userId}`],
    ['name', token.name],
    ['scopes', token.scopes === 'all' ? "all the user's roles grant" : scopesOf(token)],
    ['expires', time(token.expiresAtMs)],
    [
      'old secret until',
      token.previousSecretExpiresAtMs === undefined ? undefined : time(token.previousSecretExpiresAtMs),
    ],
  ]);

export const printTokens = (output: Output, tokens: readonly ApiTokenRecord[], nowMs: number): void =>
  listing(
    output,
    ['ID', 'NAME', 'STATE', 'SCOPES', 'CREATED', 'EXPIRES', 'LAST USED'],
    tokens.map((token) => [
      token.id,
      token.name,
      stateOf(token, nowMs),
      scopesOf(token),
      time(token.createdAtMs),
      time(token.expiresAtMs),
      time(token.lastUsedAtMs),
    ]),
    'There are no API tokens yet. Make one: tollgate token create ORG/USER --name ci',
  );

/** A revoke-all writes no record: the tokens made before it are known by their generation. */
export const afterRevokeAll = (token: ApiTokenRecord, org: OrgRecord, user: UserRecord): ApiTokenRecord =>
  isTokenDead(token, user, org) ? { ...token, state: 'revoked' } : token;

const stateOf = (token: ApiTokenRecord, nowMs: number): string =>
  token.state === 'active' && token.expiresAtMs !== undefined && token.expiresAtMs <= nowMs
    ? 'expired'
    : token.state;

export const tokenJson = (token: ApiTokenRecord, nowMs: number): object => ({
  id: token.id,
  org: token.orgId,
  user: token.userId,
  name: token.name,
  scopes: token.scopes,
  origin: token.origin,
  state: stateOf(token, nowMs),
  createdAt: isoTime(token.createdAtMs),
  expiresAt: isoTime(token.expiresAtMs),
  revokedAt: isoTime(token.revokedAtMs),
  lastUsedAt: isoTime(token.lastUsedAtMs),
  secretNumber: token.secretNumber,
  previousSecretExpiresAt: isoTime(token.previousSecretExpiresAtMs),
});
