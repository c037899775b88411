// Everything that can go wrong on the csp surface, in that vendor's shape. Also navigator's. Of a token, the answer names
// its last five characters alone; an outage never becomes the caller's fault.

import type { Identity } from '../../decision/identity.ts';
import { denial, type Refusal } from '../../decision/outcome.ts';
import { classifyRefusal, retryAfterSecondsOf } from '../../decision/refusal-class.ts';
import { type CspError, cspErrorBody, type CspErrorWord, cspErrorOf } from '../../dialects/csp-error.ts';
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
import { basicChallenge, type ClientFault } from '../client-authentication.ts';
import { classifyCommandError, type CommandErrorClass } from '../command-error-class.ts';
import { retryAfterFault, retryAfterOf } from '../retry-after.ts';

export interface CspFault extends CspError {
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

export const cspError = (fault: CspFault, request: RequestHead): Answer => ({
  status: fault.status,
  headers: { ...neverStored, 'x-request-id': request.requestId, ...fault.headers },
  body: cspErrorBody(fault, request.requestId),
  note: fault.note,
});

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
  retryAfterSecondsOf(classifyRefusal(refusal)) === undefined
    ? cspError(
        {
          status: 400,
          word: 'invalid_grant',
          description: `Invalid refresh token: ${masked(token)}`,
          note: refusedNote(refusal),
        },
        request,
      )
    : refusedCaller(refusal, request);

/** A refusal of the access token a request is made with, or of what it may do. `identity`: whose it is, where known. */
export const refusedCaller = (refusal: Refusal, request: RequestHead, identity?: Identity): Answer => {
  const error = cspErrorOf(classifyRefusal(refusal));
  const challenge = error.challenge === undefined ? {} : { 'www-authenticate': error.challenge };
  const headers = { ...challenge, ...retryAfterOf(refusal) };
  return cspError({ ...error, headers, note: refusedNote(refusal, identity) }, request);
};

/** A command that cannot be carried out as it is. */
export const refusedCommand = (problem: CommandError, request: RequestHead, identity: Identity): Answer => {
  const [status, word] = problemWords[classifyCommandError(problem.code)];
  const note = denied(status === 403 ? 'scope_missing' : 'request_malformed', problem.code, identity);
  return cspError({ status, word, description: problem.message, note }, request);
};

const problemWords: Readonly<Record<CommandErrorClass, readonly [status: number, word: CspErrorWord]>> = {
  malformed: [400, 'invalid_request'],
  token_gone: [400, 'invalid_request'],
  account_unknown: [403, 'forbidden'],
  account_disabled: [403, 'forbidden'],
  too_wide: [400, 'invalid_scope'],
  too_many: [409, 'conflict'],
};

export const refusedClient = (fault: ClientFault, request: RequestHead): Answer => {
  if (fault.fault === 'ambiguous') return badRequest(fault.message, request);
  if (fault.fault === 'limited') return refusedCaller(denial('rate_limited', fault.message), request);
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
