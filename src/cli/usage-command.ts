// `tollgate usage`: how much API tokens were used, by day or by token. Reads only; also of what is revoked or deleted, as long as
// the counts are kept.

import { InvalidArgumentError } from 'commander';
import type { Outage } from '../decision/outcome.ts';
import { type CommandError, isFailure } from '../lifecycle/command-error.ts';
import { listTokens, type TokenListing, type TokenView } from '../lifecycle/token-list.ts';
import { readUsageReport, usagePeriod, type UsageReport } from '../lifecycle/usage-report.ts';
import type { Whose } from '../decision/rights.ts';
import { addSums, type DayRange, noUsage, type UsageSubject, type UsageSum } from '../store/usage-store.ts';
import { table } from './output.ts';
import { choice, option, optionRead, readAccount } from './parameters.ts';
import { type Session, storeCommand } from './store-command.ts';

const readDay = (value: string): string => {
  const ms = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(value))
    throw new InvalidArgumentError('Write a day such as 2026-11-27.');
  return value;
};

/** A token with what it was used in the period. */
interface TokenRow {
  readonly token: TokenView;
  readonly total: UsageSum;
}

interface UsageResult extends UsageReport {
  /** Undefined: by day. */
  readonly tokens: readonly TokenRow[] | undefined;
}

export const usageCommand = storeCommand({
  name: 'usage',
  description: 'how much API tokens are used: requests, refusals and bytes of each day of UTC',
  takes: {
    org: option('--org <ORG>', 'of all API tokens of an org'),
    user: optionRead('--user <ORG/USER>', 'of all API tokens of a user', readAccount),
    tokenId: option('--token <ID>', 'of one API token'),
    by: choice(
      '--by <WHAT>',
      'a line for each day, or for each API token that there is',
      ['day', 'token'],
      'day',
    ),
    from: optionRead('--from <DAY>', 'the first day; without it the period has 30 days', readDay),
    to: optionRead('--to <DAY>', 'the last day; without it: today', readDay),
  },
  help:
    '\nExamples:\n  tollgate usage --org acme --from 2026-11-01 --to 2026-11-30 --by token\n' +
    '  tollgate usage --token 3f0a6f0e-8f6b-4f43-9a55-000000000007 --json',
  usageError: ({ org, user, tokenId, by, from, to }) => {
    if ([org, user, tokenId].filter((each) => each !== undefined).length !== 1)
      return 'give one of --org, --user and --token';
    if (tokenId !== undefined && by === 'token') return '--by token goes with --org or --user';
    return from !== undefined && to !== undefined && from > to ? '--from is after --to' : undefined;
  },
  run: async (
    { org, user, tokenId, by, from, to },
    session,
  ): Promise<UsageResult | CommandError | Outage> => {
    const { store, now } = session;
    const period = usagePeriod({ from, to }, now());
    const whose: Whose = { orgId: user?.orgId ?? org ?? '', userId: user?.userId };
    const subject: UsageSubject = tokenId === undefined ? whose : { tokenId };
    if (by === 'token') {
      const tokens = await readTokens(session, whose, period);
      if (isFailure(tokens)) return tokens;
      return {
        ...period,
        tokens,
        days: [],
        total: tokens.map(({ total }) => total).reduce(addSums, noUsage),
      };
    }
    // Of an org or user that is not there too: the operator may need the counts of what was deleted.
    const report = await readUsageReport(store, subject, period, 0);
    if (isFailure(report)) return report;
    const missing = report.days.length === 0 ? await findMissing(session, subject) : undefined;
    return missing ?? { ...report, tokens: undefined };
  },
  json: ({ from, to, total, days, tokens }) => ({
    from,
    to,
    total,
    ...(tokens === undefined
      ? { days }
      : {
          tokens: tokens.map(({ token, total: sum }) => ({
            tokenId: token.id,
            org: token.orgId,
            user: token.userId,
            name: token.name,
            state: token.state,
            ...sum,
          })),
        }),
  }),
  print: (result, { output, settings }) => {
    printUsage(result, output);
    if (!settings.usage.enabled) output.note('Nothing is counted now: usage.enabled is false.');
  },
});

/** Why there is no usage: no such org, user or token; undefined: there is. */
const findMissing = async (
  { accounts, apiTokens }: Session,
  subject: UsageSubject,
): Promise<CommandError | Outage | undefined> => {
  const found = await ('tokenId' in subject
    ? apiTokens.findApiToken(subject.tokenId)
    : subject.userId === undefined
      ? accounts.findOrg(subject.orgId)
      : accounts.findUser(subject.orgId, subject.userId));
  return isFailure(found) ? found : undefined;
};

const printUsage = ({ total, days, tokens }: UsageResult, output: Session['output']): void => {
  const lines = tokens
    ? tokens.map(({ token, total: sum }) => [
        token.id,
        `${token.orgId}/${token.userId}`,
        token.name,
        ...cells(sum),
      ])
    : days.map((day) => [day.day, ...cells(day)]);
  if (lines.length === 0) return output.note('Nothing was counted in that time.');
  const first = tokens ? ['TOKEN', 'USER', 'NAME'] : ['DAY'];
  const last = tokens ? ['all', '', '', ...cells(total)] : ['all', ...cells(total)];
  output.line(table([...first, 'REQUESTS', 'REFUSED', 'BYTES IN', 'BYTES OUT'], [...lines, last]));
};

const cells = ({ requests, refused, bytesIn, bytesOut }: UsageSum): readonly string[] =>
  [requests, refused, bytesIn, bytesOut].map(String);

/** Those that were used in the period, the most used first. */
const readTokens = async (
  { store, now }: Session,
  whose: Whose,
  period: DayRange,
): Promise<readonly TokenRow[] | CommandError | Outage> => {
  const rows: TokenRow[] = [];
  let after: TokenListing['next'];
  do {
    const page = await listTokens(store, { ...whose, after, skip: 0, limit: 200 }, now());
    if (isFailure(page)) return page;
    const reports = await Promise.all(
      page.items.map(({ id }) => readUsageReport(store, { tokenId: id }, period, 0)),
    );
    for (const [index, report] of reports.entries()) {
      if (isFailure(report)) return report;
      const token = page.items[index];
      if (token !== undefined && report.days.length > 0) rows.push({ token, total: report.total });
    }
    after = page.next;
  } while (after !== undefined);
  return rows.sort((one, other) => other.total.requests - one.total.requests);
};
