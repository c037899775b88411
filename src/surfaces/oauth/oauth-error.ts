// What can go wrong on the oauth surface, in the error shape of RFC 6749 §5.2.

import type { Refusal } from '../../decision/outcome.ts';
import type { DenialReason } from '../../decision/refusal-class.ts';
import { jsonMediaType, outageAnswers, tooManyTries } from '../../dialects/vendor-error.ts';
import { denied } from '../answer.ts';
import { createDialect, refusedAs, type VendorFault } from '../failures.ts';

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

export type OauthFault = VendorFault<OauthErrorCode>;

export const oauthDialect = createDialect<OauthErrorCode>(
  {
    codeOf: (status) => {
      if (status === 429 || status === 503) return 'temporarily_unavailable';
      return status >= 500 ? 'server_error' : 'invalid_request';
    },
    answers: { rate_limited: tooManyTries, ...outageAnswers },
    write: ({ code, message }) => ({
      mediaType: jsonMediaType,
      body: { error: code, error_description: describable(message) },
    }),
  },
  {},
);

/** RFC 6749 appendix A.8: %x20-21 / %x23-5B / %x5D-7E, so neither a quote nor a backslash. */
const describable = (text: string): string =>
  text.replaceAll('"', "'").replaceAll(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '?');

/** 400 with a denial for the log. */
export const badRequest = (
  code: OauthErrorCode,
  message: string,
  reason: DenialReason = 'request_malformed',
): OauthFault => ({ status: 400, code, message, note: denied(reason, `${code}: ${message}`) });

/**
 * A refusal of the credential in a grant. `code`: `invalid_grant` (RFC 6749 §5.2), or `invalid_request` where the
 * credential is a subject token (RFC 8693 §2.2.2).
 */
export const refusedCredential = (
  refusal: Refusal,
  code: OauthErrorCode,
  parameter: string,
): OauthFault | Refusal =>
  refusedAs(refusal, {
    status: 400,
    code,
    message: `The ${parameter} is not accepted: it is unknown, expired or revoked, or its owner is disabled.`,
  });
