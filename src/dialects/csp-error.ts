// Errors of VMware Cloud Services, and of Cloud Partner Navigator: one shape for every status. No I/O.

import { hash } from 'node:crypto';
import { jsonMediaType, outageAnswers, tooManyTries, type VendorDialect } from './vendor-error.ts';

/** The word `message` begins with. */
export type CspErrorWord =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'unsupported_grant_type'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_many_requests'
  | 'service_unavailable'
  | 'internal_error';

const wordOf = (status: number): CspErrorWord => {
  if (status > 500) return 'service_unavailable';
  return statusWords[status] ?? 'invalid_request';
};

const statusWords: Readonly<Record<number, CspErrorWord>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  429: 'too_many_requests',
  500: 'internal_error',
};

const unauthorized = {
  message: 'Send a valid access token as csp-auth-token, or as Authorization: Bearer.',
  challenge: 'Bearer realm="tollgate", error="invalid_token"',
};
const forbidden = { message: 'The access token may not do that.' };

export const csp: VendorDialect<CspErrorWord> = {
  codeOf: wordOf,
  answers: {
    credential_missing: unauthorized,
    credential_invalid: unauthorized,
    password_wrong: unauthorized,
    session_kind_refused: forbidden,
    scope_missing: forbidden,
    tenant_mismatch: forbidden,
    rate_limited: tooManyTries,
    ...outageAnswers,
  },
  write: ({ status, code, message }, { requestId }) => {
    const trace = traceOf(requestId);
    return {
      mediaType: jsonMediaType,
      body: {
        metadata: null,
        traceId: trace,
        cspErrorCode: code === 'invalid_grant' ? '540.120-340.800' : `540.120-340.${status}`,
        message: `${code}: ${message}`,
        statusCode: status,
        moduleCode: 340,
        requestId: trace,
      },
    };
  },
};

/** 16 hex digits, as the vendor's ids have; the id in our log goes along as X-Request-Id. */
const traceOf = (requestId: string): string =>
  /^[0-9a-f]{16}$/.test(requestId) ? requestId : hash('sha256', requestId, 'hex').slice(0, 16);
