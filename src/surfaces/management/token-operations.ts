// The operations on one API token: make, see, revoke (regenerate-operation.ts gives it a new secret). The lifecycle commands
// check the rights. A token of another organization than the path's does not exist.

import { z } from 'zod';
import { denial } from '../../decision/outcome.ts';
import { mayManageTokens } from '../../decision/rights.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { Audit, AuditAction } from '../../lifecycle/audit.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import { example } from './examples.ts';
import { type Operation, operation, pathOf, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { duration, named, nameText, networkList, noQuery, scopeList, tokenLifetime } from './shapes.ts';
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

const createBody = named(
  'NewApiToken',
  z.strictObject({
    name: nameText,
    scopes: scopeList,
    lifetime: tokenLifetime
      .optional()
      .meta({ description: 'Without it: the server’s default, cut to the organization’s maximum.' }),
    openid: z.boolean().optional().meta({ description: 'An ID token comes with each exchange.' }),
    remindBefore: duration('How long before its expiry the user wants to be reminded.').optional(),
    allowFrom: networkList.min(1).optional(),
  }),
);

export const tokenOperations = (deps: TokenOperationsDeps): readonly Operation[] => [
  createOperation(deps),
  ...oneOperations(deps),
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
