// Errors of VMware Cloud Services, and of Cloud Partner Navigator: one shape for every status. No I/O.

import { hash } from 'node:crypto';
import { generalAnswer } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';

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

export interface CspError {
  readonly status: number;
  readonly word: CspErrorWord;
  /** For a developer. */
  readonly description: string;
  /** `WWW-Authenticate`; undefined: no such header. */
  readonly challenge?: string | undefined;
}

/** The word, and where the vendor's clients need other advice than the general one, the description. */
interface Words {
  readonly word: CspErrorWord;
  readonly description?: string;
  readonly challenge?: string;
}

const invalid: Words = { word: 'invalid_request' };
const unauthorized: Words = {
  word: 'unauthorized',
  description: 'Send a valid access token as csp-auth-token, or as Authorization: Bearer.',
  challenge: 'Bearer realm="tollgate", error="invalid_token"',
};
const forbidden: Words = { word: 'forbidden', description: 'The access token may not do that.' };
const outage: Words = {
  word: 'service_unavailable',
  description: 'A part this server depends on does not answer. Try again in a moment.',
};

const words: Readonly<Record<RefusalClass, Words>> = {
  malformed: invalid,
  path_ambiguous: invalid,
  body_too_large: invalid,
  too_slow: invalid,
  headers_too_large: invalid,
  target_too_long: invalid,
  method_refused: { word: 'forbidden' },
  route_refused: { word: 'forbidden' },
  hidden: { word: 'not_found' },
  credential_missing: unauthorized,
  credential_invalid: unauthorized,
  password_wrong: unauthorized,
  session_kind_refused: forbidden,
  scope_missing: forbidden,
  tenant_mismatch: forbidden,
  rate_limited: {
    word: 'too_many_requests',
    description:
      'Too many unknown tokens or wrong client secrets came from this address, or too many sessions from this token. Try again in a minute.',
  },
  share_used_up: { word: 'too_many_requests' },
  unavailable: outage,
  busy: outage,
  bad_gateway: { word: 'service_unavailable' },
  gateway_timeout: { word: 'service_unavailable' },
  internal: { word: 'internal_error' },
};

export const cspErrorOf = (kind: RefusalClass): CspError => {
  const { status, detail } = generalAnswer(kind);
  const { word, description = detail, challenge } = words[kind];
  return { status, word, description, challenge };
};

const moduleCode = 340;

/** The body; `requestId`: the one in our log. */
export const cspErrorBody = (
  { status, word, description }: CspError,
  requestId: string,
): Readonly<Record<string, unknown>> => {
  const trace = traceOf(requestId);
  return {
    metadata: null,
    traceId: trace,
    cspErrorCode: word === 'invalid_grant' ? '540.120-340.800' : `540.120-340.${status}`,
    message: `${word}: ${description}`,
    statusCode: status,
    moduleCode,
    requestId: trace,
  };
};

/** 16 hex digits, as the vendor's ids have; the id in our log goes along as X-Request-Id. */
const traceOf = (requestId: string): string =>
  /^[0-9a-f]{16}$/.test(requestId) ? requestId : hash('sha256', requestId, 'hex').slice(0, 16);
