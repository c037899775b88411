// `tollgate audit`: who did what, newest first. Reads page by page and keeps only what was asked for.

import { InvalidArgumentError } from 'commander';
import { isOutage, type Outage } from '../decision/outcome.ts';
import { isFailure } from '../lifecycle/command-error.ts';
import type { AuditEntry, AuditParty } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { Given } from './command.ts';
import { listing, time } from './output.ts';
import { collect, option, optionOr, optionRead, readAccount, readCount, readDuration } from './parameters.ts';
import { storeCommand } from './store-command.ts';

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

const pageLimit = 500;

const takes = {
  org: option('--org <ORG>', 'only what an org did, and what was done to it'),
  user: optionRead('--user <ORG/USER>', 'only what a user did, and what was done to them', readAccount),
  actions: optionRead(
    '--action <ACTION>',
    'only this, e.g. token.revoke, or a group, e.g. token; repeatable',
    collect,
  ),
  since: optionRead(
    '--since <DURATION|TIME>',
    'only as far back as 24h, or since 2026-11-22T14:00:00Z',
    readSince,
  ),
  limit: optionOr('--limit <COUNT>', 'how many entries', 100, readCount),
};

interface AuditFilter extends Omit<Given<typeof takes>, 'since'> {
  /** Milliseconds since the epoch, by the clock of the store. */
  readonly sinceMs: number | undefined;
}

export const auditCommand = storeCommand({
  name: 'audit',
  description: 'who did what, to whom, from where; newest first',
  takes,
  help: '\nExamples:\n  tollgate audit --org acme --limit 20\n  tollgate audit --user acme/ann --action token --since 7d',
  run: async ({ since, ...given }, { store, accounts, now }) => {
    const filter = { ...given, sinceMs: since?.(now()) };
    const org = given.org ?? given.user?.orgId;
    const entries = await readEntries(store, org, filter);
    if (isFailure(entries) || org === undefined || entries.length > 0) return entries;
    const found = await accounts.findOrg(org);
    if (!isFailure(found)) return entries;
    // An org that is not there has no log, but what was tried with it is among all the others.
    const attempts = await readEntries(store, undefined, filter);
    return isFailure(attempts) || attempts.length > 0 ? attempts : found;
  },
  json: (entries) => entries,
  print: (entries, { output }, { org, user, actions, since }) =>
    listing(
      output,
      ['TIME', 'WHO', 'ACTION', 'WHOM', 'RESULT', 'FROM', 'REQUEST'],
      entries.map((entry) => [
        time(entry.atMs),
        named(entry.actor, entry.clientAddress === 'cli' ? 'the operator' : 'unknown'),
        entry.action,
        named(entry.subject, '-'),
        resultOf(entry),
        entry.via === undefined ? entry.clientAddress : `${entry.clientAddress} (${entry.via})`,
        entry.requestId,
      ]),
      [org, user, actions, since].some((asked) => asked !== undefined)
        ? 'Nothing like that is written down.'
        : 'Nothing has been written down yet.',
    ),
});

/** `org`: whose log is read; undefined: that of all orgs. */
const readEntries = async (
  store: TokenStore,
  org: string | undefined,
  filter: AuditFilter,
): Promise<readonly AuditEntry[] | Outage> => {
  const entries: AuditEntry[] = [];
  let cursor: string | undefined;
  let isOlder = false;
  do {
    const page = await store.readAudit(org, { limit: pageLimit, cursor });
    if (isOutage(page)) return page;
    entries.push(...page.items.filter((entry) => isWanted(entry, filter)));
    isOlder = page.items.some((entry) => entry.atMs < oldestMs(filter));
    cursor = page.nextCursor;
  } while (cursor !== undefined && !isOlder && entries.length < filter.limit);
  return entries.slice(0, filter.limit);
};

/** Replicas agree on the time but for moments: an entry may stand behind one that is older by their difference. */
const clockSkewMsMax = 60_000;

/** Nothing asked for stands behind an entry older than this. */
const oldestMs = ({ sinceMs }: AuditFilter): number =>
  sinceMs === undefined ? Number.NEGATIVE_INFINITY : sinceMs - clockSkewMsMax;

const isWanted = (entry: AuditEntry, { org, user, actions, sinceMs }: AuditFilter): boolean => {
  const parties = [entry.actor, entry.subject];
  return (
    (sinceMs === undefined || entry.atMs >= sinceMs) &&
    (actions?.some((one) => entry.action === one || entry.action.startsWith(`${one}.`)) ?? true) &&
    (org === undefined || parties.some((party) => party.org === org)) &&
    (user === undefined || parties.some((party) => party.org === user.orgId && party.user === user.userId))
  );
};

/** `acme/ann 3f0a6f0e-...`: as much of it as is known. */
const named = ({ org, user, tokenId }: AuditParty, whenNobody: string): string => {
  const account = org === undefined ? [] : [user === undefined ? org : `${org}/${user}`];
  const words = [...account, ...(tokenId === undefined ? [] : [tokenId])];
  return words.length === 0 ? whenNobody : words.join(' ');
};

const resultOf = ({ result, reason, expires }: AuditEntry): string =>
  reason ?? (expires === undefined ? result : `${result}, expires ${expires}`);
