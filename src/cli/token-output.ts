// API tokens as commands print them: never a secret, unless it was just made.

import type { CreatedApiToken } from '../lifecycle/create-api-token.ts';
import type { TokenView } from '../lifecycle/token-list.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import { isoTime, listing, pairs, time } from './output.ts';
import type { Session } from './store-command.ts';

export const madeTokenJson = ({ secret, record }: CreatedApiToken): object => ({
  ...tokenJson(record),
  secret,
});

/** A new secret alone on standard output; everything about it beside it. */
export const printMadeToken = ({ secret, record }: CreatedApiToken, { output }: Session): void => {
  output.note(`${details(record)}\n\nThe API token, shown only now:`);
  output.line(secret);
};

type ShownToken = ApiTokenRecord | TokenView;

const scopesOf = (token: ShownToken): string => (token.scopes === 'all' ? 'all' : token.scopes.join(' '));

const details = (token: ApiTokenRecord): string =>
  pairs([
    ['id', token.id],
    ['user', `${token.orgId}/${token.userId}`],
    ['name', token.name],
    ['scopes', token.scopes === 'all' ? "all the user's roles grant" : scopesOf(token)],
    ['may be used from', token.allowFrom?.join(' ')],
    ['expires', time(token.expiresAtMs)],
    [
      'old secret until',
      token.previousSecretExpiresAtMs === undefined ? undefined : time(token.previousSecretExpiresAtMs),
    ],
  ]);

export const printTokens = (tokens: readonly TokenView[], { output }: Session): void =>
  listing(
    output,
    ['ID', 'NAME', 'STATE', 'SCOPES', 'CREATED', 'EXPIRES', 'LAST USED', 'FROM'],
    tokens.map((token) => [
      token.id,
      token.name,
      token.state,
      scopesOf(token),
      time(token.createdAtMs),
      time(token.expiresAtMs),
      time(token.lastUsedAtMs),
      token.allowFrom?.join(' ') ?? 'anywhere',
    ]),
    'There are no API tokens yet. Make one: tollgate token create ORG/USER --name ci',
  );

export const tokenJson = (token: ShownToken): object => ({
  id: token.id,
  org: token.orgId,
  user: token.userId,
  name: token.name,
  scopes: token.scopes,
  allowFrom: token.allowFrom,
  origin: token.origin,
  state: token.state,
  createdAt: isoTime(token.createdAtMs),
  expiresAt: isoTime(token.expiresAtMs),
  revokedAt: isoTime(token.revokedAtMs),
  lastUsedAt: isoTime(token.lastUsedAtMs),
  secretNumber: token.secretNumber,
  previousSecretExpiresAt: isoTime(token.previousSecretExpiresAtMs),
});
