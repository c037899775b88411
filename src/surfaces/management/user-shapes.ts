// Users as the management surface shows them, and what a body says of one.

import { z } from 'zod';
import { rolesPerUserMax } from '../../lifecycle/names.ts';
import type { UserRecord } from '../../store/records.ts';
import { emailText, idText, named, nameText, nextCursor, passwordText, time, timeOf } from './shapes.ts';

export const accountState = z.enum(['active', 'disabled']);

export const user = named(
  'User',
  z.strictObject({
    id: idText('Its id within the organization.'),
    org: idText('The organization.'),
    name: z.string(),
    email: z.string().nullable().meta({ description: 'Where reminders go; null: nowhere.' }),
    state: accountState,
    roles: z.array(z.string()),
    hasPassword: z
      .boolean()
      .meta({ description: 'Whether anybody can sign in as the user with a password.' }),
    createdAt: time('When it was made.'),
  }),
);

export const userPage = named('UserPage', z.strictObject({ items: z.array(user), nextCursor }));

const roleNames = z.array(z.string().min(1).max(128)).max(rolesPerUserMax);

const newUserFields = {
  id: idText('Its id within the organization, which never changes.'),
  name: nameText.optional().meta({ description: 'For people; the id unless given.' }),
  email: emailText.optional().meta({ description: 'Where reminders go.' }),
  roles: roleNames.default([]).meta({
    description: 'Roles of the organization. They may grant no more than you may do yourself.',
    default: [],
  }),
  password: passwordText.min(1).optional().meta({
    description: 'At least 12 characters. Without one nobody signs in as the user with a password.',
  }),
};

export const newUser = named('NewUser', z.strictObject(newUserFields));

/** The first user of an organization that is made with it. */
export const newOwner = named('NewOwner', z.strictObject(newUserFields));

export const userChange = named(
  'UserChange',
  z
    .strictObject({
      name: nameText.optional(),
      email: emailText.nullable().optional().meta({ description: 'Null takes it away.' }),
      state: accountState.optional().meta({
        description:
          '`disabled`: every session ends, and API tokens are refused until the user is active again.',
      }),
      roles: roleNames.optional().meta({
        description: 'All roles from now on. A new one may grant no more than you may do yourself.',
      }),
    })
    .refine((change) => Object.keys(change).length > 0, 'Write name, email, state, roles or several of them')
    .meta({ minProperties: 1 }),
);

export const showUser = (record: UserRecord): z.output<typeof user> => ({
  id: record.id,
  org: record.orgId,
  name: record.name,
  email: record.email ?? null,
  state: record.state,
  roles: [...record.roles],
  hasPassword: record.passwordHash !== undefined,
  createdAt: timeOf(record.createdAtMs),
});
