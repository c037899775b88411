// How much API tokens were used, as it is shown: the days of a period that had any use, and their sum. Nothing of an org or user
// that had the same id before is shown.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Whose } from '../decision/rights.ts';
import type { TokenStore } from '../store/token-store.ts';
import {
  addDays,
  addSums,
  dayOf,
  type DayRange,
  type DayUsage,
  noUsage,
  type UsageSubject,
  type UsageSum,
} from '../store/usage-store.ts';
import { orgUnknown } from './account-checks.ts';
import { type CommandError, isFailure } from './command-error.ts';
import { findOwner } from './owner.ts';

export interface UsageReport extends DayRange {
  readonly total: UsageSum;
  /** The earliest first; without those that had no use. */
  readonly days: readonly DayUsage[];
}

/** Days of a period without an end are so many. */
const daysUsual = 30;

/** What is left out: until today, and 30 days in all. */
export const usagePeriod = (
  { from, to }: { readonly from?: string | undefined; readonly to?: string | undefined },
  nowMs: number,
): DayRange => {
  const last = to ?? dayOf(nowMs);
  return { from: from ?? addDays(last, 1 - daysUsual), to: last };
};

/** When the user, or the org, was made. */
export const readCreation = async (
  store: Pick<TokenStore, 'findOrg' | 'findUser'>,
  { orgId, userId }: Whose,
): Promise<number | CommandError | Outage> => {
  if (userId !== undefined) {
    const owner = await findOwner(store, orgId, userId);
    return isFailure(owner) ? owner : Math.max(owner.org.createdAtMs, owner.user.createdAtMs);
  }
  const org = await store.findOrg(orgId);
  if (isOutage(org)) return org;
  return org?.createdAtMs ?? orgUnknown(orgId);
};

/** `createdAtMs`: when whose usage it is was made; the day itself counts. */
export const readUsageReport = async (
  store: Pick<TokenStore, 'readUsage'>,
  subject: UsageSubject,
  period: DayRange,
  createdAtMs: number,
): Promise<UsageReport | Outage> => {
  const created = dayOf(createdAtMs);
  const from = created > period.from ? created : period.from;
  const days = await store.readUsage(subject, { from, to: period.to });
  if (isOutage(days)) return days;
  return { ...period, days, total: days.reduce(addSums, noUsage) };
};
