// Writes down who did what: one line in the log at once, and the store's audit in batches a moment later. Recording
// never throws and never waits; what the store does not take in time is counted and lost there, not in the log. Holds no
// secret: what is written is ids, reasons and addresses.

import { randomUUID } from 'node:crypto';
import type { Identity } from '../decision/identity.ts';
import { member } from '../decision/strict-json.ts';
import { holdsSecret } from '../decision/secret-shapes.ts';
import { isOutage, type Outage, isRefusal } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';
import type { AuditEntry, AuditParty } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { Origin } from './actor.ts';
import { createFlusher } from './flusher.ts';
import { checkOrgId, checkUserId, isTokenId } from './names.ts';
import { isCommandError } from './command-error.ts';

export type AuditAction =
  | 'token.create'
  | 'token.list'
  | 'token.see'
  | 'token.exchange'
  | 'token.regenerate'
  | 'token.revoke'
  | 'token.revoke_all'
  | 'token.import'
  | 'session.begin'
  | 'session.end'
  | 'session.end_all'
  | 'password.change'
  | 'user.list'
  | 'user.see'
  | 'user.create'
  | 'user.change'
  | 'user.disable'
  | 'user.enable'
  | 'user.set_roles'
  | 'user.delete'
  | 'org.list'
  | 'org.see'
  | 'org.create'
  | 'org.change'
  | 'org.delete'
  | 'org.disable'
  | 'org.enable'
  | 'role.create'
  | 'role.delete'
  | 'key.list'
  | 'key.rotate'
  | 'key.revoke'
  | 'audit.read'
  | 'status.see';

export interface AuditEvent {
  readonly action: AuditAction;
  /** Who gave the command; undefined: the operator, or nobody known. */
  readonly identity: Identity | undefined;
  readonly origin: Origin;
  /** Whom or what it was about; what is left out is not known or does not apply. */
  readonly subject: Partial<AuditParty>;
  /**
   * What it came to: a denial, command error or outage is a refusal with that reason; what `changesNothing` is not written down;
   * anything else is done.
   */
  readonly outcome: unknown;
}

export type Audit = ReturnType<typeof createAudit>;

export interface AuditedDeps {
  /** Where what is done and refused is written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
}

/** Writes down that a session of a user began, or why it did not. */
export const recordBegin = (
  { audit }: AuditedDeps,
  { orgId, userId, origin }: Pick<AuditEvent, 'origin'> & { readonly orgId: string; readonly userId: string },
  identity: Identity | undefined,
  outcome: unknown,
): void =>
  audit?.record({
    action: 'session.begin',
    identity,
    origin,
    subject: { org: orgId, user: userId },
    outcome,
  });

export interface AuditDeps {
  readonly store: Pick<TokenStore, 'appendAudit'>;
  /** Undefined: no lines, as on the command line. */
  readonly log: Pick<Log, 'line' | 'info' | 'warn'> | undefined;
  /** Share of successful exchanges that are written, 0 to 1; refused ones always are. */
  readonly exchangeSampling: number;
  readonly now: () => number;
  /** 0 to 1; for tests. */
  readonly random?: () => number;
}

const flushEveryMs = 200;
const batchSize = 500;
/** While the store is out; what comes after is in the log alone. */
const waitingMax = 10_000;
/** Refusals of callers nobody knows, a second: a flood of them must not push everything else out of the store. */
const strangersPerSecond = 20;
/** Refusals of one account, a minute: the thief of an API token must not push out what they did with it. */
const refusalsPerMinute = 60;

export const createAudit = (deps: AuditDeps) => {
  const { store, log, now, random = Math.random } = deps;
  let waiting: AuditEntry[] = [];
  let lost = 0;
  const isFloodOfStrangers = createFloodGate(1_000, strangersPerSecond, 'strangers', log);
  const isFloodOfAccount = createFloodGate(60_000, refusalsPerMinute, 'one account', log);

  const flush = async (): Promise<'done' | Outage> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchSize);
      const answer = await store.appendAudit(batch);
      if (isOutage(answer)) return answer;
      waiting = waiting.slice(batch.length);
    }
    if (lost > 0) log?.warn('entries of the audit are in the log alone', { count: lost });
    lost = 0;
    return 'done';
  };
  const flusher = createFlusher({
    everyMs: () => flushEveryMs,
    flush,
    isWaiting: () => waiting.length > 0,
    what: 'the audit',
    log,
  });
  const isFlood = (entry: AuditEntry): boolean => {
    const { org, user } = entry.actor;
    if (entry.result === 'done') return false;
    return org === undefined ? isFloodOfStrangers(entry, '') : isFloodOfAccount(entry, `${org}/${user}`);
  };

  return {
    record: (event: AuditEvent): void => {
      if (changesNothing(event.outcome)) return;
      const entry = entryOf(event, now());
      const isSampled = event.action === 'token.exchange' && entry.result === 'done';
      if (isSampled && random() >= deps.exchangeSampling) return;
      if (isFlood(entry)) return;
      log?.line(lineOf(entry));
      if (waiting.length >= waitingMax) {
        lost += 1;
        return;
      }
      waiting.push(entry);
      flusher.plan();
    },
    close: flusher.close,
  };
};

/** Whether one of many has been refused too often in a window of time. The log says how many entries that was when the next begins. */
const createFloodGate = (windowMs: number, refusalsMax: number, whose: string, log: AuditDeps['log']) => {
  let refusals = { window: 0, dropped: 0, counts: new Map<string, number>() };
  return ({ atMs }: AuditEntry, key: string): boolean => {
    const window = Math.floor(atMs / windowMs);
    if (window !== refusals.window) {
      const { dropped: count } = refusals;
      if (count > 0) log?.warn(`refused attempts of ${whose} were too many to be written down`, { count });
      refusals = { window, dropped: 0, counts: new Map() };
    }
    const count = (refusals.counts.get(key) ?? 0) + 1;
    refusals.counts.set(key, count);
    if (count > refusalsMax) refusals.dropped += 1;
    return count > refusalsMax;
  };
};

/** What a retry may be answered: the first time is written down, and a thousand more would push out everything else. */
const changesNothing = (outcome: unknown): boolean =>
  outcome === 'already_revoked' ||
  outcome === 'already_deleted' ||
  outcome === 'nothing' ||
  (typeof outcome === 'object' && outcome !== null && 'isRepeat' in outcome && outcome.isRepeat === true);

const entryOf = ({ action, identity, origin, subject, outcome }: AuditEvent, atMs: number): AuditEntry => {
  const reason = reasonOf(outcome);
  return {
    id: randomUUID(),
    atMs,
    actor: { org: identity?.org.id, user: identity?.user.id, tokenId: identity?.tokenId },
    action,
    subject: knownParts(subject),
    result: reason === undefined ? 'done' : 'refused',
    reason,
    expires: newExpiryOf(outcome),
    clientAddress: origin.clientAddress,
    via: origin.via,
    requestId: origin.requestId,
  };
};

/** What cannot be an id may be anything, however long, and what can may be a secret in the wrong place: not written down. */
const knownParts = ({ org, user, tokenId }: Partial<AuditParty>): AuditParty => ({
  org: org !== undefined && checkOrgId(org) === undefined && !holdsSecret(org) ? org : undefined,
  user: user !== undefined && checkUserId(user) === undefined && !holdsSecret(user) ? user : undefined,
  tokenId: tokenId !== undefined && isTokenId(tokenId) ? tokenId : undefined,
});

/** What cannot be read from the record later: another command may change it again. */
const newExpiryOf = (outcome: unknown): string | undefined => {
  if (member(outcome, 'isRenewed') !== true) return undefined;
  const expiresAtMs = member(member(outcome, 'record'), 'expiresAtMs');
  return typeof expiresAtMs === 'number' ? new Date(expiresAtMs).toISOString() : 'never';
};

const lineOf = ({ atMs, ...facts }: AuditEntry): string =>
  JSON.stringify({ level: 'info', time: new Date(atMs).toISOString(), msg: 'audit', ...facts });

const reasonOf = (outcome: unknown): string | undefined => {
  if (isRefusal(outcome)) return outcome.reason;
  return isCommandError(outcome) ? outcome.code : undefined;
};
