// Everything that can go wrong on the csp surface, in that vendor's shape. Also navigator's. Of a token, an answer shows
// the last five characters alone; an outage never becomes the caller's fault.

import { denial, type Refusal } from '../../decision/outcome.ts';
import { classifyRefusal } from '../../decision/refusal-class.ts';
import { type CspError, cspErrorBody, type CspErrorWord, cspErrorOf } from '../../dialects/csp-error.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { denied, neverStored, type Note, refusedNote, type Route } from '../answer.ts';
import { basicChallenge, type ClientFault } from '../client-authentication.ts';
import type { Dialect } from '../endpoint.ts';
import {
  classifyCommandError,
  type CommandErrorClass,
  commandErrorNote,
  faultHeaders,
  mayPass,
  refusalHeaders,
} from '../failures.ts';

export interface CspFault extends CspError {
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

export const cspDialect: Dialect<CspFault> = {
  errorOf: (failure, identity) => {
    if (isCommandError(failure)) {
      const [status, word] = commandErrorWords[classifyCommandError(failure.code)];
      const note = commandErrorNote(status, failure, identity);
      return { status, word, description: failure.message, note };
    }
    const error = cspErrorOf(classifyRefusal(failure));
    const headers = refusalHeaders(failure, error.challenge);
    return { ...error, headers, note: refusedNote(failure, identity) };
  },
  respond: (fault, { requestId }) => ({
    status: fault.status,
    headers: { ...neverStored, 'x-request-id': requestId, ...fault.headers },
    body: cspErrorBody(fault, requestId),
    note: fault.note,
  }),
};

const commandErrorWords: Readonly<Record<CommandErrorClass, readonly [status: number, word: CspErrorWord]>> =
  {
    malformed: [400, 'invalid_request'],
    token_gone: [400, 'invalid_request'],
    account_unknown: [403, 'forbidden'],
    account_disabled: [403, 'forbidden'],
    too_wide: [400, 'invalid_scope'],
    too_many: [409, 'conflict'],
  };

/** 400: what the request lacks or contradicts. */
export const badRequest = (description: string): CspFault => ({
  status: 400,
  word: 'invalid_request',
  description,
  note: denied('request_malformed', description),
});

/** A refusal of the API token in the request. Whether it was unknown, expired or revoked is for the log alone. */
export const refusedToken = (refusal: Refusal, token: string): CspFault | Refusal =>
  mayPass(refusal)
    ? refusal
    : {
        status: 400,
        word: 'invalid_grant',
        description: `Invalid refresh token: ${masked(token)}`,
        note: refusedNote(refusal),
      };

export const refusedClient = ({
  fault,
  message,
}: Pick<ClientFault, 'fault' | 'message'>): CspFault | Refusal => {
  if (fault === 'ambiguous') return badRequest(message);
  if (fault === 'limited') return denial('rate_limited', message);
  return {
    status: 401,
    word: 'invalid_client',
    description: 'The client is not authenticated: check client_id and client_secret.',
    headers: { 'www-authenticate': basicChallenge },
    note: denied('client_unknown', message),
  };
};

/** Errors met outside the endpoints. */
export const onFault: Route['onFault'] = ({ status, description, note }, request) => {
  const word = status === 503 ? 'service_unavailable' : status >= 500 ? 'internal_error' : 'invalid_request';
  return cspDialect.respond({ status, word, description, headers: faultHeaders(status), note }, request);
};

/** `xxxx...` and the last five characters; of a short token none, or too much of it would be shown. */
export const masked = (token: string): string =>
  `xxxx...${token.length < 20 ? '' : token.slice(-5).replaceAll(/[^\w+/=.-]/g, '?')}`;
