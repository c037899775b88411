// Finds the reminders that are due. Reads the tokens whose look is due, and says when each is looked at next; so a round
// costs what has become due, however many tokens there are.

import { setImmediate } from 'node:timers/promises';
import { isOutage, type Outage } from '../decision/outcome.ts';
import { isTokenDead } from '../store/api-token-state.ts';
import type { OrgRecord } from '../store/records.ts';
import type { ReminderChannel, ReminderLook } from '../store/reminder-store.ts';
import type { TokenStore } from '../store/token-store.ts';
import { judgeChannels, judgeExpiry, nothing, type Reminder, thresholdsOf } from './reminder.ts';

export interface FindingDeps {
  readonly store: Pick<
    TokenStore,
    'listReminderLooks' | 'planReminderLooks' | 'findToken' | 'findUser' | 'findOrg' | 'findReminders'
  >;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly now: () => number;
  /** By default so long before the expiry. */
  readonly beforeMs: readonly number[];
  /** The ways there are. */
  readonly channels: readonly ReminderChannel[];
  /** After this long another process is taken for dead that said it was sending. */
  readonly staleMs: number;
}

/** `due`: the reminder, and by which ways it must be sent now. `nextAtMs`: when to look again, where nothing is due. */
export interface Look {
  readonly due?: { readonly reminder: Reminder; readonly channels: readonly ReminderChannel[] };
  readonly nextAtMs: number | undefined;
}

export type DueReminder = NonNullable<Look['due']>;

type FindOrg = (orgId: string) => Promise<OrgRecord | undefined | Outage>;

/** Looks at one token as it is now. */
export const lookAt = async (
  deps: FindingDeps,
  tokenId: string,
  findOrg: FindOrg = deps.store.findOrg,
): Promise<Look | Outage> => {
  const { store, beforeMs, staleMs } = deps;
  const nowMs = deps.now();
  const token = await store.findToken(tokenId);
  if (isOutage(token)) return token;
  if (token?.expiresAtMs === undefined || token.state === 'revoked') return nothing;
  const org = await findOrg(token.orgId);
  if (isOutage(org)) return org;
  if (org === undefined) return nothing;
  const { thresholdMs, nextAtMs } = judgeExpiry(token, thresholdsOf(token, org, beforeMs), nowMs);
  if (thresholdMs === undefined) return { nextAtMs };
  const user = await store.findUser(token.orgId, token.userId);
  if (isOutage(user)) return user;
  if (user === undefined || isTokenDead(token, user, org)) return nothing;
  if (user.state === 'disabled' || org.state === 'disabled') return { nextAtMs };
  const channels = deps.channels.filter((each) => each !== 'mail' || user.email !== undefined);
  const found = channels.length === 0 ? [] : await store.findReminders(tokenId);
  if (isOutage(found)) return found;
  const { renewedAtMs = -Infinity } = token;
  const records = found.filter(({ atMs }) => atMs >= renewedAtMs);
  const { due, retryAtMs } = judgeChannels(records, thresholdMs, channels, { nowMs, staleMs });
  const againAtMs = Math.min(nextAtMs ?? Infinity, retryAtMs);
  if (due.length === 0) return { nextAtMs: againAtMs < token.expiresAtMs ? againAtMs : undefined };
  const reminder = { token: { ...token, expiresAtMs: token.expiresAtMs }, user, org, thresholdMs };
  return { due: { reminder, channels: due }, nextAtMs };
};

const looksAtOnce = 100;
const fewLooks = 20;
const looksMax = 20_000;
/** A record that cannot be read must not keep the others from being looked at. */
const unreadableAgainMs = 15 * 60_000;

export interface Found {
  /** The first to expire comes first. */
  readonly due: readonly DueReminder[];
  /** Not every token has been looked at. */
  readonly isMore: boolean;
}

/** Ends when `dueMax` were found, or tokens enough have been looked at. Those due stay so until somebody sends them. */
export const findDue = async (deps: FindingDeps, dueMax: number): Promise<Found | Outage> => {
  const { store, now } = deps;
  const orgs = new Map<string, ReturnType<FindOrg>>();
  const findOrg: FindOrg = (orgId) => {
    const known = orgs.get(orgId) ?? store.findOrg(orgId);
    orgs.set(orgId, known);
    return known;
  };
  const seen = new Set<string>();
  const due: DueReminder[] = [];
  while (due.length < dueMax && seen.size < looksMax) {
    const listed = await store.listReminderLooks(now(), due.length + looksAtOnce);
    if (isOutage(listed)) return listed;
    const fresh = listed.filter((id) => !seen.has(id));
    if (fresh.length === 0) return { due: inOrder(due), isMore: false };
    const looks = await lookAtEach(deps, fresh, findOrg);
    const plans: ReminderLook[] = [];
    for (const [index, tokenId] of fresh.entries()) {
      seen.add(tokenId);
      const look = looks[index];
      if (look === undefined || isOutage(look)) plans.push({ tokenId, atMs: now() + unreadableAgainMs });
      else if (look.due === undefined) plans.push({ tokenId, atMs: look.nextAtMs });
      else due.push(look.due);
    }
    const planned = await store.planReminderLooks(plans);
    if (isOutage(planned)) return planned;
  }
  return { due: inOrder(due), isMore: true };
};

/** A few at a time, so that requests are served in between. */
const lookAtEach = async (
  deps: FindingDeps,
  tokenIds: readonly string[],
  findOrg: FindOrg,
): Promise<readonly (Look | Outage)[]> => {
  const looks: (Look | Outage)[] = [];
  for (let start = 0; start < tokenIds.length; start += fewLooks) {
    const few = tokenIds.slice(start, start + fewLooks);
    looks.push(...(await Promise.all(few.map((id) => lookAt(deps, id, findOrg)))));
    await setImmediate();
  }
  return looks;
};

const inOrder = (due: readonly DueReminder[]): readonly DueReminder[] =>
  due.toSorted((a, b) => a.reminder.token.expiresAtMs - b.reminder.token.expiresAtMs);
