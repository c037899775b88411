// Everything that can go wrong on the oauth surface, in the error shape of RFC 6749 §5.2. The
// caller's fault never becomes 503, an outage never becomes 4xx.

import { type DenialReason, isOutage, type Refusal } from '../../decision/outcome.ts';
import { generalAnswer } from '../../decision/refusal.ts';
import { classifyRefusal } from '../../decision/refusal-class.ts';
import { type Answer, denied, type Fault, neverStored, type Note, refusedNote } from '../answer.ts';
import { faultHeaders, mayPass, refusalHeaders } from '../failures.ts';

/** RFC 6749 §5.2, RFC 6750 §3.1, RFC 8693 §2.2.2, RFC 8707 §2, RFC 7009 §2.2.1; the last two and `unsupported_response_type` of RFC 6749 §4.1.2.1. */
export type OauthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'unsupported_token_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'temporarily_unavailable'
  | 'server_error';

export interface OauthFault {
  readonly status: number;
  readonly error: OauthErrorCode;
  /** One or two sentences for a developer; characters outside RFC 6749's set are replaced. */
  readonly description: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

export const oauthError = (fault: OauthFault): Answer => ({
  status: fault.status,
  headers: { ...neverStored, ...fault.headers },
  body: { error: fault.error, error_description: describable(fault.description) },
  note: fault.note,
});

/** 400 with a denial for the log. */
export const badRequest = (
  error: OauthErrorCode,
  description: string,
  reason: DenialReason = 'request_malformed',
): Answer =>
  oauthError({ status: 400, error, description, note: denied(reason, `${error}: ${description}`) });

/**
 * A refusal of the credential in a grant. `error`: `invalid_grant` (RFC 6749 §5.2), or `invalid_request` where the
 * credential is a subject token (RFC 8693 §2.2.2). Whether it was unknown, expired or revoked is for the log
 * alone.
 */
export const refusedCredential = (refusal: Refusal, error: OauthErrorCode, parameter: string): Answer =>
  mayPass(refusal)
    ? refusedForNow(refusal)
    : oauthError({
        status: 400,
        error,
        description: `The ${parameter} is not accepted: it is unknown, expired or revoked, or its owner is disabled.`,
        note: refusedNote(refusal),
      });

/**
 * A refusal that may pass by itself: 429 where there were too many unknown tokens from one address, or sessions of one
 * API token; else 503, for a dependency is out, and an outage is never the caller's fault.
 */
export const refusedForNow = (refusal: Refusal): Answer =>
  oauthError({
    status: generalAnswer(classifyRefusal(refusal)).status,
    error: 'temporarily_unavailable',
    description: isOutage(refusal)
      ? 'A part this server depends on does not answer. Try again in a moment.'
      : 'Too many unknown tokens or wrong client secrets came from this address, or too many sessions from this token. Try again in a minute.',
    headers: refusalHeaders(refusal),
    note: refusedNote(refusal),
  });

/** Errors met outside the endpoints. */
export const onFault = ({ status, description, note }: Fault): Answer =>
  oauthError({
    status,
    error: status === 503 ? 'temporarily_unavailable' : status >= 500 ? 'server_error' : 'invalid_request',
    description,
    headers: faultHeaders(status),
    note,
  });

/** RFC 6749 appendix A.8: %x20-21 / %x23-5B / %x5D-7E, so neither a quote nor a backslash. */
const describable = (text: string): string =>
  text.replaceAll('"', "'").replaceAll(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '?');
