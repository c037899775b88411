// Every reason to refuse a caller, and what it means to them in whichever dialect it is written. A reason without a class does
// not compile, nor does a class without its general answer (refusal.ts), from which every dialect answers. No I/O.

export type RefusalClass =
  | 'malformed'
  | 'path_ambiguous'
  | 'body_too_large'
  | 'too_slow'
  | 'headers_too_large'
  | 'target_too_long'
  | 'method_refused'
  /** Rules let other methods through here. */
  | 'method_not_allowed'
  /** No rule lets it through, whoever asks. */
  | 'route_refused'
  /** There is something, but to this caller there is nothing. */
  | 'hidden'
  | 'credential_missing'
  | 'credential_invalid'
  | 'password_wrong'
  | 'session_kind_refused'
  /** A browser sent the credential by itself, for a page that may not use it. */
  | 'origin_refused'
  /** The caller may not come from this address. */
  | 'address_refused'
  | 'scope_missing'
  | 'tenant_mismatch'
  | 'rate_limited'
  /** It has been here before. */
  | 'loop'
  /** More requests than a limit of the settings lets through; its answer says when the next may pass. */
  | 'over_limit'
  | 'over_quota'
  | 'share_used_up'
  /** Who the caller is cannot be found out. */
  | 'unavailable'
  | 'busy'
  | 'bad_gateway'
  | 'gateway_timeout'
  /** A bug of ours. */
  | 'internal';

/** Why a caller is refused, each with its class. Stable strings: they are log fields and metric labels. */
export const denialClasses = {
  request_malformed: 'malformed',
  request_too_large: 'body_too_large',
  request_timeout: 'too_slow',
  headers_too_large: 'headers_too_large',
  target_too_long: 'target_too_long',
  path_ambiguous: 'path_ambiguous',
  method_refused: 'method_refused',
  method_not_allowed: 'method_not_allowed',
  route_unknown: 'route_refused',
  credential_missing: 'credential_missing',
  credential_malformed: 'credential_invalid',
  credential_conflict: 'credential_invalid',
  token_unknown: 'credential_invalid',
  token_invalid: 'credential_invalid',
  token_expired: 'credential_invalid',
  token_revoked: 'credential_invalid',
  session_ended: 'credential_invalid',
  client_unknown: 'credential_invalid',
  password_wrong: 'password_wrong',
  user_disabled: 'credential_invalid',
  org_disabled: 'credential_invalid',
  scope_missing: 'scope_missing',
  tenant_mismatch: 'tenant_mismatch',
  session_kind_refused: 'session_kind_refused',
  address_refused: 'address_refused',
  upgrade_refused: 'route_refused',
  loop_detected: 'loop',
  rate_limited: 'rate_limited',
  limit_exceeded: 'over_limit',
  quota_exceeded: 'over_quota',
  share_used_up: 'share_used_up',
  peer_untrusted: 'route_refused',
  origin_refused: 'origin_refused',
} as const satisfies Readonly<Record<string, RefusalClass>>;
export type DenialReason = keyof typeof denialClasses;

/** Which dependency failed, each with its class. Never a 401, never a permit. */
export const outageClasses = {
  store_unavailable: 'unavailable',
  store_not_replicated: 'unavailable',
  feed_stale: 'unavailable',
  issuer_unavailable: 'unavailable',
  keys_unavailable: 'unavailable',
  upstream_unreachable: 'bad_gateway',
  upstream_timeout: 'gateway_timeout',
  upstream_invalid: 'bad_gateway',
  overloaded: 'busy',
  shutting_down: 'busy',
} as const satisfies Readonly<Record<string, RefusalClass>>;
export type OutageReason = keyof typeof outageClasses;

const classes = { ...denialClasses, ...outageClasses };

/** The class of a `Refusal` (outcome.ts). */
export const classifyRefusal = (refusal: {
  readonly reason: DenialReason | OutageReason;
  readonly isHidden?: true;
}): RefusalClass => (refusal.isHidden === true ? 'hidden' : classes[refusal.reason]);

const retryAfterSeconds: Readonly<Partial<Record<RefusalClass, number>>> = {
  rate_limited: 60,
  share_used_up: 1,
  unavailable: 1,
  busy: 1,
  bad_gateway: 1,
  gateway_timeout: 1,
};

/** Seconds of `Retry-After` (RFC 9110 section 10.2.3) where the refusal may pass by itself; else undefined. */
export const retryAfterSecondsOf = (kind: RefusalClass): number | undefined => retryAfterSeconds[kind];
