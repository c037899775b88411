// Everything that can go wrong on the csp surface, in that vendor's shape. Also navigator's. A token is told by its last
// five characters alone; an outage never becomes the caller's fault.

import { hash } from 'node:crypto';
import type { Identity } from '../../decision/identity.ts';
import { type Denial, denial, isOutage, type Outage, type Refusal } from '../../decision/outcome.ts';
import type { Problem, ProblemCode } from '../../lifecycle/problem.ts';
import {
  type Answer,
  denied,
  failed,
  type Fault,
  neverStored,
  type Note,
  refusedNote,
  type RequestHead,
} from '../answer.ts';
import { basicChallenge, type ClientFault } from '../client-authentication.ts';
import { retryAfterFault, retryAfterOf } from '../retry-after.ts';

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

export interface CspFault {
  readonly status: number;
  readonly word: CspErrorWord;
  /** For a developer. */
  readonly description: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

const moduleCode = 340;

export const cspError = (fault: CspFault, request: RequestHead): Answer => {
  const trace = traceOf(request.requestId);
  return {
    status: fault.status,
    headers: { ...neverStored, 'x-request-id': request.requestId, ...fault.headers },
    body: {
      metadata: null,
      traceId: trace,
      cspErrorCode: fault.word === 'invalid_grant' ? '540.120-340.800' : `540.120-340.${fault.status}`,
      message: `${fault.word}: ${fault.description}`,
      statusCode: fault.status,
      moduleCode,
      requestId: trace,
    },
    note: fault.note,
  };
};

/** 400: what the request lacks or contradicts. */
export const badRequest = (description: string, request: RequestHead): Answer =>
  cspError(
    {
      status: 400,
      word: 'invalid_request',
      description,
      note: denied('request_malformed', description),
    },
    request,
  );

/** A refusal of the API token in the request. Which of unknown, expired and revoked it was is for the log. */
export const refusedToken = (refusal: Refusal, token: string, request: RequestHead): Answer =>
  passing(refusal, request) ??
  cspError(
    {
      status: 400,
      word: 'invalid_grant',
      description: `Invalid refresh token: ${masked(token)}`,
      note: refusedNote(refusal),
    },
    request,
  );

/** A refusal of the access token a request is made with, or of what it may do. `identity`: whose it is, where known. */
export const refusedCaller = (refusal: Refusal, request: RequestHead, identity?: Identity): Answer => {
  const isForbidden =
    !isOutage(refusal) &&
    ['scope_missing', 'tenant_mismatch', 'session_kind_refused'].includes(refusal.reason);
  return (
    passing(refusal, request) ??
    cspError(
      isForbidden
        ? {
            status: 403,
            word: 'forbidden',
            description: 'The access token may not do that.',
            note: refusedNote(refusal, identity),
          }
        : {
            status: 401,
            word: 'unauthorized',
            description: 'Send a valid access token as csp-auth-token, or as Authorization: Bearer.',
            headers: { 'www-authenticate': 'Bearer realm="tollgate", error="invalid_token"' },
            note: refusedNote(refusal, identity),
          },
      request,
    )
  );
};

/** An order that cannot be carried out as it is. */
export const refusedOrder = (problem: Problem, request: RequestHead, identity: Identity): Answer => {
  const [status, word] = wordOf(problem.code);
  const note = denied(status === 403 ? 'scope_missing' : 'request_malformed', problem.code, identity);
  return cspError({ status, word, description: problem.message, note }, request);
};

const wordOf = (code: ProblemCode): readonly [status: number, word: CspErrorWord] => {
  if (code === 'too_many_tokens' || code === 'name_taken') return [409, 'conflict'];
  if (code === 'scope_too_wide') return [400, 'invalid_scope'];
  const isGone = ['org_unknown', 'org_disabled', 'user_unknown', 'user_disabled'].includes(code);
  return isGone ? [403, 'forbidden'] : [400, 'invalid_request'];
};

export const refusedClient = (fault: ClientFault, request: RequestHead): Answer => {
  if (fault.fault === 'ambiguous') return badRequest(fault.message, request);
  if (fault.fault === 'limited') return tooMany(denial('rate_limited', fault.message), request);
  return cspError(
    {
      status: 401,
      word: 'invalid_client',
      description: 'The client is not authenticated: check client_id and client_secret.',
      headers: { 'www-authenticate': basicChallenge },
      note: denied('client_unknown', fault.message),
    },
    request,
  );
};

/** What passes by itself: 503 and 429, with `Retry-After`. */
const passing = (refusal: Refusal, request: RequestHead): Answer | undefined => {
  if (isOutage(refusal)) return unavailable(refusal, request);
  return refusal.reason === 'rate_limited' ? tooMany(refusal, request) : undefined;
};

const tooMany = (refusal: Denial, request: RequestHead): Answer =>
  cspError(
    {
      status: 429,
      word: 'too_many_requests',
      description:
        'Too many unknown tokens or wrong client secrets came from this address, or too many sessions from this token. Try again in a minute.',
      headers: retryAfterOf(refusal),
      note: refusedNote(refusal),
    },
    request,
  );

export const unavailable = (refusal: Outage, request: RequestHead): Answer =>
  cspError(
    {
      status: 503,
      word: 'service_unavailable',
      description: 'A part this server depends on does not answer. Try again in a moment.',
      headers: retryAfterOf(refusal),
      note: failed(refusal),
    },
    request,
  );

/** Errors met outside the endpoints. */
export const onFault = ({ status, description, note }: Fault, request: RequestHead): Answer =>
  cspError(
    {
      status,
      word: status === 503 ? 'service_unavailable' : status >= 500 ? 'internal_error' : 'invalid_request',
      description,
      headers: retryAfterFault(status),
      note,
    },
    request,
  );

/** `xxxx...` and the last five characters; of a short token none, or too much would be told. */
export const masked = (token: string): string =>
  `xxxx...${token.length < 20 ? '' : token.slice(-5).replaceAll(/[^\w+/=.-]/g, '?')}`;

/** 16 hex digits, as the vendor's ids have; the id in our log goes along as X-Request-Id. */
const traceOf = (requestId: string): string =>
  /^[0-9a-f]{16}$/.test(requestId) ? requestId : hash('sha256', requestId, 'hex').slice(0, 16);
