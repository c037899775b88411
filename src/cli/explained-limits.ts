// Which limits a request has, for `tollgate explain`, and what is left of them where the store can be read.

import type { Identity } from '../decision/identity.ts';
import { isOutage } from '../decision/outcome.ts';
import { type RouteRule, unroutedRule } from '../decision/route-rule.ts';
import { feedRetentionMs } from '../gate/retention.ts';
import { appliesTo, countKey, digestOfSubject, type Limit, limitsOf, subjectOf } from '../limits/limit.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore } from '../store/open-store.ts';
import type { TokenStore } from '../store/token-store.ts';
import { missingFile } from './store-command.ts';

export interface ExplainedLimit {
  readonly name: string;
  readonly per: Limit['per'];
  /** Such as `100 in 1 s, 200 at once`. */
  readonly allows: string;
  /** False: it counts no callers without an identity. */
  readonly counts: boolean;
  /** Undefined where nobody real is asked about, or the store cannot be read. */
  readonly left: number | undefined;
}

/** `identity`: undefined for a caller without one. */
export const explainLimits = async (
  settings: Settings,
  rule: RouteRule | undefined,
  identity: Identity | undefined,
): Promise<readonly ExplainedLimit[]> => {
  // What no route covers goes on uncounted, in shadow mode.
  if (rule === undefined || rule.name === unroutedRule.name) return [];
  const limits = limitsOf(settings).filter((limit) => appliesTo(limit, rule));
  if (limits.length === 0) return [];
  const store = await openToRead(settings);
  try {
    const explained: ExplainedLimit[] = [];
    for (const limit of limits) {
      const { name, per } = limit;
      const subject = subjectOf(per, rule.name, identity, '');
      const isReal = per !== 'token' && per !== 'address';
      const left = store && subject !== undefined && isReal ? await leftOf(store, limit, subject) : undefined;
      explained.push({ name, per, allows: allowsOf(settings, limit), counts: subject !== undefined, left });
    }
    return explained;
  } finally {
    await store?.close();
  }
};

export const limitsText = (limits: readonly ExplainedLimit[]): string | undefined =>
  limits.length === 0
    ? undefined
    : limits
        .map(({ name, per, allows, counts, left }) => {
          const state = left === undefined ? '' : `, ${left} left`;
          return `${name} (${allows} per ${per}${counts ? state : ': counts no caller without a credential'})`;
        })
        .join('; ');

const allowsOf = ({ quotas }: Settings, { name, kind, requests, windowMs = 0, capacity }: Limit): string =>
  kind === 'quota'
    ? `${requests} a ${quotas.find((quota) => quota.name === name)?.period ?? 'period'}`
    : `${requests} in ${windowMs / 1_000} s, ${capacity} at once`;

/** Undefined where there is none, or it cannot be opened. */
const openToRead = async (settings: Settings): Promise<TokenStore | undefined> => {
  if (missingFile(settings.store) !== undefined) return undefined;
  return openStore(settings.store, { retentionMs: feedRetentionMs(settings) }).catch(() => undefined);
};

const leftOf = async (store: TokenStore, limit: Limit, subject: string): Promise<number | undefined> => {
  const nowMs = Date.now();
  const period = limit.periodOf(nowMs);
  const key = countKey(limit, digestOfSubject(subject), period);
  const ask = { key, terms: limit.termsOf(period), spent: 0, wanted: 0 };
  const found = await store.takeAllowance(ask, nowMs);
  return isOutage(found) ? undefined : found.left;
};
