// What a refusal means to a caller, in whichever dialect it is written: the one classification that every dialect's table
// of answers is made for. A reason without a class does not compile, and neither does a dialect without an answer to a
// class. No I/O.

import type { DenialReason, OutageReason, Refusal } from './outcome.ts';

export type RefusalClass =
  | 'malformed'
  | 'path_ambiguous'
  | 'body_too_large'
  | 'too_slow'
  | 'headers_too_large'
  | 'target_too_long'
  | 'method_refused'
  /** No rule lets it through, whoever asks. */
  | 'route_refused'
  /** There is something, but to this caller there is nothing. */
  | 'hidden'
  | 'credential_missing'
  | 'credential_invalid'
  | 'password_wrong'
  | 'session_kind_refused'
  | 'scope_missing'
  | 'tenant_mismatch'
  | 'rate_limited'
  | 'share_used_up'
  /** Who the caller is cannot be found out. */
  | 'unavailable'
  | 'busy'
  | 'bad_gateway'
  | 'gateway_timeout'
  /** A bug of ours. */
  | 'internal';

export const classifyRefusal = (refusal: Refusal): RefusalClass =>
  refusal.kind === 'denial' && refusal.isHidden === true ? 'hidden' : classOf(refusal.reason);

const classOf = (reason: DenialReason | OutageReason): RefusalClass => {
  switch (reason) {
    case 'request_malformed':
      return 'malformed';
    case 'request_too_large':
      return 'body_too_large';
    case 'request_timeout':
      return 'too_slow';
    case 'path_ambiguous':
    case 'headers_too_large':
    case 'target_too_long':
    case 'method_refused':
    case 'credential_missing':
    case 'password_wrong':
    case 'session_kind_refused':
    case 'scope_missing':
    case 'tenant_mismatch':
    case 'rate_limited':
    case 'share_used_up':
      return reason;
    case 'route_unknown':
    case 'upgrade_refused':
    case 'peer_untrusted':
      return 'route_refused';
    case 'credential_malformed':
    case 'credential_conflict':
    case 'client_unknown':
    case 'token_unknown':
    case 'token_invalid':
    case 'token_expired':
    case 'token_revoked':
    case 'session_ended':
    case 'user_disabled':
    case 'org_disabled':
      return 'credential_invalid';
    case 'store_unavailable':
    case 'store_not_replicated':
    case 'feed_stale':
    case 'issuer_unavailable':
    case 'keys_unavailable':
      return 'unavailable';
    case 'overloaded':
    case 'shutting_down':
      return 'busy';
    case 'upstream_unreachable':
    case 'upstream_invalid':
      return 'bad_gateway';
    case 'upstream_timeout':
      return 'gateway_timeout';
  }
};

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
