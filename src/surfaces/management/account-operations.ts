// The operations on users, for an organization's owner: see them, make, change and delete them. The lifecycle commands check
// the rights.

import { z } from 'zod';
import type { AccountCommands } from '../../lifecycle/account-commands.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import { example } from './examples.ts';
import { type Operation, operation, pageReply, pageSuccess, pathOf, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { noQuery, pageFields } from './shapes.ts';
import { newUser, showUser, user, userChange, userPage } from './user-shapes.ts';

export interface AccountOperationsDeps {
  readonly commands: AccountCommands;
  readonly paths: ManagementPaths;
}

export const ownerSentence = 'It needs the right `org:owner`. A session made from an API token may not.';
export const ownSentence =
  'Everybody may do it for themselves, and for others with the right `org:owner`. A session made from an API token may not.';

export const accountOperations = (deps: AccountOperationsDeps): readonly Operation[] => [
  ...readOperations(deps),
  createOperation(deps),
  ...oneOperations(deps),
];

const readOperations = ({ commands, paths }: AccountOperationsDeps): readonly Operation[] => [
  operation({
    id: 'listUsers',
    method: 'GET',
    path: paths.users,
    tag: 'Users',
    summary: 'List the users of an organization',
    description: `In the order of their ids. ${ownerSentence}`,
    query: z.strictObject(pageFields),
    body: noBody,
    success: pageSuccess('A page of users.', userPage),
    problems: [],
    example: { parameters: { org: example.org }, query: { limit: '20' } },
    run: async ({ request, parameters, query }, actor) => {
      const page = await commands.listUsers(actor, parameters['org'] ?? '', {
        limit: query.limit,
        cursor: query.cursor,
      });
      return isFailure(page)
        ? page
        : pageReply(request, { items: page.items.map(showUser) }, page.nextCursor);
    },
  }),
  operation({
    id: 'getUser',
    method: 'GET',
    path: paths.user,
    tag: 'Users',
    summary: 'See a user',
    description: ownSentence,
    query: noQuery,
    body: noBody,
    success: { status: 200, description: 'The user.', body: user },
    problems: ['user_unknown'],
    example: { parameters: { org: example.org, user: example.otherUser } },
    run: async ({ parameters }, actor) => {
      const found = await commands.findUser(actor, parameters['org'] ?? '', parameters['user'] ?? '');
      return isFailure(found) ? found : reply(showUser(found));
    },
  }),
];

const createOperation = ({ commands, paths }: AccountOperationsDeps): Operation =>
  operation({
    id: 'createUser',
    method: 'POST',
    path: paths.users,
    tag: 'Users',
    summary: 'Make a user',
    description: `With roles that grant no more than you may do yourself. An id that belonged to a deleted user may be used again: the new user has nothing of the old one. ${ownerSentence}`,
    query: noQuery,
    body: newUser,
    success: {
      status: 201,
      description: 'The user.',
      body: user,
      headers: { Location: 'Where the user can be seen.' },
    },
    problems: [
      'id_malformed',
      'name_malformed',
      'email_malformed',
      'password_malformed',
      'role_malformed',
      'role_unknown',
      'scope_too_wide',
      'user_exists',
    ],
    example: {
      parameters: { org: example.org },
      body: { id: example.newUser, name: 'Cai', email: 'cai@example.com', roles: ['member'] },
    },
    run: async ({ parameters, body }, actor) => {
      const { org = '' } = parameters;
      const { id, name, email, roles, password } = body;
      const made = await commands.createUser(actor, { orgId: org, id, name, email, roles, password });
      if (isFailure(made)) return made;
      return reply(showUser(made), { headers: { location: pathOf(paths.user, { org, user: id }) } });
    },
  });

const oneOperations = ({ commands, paths }: AccountOperationsDeps): readonly Operation[] => {
  const parameters = { org: example.org, user: example.otherUser };
  const shared = { path: paths.user, tag: 'Users', query: noQuery, example: { parameters } } as const;
  return [
    operation({
      ...shared,
      id: 'changeUser',
      method: 'PATCH',
      summary: 'Change a user: name, e-mail address, roles, state',
      description: `A change of roles or state is in force on every replica like a revocation: the user’s sessions end, and API tokens live on with the new roles. Nobody takes \`org:owner\` or \`tollgate:operate\` from themselves. ${ownerSentence}`,
      body: userChange,
      success: { status: 200, description: 'The user as it is now.', body: user },
      problems: [
        'user_unknown',
        'name_malformed',
        'email_malformed',
        'role_unknown',
        'role_malformed',
        'scope_too_wide',
        'would_lock_out',
      ],
      example: { parameters, body: { state: 'disabled' } },
      run: async ({ parameters, body }, actor) => {
        const { org: orgId = '', user: userId = '' } = parameters;
        const changed = await commands.changeUser(actor, { orgId, userId, ...body });
        return isFailure(changed) ? changed : reply(showUser(changed));
      },
    }),
    operation({
      ...shared,
      id: 'deleteUser',
      method: 'DELETE',
      summary: 'Delete a user',
      description: `Every session and API token of the user ends for good, on every replica; nothing brings them back. What the user did stays in the audit. A user whom an accepted identity provider still vouches for may come in again: disable such a user instead. Nobody deletes themselves. ${ownerSentence}`,
      body: noBody,
      success: { status: 204, description: 'The user is gone.', body: undefined },
      problems: ['user_unknown', 'would_lock_out', 'scope_too_wide'],
      run: async ({ parameters }, actor) => {
        const done = await commands.deleteUser(actor, parameters['org'] ?? '', parameters['user'] ?? '');
        return typeof done === 'string' ? reply(undefined) : done;
      },
    }),
  ];
};
