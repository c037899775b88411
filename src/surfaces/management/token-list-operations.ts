// The operations that list API tokens, of a user or of a whole organization: filtered, sorted, page by page.

import { z } from 'zod';
import type { Whose } from '../../decision/rights.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { TokenFilter, TokenView } from '../../lifecycle/token-list.ts';
import { example } from './examples.ts';
import {
  fault,
  type Operation,
  operation,
  type OperationInput,
  pageReply,
  pageSuccess,
  type Result,
} from './operation.ts';
import { noBody } from './read-input.ts';
import { durationMs } from './duration.ts';
import { duration, idText, pageFields } from './shapes.ts';
import { cursorOf, readCursor } from '../token-cursor.ts';
import type { TokenOperationsDeps } from './token-operations.ts';
import { apiTokenPage, rightsSentence, showToken } from './token-shapes.ts';

const sorts = {
  createdAt: { by: 'createdAtMs', isDescending: false },
  '-createdAt': { by: 'createdAtMs', isDescending: true },
  expiresAt: { by: 'expiresAtMs', isDescending: false },
  '-expiresAt': { by: 'expiresAtMs', isDescending: true },
  name: { by: 'name', isDescending: false },
  '-name': { by: 'name', isDescending: true },
  lastUsedAt: { by: 'lastUsedAtMs', isDescending: false },
  '-lastUsedAt': { by: 'lastUsedAtMs', isDescending: true },
} as const;

const expiringWithinUsual = 'P14D';
const judged =
  'So many tokens are read for a page and no more: it may be short, even empty, and `nextCursor` goes on.';

const userListFields = {
  ...pageFields,
  state: z.enum(['active', 'expiring', 'expired', 'revoked']).optional().meta({
    description: 'Only those in this state. `expiring`: active, but not for longer than `expiringWithin`.',
  }),
  expiringWithin: duration('How soon a token must expire to be `expiring`.')
    .default(durationMs(expiringWithinUsual))
    .meta({
      description: 'How soon a token must expire to be `expiring`.',
      default: expiringWithinUsual,
      format: 'duration',
    }),
  search: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .meta({
      description: `Only those whose name, id, user or a scope contains this, in any case. ${judged}`,
    }),
  name: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .meta({ description: `Only those whose name contains this, in any case. ${judged}` }),
  sort: z
    .enum([
      'createdAt',
      '-createdAt',
      'expiresAt',
      '-expiresAt',
      'name',
      '-name',
      'lastUsedAt',
      '-lastUsedAt',
    ])
    .optional()
    .meta({
      description:
        'By what; `-` before it: the other way round. Without it as they were made, or with `state=expiring` as they expire. By last use at most 10,000 tokens are sorted.',
    }),
};

const userListQuery = z.strictObject(userListFields);

const orgListQuery = z.strictObject({
  ...userListFields,
  user: idText('Only those of this user.').optional(),
});

type ListQuery = z.output<typeof userListQuery>;

/** What the name, or anything that a person would look for, contains. */
const filterOf = ({ name, search }: ListQuery): TokenFilter | undefined => {
  const of: TokenFilter[] = [];
  const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part);
  if (name !== undefined) {
    const part = name.toLowerCase();
    of.push({ kind: 'test', holds: (token) => contains(token.name, part) });
  }
  if (search !== undefined) {
    const part = search.toLowerCase();
    const textsOf = ({ name, id, userId, userName, scopes }: TokenView): readonly string[] => [
      name,
      id,
      userId,
      userName,
      ...(scopes === 'all' ? [] : scopes),
    ];
    of.push({ kind: 'test', holds: (token) => textsOf(token).some((text) => contains(text, part)) });
  }
  return of.length === 0 ? undefined : { kind: 'all', of };
};

export const tokenListOperations = ({
  commands,
  paths,
  now,
}: Pick<TokenOperationsDeps, 'commands' | 'paths' | 'now'>): readonly Operation[] => {
  const shared = {
    method: 'GET',
    tag: 'API tokens',
    body: noBody,
    success: pageSuccess('A page of API tokens: metadata, never a secret.', apiTokenPage),
  } as const;
  const list = async (
    { request, query }: Pick<OperationInput<ListQuery, unknown>, 'request' | 'query'>,
    actor: Actor,
    whose: Whose,
  ): Promise<Result> => {
    const { state, cursor, limit } = query;
    const isExpiring = state === 'expiring';
    const sort = sorts[query.sort ?? (isExpiring ? 'expiresAt' : 'createdAt')];
    const after = cursor === undefined ? undefined : readCursor(cursor, sort);
    if (after === 'malformed') return fault('cursor_malformed');
    const states = state === undefined ? undefined : [isExpiring ? 'active' : state];
    const wanted = { ...whose, states, filter: filterOf(query), after, limit };
    const untilMs = isExpiring ? now() + query.expiringWithin : undefined;
    const { by, isDescending } = sort;
    const listing =
      by === 'lastUsedAtMs'
        ? await commands.listApiTokensByUse(actor, { ...wanted, isDescending, expiringUntilMs: untilMs })
        : await commands.listApiTokens(actor, {
            ...wanted,
            expiringUntilMs: untilMs,
            sort: { by, isDescending },
            skip: 0,
            isCounted: true,
          });
    if (isFailure(listing)) return listing;
    const page = { items: listing.items.map(showToken), total: listing.total ?? null };
    return pageReply(request, page, listing.next && cursorOf(listing.next, sort));
  };
  return [
    operation({
      ...shared,
      id: 'listApiTokensOfUser',
      query: userListQuery,
      path: paths.userTokens,
      summary: 'List the API tokens of a user',
      description: `Live, expired and revoked ones; revoked and expired ones are forgotten after 30 days. ${rightsSentence}`,
      problems: ['user_unknown', 'cursor_malformed', 'listing_too_large'],
      example: {
        parameters: { org: example.org, user: example.user },
        query: { limit: '20', state: 'active', sort: '-createdAt' },
      },
      run: (input, actor) =>
        list(input, actor, { orgId: input.parameters['org'] ?? '', userId: input.parameters['user'] ?? '' }),
    }),
    operation({
      ...shared,
      id: 'listApiTokens',
      query: orgListQuery,
      path: paths.orgTokens,
      summary: 'List the API tokens of an organization',
      description: 'Those of all its users. It needs the right `tollgate:tokens:all`.',
      problems: ['user_unknown', 'cursor_malformed', 'listing_too_large'],
      example: { parameters: { org: example.org }, query: { name: 'build' } },
      run: ({ request, parameters, query: { user, ...query } }, actor) =>
        list({ request, query }, actor, { orgId: parameters['org'] ?? '', userId: user }),
    }),
  ];
};
