// The operations of everybody on their own account, and of an organization's owner on that of any user: password, e-mail
// address, the end of all sessions.

import { z } from 'zod';
import type { AccountCommands } from '../../lifecycle/account-commands.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { Passwords } from '../../lifecycle/passwords.ts';
import { ownSentence, type AccountOperationsDeps } from './account-operations.ts';
import { example } from './examples.ts';
import { type Operation, operation, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { emailText, named, noQuery, passwordText } from './shapes.ts';
import { showUser, user } from './user-shapes.ts';

export interface OwnAccountOperationsDeps extends AccountOperationsDeps {
  readonly passwords: Pick<Passwords, 'changePassword'>;
}

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

const emailChange = named(
  'EmailChange',
  z.strictObject({
    email: emailText
      .nullable()
      .meta({ description: 'One plain address of at most 254 characters; null takes it away.' }),
  }),
);

export const ownAccountOperations = (deps: OwnAccountOperationsDeps): readonly Operation[] => [
  passwordOperation(deps),
  emailOperation(deps),
  sessionsOperation(deps),
];

const passwordOperation = ({ passwords, paths }: OwnAccountOperationsDeps): Operation =>
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

type Commands = { readonly commands: Pick<AccountCommands, 'changeEmail' | 'endSessions'> };

const emailOperation = ({ commands, paths }: Commands & Pick<OwnAccountOperationsDeps, 'paths'>): Operation =>
  operation({
    id: 'changeEmail',
    method: 'PUT',
    path: paths.email,
    tag: 'Users',
    summary: 'Change an e-mail address',
    description: `Reminders of API tokens go there from now on. ${ownSentence}`,
    query: noQuery,
    body: emailChange,
    success: { status: 200, description: 'The user as it is now.', body: user },
    problems: ['user_unknown', 'email_malformed'],
    example: {
      parameters: { org: example.org, user: example.user },
      body: { email: 'ann@example.com' },
    },
    run: async ({ parameters, body }, actor) => {
      const { org = '', user: userId = '' } = parameters;
      const changed = await commands.changeEmail(actor, org, userId, body.email);
      return isFailure(changed) ? changed : reply(showUser(changed));
    },
  });

const sessionsOperation = ({
  commands,
  paths,
}: Commands & Pick<OwnAccountOperationsDeps, 'paths'>): Operation =>
  operation({
    id: 'endSessions',
    method: 'DELETE',
    path: paths.userSessions,
    tag: 'Sessions',
    summary: 'End every session of a user',
    description: `On every replica: of one’s own the one this is sent in, too. API tokens live on, and their clients exchange them again. ${ownSentence}`,
    query: noQuery,
    body: noBody,
    success: { status: 204, description: 'They have ended.', body: undefined },
    problems: ['session_kind_refused', 'scope_missing', 'tenant_mismatch', 'user_unknown'],
    example: { parameters: { org: example.org, user: example.otherUser } },
    run: async ({ parameters }, actor) => {
      const ended = await commands.endSessions(actor, parameters['org'] ?? '', parameters['user'] ?? '');
      return isFailure(ended) ? ended : reply(undefined);
    },
  });
