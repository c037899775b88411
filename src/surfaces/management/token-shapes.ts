// API tokens as the management surface shows them: metadata, and the secret in one answer only.

import { z } from 'zod';
import type { TokenView } from '../../lifecycle/token-list.ts';
import type { ApiTokenRecord } from '../../store/records.ts';
import { durationOrNull } from './duration.ts';
import {
  idText,
  named,
  networkList,
  nextCursor,
  scopeList,
  time,
  timeOf,
  timeOrNever,
  timeOrNull,
} from './shapes.ts';

const fields = {
  id: z.uuid().meta({ description: 'Names the token; is no secret.' }),
  org: idText('The organization it belongs to.'),
  user: idText('The user it belongs to.'),
  name: z.string(),
  scopes: scopeList,
  state: z.enum(['active', 'expired', 'revoked']),
  origin: z
    .enum(['created', 'imported'])
    .meta({ description: 'Made here, or taken over from another system.' }),
  openid: z.boolean().meta({ description: 'An ID token comes with each exchange.' }),
  remindBefore: z
    .string()
    .nullable()
    .meta({ description: 'How long before its expiry the user wants to be reminded.', format: 'duration' }),
  allowFrom: networkList.nullable().meta({
    description: 'Networks from which the token, and what is made from it, may be used. Null: from anywhere.',
  }),
  createdAt: time('When it was made.'),
  expiresAt: timeOrNever('Null: it never expires.'),
  revokedAt: timeOrNever(
    'When it was revoked by itself; null where that was with all of its user or organization.',
  ),
  lastUsedAt: timeOrNever('To the minute. Null: never.'),
  secretNumber: z.int().min(0).meta({ description: 'How often it was given a new secret.' }),
  previousSecretExpiresAt: timeOrNever('Until then the secret before the present one is good too.'),
};

export const apiToken = named('ApiToken', z.strictObject(fields));

export const newApiToken = named(
  'ApiTokenWithSecret',
  z.strictObject({
    ...fields,
    secret: z.string().meta({ description: 'The API token itself. Shown this once, and kept nowhere.' }),
  }),
);

export const apiTokenPage = named(
  'ApiTokenPage',
  z.strictObject({
    items: z.array(apiToken),
    total: z.int().min(0).nullable().meta({
      description: 'How many match, on all pages together. Null: not known without reading them all.',
    }),
    nextCursor,
  }),
);

type Shown = Omit<ApiTokenRecord, 'state' | 'generation'> & Pick<TokenView, 'state'>;

export const showToken = (token: Shown): z.output<typeof apiToken> => ({
  id: token.id,
  org: token.orgId,
  user: token.userId,
  name: token.name,
  scopes: token.scopes === 'all' ? 'all' : [...token.scopes],
  state: token.state,
  origin: token.origin,
  openid: token.openid,
  remindBefore: durationOrNull(token.notifyBeforeExpiryMs),
  allowFrom: token.allowFrom === undefined ? null : [...token.allowFrom],
  createdAt: timeOf(token.createdAtMs),
  expiresAt: timeOrNull(token.expiresAtMs),
  revokedAt: timeOrNull(token.revokedAtMs),
  lastUsedAt: timeOrNull(token.lastUsedAtMs),
  secretNumber: token.secretNumber,
  previousSecretExpiresAt: timeOrNull(token.previousSecretExpiresAtMs),
});

/** The state by the record alone: that of a token that was just made or given a new secret. */
export const showNewToken = (
  record: ApiTokenRecord,
  secret: string,
  nowMs: number,
): z.output<typeof newApiToken> => {
  const isExpired = record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs;
  const state = record.state === 'revoked' ? 'revoked' : isExpired ? 'expired' : 'active';
  return { ...showToken({ ...record, state }), secret };
};

/** Who may. */
export const rightsSentence =
  'For one’s own it needs the right `tollgate:tokens:own`, for those of others in the organization `tollgate:tokens:all`. A session made from an API token may not.';
