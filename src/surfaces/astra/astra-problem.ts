// Everything that can go wrong on the astra surface, in that vendor's shape. An outage never becomes the caller's fault.

import type { Identity } from '../../decision/identity.ts';
import { classifyRefusal, type RefusalClass } from '../../decision/refusal-class.ts';
import {
  type AstraProblem,
  astraProblemBody,
  astraProblemOf,
  astraProblemType,
  type InvalidParam,
} from '../../dialects/astra-problem.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { AstraSettings } from '../../settings/settings.ts';
import { denied, neverStored, type Note, refusedNote, type Route } from '../answer.ts';
import type { Dialect } from '../endpoint.ts';
import {
  classifyCommandError,
  type CommandErrorClass,
  commandErrorNote,
  faultHeaders,
  refusalHeaders,
} from '../failures.ts';

export interface AstraFault extends AstraProblem {
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

const respond: Dialect<AstraFault>['respond'] = (fault, { requestId }) => ({
  status: fault.status,
  headers: { ...neverStored, ...fault.headers },
  body: astraProblemBody(fault, requestId),
  mediaType: 'application/problem+json',
  note: fault.note,
});

/** `foreignAccount`: how a request for another org's account is answered. */
export const createAstraDialect = ({
  foreignAccount,
}: Pick<AstraSettings, 'foreignAccount'>): Dialect<AstraFault> => ({
  respond,
  errorOf: (failure, identity) => {
    if (isCommandError(failure)) {
      const status = commandErrorStatuses[classifyCommandError(failure.code)];
      if (status === 404) return notFound(failure.code, identity);
      return { status, detail: failure.message, note: commandErrorNote(status, failure, identity) };
    }
    const kind = classifyRefusal(failure);
    const isHidden = kind === 'tenant_mismatch' && foreignAccount === 'not-found';
    const problem = astraProblemOf(isHidden ? 'hidden' : kind);
    return {
      ...problem,
      detail: detailsHere[kind] ?? problem.detail,
      headers: refusalHeaders(failure, problem.challenge),
      note: refusedNote(failure, identity),
    };
  },
});

/** What these endpoints are about. */
const detailsHere: Readonly<Partial<Record<RefusalClass, string>>> = {
  session_kind_refused:
    'An API token cannot manage API tokens. Sign in, and send the access token of that session.',
  scope_missing: 'You may not manage these API tokens.',
};

const commandErrorStatuses: Readonly<Record<CommandErrorClass, number>> = {
  malformed: 400,
  token_gone: 404,
  account_unknown: 404,
  account_disabled: 403,
  too_wide: 403,
  too_many: 409,
};

/** 400, problems/5: what of the query cannot be followed. */
export const invalidQuery = (invalidParams: readonly InvalidParam[], identity: Identity): AstraFault => ({
  status: 400,
  type: astraProblemType(5),
  title: 'Invalid query parameters',
  detail: 'The supplied query parameters are invalid.',
  invalidParams,
  note: denied('request_malformed', invalidParams[0]?.reason, identity),
});

/** 400: what is wrong with the body. */
export const badRequest = (detail: string, identity: Identity): AstraFault => ({
  status: 400,
  detail,
  note: denied('request_malformed', detail, identity),
});

/** 404: the token, or whatever the path leads through. */
export const notFound = (evidence: string, identity?: Identity): AstraFault => ({
  status: 404,
  detail: 'The resource of this path does not exist.',
  note: denied('request_malformed', evidence, identity),
});

/** Errors met outside the endpoints. */
export const onFault: Route['onFault'] = ({ status, description, note }, request) =>
  respond({ status, detail: description, headers: faultHeaders(status), note }, request);
