// The operation that says what may be chosen for an API token of a user, before it is made.

import { z } from 'zod';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { Grantable, NamedScopes } from '../../lifecycle/grantable.ts';
import { durationOf, durationOrNull } from './duration.ts';
import { example } from './examples.ts';
import { type Operation, operation, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { named, noQuery, shownDuration } from './shapes.ts';
import type { TokenOperationsDeps } from './token-operations.ts';
import { rightsSentence } from './token-shapes.ts';

const namedScopes = z.strictObject({ name: z.string(), scopes: z.array(z.string()) });

const grantable = named(
  'Grantable',
  z.strictObject({
    roles: z.array(namedScopes).meta({ description: 'Roles of the user whose every scope may be given.' }),
    services: z.array(namedScopes).meta({
      description:
        'The scopes by what stands before their first `:`; those without one are `(none)`, and last.',
    }),
    all: z.array(z.string()).meta({ description: 'Every scope that may be given.' }),
    mayGrantAll: z.boolean().meta({ description: 'Whether `scopes: "all"` will be accepted.' }),
    lifetimeMax: shownDuration.nullable().meta({
      description: 'Null: there is no maximum, and a token may live for ever.',
    }),
    lifetimeDefault: shownDuration.nullable().meta({ description: 'Null: for ever.' }),
    remindBefore: z
      .array(shownDuration)
      .nullable()
      .meta({ description: 'The organization’s reminders. Null: as the server says; empty: none.' }),
    liveTokensMax: z.int().min(1).meta({ description: 'How many live API tokens the user may have.' }),
  }),
);

export const grantableOperation = ({
  commands,
  paths,
}: Pick<TokenOperationsDeps, 'commands' | 'paths'>): Operation =>
  operation({
    id: 'getGrantable',
    method: 'GET',
    path: paths.grantable,
    tag: 'API tokens',
    summary: 'See what an API token of a user may be given',
    description: `What the user’s roles grant, as far as one may do it oneself. ${rightsSentence}`,
    query: noQuery,
    body: noBody,
    success: { status: 200, description: 'What may be chosen.', body: grantable },
    problems: ['user_unknown'],
    example: { parameters: { org: example.org, user: example.user } },
    run: async ({ parameters }, actor) => {
      const whose = { orgId: parameters['org'] ?? '', userId: parameters['user'] ?? '' };
      const found = await commands.findGrantable(actor, whose);
      return isFailure(found) ? found : reply(show(found));
    },
  });

const copies = (list: readonly NamedScopes[]) =>
  list.map(({ name, scopes }) => ({ name, scopes: [...scopes] }));

const show = (found: Grantable): z.output<typeof grantable> => ({
  roles: copies(found.roles),
  services: copies(found.services),
  all: [...found.scopes],
  mayGrantAll: found.mayGrantAll,
  lifetimeMax: durationOrNull(found.lifetimeMsMax),
  lifetimeDefault: durationOrNull(found.lifetimeMsDefault),
  remindBefore: found.reminderThresholdsMs?.map(durationOf) ?? null,
  liveTokensMax: found.perUserMax,
});
