// The operation that gives an API token a new secret, and a new lifetime where one is asked for. The lifecycle command checks
// the rights.

import { z } from 'zod';
import { isFailure } from '../../lifecycle/command-error.ts';
import { overlapMsMax } from '../../lifecycle/regenerate.ts';
import type { ApiTokenRecord } from '../../store/records.ts';
import { example } from './examples.ts';
import { fault, type Operation, operation, reply } from './operation.ts';
import { duration, named, noQuery, tokenLifetime } from './shapes.ts';
import { refuseElsewhere, type TokenOperationsDeps } from './token-operations.ts';
import { newApiToken, rightsSentence, showNewToken } from './token-shapes.ts';

const regenerateBody = named(
  'Regeneration',
  z.strictObject({
    overlap: duration(
      `How long the old secret stays good, at most seven days (P7D). Without it: it ends at once, with every session made from it.`,
    )
      .refine((ms) => ms <= overlapMsMax, 'Seven days (P7D) at most')
      .optional(),
    lifetime: tokenLifetime
      .optional()
      .meta({ description: 'Of the token, from now on. Without it: the token keeps its expiry.' }),
  }),
);

export const regenerateOperation = (deps: TokenOperationsDeps): Operation =>
  operation({
    id: 'regenerateApiToken',
    method: 'POST',
    path: deps.paths.regenerate,
    tag: 'API tokens',
    summary: 'Give an API token a new secret',
    description: `The token keeps its id, name, scopes and networks; its expiry too, unless \`lifetime\` gives it another. With an \`Idempotency-Key\` a retry answers the same secret instead of burning it. ${rightsSentence}`,
    query: noQuery,
    body: regenerateBody,
    takesIdempotencyKey: true,
    success: { status: 200, description: 'The token, with its new secret.', body: newApiToken },
    problems: [
      'token_unknown',
      'token_revoked',
      'token_expired',
      'lifetime_malformed',
      'lifetime_too_long',
      'user_disabled',
      'scope_too_wide',
      'idempotency_malformed',
      'idempotency_conflict',
      'idempotency_unavailable',
    ],
    example: {
      parameters: { org: example.org, tokenId: example.tokenId },
      body: { overlap: 'P1D', lifetime: 'P90D' },
    },
    run: async ({ parameters, body, idempotencyKey }, actor) => {
      const { org = '', tokenId = '' } = parameters;
      const { overlap: overlapMs = 0, lifetime: lifetimeMs } = body;
      const given = { overlapMs, lifetimeMs };
      const elsewhere = refuseElsewhere(deps, 'token.regenerate', org, actor);
      const { identity } = actor;
      const use = [identity.org.id, identity.user.id, tokenId, idempotencyKey ?? ''];
      const isKeyed = idempotencyKey !== undefined;
      if (elsewhere === undefined && isKeyed && deps.regenerations.isAnother(use, given))
        return keyUsedOtherwise;
      const command = { tokenId, ...given, length: 65, idempotencyKey } as const;
      const made = elsewhere ?? (await deps.commands.regenerateApiToken(actor, command));
      if (isFailure(made)) return made;
      const nowMs = deps.now();
      // With a new lifetime the old secret ends with the token at the latest.
      const overlapGivenMs = Math.min(overlapMs, lifetimeMs ?? Infinity);
      if (isKeyed && !mayBeFrom(made.record, overlapGivenMs, nowMs)) return keyUsedOtherwise;
      if (isKeyed) deps.regenerations.note(use, given);
      return reply(showNewToken(made.record, made.secret, nowMs));
    },
  });

const keyUsedOtherwise = fault('idempotency_conflict');

const dayMs = 24 * 3600 * 1000;
const clocksApartMs = 60_000;

/**
 * Whether a command with this overlap can have made the record, now or within the day in which a key is remembered: a repeated
 * command changed nothing, and another replica may have carried out the first.
 */
const mayBeFrom = (
  { previousSecretExpiresAtMs: endMs }: ApiTokenRecord,
  overlapMs: number,
  nowMs: number,
): boolean => {
  if (endMs === undefined || overlapMs === 0) return endMs === undefined && overlapMs === 0;
  const givenAtMs = endMs - overlapMs;
  return givenAtMs <= nowMs + clocksApartMs && givenAtMs >= nowMs - dayMs;
};
