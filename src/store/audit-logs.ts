// Which logs keep an entry of the audit, and how several logs are read as one. Pure.
//
// Each org has its own logs, each with its own bound: one for what was done, one for what members were refused, one for what
// strangers were refused. So nobody can push out the entries of another org, nor what was done by repeated failures, and
// guesses of passwords do not hide the attempts of members.

import type { AuditEntry, AuditParty } from './records.ts';
import { limitOf } from './paging.ts';
import type { Page, PageRequest } from './token-store.ts';

/** `org` undefined: the log of all orgs together, which the operator reads. */
export type AuditLog =
  | { readonly kind: 'done' | 'refused' | 'stranger'; readonly org: string | undefined }
  | { readonly kind: 'operator' };

/** How many entries of all orgs each of the operator's logs keeps, give or take what is trimmed at once. */
const auditEntriesMax = 100_000;
/** How many entries each log of one org keeps. */
export const auditEntriesPerOrgMax = 20_000;

/** Undefined: a log of all orgs together. */
export const orgOf = (log: AuditLog): string | undefined => (log.kind === 'operator' ? undefined : log.org);

export const entriesMaxOf = (log: AuditLog): number =>
  orgOf(log) === undefined ? auditEntriesMax : auditEntriesPerOrgMax;

/**
 * What members of another org were refused is in the log of all orgs alone: nothing was done to the org, and outsiders
 * must not be able to fill its log.
 */
export const auditLogsOf = ({ actor, subject, result, clientAddress }: AuditEntry): readonly AuditLog[] => {
  const isOperator = actor.org === undefined && clientAddress === 'cli';
  const kind: 'done' | 'refused' | 'stranger' =
    actor.org === undefined && result === 'refused' ? 'stranger' : result;
  const isOutsider = actor.org !== undefined && actor.org !== subject.org && result === 'refused';
  const orgs = new Set([actor.org, ...(isOutsider ? [] : [subject.org])]);
  orgs.delete(undefined);
  return [
    isOperator ? { kind: 'operator' } : { kind, org: undefined },
    ...[...orgs].map((org) => ({ kind, org })),
  ];
};

/** The logs that together are the audit of an org, or with undefined the operator's. */
export const logsOfReader = (org: string | undefined): readonly AuditLog[] => [
  { kind: 'done', org },
  { kind: 'refused', org },
  { kind: 'stranger', org },
  ...(org === undefined ? ([{ kind: 'operator' }] as const) : []),
];

/**
 * What the audit of an org shows of an entry: nothing of another org. Of a foreign token there is its id alone, which the
 * org's own member asked for. `org` undefined: the operator sees everything.
 */
const asSeenBy = (org: string | undefined, entry: AuditEntry): AuditEntry => {
  const { actor, subject } = entry;
  const isForeign = (party: AuditParty): boolean =>
    org !== undefined && party.org !== undefined && party.org !== org;
  return {
    ...entry,
    actor: isForeign(actor) ? { org: undefined, user: undefined, tokenId: undefined } : actor,
    subject: isForeign(subject) ? { org: undefined, user: undefined, tokenId: subject.tokenId } : subject,
  };
};

/** An entry and its position in its log: what the adapter needs to read on from there. */
interface LoggedEntry {
  readonly position: string;
  readonly entry: AuditEntry;
}

/** Of several logs: where to read on in each (undefined: at the newest), and how many entries the page has at most. */
interface Reading {
  readonly positions: readonly (string | undefined)[];
  readonly limit: number;
}

const separator = ',';

/** How a page of `count` logs is read. A cursor of another listing begins at the newest. */
export const readingOf = (
  page: PageRequest,
  count: number,
  isPosition: (text: string) => boolean,
): Reading => {
  const written = page.cursor?.split(separator) ?? [];
  const isOurs = written.length === count && written.every((each) => each === '' || isPosition(each));
  const positions = Array.from({ length: count }, (_, log) => (isOurs && written[log]) || undefined);
  return { positions, limit: limitOf(page) };
};

/**
 * One page of several logs, newest first. `found`: of each log its newest entries before its position, one more than
 * the limit where there are as many. `org`: whose audit it is; undefined: the operator's.
 */
export const mergeLogs = (
  org: string | undefined,
  found: readonly (readonly LoggedEntry[])[],
  { positions, limit }: Reading,
): Page<AuditEntry> => {
  const taken = found.map(() => 0);
  /** The newest entry that is not taken yet, and its log; undefined: there is none. */
  const newest = () =>
    found
      .map((entries, log) => ({ log, entry: entries[taken[log] ?? 0]?.entry }))
      .reduce((best, head) => ((head.entry?.atMs ?? -1) > (best.entry?.atMs ?? -1) ? head : best));
  const items: AuditEntry[] = [];
  let { log, entry } = newest();
  for (; entry !== undefined && items.length < limit; { log, entry } = newest()) {
    items.push(asSeenBy(org, entry));
    taken[log] = (taken[log] ?? 0) + 1;
  }
  if (entry === undefined) return { items, nextCursor: undefined };
  const ends = found.map((entries, log) => entries[(taken[log] ?? 0) - 1]?.position ?? positions[log] ?? '');
  return { items, nextCursor: ends.join(separator) };
};
