// What a decision can come to besides a permit: a denial (the caller's fault) or an outage (a dependency's).
// Both are plain values; only bugs are thrown. No I/O, no clock. The reasons are in refusal-class.ts, their wire form in refusal.ts.

import { denialClasses, type DenialReason, outageClasses, type OutageReason } from './refusal-class.ts';

const isDenialReason = (text: string): text is DenialReason => Object.hasOwn(denialClasses, text);
const isOutageReason = (text: string): text is OutageReason => Object.hasOwn(outageClasses, text);
export const denialReasons = Object.keys(denialClasses).filter(isDenialReason);
export const outageReasons = Object.keys(outageClasses).filter(isOutageReason);

export interface Denial {
  readonly kind: 'denial';
  readonly reason: DenialReason;
  /** For the log only: what was found, never a credential. */
  readonly evidence: string | undefined;
  /** What the caller can do, where there is more to say than of its class; holds nothing of the request but an escape. */
  readonly detail?: string;
  /** Of `method_not_allowed`: the methods that rules let through at this path (RFC 9110 section 15.5.6). */
  readonly allow?: readonly string[];
  /** On the proxied path, told as if there were nothing there: 404. */
  readonly isHidden?: true;
  /** The token may be good later: its time has not come, or what it is judged by is not known here yet. */
  readonly isEarly?: true;
}

export interface Outage {
  readonly kind: 'outage';
  readonly reason: OutageReason;
  /** The library's error, for the log. */
  readonly cause: unknown;
}

export type Refusal = Denial | Outage;

export const denial = (reason: DenialReason, evidence?: string): Denial => ({
  kind: 'denial',
  reason,
  evidence,
});

/** Of an access token that may be good later. */
export const earlyDenial = (evidence: string): Denial => ({
  ...denial('token_invalid', evidence),
  isEarly: true,
});

export const outage = (reason: OutageReason, cause?: unknown): Outage => ({ kind: 'outage', reason, cause });

export const detailOf = (refusal: Refusal): string | undefined =>
  refusal.kind === 'denial' ? refusal.detail : undefined;

/** Whether a value is an outage. Works on any union, so callers can narrow `T | undefined | Outage`. */
export const isOutage = (value: unknown): value is Outage =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'outage';

export const isDenial = (value: unknown): value is Denial =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'denial';

export const isRefusal = (value: unknown): value is Refusal => isDenial(value) || isOutage(value);
