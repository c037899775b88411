// The operations on API tokens: make, list, see, give a new secret, revoke one or all. Rights are asked by the lifecycle
// orders; a token of another organization than the path's is one that does not exist.

import { z } from 'zod';
import { denial, isDenial, isOutage } from '../../decision/outcome.ts';
import { mayManageTokens } from '../../decision/rights.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { Audit, AuditAction } from '../../lifecycle/audit.ts';
import { checkOrgId } from '../../lifecycle/names.ts';
import { isProblem } from '../../lifecycle/problem.ts';
import { overlapMsMax } from '../../lifecycle/regenerate.ts';
import type { TokenOrders } from '../../lifecycle/token-orders.ts';
import type { managementPaths } from '../../settings/surface-paths.ts';
import { example } from './examples.ts';
import { fault, type Operation, operation, reply, type Result } from './operation.ts';
import { noBody } from './read-order.ts';
import { duration, named, nameText, nextLink, noQuery, pageFields, scopeList } from './shapes.ts';
import { cursorOf, readCursor, readSort, tokenSorts } from './token-cursor.ts';
import { apiToken, apiTokenPage, newApiToken, showNewToken, showToken } from './token-shapes.ts';

export interface TokenOperationsDeps {
  readonly orders: TokenOrders;
  readonly paths: ReturnType<typeof managementPaths>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly audit: Audit | undefined;
}

const rightsSentence =
  'For one’s own it needs the right `tollgate:tokens:own`, for those of others in the organization `tollgate:tokens:all`. A session made from an API token may not.';

const listQuery = z.strictObject({
  ...pageFields,
  state: z
    .enum(['active', 'expired', 'revoked'])
    .optional()
    .meta({ description: 'Only those in this state.' }),
  name: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .meta({ description: 'Only those whose name contains this, in any case.' }),
  sort: z
    .enum(tokenSorts)
    .default('createdAt')
    .meta({ description: 'By what; `-` before it: the other way round.', default: 'createdAt' }),
});

const createBody = named(
  'NewApiToken',
  z.strictObject({
    name: nameText,
    scopes: scopeList,
    lifetime: z
      .union([
        z.literal('never').transform(() => null),
        duration('From one minute to a hundred years, within the organization’s maximum.'),
      ])
      .optional()
      .meta({ description: 'Without it: the server’s default, cut to the organization’s maximum.' }),
    openid: z.boolean().optional().meta({ description: 'An ID token comes with each exchange.' }),
    remindBefore: duration('How long before its expiry the user wants to be reminded.').optional(),
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
  }),
);

export const tokenOperations = (deps: TokenOperationsDeps): readonly Operation[] => [
  createOperation(deps),
  ...listOperations(deps),
  ...oneOperations(deps),
  regenerateOperation(deps),
  ...revokeAllOperations(deps),
];

const createOperation = ({ orders, paths, now }: TokenOperationsDeps): Operation =>
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
      const made = await orders.createApiToken(actor, {
        ...rest,
        orgId: parameters['org'] ?? '',
        userId: parameters['user'] ?? '',
        lifetimeMs: lifetime,
        notifyBeforeExpiryMs: remindBefore,
        length: 65,
        idempotencyKey,
        // A session of fewer scopes makes no token of more.
        within: actor.identity.scopes,
      });
      if (isDenial(made) || isOutage(made) || isProblem(made)) return made;
      const location = tokenPath(paths, made.record.orgId, made.record.id);
      return reply(showNewToken(made.record, made.secret, now()), { headers: { location } });
    },
  });

const listOperations = ({ orders, paths }: TokenOperationsDeps): readonly Operation[] => {
  const shared = {
    method: 'GET',
    tag: 'API tokens',
    query: listQuery,
    body: noBody,
    success: {
      status: 200,
      description: 'A page of API tokens: metadata, never a secret.',
      body: apiTokenPage,
      headers: { Link: 'The next page, with `rel="next"`, if there is one.' },
    },
  } as const;
  const list = async (
    {
      request,
      query,
    }: { readonly request: { readonly query: string }; readonly query: z.output<typeof listQuery> },
    actor: Actor,
    whose: { readonly orgId: string; readonly userId: string | undefined },
  ): Promise<Result> => {
    const sort = readSort(query.sort);
    const after = query.cursor === undefined ? undefined : readCursor(query.cursor, query.sort);
    if (after === 'malformed') return fault('cursor_malformed');
    const name = query.name?.toLowerCase();
    const listing = await orders.listApiTokens(actor, {
      ...whose,
      matches: (token) =>
        (query.state === undefined || token.state === query.state) &&
        (name === undefined || token.name.toLowerCase().includes(name)),
      sort,
      after,
      skip: 0,
      // One more tells whether there is a next page.
      limit: query.limit + 1,
    });
    if (isDenial(listing) || isOutage(listing) || isProblem(listing)) return listing;
    const items = listing.items.slice(0, query.limit);
    const last = listing.items.length > items.length ? items.at(-1) : undefined;
    const next = last === undefined ? null : cursorOf(last, query.sort);
    return reply(
      { items: items.map(showToken), total: listing.total, nextCursor: next },
      { headers: nextLink(request.query, next) },
    );
  };
  return [
    operation({
      ...shared,
      id: 'listApiTokensOfUser',
      path: paths.userTokens,
      summary: 'List the API tokens of a user',
      description: `Live, expired and revoked ones; revoked and expired ones are forgotten after 30 days. ${rightsSentence}`,
      problems: ['user_unknown', 'cursor_malformed'],
      example: {
        parameters: { org: example.org, user: example.user },
        query: { limit: '20', state: 'active', sort: '-createdAt' },
      },
      run: (order, actor) =>
        list(order, actor, { orgId: order.parameters['org'] ?? '', userId: order.parameters['user'] ?? '' }),
    }),
    operation({
      ...shared,
      id: 'listApiTokens',
      path: paths.orgTokens,
      summary: 'List the API tokens of an organization',
      description: 'Those of all its users. It needs the right `tollgate:tokens:all`.',
      problems: ['listing_too_large', 'cursor_malformed'],
      example: { parameters: { org: example.org }, query: { name: 'build' } },
      run: (order, actor) => list(order, actor, { orgId: order.parameters['org'] ?? '', userId: undefined }),
    }),
  ];
};

const oneOperations = (deps: TokenOperationsDeps): readonly Operation[] => {
  const { orders, paths } = deps;
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
        const view = elsewhere ?? (await orders.findApiToken(actor, tokenId));
        return isDenial(view) || isOutage(view) || isProblem(view) ? view : reply(showToken(view));
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
        const outcome = elsewhere ?? (await orders.revokeApiToken(actor, tokenId));
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
    description: `The token keeps its id, name, scopes and expiry. With an \`Idempotency-Key\` a retry answers the same secret instead of burning it. ${rightsSentence}`,
    query: noQuery,
    body: regenerateBody,
    takesIdempotencyKey: true,
    success: { status: 200, description: 'The token, with its new secret.', body: newApiToken },
    problems: [
      'token_unknown',
      'token_revoked',
      'token_expired',
      'user_disabled',
      'scope_too_wide',
      'idempotency_malformed',
      'idempotency_conflict',
      'idempotency_unavailable',
    ],
    example: { parameters: { org: example.org, tokenId: example.tokenId }, body: { overlap: 'P1D' } },
    run: async ({ parameters, body, idempotencyKey }, actor) => {
      const { org = '', tokenId = '' } = parameters;
      const order = { tokenId, overlapMs: body.overlap ?? 0, length: 65, idempotencyKey } as const;
      const elsewhere = refuseElsewhere(deps, 'token.regenerate', org, actor);
      const made = elsewhere ?? (await deps.orders.regenerateApiToken(actor, order));
      return isDenial(made) || isOutage(made) || isProblem(made)
        ? made
        : reply(showNewToken(made.record, made.secret, deps.now()));
    },
  });

const revokeAllOperations = ({ orders, paths }: TokenOperationsDeps): readonly Operation[] => {
  const shared = {
    method: 'POST',
    tag: 'API tokens',
    query: noQuery,
    body: noBody,
    success: { status: 204, description: 'All are revoked.', body: undefined },
  } as const;
  const revoke = async (actor: Actor, orgId: string, userId: string | undefined): Promise<Result> => {
    const outcome = await orders.revokeAll(actor, { orgId, userId });
    return outcome === 'revoked' ? reply(undefined) : outcome;
  };
  const ends = 'Every API token and every session ends for good, on every replica, in one step:';
  return [
    operation({
      ...shared,
      id: 'revokeAllOfMine',
      path: paths.revokeMine,
      summary: 'Revoke everything of one’s own',
      description: `${ends} the session this is sent in too. It needs the right \`tollgate:tokens:own\`.`,
      problems: [],
      example: {},
      run: (_, actor) => revoke(actor, actor.identity.org.id, actor.identity.user.id),
    }),
    operation({
      ...shared,
      id: 'revokeAllOfUser',
      path: paths.revokeUser,
      summary: 'Revoke everything of a user',
      description: `${ends} those of the user. ${rightsSentence}`,
      problems: ['user_unknown'],
      example: { parameters: { org: example.org, user: example.otherUser } },
      run: ({ parameters }, actor) => revoke(actor, parameters['org'] ?? '', parameters['user'] ?? ''),
    }),
    operation({
      ...shared,
      id: 'revokeAllOfOrg',
      path: paths.revokeOrg,
      summary: 'Revoke everything of an organization',
      description: `${ends} those of all users of the organization, the caller’s too. It needs the right \`tollgate:tokens:all\`.`,
      problems: [],
      example: { parameters: { org: example.org } },
      run: ({ parameters }, actor) => revoke(actor, parameters['org'] ?? '', undefined),
    }),
  ];
};

/** The orders know a token by its id alone: that the path names the caller's own organization is asked here. */
const refuseElsewhere = ({ audit }: TokenOperationsDeps, action: AuditAction, org: string, actor: Actor) => {
  const { identity } = actor;
  if (org === identity.org.id) return undefined;
  const refusal =
    mayManageTokens(identity, { orgId: org, userId: undefined }) ?? denial('tenant_mismatch', undefined);
  // What is no id may be anything: it is not written down.
  const subject = checkOrgId(org) === undefined ? { org } : {};
  audit?.record({ action, identity, origin: actor, subject, outcome: refusal });
  return refusal;
};

const tokenPath = (paths: TokenOperationsDeps['paths'], org: string, tokenId: string): string =>
  paths.token.replace('{org}', encodeURIComponent(org)).replace('{tokenId}', tokenId);
