// The operations on one API token: make, see, give a new secret, revoke. The lifecycle commands check the rights. A
// token of another organization than the path's does not exist.

import { z } from 'zod';
import { denial } from '../../decision/outcome.ts';
import { mayManageTokens } from '../../decision/rights.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { Audit, AuditAction } from '../../lifecycle/audit.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import { overlapMsMax } from '../../lifecycle/regenerate.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import type { ApiTokenRecord } from '../../store/records.ts';
import { example } from './examples.ts';
import { fault, type Operation, operation, pathOf, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { duration, named, nameText, networkList, noQuery, scopeList } from './shapes.ts';
import type { SentBefore } from './sent-before.ts';
import { apiToken, newApiToken, rightsSentence, showNewToken, showToken } from './token-shapes.ts';

export interface TokenOperationsDeps {
  readonly commands: TokenCommands;
  readonly paths: ManagementPaths;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly audit: Audit | undefined;
  readonly regenerations: SentBefore;
}

const lifetime = z.union(
  [
    z.literal('never').transform(() => null),
    duration('From one minute to a hundred years, within the organization’s maximum.'),
  ],
  'Write a duration of ISO 8601 in weeks, days, hours, minutes or seconds, e.g. P90D, or "never"',
);

const createBody = named(
  'NewApiToken',
  z.strictObject({
    name: nameText,
    scopes: scopeList,
    lifetime: lifetime
      .optional()
      .meta({ description: 'Without it: the server’s default, cut to the organization’s maximum.' }),
    openid: z.boolean().optional().meta({ description: 'An ID token comes with each exchange.' }),
    remindBefore: duration('How long before its expiry the user wants to be reminded.').optional(),
    allowFrom: networkList.min(1).optional(),
  }),
);

const regenerateBody = named(
  'Regeneration',
  z.strictObject({
    overlap: duration(
      `How long the old secret stays good, at most seven days (P7D). Without it: it ends at once, with every session made from it.`,
    )
      .refine((ms) => ms <= overlapMsMax, 'Seven days (P7D) at most')
      .optional(),
    lifetime: lifetime
      .optional()
      .meta({ description: 'Of the token, from now on. Without it: the token keeps its expiry.' }),
  }),
);

export const tokenOperations = (deps: TokenOperationsDeps): readonly Operation[] => [
  createOperation(deps),
  ...oneOperations(deps),
  regenerateOperation(deps),
];

const createOperation = ({ commands, paths, now }: TokenOperationsDeps): Operation =>
  operation({
    id: 'createApiToken',
    method: 'POST',
    path: paths.userTokens,
    tag: 'API tokens',
    summary: 'Make an API token',
    description: `The answer is the only one that ever shows the secret. It may do no more than its user, nor more than whoever makes it. ${rightsSentence}`,
    query: noQuery,
    body: createBody,
    takesIdempotencyKey: true,
    success: {
      status: 201,
      description: 'The token, with its secret.',
      body: newApiToken,
      headers: { Location: 'Where the token can be seen.' },
    },
    problems: [
      'name_malformed',
      'scope_malformed',
      'address_malformed',
      'lifetime_malformed',
      'lifetime_too_long',
      'scope_too_wide',
      'user_unknown',
      'user_disabled',
      'too_many_tokens',
      'idempotency_malformed',
      'idempotency_conflict',
      'idempotency_unavailable',
    ],
    example: {
      parameters: { org: example.org, user: example.user },
      body: { name: 'nightly build', scopes: ['things:read'], lifetime: 'P90D', remindBefore: 'P14D' },
    },
    run: async ({ parameters, body, idempotencyKey }, actor) => {
      const { lifetime, remindBefore, ...rest } = body;
      const made = await commands.createApiToken(actor, {
        ...rest,
        orgId: parameters['org'] ?? '',
        userId: parameters['user'] ?? '',
        lifetimeMs: lifetime,
        notifyBeforeExpiryMs: remindBefore,
        length: 65,
        idempotencyKey,
      });
      if (isFailure(made)) return made;
      const { orgId, id } = made.record;
      const location = pathOf(paths.token, { org: orgId, tokenId: id });
      return reply(showNewToken(made.record, made.secret, now()), { headers: { location } });
    },
  });

const oneOperations = (deps: TokenOperationsDeps): readonly Operation[] => {
  const { commands, paths } = deps;
  const parameters = { org: example.org, tokenId: example.tokenId };
  return [
    operation({
      id: 'getApiToken',
      method: 'GET',
      path: paths.token,
      tag: 'API tokens',
      summary: 'See an API token',
      description: `Its metadata, never its secret. ${rightsSentence}`,
      query: noQuery,
      body: noBody,
      success: { status: 200, description: 'The token.', body: apiToken },
      problems: ['token_unknown'],
      example: { parameters },
      run: async ({ parameters }, actor) => {
        const { org = '', tokenId = '' } = parameters;
        const elsewhere = refuseElsewhere(deps, 'token.see', org, actor);
        const view = elsewhere ?? (await commands.findApiToken(actor, tokenId));
        return isFailure(view) ? view : reply(showToken(view));
      },
    }),
    operation({
      id: 'revokeApiToken',
      method: 'DELETE',
      path: paths.token,
      tag: 'API tokens',
      summary: 'Revoke an API token',
      description: `It ends for good on every replica, with every session made from it. Repeating it changes nothing. ${rightsSentence}`,
      query: noQuery,
      body: noBody,
      success: { status: 204, description: 'It is revoked.', body: undefined },
      problems: ['token_unknown'],
      example: { parameters },
      run: async ({ parameters }, actor) => {
        const { org = '', tokenId = '' } = parameters;
        const elsewhere = refuseElsewhere(deps, 'token.revoke', org, actor);
        const outcome = elsewhere ?? (await commands.revokeApiToken(actor, tokenId));
        return typeof outcome === 'string' ? reply(undefined) : outcome;
      },
    }),
  ];
};

const regenerateOperation = (deps: TokenOperationsDeps): Operation =>
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

/** The commands know a token by its id alone: that the path names the caller's own organization is asked here. */
export const refuseElsewhere = (
  { audit }: Pick<TokenOperationsDeps, 'audit'>,
  action: AuditAction,
  org: string,
  actor: Actor,
) => {
  const { identity } = actor;
  if (org === identity.org.id) return undefined;
  const refusal =
    mayManageTokens(identity, { orgId: org, userId: undefined }) ?? denial('tenant_mismatch', undefined);
  audit?.record({ action, identity, origin: actor, subject: { org }, outcome: refusal });
  return refusal;
};
