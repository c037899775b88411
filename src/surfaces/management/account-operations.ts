// The operations on users, for an organization's owner: see them, give them roles, disable and enable them; and the change
// of a password, one's own or a user's. The lifecycle commands check the rights.

import { z } from 'zod';
import type { AccountCommands } from '../../lifecycle/account-commands.ts';
import { rolesPerUserMax } from '../../lifecycle/names.ts';
import type { Passwords } from '../../lifecycle/passwords.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import type { UserRecord } from '../../store/records.ts';
import { example } from './examples.ts';
import { type Operation, operation, pageReply, pageSuccess, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { idText, named, nextCursor, noQuery, pageFields, time, timeOf } from './shapes.ts';

export interface AccountOperationsDeps {
  readonly commands: AccountCommands;
  readonly passwords: Pick<Passwords, 'changePassword'>;
  readonly paths: ManagementPaths;
}

const state = z.enum(['active', 'disabled']);

const user = named(
  'User',
  z.strictObject({
    id: idText('Its id within the organization.'),
    org: idText('The organization.'),
    name: z.string(),
    state,
    roles: z.array(z.string()),
    hasPassword: z
      .boolean()
      .meta({ description: 'Whether anybody can sign in as the user with a password.' }),
    createdAt: time('When it was made.'),
  }),
);

const userPage = named('UserPage', z.strictObject({ items: z.array(user), nextCursor }));

const userChange = named(
  'UserChange',
  z
    .strictObject({
      state: state.optional().meta({
        description:
          '`disabled`: every session ends, and API tokens are refused until the user is active again.',
      }),
      roles: z.array(z.string().min(1).max(128)).max(rolesPerUserMax).optional().meta({
        description: 'All roles from now on. A new one may grant no more than you may do yourself.',
      }),
    })
    .refine(
      (change) => change.state !== undefined || change.roles !== undefined,
      'Write state, roles or both',
    )
    .meta({ minProperties: 1 }),
);

const rolePage = named(
  'RoleList',
  z.strictObject({
    items: z.array(z.strictObject({ name: z.string(), scopes: z.array(z.string()) })),
  }),
);

const passwordText = z.string().max(1024).meta({ format: 'password', writeOnly: true });

const passwordChange = named(
  'PasswordChange',
  z.strictObject({
    currentPassword: passwordText
      .min(1)
      .optional()
      .meta({ description: 'One’s own must be proved; an owner need not know that of another user.' }),
    newPassword: passwordText
      .min(1)
      .meta({ description: 'At least 12 characters, at most 1024 bytes; any characters will do.' }),
  }),
);

const ownerSentence = 'It needs the right `org:owner`. A session made from an API token may not.';
const userParameters = { org: example.org, user: example.otherUser };

export const accountOperations = (deps: AccountOperationsDeps): readonly Operation[] => [
  ...readOperations(deps),
  changeOperation(deps),
  passwordOperation(deps),
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
    description: ownerSentence,
    query: noQuery,
    body: noBody,
    success: { status: 200, description: 'The user.', body: user },
    problems: ['user_unknown'],
    example: { parameters: userParameters },
    run: async ({ parameters }, actor) => {
      const found = await commands.findUser(actor, parameters['org'] ?? '', parameters['user'] ?? '');
      return isFailure(found) ? found : reply(showUser(found));
    },
  }),
  operation({
    id: 'listRoles',
    method: 'GET',
    path: paths.roles,
    tag: 'Users',
    summary: 'List the roles of an organization',
    description: `With the scopes each grants; the operator defines them. ${ownerSentence}`,
    query: noQuery,
    body: noBody,
    success: { status: 200, description: 'The roles, by name.', body: rolePage },
    problems: [],
    example: { parameters: { org: example.org } },
    run: async ({ parameters }, actor) => {
      const org = await commands.findOrg(actor, parameters['org'] ?? '');
      if (isFailure(org)) return org;
      const names = Object.keys(org.roles).sort();
      return reply({ items: names.map((name) => ({ name, scopes: [...(org.roles[name] ?? [])] })) });
    },
  }),
];

const changeOperation = ({ commands, paths }: AccountOperationsDeps): Operation =>
  operation({
    id: 'changeUser',
    method: 'PATCH',
    path: paths.user,
    tag: 'Users',
    summary: 'Give a user other roles, disable or enable it',
    description: `In force on every replica like a revocation: the user’s sessions end, and API tokens live on with the new roles. ${ownerSentence}`,
    query: noQuery,
    body: userChange,
    success: { status: 200, description: 'The user as it is now.', body: user },
    problems: ['user_unknown', 'role_unknown', 'role_malformed', 'scope_too_wide'],
    example: { parameters: userParameters, body: { state: 'disabled' } },
    run: async ({ parameters, body }, actor) => {
      const changed = await commands.changeUser(actor, {
        orgId: parameters['org'] ?? '',
        userId: parameters['user'] ?? '',
        roles: body.roles,
        state: body.state,
      });
      return isFailure(changed) ? changed : reply(showUser(changed));
    },
  });

const passwordOperation = ({ passwords, paths }: AccountOperationsDeps): Operation =>
  operation({
    id: 'changePassword',
    method: 'PUT',
    path: paths.password,
    tag: 'Users',
    summary: 'Change a password',
    description:
      'One’s own, proved by the present one; or with the right `org:owner` that of any user of the organization who may do no more than oneself. The user’s sessions end with it, the one this is sent in too; API tokens live on. A session made from an API token may not.',
    query: noQuery,
    body: passwordChange,
    success: { status: 204, description: 'It is changed.', body: undefined },
    problems: ['password_wrong', 'password_malformed', 'user_unknown', 'scope_too_wide'],
    example: {
      parameters: { org: example.org, user: example.user },
      body: { currentPassword: example.password, newPassword: example.nextPassword },
    },
    run: async ({ parameters, body }, actor) => {
      const outcome = await passwords.changePassword(actor, {
        orgId: parameters['org'] ?? '',
        userId: parameters['user'] ?? '',
        current: body.currentPassword,
        next: body.newPassword,
      });
      return outcome === 'changed' ? reply(undefined) : outcome;
    },
  });

const showUser = (record: UserRecord): z.output<typeof user> => ({
  id: record.id,
  org: record.orgId,
  name: record.name,
  state: record.state,
  roles: [...record.roles],
  hasPassword: record.passwordHash !== undefined,
  createdAt: timeOf(record.createdAtMs),
});
