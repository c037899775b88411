// Everything that can go wrong on the vcd surface, in that vendor's shapes: JSON for most, XML for the legacy paths. What
// went wrong is a `VcdFault`; which shape it takes is the path's. An outage never becomes the caller's fault.

import type { Identity } from '../../decision/identity.ts';
import type { Refusal } from '../../decision/outcome.ts';
import { classifyRefusal, retryAfterSecondsOf } from '../../decision/refusal-class.ts';
import {
  prefersJson,
  vcdChallenges,
  type VcdError,
  type VcdErrorCode,
  vcdErrorJson,
  vcdErrorOf,
  vcdErrorXml,
  vcdErrorXmlType,
} from '../../dialects/vcd-error.ts';
import type { CommandError } from '../../lifecycle/command-error.ts';
import {
  type Answer,
  denied,
  type Fault,
  neverStored,
  type Note,
  refusedNote,
  type RequestHead,
} from '../answer.ts';
import { classifyCommandError, type CommandErrorClass } from '../command-error-class.ts';
import { retryAfterFault, retryAfterOf } from '../retry-after.ts';
import { requestIdOf } from './request-id.ts';

export interface VcdFault extends VcdError {
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

/** How a path says what went wrong. */
export type Tell = (fault: VcdFault, request: RequestHead) => Answer;

export const asJson: Tell = (fault, request) => ({
  status: fault.status,
  headers: { ...neverStored, ...fault.headers },
  body: vcdErrorJson(fault, requestIdOf(request)),
  note: fault.note,
});

const asXml: Tell = (fault, request) => ({
  ...asJson(fault, request),
  body: vcdErrorXml(fault, requestIdOf(request)),
  mediaType: vcdErrorXmlType,
});

/** What the older API answers: XML, or JSON to clients that accept no XML. */
export const asAccepted: Tell = (fault, request) =>
  prefersJson(request.headerLines('accept')) ? asJson(fault, request) : asXml(fault, request);

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

/** The session a request is made with is no good, or may not do that. `identity`: whose it is, where known. */
export const refusedCaller = (refusal: Refusal, identity?: Identity): VcdFault => {
  const error = vcdErrorOf(classifyRefusal(refusal));
  const challenge = error.challenge === undefined ? {} : { 'www-authenticate': error.challenge };
  const headers = { ...challenge, ...retryAfterOf(refusal) };
  return { ...error, headers, note: refusedNote(refusal, identity) };
};

/** The vendor does not tell what is missing from what is forbidden. */
export const forbidden = (note: Note): VcdFault => ({ ...vcdErrorOf('scope_missing'), note });

/** Name and password that are no good; which of the two, nobody is told. */
export const refusedSignIn = (refusal: Refusal): VcdFault =>
  passing(refusal) ?? {
    status: 401,
    code: 'NOT_AUTHENTICATED',
    message: 'This operation is denied. Send user@org and the password as Authorization: Basic.',
    headers: { 'www-authenticate': vcdChallenges },
    note: refusedNote(refusal),
  };

/** A command that cannot be carried out as it is. The vendor does not tell what is missing from what is forbidden. */
export const refusedCommand = ({ code, message }: CommandError, identity: Identity): VcdFault =>
  isForbidden[classifyCommandError(code)]
    ? forbidden(denied('scope_missing', code, identity))
    : badRequest(message, identity);

const isForbidden: Readonly<Record<CommandErrorClass, boolean>> = {
  malformed: false,
  token_gone: true,
  account_unknown: true,
  account_disabled: true,
  too_wide: false,
  too_many: false,
};

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
const passing = (refusal: Refusal): VcdFault | undefined =>
  retryAfterSecondsOf(classifyRefusal(refusal)) === undefined ? undefined : refusedCaller(refusal);
