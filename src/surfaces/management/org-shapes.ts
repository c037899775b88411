// Organizations as the management surface shows them, and what a body says of one.

import { z } from 'zod';
import { scopesMax } from '../../decision/scope.ts';
import { rolesPerOrgMax } from '../../lifecycle/names.ts';
import type { OrgRecord } from '../../store/records.ts';
import { durationOf, durationOrNull } from './duration.ts';
import {
  duration,
  idText,
  named,
  nameText,
  nextCursor,
  scopeText,
  shownDuration,
  time,
  timeOf,
} from './shapes.ts';
import { accountState, newOwner } from './user-shapes.ts';

export const org = named(
  'Organization',
  z.strictObject({
    id: idText('Its id, which never changes.'),
    name: z.string(),
    state: accountState,
    tokenLifetimeMax: shownDuration
      .nullable()
      .meta({ description: 'Longest life of its API tokens. Null: no maximum.' }),
    remindBefore: z.array(shownDuration).nullable().meta({
      description:
        'How long before their expiry users are reminded of API tokens. Null: as the server says; empty: never.',
    }),
    roles: z.int().min(0).meta({ description: 'How many roles it defines.' }),
    createdAt: time('When it was made.'),
  }),
);

export const orgPage = named('OrganizationPage', z.strictObject({ items: z.array(org), nextCursor }));

const settings = {
  tokenLifetimeMax: duration('Longest life of its API tokens, from one minute to a hundred years.')
    .nullable()
    .optional()
    .meta({ description: 'Longest life of its API tokens; null: no maximum.' }),
  remindBefore: z.array(duration('How long before the expiry.')).max(64).nullable().optional().meta({
    description:
      'How long before their expiry users are reminded of API tokens, at most 8 times. Null: as the server says; empty: never.',
  }),
};

export const newOrg = named(
  'NewOrganization',
  z.strictObject({
    id: idText('Its id, which never changes.'),
    name: nameText.optional().meta({ description: 'For people; the id unless given.' }),
    ...settings,
    roles: z
      .record(z.string().min(1).max(128), z.array(scopeText).max(scopesMax))
      .refine((roles) => Object.keys(roles).length <= rolesPerOrgMax, `At most ${rolesPerOrgMax} roles`)
      .default({})
      .meta({ description: 'Name of a role -> scopes. They must be scopes that you have yourself.' }),
    owner: newOwner.optional().meta({
      description: 'A first user, who makes the others; best with a role that grants `org:owner`.',
    }),
  }),
);

export const orgChange = named(
  'OrganizationChange',
  z
    .strictObject({
      name: nameText.optional(),
      state: accountState.optional().meta({
        description: '`disabled`: all sessions end, and API tokens are refused until it is active again.',
      }),
      ...settings,
    })
    .refine(
      (change) => Object.keys(change).length > 0,
      'Write name, state, tokenLifetimeMax, remindBefore or several of them',
    )
    .meta({ minProperties: 1 }),
);

export const showOrg = (record: OrgRecord): z.output<typeof org> => ({
  id: record.id,
  name: record.name,
  state: record.state,
  tokenLifetimeMax: durationOrNull(record.tokenLifetimeMsMax),
  remindBefore: record.reminderThresholdsMs?.map(durationOf) ?? null,
  roles: Object.keys(record.roles).length,
  createdAt: timeOf(record.createdAtMs),
});
