// Everything that can go wrong on the astra surface, in that vendor's shape. An outage never becomes the caller's fault.

import type { Identity } from '../../decision/identity.ts';
import type { Refusal } from '../../decision/outcome.ts';
import { classifyRefusal, type RefusalClass } from '../../decision/refusal-class.ts';
import {
  type AstraProblem,
  astraProblemBody,
  astraProblemOf,
  astraProblemType,
  type InvalidParam,
} from '../../dialects/astra-problem.ts';
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

interface AstraFault extends AstraProblem {
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

const astraProblem = (fault: AstraFault, { requestId }: Pick<RequestHead, 'requestId'>): Answer => ({
  status: fault.status,
  headers: { ...neverStored, ...fault.headers },
  body: astraProblemBody(fault, requestId),
  mediaType: 'application/problem+json',
  note: fault.note,
});

/** 400, problems/5: what of the query cannot be followed. */
export const invalidQuery = (
  invalidParams: readonly InvalidParam[],
  request: RequestHead,
  identity: Identity,
): Answer =>
  astraProblem(
    {
      status: 400,
      type: astraProblemType(5),
      title: 'Invalid query parameters',
      detail: 'The supplied query parameters are invalid.',
      invalidParams,
      note: denied('request_malformed', invalidParams[0]?.reason, identity),
    },
    request,
  );

/** 400: what is wrong with the body. */
export const badRequest = (detail: string, request: RequestHead, identity: Identity): Answer =>
  astraProblem({ status: 400, detail, note: denied('request_malformed', detail, identity) }, request);

/** 404: the token, or whatever the path leads through. */
export const notFound = (evidence: string, request: RequestHead, identity: Identity): Answer =>
  astraProblem(
    {
      status: 404,
      detail: 'The resource of this path does not exist.',
      note: denied('request_malformed', evidence, identity),
    },
    request,
  );

/** `foreignAccount`: how another org's account is answered. `identity`: who it was, where known. */
export const refused = (
  refusal: Refusal,
  request: RequestHead,
  foreignAccount: 'forbidden' | 'not-found',
  identity?: Identity,
): Answer => {
  const kind = classifyRefusal(refusal);
  const isHidden = kind === 'tenant_mismatch' && foreignAccount === 'not-found';
  const problem = astraProblemOf(isHidden ? 'hidden' : kind);
  const challenge = problem.challenge === undefined ? {} : { 'www-authenticate': problem.challenge };
  return astraProblem(
    {
      ...problem,
      detail: detailsHere[kind] ?? problem.detail,
      headers: { ...challenge, ...retryAfterOf(refusal) },
      note: refusedNote(refusal, identity),
    },
    request,
  );
};

/** What these endpoints are about. */
const detailsHere: Readonly<Partial<Record<RefusalClass, string>>> = {
  session_kind_refused:
    'An API token cannot manage API tokens. Sign in, and send the access token of that session.',
  scope_missing: 'You may not manage these API tokens.',
};

/** A command that cannot be carried out as it is. */
export const refusedCommand = (found: CommandError, request: RequestHead, identity: Identity): Answer => {
  const status = problemStatuses[classifyCommandError(found.code)];
  if (status === 404) return notFound(found.code, request, identity);
  const reason = status === 403 ? 'scope_missing' : 'request_malformed';
  return astraProblem({ status, detail: found.message, note: denied(reason, found.code, identity) }, request);
};

const problemStatuses: Readonly<Record<CommandErrorClass, number>> = {
  malformed: 400,
  token_gone: 404,
  account_unknown: 404,
  account_disabled: 403,
  too_wide: 403,
  too_many: 409,
};

/** Errors met outside the endpoints. */
export const onFault = ({ status, description, note }: Fault, request: RequestHead): Answer =>
  astraProblem({ status, detail: description, headers: retryAfterFault(status), note }, request);
