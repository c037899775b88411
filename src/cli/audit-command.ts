// `tollgate audit`: who did what, newest first. Reads page by page and keeps only what was asked for.

import { type Command, InvalidArgumentError } from 'commander';
import { createAccounts } from '../lifecycle/accounts.ts';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { AuditEntry, AuditParty } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { collect, readAccount, readCount, readDuration } from './option-readers.ts';
import { listing, time } from './output.ts';
import { refuse, withStore } from './session.ts';
import { isFailure } from '../lifecycle/command-error.ts';

interface AuditOptions {
  readonly org?: string;
  readonly user?: ReturnType<typeof readAccount>;
  readonly action?: readonly string[];
  /** The time it stands for, by the clock of the store: ms since the epoch. */
  readonly since?: (nowMs: number) => number;
  readonly limit: number;
}

type AuditFilter = Pick<AuditOptions, 'org' | 'user' | 'action'> & { readonly sinceMs: number | undefined };

const pageLimit = 500;

export const addAuditCommand: AddCommands = (program, world, run) => {
  program
    .command('audit')
    .description('who did what, to whom, from where; newest first')
    .option('--org <ORG>', 'only what an org did, and what was done to it')
    .option('--user <ORG/USER>', 'only what a user did, and what was done to them', readAccount)
    .option('--action <ACTION>', 'only this, e.g. token.revoke, or a group, e.g. token; repeatable', collect)
    .option('--since <DURATION|TIME>', 'only as far back as 24h, or since 2026-11-22T14:00:00Z', readSince)
    .option('--limit <COUNT>', 'how many entries', readCount, 100)
    .addHelpText(
      'after',
      '\nExamples:\n  tollgate audit --org acme --limit 20\n  tollgate audit --user acme/ann --action token --since 7d',
    )
    .action(
      run((given: AuditOptions, command: Command) =>
        withStore(command, world, async ({ store, output, now }) => {
          const options = { ...given, sinceMs: given.since?.(now()) };
          const org = options.org ?? options.user?.orgId;
          let entries = await readEntries(store, org, options);
          if (isFailure(entries)) return refuse(output, entries);
          if (org !== undefined && entries.length === 0) {
            const found = await createAccounts({ store, now }).findOrg(org);
            if (isFailure(found)) {
              // An org that is not there has no log, but what was tried with it is among all the others.
              entries = await readEntries(store, undefined, options);
              if (isFailure(entries)) return refuse(output, entries);
              if (entries.length === 0) return refuse(output, found);
            }
          }
          if (output.isJson) output.json(entries);
          else
            listing(
              output,
              ['TIME', 'WHO', 'ACTION', 'WHOM', 'RESULT', 'FROM', 'REQUEST'],
              entries.map((entry) => [
                time(entry.atMs),
                named(entry.actor, entry.clientAddress === 'cli' ? 'the operator' : 'unknown'),
                entry.action,
                named(entry.subject, '-'),
                entry.reason ?? entry.result,
                entry.clientAddress,
                entry.requestId,
              ]),
              isFiltered(options)
                ? 'Nothing like that is written down.'
                : 'Nothing has been written down yet.',
            );
          return exitCode.ok;
        }),
      ),
    );
};

/** `org`: whose log is read; undefined: that of all orgs. */
const readEntries = async (
  store: TokenStore,
  org: string | undefined,
  options: AuditFilter & Pick<AuditOptions, 'limit'>,
): Promise<readonly AuditEntry[] | Outage> => {
  const entries: AuditEntry[] = [];
  let cursor: string | undefined;
  let isOlder = false;
  do {
    const page = await store.readAudit(org, { limit: pageLimit, cursor });
    if (isOutage(page)) return page;
    entries.push(...page.items.filter((entry) => isWanted(entry, options)));
    isOlder = page.items.some((entry) => entry.atMs < oldestMs(options));
    cursor = page.nextCursor;
  } while (cursor !== undefined && !isOlder && entries.length < options.limit);
  return entries.slice(0, options.limit);
};

/** Replicas agree on the time but for moments: an entry may stand behind one that is older by their difference. */
const clockSkewMsMax = 60_000;

/** Nothing asked for stands behind an entry older than this. */
const oldestMs = ({ sinceMs }: AuditFilter): number =>
  sinceMs === undefined ? Number.NEGATIVE_INFINITY : sinceMs - clockSkewMsMax;

const isFiltered = ({ org, user, action, since }: AuditOptions): boolean =>
  org !== undefined || user !== undefined || action !== undefined || since !== undefined;

const isWanted = (entry: AuditEntry, { org, user, action, sinceMs }: AuditFilter): boolean => {
  const parties = [entry.actor, entry.subject];
  return (
    (sinceMs === undefined || entry.atMs >= sinceMs) &&
    (action?.some((one) => entry.action === one || entry.action.startsWith(`${one}.`)) ?? true) &&
    (org === undefined || parties.some((party) => party.org === org)) &&
    (user === undefined || parties.some((party) => party.org === user.orgId && party.user === user.userId))
  );
};

/** `24h` ago, or a time. */
const readSince = (value: string): ((nowMs: number) => number) => {
  if (!/^\d{4}-\d\d-\d\d/.test(value)) {
    const durationMs = readDuration(value);
    return (nowMs) => nowMs - durationMs;
  }
  const atMs = Date.parse(value);
  if (Number.isNaN(atMs)) throw new InvalidArgumentError('Write a time such as 2026-11-22T14:00:00Z.');
  return () => atMs;
};

/** `acme/ann 3f0a6f0e-...`: as much of it as is known. */
const named = ({ org, user, tokenId }: AuditParty, whenNobody: string): string => {
  const account = org === undefined ? [] : [user === undefined ? org : `${org}/${user}`];
  const words = [...account, ...(tokenId === undefined ? [] : [tokenId])];
  return words.length === 0 ? whenNobody : words.join(' ');
};
