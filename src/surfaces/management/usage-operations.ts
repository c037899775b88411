// The operations that show how much API tokens are used: one token, all of a user, all of an organization. Who may see the
// tokens may see their usage.

import { z } from 'zod';
import { type CommandError, isFailure } from '../../lifecycle/command-error.ts';
import { type UsageReport, usagePeriod } from '../../lifecycle/usage-report.ts';
import type { Refusal } from '../../decision/outcome.ts';
import type { Settings } from '../../settings/settings.ts';
import type { DayRange, UsageSum } from '../../store/usage-store.ts';
import { example } from './examples.ts';
import { type Operation, operation, type OperationInput, reply, type Result } from './operation.ts';
import { noBody } from './read-input.ts';
import { named } from './shapes.ts';
import { refuseElsewhere, type TokenOperationsDeps } from './token-operations.ts';
import { rightsSentence } from './token-shapes.ts';

export interface UsageOperationsDeps extends Pick<
  TokenOperationsDeps,
  'commands' | 'paths' | 'now' | 'audit'
> {
  readonly settings: Pick<Settings, 'usage'>;
}

const day = z.iso.date('Write a day such as 2027-01-31');

const query = z
  .strictObject({
    from: day
      .optional()
      .meta({ description: 'The first day, of UTC. Without it the period has 30 days.', format: 'date' }),
    to: day.optional().meta({ description: 'The last day, of UTC. Without it: today.', format: 'date' }),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    error: 'Write a first day that is not after the last one',
    path: ['from'],
  });

const count = (description: string) => z.int().min(0).meta({ description });

const sums = {
  requests: count('Requests for the API that were judged by the token, or a session begun with it.'),
  refused: count('Of these, refused by Tollgate for a fault of the caller.'),
  bytesIn: count('Of request bodies.'),
  bytesOut: count('Of response bodies.'),
};

const usage = named(
  'Usage',
  z.strictObject({
    counted: z.boolean().meta({
      description:
        'Whether this server counts usage now (`usage.enabled`). What was counted before is shown in any case.',
    }),
    from: z.iso.date().meta({ description: 'The first day of the period, of UTC.' }),
    to: z.iso.date().meta({ description: 'The last day.' }),
    total: z.strictObject(sums),
    days: z
      .array(z.strictObject({ day: z.iso.date(), ...sums }))
      .meta({ description: 'Days with any use, the earliest first.' }),
  }),
);

const copy = ({ requests, refused, bytesIn, bytesOut }: UsageSum) => ({
  requests,
  refused,
  bytesIn,
  bytesOut,
});

const shared = {
  method: 'GET',
  tag: 'API tokens',
  query,
  body: noBody,
  success: { status: 200, description: 'The days of the period and their sum.', body: usage },
} as const;

const behind = 'Replicas add what they have counted every few seconds (`usage.flushInterval`).';

export const usageOperations = (deps: UsageOperationsDeps): readonly Operation[] => [
  tokenOperation(deps),
  userOperation(deps),
  orgOperation(deps),
];

const tokenOperation = (deps: UsageOperationsDeps): Operation =>
  operation({
    ...shared,
    id: 'getApiTokenUsage',
    path: deps.paths.tokenUsage,
    summary: 'See how much an API token is used',
    description: `It goes on through regenerations, and stays when the token is revoked. ${behind} ${rightsSentence}`,
    problems: ['token_unknown'],
    example: {
      parameters: { org: example.org, tokenId: example.tokenId },
      query: { from: '2027-01-01', to: '2027-01-31' },
    },
    run: (input, actor) => {
      const { org = '', tokenId = '' } = input.parameters;
      return show(
        deps,
        input,
        async (period) =>
          refuseElsewhere(deps, 'token.see', org, actor) ??
          deps.commands.findTokenUsage(actor, tokenId, period),
      );
    },
  });

const userOperation = (deps: UsageOperationsDeps): Operation =>
  operation({
    ...shared,
    id: 'getUserUsage',
    path: deps.paths.userUsage,
    summary: 'See how much the API tokens of a user are used',
    description: `All of them together, also those that are gone. ${behind} ${rightsSentence}`,
    problems: ['user_unknown'],
    example: { parameters: { org: example.org, user: example.user } },
    run: (input, actor) => {
      const { org: orgId = '', user: userId = '' } = input.parameters;
      return show(deps, input, (period) => deps.commands.findUsage(actor, { orgId, userId }, period));
    },
  });

const orgOperation = (deps: UsageOperationsDeps): Operation =>
  operation({
    ...shared,
    id: 'getOrgUsage',
    path: deps.paths.orgUsage,
    summary: 'See how much the API tokens of an organization are used',
    description: `Those of all its users together. ${behind} It needs the right \`tollgate:tokens:all\`.`,
    problems: [],
    example: { parameters: { org: example.org } },
    run: (input, actor) => {
      const whose = { orgId: input.parameters['org'] ?? '', userId: undefined };
      return show(deps, input, (period) => deps.commands.findUsage(actor, whose, period));
    },
  });

const show = async (
  { settings, now }: UsageOperationsDeps,
  input: Pick<OperationInput<z.output<typeof query>, unknown>, 'query'>,
  find: (period: DayRange) => Promise<UsageReport | CommandError | Refusal>,
): Promise<Result> => {
  const found = await find(usagePeriod(input.query, now()));
  if (isFailure(found)) return found;
  const { from, to, total, days } = found;
  const shown: z.output<typeof usage> = {
    counted: settings.usage.enabled,
    from,
    to,
    total: copy(total),
    days: days.map((each) => ({ day: each.day, ...copy(each) })),
  };
  return reply(shown);
};
