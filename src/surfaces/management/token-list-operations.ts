// The operations that list API tokens, of a user or of a whole organization: filtered, sorted, page by page.

import { z } from 'zod';
import type { Whose } from '../../decision/rights.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
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
import { pageFields } from './shapes.ts';
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
} as const;

const listQuery = z.strictObject({
  ...pageFields,
  state: z
    .enum(['active', 'expired', 'revoked'])
    .optional()
    .meta({ description: 'Only those in this state.' }),
  name: z.string().min(1).max(128).optional().meta({
    description:
      'Only those whose name contains this, in any case. So many tokens are read for a page and no more: it may be short, even empty, and `nextCursor` goes on.',
  }),
  sort: z
    .enum(['createdAt', '-createdAt', 'expiresAt', '-expiresAt', 'name', '-name'])
    .default('createdAt')
    .meta({ description: 'By what; `-` before it: the other way round.', default: 'createdAt' }),
});

export const tokenListOperations = ({
  commands,
  paths,
}: Pick<TokenOperationsDeps, 'commands' | 'paths'>): readonly Operation[] => {
  const shared = {
    method: 'GET',
    tag: 'API tokens',
    query: listQuery,
    body: noBody,
    success: pageSuccess('A page of API tokens: metadata, never a secret.', apiTokenPage),
  } as const;
  const list = async (
    { request, query }: Pick<OperationInput<z.output<typeof listQuery>, unknown>, 'request' | 'query'>,
    actor: Actor,
    whose: Whose,
  ): Promise<Result> => {
    const sort = sorts[query.sort];
    const after = query.cursor === undefined ? undefined : readCursor(query.cursor, sort);
    if (after === 'malformed') return fault('cursor_malformed');
    const name = query.name?.toLowerCase();
    const listing = await commands.listApiTokens(actor, {
      ...whose,
      states: query.state === undefined ? undefined : [query.state],
      filter:
        name === undefined
          ? undefined
          : { kind: 'test', holds: (token) => token.name.toLowerCase().includes(name) },
      sort,
      after,
      skip: 0,
      limit: query.limit,
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
      path: paths.userTokens,
      summary: 'List the API tokens of a user',
      description: `Live, expired and revoked ones; revoked and expired ones are forgotten after 30 days. ${rightsSentence}`,
      problems: ['user_unknown', 'cursor_malformed'],
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
      path: paths.orgTokens,
      summary: 'List the API tokens of an organization',
      description: 'Those of all its users. It needs the right `tollgate:tokens:all`.',
      problems: ['cursor_malformed'],
      example: { parameters: { org: example.org }, query: { name: 'build' } },
      run: (input, actor) => list(input, actor, { orgId: input.parameters['org'] ?? '', userId: undefined }),
    }),
  ];
};
