// Everything that can go wrong on the astra surface, in that vendor's shape: problem JSON whose `status` is a string.
// Only the two problem types that are documented are used; any other is about:blank, with the status's own title
// (RFC 9457 section 4.2.1). An outage never becomes the caller's fault.

import { STATUS_CODES } from 'node:http';
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
  type RequestHead,
} from '../answer.ts';
import { retryAfterFault, retryAfterOf } from '../retry-after.ts';

export interface InvalidParam {
  readonly name: string;
  readonly reason: string;
}

interface AstraFault {
  readonly status: number;
  readonly type?: string;
  readonly title?: string;
  readonly detail: string;
  readonly invalidParams?: readonly InvalidParam[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

const problemType = (number: number): string => `https://astra.netapp.io/problems/${number}`;

const astraProblem = (fault: AstraFault, { requestId }: Pick<RequestHead, 'requestId'>): Answer => ({
  status: fault.status,
  headers: { ...neverStored, ...fault.headers },
  body: {
    type: fault.type ?? 'about:blank',
    title: fault.title ?? STATUS_CODES[fault.status] ?? 'Error',
    detail: fault.detail,
    status: String(fault.status),
    ...(fault.invalidParams === undefined ? {} : { invalidParams: fault.invalidParams }),
    correlationID: requestId,
  },
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
      type: problemType(5),
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

/** `foreignAccount`: what another org's account is answered. `identity`: who it was, where known. */
export const refused = (
  refusal: Refusal,
  request: RequestHead,
  foreignAccount: 'forbidden' | 'not-found',
  identity?: Identity,
): Answer => {
  if (isOutage(refusal))
    return astraProblem(
      {
        status: 503,
        detail: 'A part this server depends on does not answer. Try again in a moment.',
        headers: retryAfterOf(refusal),
        note: failed(refusal),
      },
      request,
    );
  const note = denied(refusal.reason, refusal.evidence, identity);
  const { reason } = refusal;
  if (reason === 'credential_missing')
    return astraProblem({ ...missingToken, headers: { 'www-authenticate': challenge }, note }, request);
  if (reason === 'rate_limited')
    return astraProblem({ ...tooMany, headers: retryAfterOf(refusal), note }, request);
  if (reason === 'session_kind_refused') return astraProblem({ ...notByToken, note }, request);
  if (reason === 'tenant_mismatch')
    return astraProblem({ ...(foreignAccount === 'not-found' ? noAccount : otherAccount), note }, request);
  if (reason === 'scope_missing') return astraProblem({ ...notAllowed, note }, request);
  return astraProblem(
    { ...badToken, headers: { 'www-authenticate': `${challenge}, error="invalid_token"` }, note },
    request,
  );
};

const challenge = 'Bearer realm="tollgate"';

const missingToken = {
  status: 401,
  type: problemType(3),
  title: 'Missing bearer token',
  detail: 'The request is missing the required bearer token.',
};
const badToken = { status: 401, detail: 'Send a valid access token as Authorization: Bearer.' };
const notByToken = {
  status: 403,
  detail: 'An API token cannot manage API tokens. Sign in, and send the access token of that session.',
};
const notAllowed = { status: 403, detail: 'You may not manage these API tokens.' };
const otherAccount = { status: 403, detail: 'The account is not the one you signed in to.' };
const noAccount = { status: 404, detail: 'The resource of this path does not exist.' };
const tooMany = { status: 429, detail: 'Too many unknown tokens from this address. Try again in a minute.' };

/** An order that cannot be carried out as it is. */
export const refusedOrder = (found: Problem, request: RequestHead, identity: Identity): Answer => {
  const status = statusOf(found.code);
  if (status === 404) return notFound(found.code, request, identity);
  const reason = status === 403 ? 'scope_missing' : 'request_malformed';
  return astraProblem({ status, detail: found.message, note: denied(reason, found.code, identity) }, request);
};

const statusOf = (code: ProblemCode): number => {
  if (['token_unknown', 'token_revoked', 'org_unknown', 'user_unknown'].includes(code)) return 404;
  if (code === 'org_disabled' || code === 'user_disabled' || code === 'scope_too_wide') return 403;
  return code === 'too_many_tokens' || code === 'name_taken' ? 409 : 400;
};

/** Errors met outside the endpoints. */
export const onFault = ({ status, description, note }: Fault, request: RequestHead): Answer =>
  astraProblem({ status, detail: description, headers: retryAfterFault(status), note }, request);
