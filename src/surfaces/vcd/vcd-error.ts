// Everything that can go wrong on the vcd surface, in that vendor's shapes: JSON for most, XML for the legacy paths. An
// error is a `VcdFault`; its path decides which shape it takes. An outage never becomes the caller's fault.

import type { Identity } from '../../decision/identity.ts';
import type { Refusal } from '../../decision/outcome.ts';
import { classifyRefusal } from '../../decision/refusal-class.ts';
import {
  prefersJson,
  vcdChallenges,
  vcdClientRequestIdHeader,
  type VcdError,
  type VcdErrorCode,
  vcdErrorJson,
  vcdErrorOf,
  vcdErrorXml,
  vcdErrorXmlType,
  vcdRequestId,
} from '../../dialects/vcd-error.ts';
import { type CommandError, isCommandError } from '../../lifecycle/command-error.ts';
import {
  type Answer,
  denied,
  type Fault,
  neverStored,
  type Note,
  refusedNote,
  type RequestHead,
} from '../answer.ts';
import {
  classifyCommandError,
  type CommandErrorClass,
  faultHeaders,
  mayPass,
  refusalHeaders,
} from '../failures.ts';

export interface VcdFault extends VcdError {
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

/** The shape of a path's errors. */
export type Respond = (fault: VcdFault, request: RequestHead) => Answer;

/** The id a client gave its request, or ours. */
export const requestIdOf = (request: RequestHead): string =>
  vcdRequestId(request.headerLines(vcdClientRequestIdHeader)[0], request.requestId);

export const asJson: Respond = (fault, request) => ({
  status: fault.status,
  headers: { ...neverStored, ...fault.headers },
  body: vcdErrorJson(fault, requestIdOf(request)),
  note: fault.note,
});

const asXml: Respond = (fault, request) => ({
  ...asJson(fault, request),
  body: vcdErrorXml(fault, requestIdOf(request)),
  mediaType: vcdErrorXmlType,
});

/** What the older API answers: XML, or JSON to clients that accept no XML. */
export const asAccepted: Respond = (fault, request) =>
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

/** A grant that is not valid. Whether it was unknown, expired, revoked or another tenant's is for the log alone. */
export const invalidGrant = (refusal: Refusal, message: string): VcdFault =>
  mayPass(refusal)
    ? faultFrom(refusal)
    : { status: 400, code: 'invalid_grant', message, note: refusedNote(refusal) };

/**
 * The session a request is made with is not valid or may not do that, or the command cannot be carried out as it is.
 * `identity`: whose session it is, where known.
 */
export const faultFrom = (failure: Refusal | CommandError, identity?: Identity): VcdFault => {
  if (isCommandError(failure))
    return isForbidden[classifyCommandError(failure.code)]
      ? forbidden(denied('scope_missing', failure.code, identity))
      : badRequest(failure.message, identity);
  const error = vcdErrorOf(classifyRefusal(failure));
  return {
    ...error,
    headers: refusalHeaders(failure, error.challenge),
    note: refusedNote(failure, identity),
  };
};

const isForbidden: Readonly<Record<CommandErrorClass, boolean>> = {
  malformed: false,
  token_gone: true,
  account_unknown: true,
  account_disabled: true,
  too_wide: false,
  too_many: false,
};

/** The vendor does not distinguish what is missing from what is forbidden. */
export const forbidden = (note: Note): VcdFault => ({ ...vcdErrorOf('scope_missing'), note });

/** A wrong name or password; which of the two, nobody learns. */
export const refusedSignIn = (refusal: Refusal): VcdFault =>
  mayPass(refusal)
    ? faultFrom(refusal)
    : {
        status: 401,
        code: 'NOT_AUTHENTICATED',
        message: 'This operation is denied. Send user@org and the password as Authorization: Basic.',
        headers: { 'www-authenticate': vcdChallenges },
        note: refusedNote(refusal),
      };

/** Met outside the endpoints. */
export const outsideFault = ({ status, description, note }: Fault): VcdFault => ({
  status,
  code: codeOfStatus(status),
  message: description,
  headers: faultHeaders(status),
  note,
});

const codeOfStatus = (status: number): VcdErrorCode => {
  if (status === 405) return 'METHOD_NOT_ALLOWED';
  if (status === 413) return 'REQUEST_TOO_LARGE';
  if (status === 503) return 'SERVICE_UNAVAILABLE';
  return status >= 500 ? 'INTERNAL_SERVER_ERROR' : 'BAD_REQUEST';
};
