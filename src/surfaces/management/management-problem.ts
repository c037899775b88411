// Everything that can go wrong on the management surface, as a problem of RFC 9457. What was wrong with a credential is for
// the log alone; an outage never becomes the caller's fault.

import type { Identity } from '../../decision/identity.ts';
import { isOutage } from '../../decision/outcome.ts';
import { classifyRefusal, type RefusalClass } from '../../decision/refusal-class.ts';
import { rights } from '../../decision/rights.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { broken, denied, type Note, refusedNote, type Route } from '../answer.ts';
import type { Dialect } from '../endpoint.ts';
import { commandErrorNote, faultHeaders, refusalHeaders } from '../failures.ts';
import { kindOf, type ManagementCode, type OwnCode } from './problem-kinds.ts';

/** One thing that differs from what the operation asks for: where, as RFC 6901 pointer into the body or as a name. */
export interface Difference {
  readonly detail: string;
  readonly pointer?: string;
  readonly parameter?: string;
  readonly header?: string;
}

export interface ProblemFacts {
  readonly code: ManagementCode;
  readonly detail?: string | undefined;
  readonly errors?: readonly Difference[];
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly note: Note;
}

/** `prefix`: that of the surface, where the pages of the problems lie. */
export const createManagementDialect = (prefix: string): Dialect<ProblemFacts> => ({
  errorOf: (failure, identity) => {
    if (isCommandError(failure)) {
      const { code, message } = failure;
      return { code, detail: message, note: commandErrorNote(kindOf(code).status, failure, identity) };
    }
    const code = codes[classifyRefusal(failure)];
    const evidence = isOutage(failure) ? undefined : failure.evidence;
    return {
      code,
      detail: code === 'scope_missing' ? scopeDetail(evidence) : undefined,
      headers: refusalHeaders(failure, challengeOf(code)),
      note: refusedNote(failure, identity),
    };
  },
  respond: ({ code, detail, errors, status, headers, note }) => {
    const { status: usual, title, detail: general } = kindOf(code);
    return {
      status: status ?? usual,
      headers: { 'cache-control': 'no-store', ...headers },
      mediaType: 'application/problem+json',
      body: {
        type: `${prefix}/problems/${code}`,
        title,
        status: status ?? usual,
        detail: detail ?? general,
        code,
        ...(errors !== undefined && { errors }),
      },
      note,
    };
  },
});

/** A problem of this surface itself. */
export const ownProblem = (code: ManagementCode, identity?: Identity): ProblemFacts => ({
  code,
  note: denied('request_malformed', code, identity),
});

/** 400: what the request lacks or contradicts. */
export const malformed = (
  detail: string | undefined,
  errors: readonly Difference[] | undefined,
  identity: Identity | undefined,
): ProblemFacts => ({
  code: 'request_malformed',
  detail,
  ...(errors !== undefined && { errors }),
  note: denied('request_malformed', detail ?? errors?.[0]?.detail, identity),
});

/** Errors met outside the endpoints. */
export const createOnFault =
  ({ respond }: Dialect<ProblemFacts>): Route['onFault'] =>
  ({ status, description, note }, request) =>
    respond(
      {
        code: faultCode(status, note),
        status,
        detail: description,
        headers: faultHeaders(status),
        note: status === 500 ? broken(note.cause) : note,
      },
      request,
    );

const codes: Readonly<Record<RefusalClass, OwnCode>> = {
  malformed: 'request_malformed',
  path_ambiguous: 'request_malformed',
  body_too_large: 'request_too_large',
  too_slow: 'request_malformed',
  headers_too_large: 'request_malformed',
  target_too_long: 'request_malformed',
  method_refused: 'method_refused',
  method_not_allowed: 'method_refused',
  route_refused: 'request_malformed',
  hidden: 'path_unknown',
  credential_missing: 'credential_missing',
  credential_invalid: 'credential_invalid',
  password_wrong: 'sign_in_refused',
  session_kind_refused: 'session_kind_refused',
  origin_refused: 'origin_refused',
  address_refused: 'address_refused',
  scope_missing: 'scope_missing',
  tenant_mismatch: 'tenant_mismatch',
  loop: 'request_malformed',
  rate_limited: 'rate_limited',
  over_limit: 'rate_limited',
  over_quota: 'rate_limited',
  share_used_up: 'rate_limited',
  unavailable: 'unavailable',
  busy: 'unavailable',
  bad_gateway: 'unavailable',
  gateway_timeout: 'unavailable',
  internal: 'internal',
};

/** RFC 6750 section 3. */
const challengeOf = (code: OwnCode): string | undefined => {
  const bearer = 'Bearer realm="tollgate"';
  if (code === 'credential_missing' || code === 'sign_in_refused') return bearer;
  if (code === 'credential_invalid') return `${bearer}, error="invalid_token"`;
  return code === 'scope_missing' ? `${bearer}, error="insufficient_scope"` : undefined;
};

/** The rights are documented: naming the one that is missing reveals nothing. */
const scopeDetail = (wanted: string | undefined): string | undefined =>
  Object.values<string | undefined>(rights).includes(wanted)
    ? `This needs the right ${wanted}, which a role of yours must grant.`
    : undefined;

const faultCode = (status: number, note: Note): OwnCode => {
  if (status === 413) return 'request_too_large';
  if (status === 405) return 'method_refused';
  if (status >= 500) return note.result === 'outage' ? 'unavailable' : 'internal';
  return 'request_malformed';
};
