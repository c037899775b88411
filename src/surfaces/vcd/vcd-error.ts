// Everything that can go wrong on the vcd surface, in that vendor's shapes: JSON for most, XML for the legacy paths. What
// went wrong is a `VcdFault`; which shape it takes is the path's. An outage never becomes the caller's fault.

import type { Identity } from '../../decision/identity.ts';
import { isOutage, type Refusal } from '../../decision/outcome.ts';
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
import { retryAfterFault, retryAfterOf } from '../retry-after.ts';
import { prefersJson } from './prefers-json.ts';
import { requestIdOf } from './request-id.ts';
import { element, xmlMediaType } from './xml.ts';

/** `minorErrorCode`: OAuth's words on the OAuth endpoints, the vendor's elsewhere. */
export type VcdErrorCode =
  | 'invalid_request'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'BAD_REQUEST'
  | 'NOT_AUTHENTICATED'
  | 'ACCESS_TO_RESOURCE_IS_FORBIDDEN'
  | 'METHOD_NOT_ALLOWED'
  | 'REQUEST_TOO_LARGE'
  | 'TOO_MANY_REQUESTS'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR';

export interface VcdFault {
  readonly status: number;
  readonly code: VcdErrorCode;
  /** For a developer. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

/** How a path tells what went wrong. */
export type Tell = (fault: VcdFault, request: RequestHead) => Answer;

export const asJson: Tell = (fault, request) => ({
  status: fault.status,
  headers: { ...neverStored, ...fault.headers },
  body: { minorErrorCode: fault.code, message: messageOf(fault, request), stackTrace: null },
  note: fault.note,
});

const asXml: Tell = (fault, request) => ({
  status: fault.status,
  headers: { ...neverStored, ...fault.headers },
  body: element('Error', {
    majorErrorCode: String(fault.status),
    minorErrorCode: fault.code,
    message: messageOf(fault, request),
    stackTrace: '',
  }),
  mediaType: xmlMediaType('error'),
  note: fault.note,
});

/** What the older API answers: XML, or JSON to clients that accept no XML. */
export const asAccepted: Tell = (fault, request) =>
  prefersJson(request) ? asJson(fault, request) : asXml(fault, request);

const messageOf = ({ message }: VcdFault, request: RequestHead): string =>
  `[ ${requestIdOf(request)} ] ${message}`;

export const badRequest = (message: string, identity?: Identity): VcdFault => ({
  status: 400,
  code: 'BAD_REQUEST',
  message,
  note: denied('request_malformed', message, identity),
});

/** OAuth's: what the request lacks or contradicts. */
export const invalidRequest = (message: string): VcdFault => ({
  ...badRequest(message),
  code: 'invalid_request',
});

/** A grant that is no good. Which of unknown, expired, revoked and another tenant's it was is for the log. */
export const invalidGrant = (refusal: Refusal, message: string): VcdFault =>
  passing(refusal) ?? { status: 400, code: 'invalid_grant', message, note: refusedNote(refusal) };

/** The realms clients of the vendor know. */
const challenges = 'Basic realm="vCloud", Bearer realm="vCloud"';

/** The session a request is made with is no good, or may not do that. `identity`: whose it is, where known. */
export const refusedCaller = (refusal: Refusal, identity?: Identity): VcdFault => {
  if (!isOutage(refusal) && forbidding.has(refusal.reason)) return forbidden(refusedNote(refusal, identity));
  return (
    passing(refusal) ?? {
      status: 401,
      code: 'NOT_AUTHENTICATED',
      message: 'This operation is denied. Send the access token of a session as Authorization: Bearer.',
      headers: { 'www-authenticate': challenges },
      note: refusedNote(refusal, identity),
    }
  );
};

const forbidding: ReadonlySet<string> = new Set(['scope_missing', 'tenant_mismatch', 'session_kind_refused']);

/** The vendor does not tell what is missing from what is forbidden. */
export const forbidden = (note: Note): VcdFault => ({
  status: 403,
  code: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN',
  message: 'Either you need some or all of the rights to perform this operation, or it does not exist.',
  note,
});

/** Name and password that are no good; which of the two, nobody is told. */
export const refusedSignIn = (refusal: Refusal): VcdFault =>
  passing(refusal) ?? {
    status: 401,
    code: 'NOT_AUTHENTICATED',
    message: 'This operation is denied. Send user@org and the password as Authorization: Basic.',
    headers: { 'www-authenticate': challenges },
    note: refusedNote(refusal),
  };

/** An order that cannot be carried out as it is. */
export const refusedOrder = ({ code, message }: Problem, identity: Identity): VcdFault =>
  gone.has(code) ? forbidden(denied('scope_missing', code, identity)) : badRequest(message, identity);

const gone: ReadonlySet<ProblemCode> = new Set([
  'token_unknown',
  'token_revoked',
  'org_unknown',
  'org_disabled',
  'user_unknown',
  'user_disabled',
]);

/** Met outside the endpoints. */
export const outsideFault = ({ status, description, note }: Fault): VcdFault => ({
  status,
  code: codeOfStatus(status),
  message: description,
  headers: retryAfterFault(status),
  note,
});

const codeOfStatus = (status: number): VcdErrorCode => {
  if (status === 405) return 'METHOD_NOT_ALLOWED';
  if (status === 413) return 'REQUEST_TOO_LARGE';
  if (status === 503) return 'SERVICE_UNAVAILABLE';
  return status >= 500 ? 'INTERNAL_SERVER_ERROR' : 'BAD_REQUEST';
};

/** What passes by itself: 503 and 429, with `Retry-After`. */
const passing = (refusal: Refusal): VcdFault | undefined => {
  if (isOutage(refusal))
    return {
      status: 503,
      code: 'SERVICE_UNAVAILABLE',
      message: 'A part this server depends on does not answer. Try again in a moment.',
      headers: retryAfterOf(refusal),
      note: failed(refusal),
    };
  if (refusal.reason !== 'rate_limited') return undefined;
  return {
    status: 429,
    code: 'TOO_MANY_REQUESTS',
    message: 'Too many tries came from this address, to this account or from this token. Try again later.',
    headers: retryAfterOf(refusal),
    note: refusedNote(refusal),
  };
};
