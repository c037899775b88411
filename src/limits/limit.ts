// A limit of the settings as requests meet it: for whom it counts, how many it lets through, and until when. Pure.

import { hash } from 'node:crypto';
import type { Identity } from '../decision/identity.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import { addressBlockOf } from '../identity/address-block.ts';
import { leaseMsMin } from '../settings/limit-fields.ts';
import type { Settings } from '../settings/settings.ts';
import type { AllowanceTerms } from '../store/count-store.ts';

type RateSettings = Settings['rateLimits'][number];
type QuotaSettings = Settings['quotas'][number];

export type LimitSettings = Pick<Settings, 'rateLimits' | 'quotas'>;

export interface Limit {
  readonly name: string;
  readonly kind: 'rate' | 'quota';
  readonly per: RateSettings['per'];
  /** `q` of RateLimit-Policy. */
  readonly requests: number;
  /** `w`; undefined: the period's. */
  readonly windowMs: number | undefined;
  /** Undefined: all. */
  readonly routes: readonly string[] | undefined;
  /** How long a replica may hold what it was granted and does not use. */
  readonly leaseMs: number;
  /** Most that may be granted at once. */
  readonly capacity: number;
  /** When the period of a moment began and ends; of a rate, its window around that moment. */
  readonly periodOf: (nowMs: number) => Period;
  readonly termsOf: (period: Period) => AllowanceTerms;
}

export interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

/** A twentieth of the window: what is spent so much later moves no more than 5 % of it from one window into the next. */
const leaseShare = 20;
const leaseMsMax = 3_000;

const ofRate = ({ name, per, routes, requests, windowMs, burst }: RateSettings): Limit => {
  const terms = { kind: 'rate', intervalMs: windowMs / requests, capacity: burst } as const;
  // A rate has no period: its bucket fills all the time.
  const always = { startMs: 0, endMs: Infinity };
  return {
    name,
    kind: 'rate',
    per,
    requests,
    windowMs,
    routes,
    leaseMs: Math.min(leaseMsMax, Math.max(leaseMsMin, windowMs / leaseShare)),
    capacity: burst,
    periodOf: () => always,
    termsOf: () => terms,
  };
};

const dayMs = 86_400_000;

/** Days and months of the calendar, in UTC. */
export const calendarPeriod = (period: QuotaSettings['period'], nowMs: number): Period => {
  const now = new Date(nowMs);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const startMs = period === 'day' ? Math.floor(nowMs / dayMs) * dayMs : Date.UTC(year, month);
  return { startMs, endMs: period === 'day' ? startMs + dayMs : Date.UTC(year, month + 1) };
};

const ofQuota = ({ name, per, routes, requests, period }: QuotaSettings): Limit => ({
  name,
  kind: 'quota',
  per,
  requests,
  windowMs: undefined,
  routes,
  leaseMs: leaseMsMax,
  capacity: requests,
  periodOf: (nowMs) => calendarPeriod(period, nowMs),
  termsOf: ({ endMs }) => ({ kind: 'quota', requests, untilMs: endMs }),
});

/** In the order in which callers are shown them. */
export const limitsOf = ({ rateLimits, quotas }: LimitSettings): readonly Limit[] => [
  ...rateLimits.map(ofRate),
  ...quotas.map(ofQuota),
];

export const appliesTo = ({ routes }: Pick<Limit, 'routes'>, { name }: Pick<RouteRule, 'name'>): boolean =>
  routes === undefined || routes.includes(name);

/** Whom one count of a limit is about; undefined: the limit counts nobody like this caller. */
export const subjectOf = (
  per: Limit['per'],
  route: string,
  identity: Identity | undefined,
  clientAddress: string,
): string | undefined => {
  if (per === 'route') return route;
  if (per === 'address') return addressBlockOf(clientAddress);
  if (identity === undefined) return undefined;
  const { org, user, tokenId, sessionId } = identity;
  switch (per) {
    case 'org':
      return org.id;
    case 'user':
      return accountOf(org.id, user.id);
    // The id of a token is a UUID: the words keep the others apart from it.
    case 'token':
      return tokenId ?? (sessionId === undefined ? accountOf(org.id, user.id) : `session ${sessionId}`);
  }
};

/** Ids of other issuers may contain any character: the length tells where the org ends. */
const accountOf = (orgId: string, userId: string): string => `account ${orgId.length} ${orgId}/${userId}`;

/** What the store's keys call somebody: of a fixed length, whatever another issuer's ids are. Its last character names a shard. */
export const digestOfSubject = (subject: string): string => hash('sha256', subject).slice(0, 32);

/** The store's key of a limit for somebody in a period. */
export const countKey = ({ name }: Limit, digest: string, { startMs }: Period): string =>
  `limit:${name}:${startMs}:${digest}`;
