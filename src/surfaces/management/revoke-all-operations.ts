// The operations that end everything at once: one's own, a user's, an organization's.

import type { Actor } from '../../lifecycle/actor.ts';
import { example } from './examples.ts';
import { type Operation, operation, reply, type Result } from './operation.ts';
import { noBody } from './read-input.ts';
import { noQuery } from './shapes.ts';
import type { TokenOperationsDeps } from './token-operations.ts';
import { rightsSentence } from './token-shapes.ts';

export const revokeAllOperations = ({
  commands,
  paths,
}: Pick<TokenOperationsDeps, 'commands' | 'paths'>): readonly Operation[] => {
  const shared = {
    method: 'POST',
    tag: 'API tokens',
    query: noQuery,
    body: noBody,
    success: { status: 204, description: 'All are revoked.', body: undefined },
  } as const;
  const revoke = async (actor: Actor, orgId: string, userId: string | undefined): Promise<Result> => {
    const outcome = await commands.revokeAll(actor, { orgId, userId });
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
