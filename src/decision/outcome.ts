// What a decision can come to besides a permit: a denial (the caller's fault) or an outage (a dependency's).
// Both are plain values; only bugs are thrown. No I/O, no clock. The wire form of each reason is in refusal.ts.

/** Why a caller is refused. Stable strings: they are log fields and metric labels. */
export const denialReasons = [
  'request_malformed',
  'request_too_large',
  'request_timeout',
  'headers_too_large',
  'target_too_long',
  'path_ambiguous',
  'method_refused',
  'route_unknown',
  'credential_missing',
  'credential_malformed',
  'credential_conflict',
  'token_unknown',
  'token_invalid',
  'token_expired',
  'token_revoked',
  'session_ended',
  'client_unknown',
  'password_wrong',
  'user_disabled',
  'org_disabled',
  'scope_missing',
  'tenant_mismatch',
  'session_kind_refused',
  'upgrade_refused',
  'rate_limited',
  'share_used_up',
  'peer_untrusted',
] as const;
export type DenialReason = (typeof denialReasons)[number];

/** Which dependency failed. Never a 401, never a permit. */
export const outageReasons = [
  'store_unavailable',
  'store_not_replicated',
  'feed_stale',
  'issuer_unavailable',
  'keys_unavailable',
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_invalid',
  'overloaded',
  'shutting_down',
] as const;
export type OutageReason = (typeof outageReasons)[number];

export interface Denial {
  readonly kind: 'denial';
  readonly reason: DenialReason;
  /** For the log only: what was found, never a credential. */
  readonly evidence: string | undefined;
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

/** Whether a value is an outage. Works on any union, so callers can narrow `T | undefined | Outage`. */
export const isOutage = (value: unknown): value is Outage =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'outage';

/** Whether a value is a denial. */
export const isDenial = (value: unknown): value is Denial =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'denial';

/** Whether a value is a denial or an outage. */
export const isRefusal = (value: unknown): value is Refusal => isDenial(value) || isOutage(value);
