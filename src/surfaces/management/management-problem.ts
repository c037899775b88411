// Everything that can go wrong on the management surface, as a problem of RFC 9457 with a stable `code`. What was wrong
// with a credential is for the log alone; an outage never becomes the caller's fault.

import { rights } from '../../decision/rights.ts';
import type { Identity } from '../../decision/identity.ts';
import { type DenialReason, isOutage, type Refusal } from '../../decision/outcome.ts';
import { classifyRefusal, type RefusalClass } from '../../decision/refusal-class.ts';
import type { CommandError, CommandErrorCode } from '../../lifecycle/command-error.ts';
import { type Answer, broken, denied, type Fault, type Note, refusedNote } from '../answer.ts';
import { retryAfterFault, retryAfterOf } from '../retry-after.ts';

interface Kind {
  readonly status: number;
  readonly title: string;
  /** For the page of the problem, and where an occurrence has nothing to add. */
  readonly detail: string;
}

const kind = (status: number, title: string, detail: string): Kind => ({ status, title, detail });

/** Of this surface alone; the other codes are the lifecycle's. */
const ownKinds = {
  request_malformed: kind(
    400,
    'The request cannot be read',
    'Send what the description of the operation says; `errors` names what differs.',
  ),
  cursor_malformed: kind(
    400,
    'No such cursor',
    'Take the cursor from `nextCursor` of a listing in the same order, or begin again without one.',
  ),
  media_type_refused: kind(
    415,
    'Not JSON',
    'Send the body as JSON in UTF-8, with `Content-Type: application/json`.',
  ),
  request_too_large: kind(413, 'The request is too large', 'A body has at most 64 KB.'),
  method_refused: kind(405, 'Another method', 'Use a method that `Allow` names.'),
  credential_missing: kind(
    401,
    'No credential',
    'Sign in at `/sessions`, and send the access token as `Authorization: Bearer <token>`.',
  ),
  credential_invalid: kind(
    401,
    'The credential is not valid',
    'It is malformed, unknown, expired or revoked. Sign in again.',
  ),
  sign_in_refused: kind(
    401,
    'Wrong user name or password',
    'There is no such account, or its password is another, or it is disabled.',
  ),
  session_kind_refused: kind(
    403,
    'A person must sign in for this',
    'Sessions made from an API token, and API tokens themselves, may not do this. Sign in with a password, or through your identity provider.',
  ),
  scope_missing: kind(403, 'You may not do that', 'Your roles do not grant the right that this needs.'),
  tenant_mismatch: kind(403, 'Another organization', 'You may act in your own organization only.'),
  session_missing: kind(
    409,
    'No session to end',
    'An API token sent by itself has no session. Revoke the token instead, or leave it.',
  ),
  path_unknown: kind(404, 'No such path', 'See `openapi.json` for those there are.'),
  problem_unknown: kind(404, 'No such problem', 'No problem has that code.'),
  rate_limited: kind(429, 'Too many tries', 'Wait as long as `Retry-After` says, then try again.'),
  unavailable: kind(
    503,
    'Unavailable for the moment',
    'Something this server depends on does not answer. Nothing is wrong with the request: repeat it.',
  ),
  internal: kind(500, 'Something is wrong in this server', 'It has been written down.'),
} as const satisfies Readonly<Record<string, Kind>>;

const malformed = (title: string): Kind => kind(400, title, 'The detail of an answer says what to write.');
const unknown = (title: string): Kind =>
  kind(404, title, 'It does not exist, or belongs to somebody whom you may not see.');
const conflict = (title: string, detail: string): Kind => kind(409, title, detail);
const elsewhere = conflict('It exists already', 'No operation of this surface answers this.');

const lifecycleKinds: Readonly<Record<CommandErrorCode | 'secret_replaced', Kind>> = {
  id_malformed: malformed('No such id'),
  name_malformed: malformed('That cannot be a name'),
  role_malformed: malformed('That cannot be a role'),
  scope_malformed: malformed('That cannot be a scope'),
  lifetime_malformed: malformed('That cannot be a lifetime'),
  page_malformed: malformed('No such page'),
  label_malformed: malformed('That cannot be a label'),
  overlap_malformed: malformed('That cannot be an overlap'),
  idempotency_malformed: malformed('That cannot be an idempotency key'),
  password_malformed: malformed('That cannot be a password'),
  entry_malformed: malformed('The entry cannot be read'),
  secret_malformed: malformed('That cannot be a secret'),
  org_unknown: unknown('No such organization'),
  user_unknown: unknown('No such user'),
  token_unknown: unknown('No such API token'),
  role_unknown: kind(422, 'No such role', 'Write roles that the organization defines.'),
  audience_unknown: kind(422, 'No such audience', 'No operation of this surface answers this.'),
  scope_too_wide: kind(
    403,
    'More than you have',
    'Nobody can grant, or have the secret of, more than they and the token’s user may do.',
  ),
  lifetime_too_long: kind(422, 'Longer than allowed', 'The organization has a maximum; ask for less.'),
  listing_too_large: kind(422, 'Too many to skip', 'Follow the cursor from page to page.'),
  access_token_too_large: kind(
    422,
    'Too many scopes',
    'The access token would be too large. Use fewer roles.',
  ),
  password_wrong: kind(403, 'Wrong present password', 'Write the present password as it is.'),
  session_foreign: kind(403, 'Another issuer’s session', 'No operation of this surface answers this.'),
  idempotency_conflict: kind(
    422,
    'The idempotency key was used',
    'Another request was sent with this key. Use a new key for a new request.',
  ),
  idempotency_unavailable: kind(
    501,
    'No idempotency keys here',
    'This server has no sealing key (`keys.encryptionKey`). Leave the header out, or ask its operator for one.',
  ),
  too_many_tokens: conflict('Too many API tokens', 'Revoke one that is no longer used.'),
  token_revoked: conflict('The API token is revoked', 'For good. Make a new one.'),
  token_expired: conflict('The API token has expired', 'Make a new one.'),
  org_disabled: conflict('The organization is disabled', 'Have it enabled first.'),
  user_disabled: conflict('The user is disabled', 'Enable it first.'),
  org_exists: elsewhere,
  user_exists: elsewhere,
  secret_taken: elsewhere,
  secret_replaced: elsewhere,
  key_mounted: elsewhere,
  key_unknown: elsewhere,
  key_sealed: elsewhere,
};

const kinds: Readonly<Record<string, Kind>> = { ...lifecycleKinds, ...ownKinds };

/** Every code, sorted. */
export const managementCodes: readonly string[] = Object.keys(kinds).sort();

export type OwnCode = keyof typeof ownKinds;
export type ManagementCode = OwnCode | CommandErrorCode;

/** Of the code that a page is asked for; undefined: no such code. */
export const problemKind = (code: string): Kind | undefined =>
  Object.hasOwn(kinds, code) ? kinds[code] : undefined;

export const kindOf = (code: ManagementCode): Kind => {
  const found = kinds[code];
  if (found === undefined) throw new Error(`no kind for ${code}`);
  return found;
};

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

/** Answers in the shape of RFC 9457; `prefix` is that of the surface, where the pages of the problems lie. */
export type Problems = ReturnType<typeof createProblems>;

export const createProblems = (prefix: string) => {
  const answer = ({ code, detail, errors, status, headers, note }: ProblemFacts): Answer => {
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
  };

  return {
    answer,

    /** 400: what the request lacks or contradicts. */
    malformed: (detail: string | undefined, errors?: readonly Difference[], identity?: Identity): Answer =>
      answer({
        code: 'request_malformed',
        detail,
        ...(errors !== undefined && { errors }),
        note: denied('request_malformed', detail ?? errors?.[0]?.detail, identity),
      }),

    /** A caller who is not believed, or may not do what was asked; or a dependency that does not answer. */
    refused: (refusal: Refusal, identity?: Identity): Answer => {
      const code = codes[classifyRefusal(refusal)];
      const evidence = isOutage(refusal) ? undefined : refusal.evidence;
      return answer({
        code,
        detail: code === 'scope_missing' ? scopeDetail(evidence) : undefined,
        headers: { ...challengeOf(code), ...retryAfterOf(refusal) },
        note: refusedNote(refusal, identity),
      });
    },

    /** A command that cannot be carried out as it is. */
    problem: ({ code, message }: CommandError, identity?: Identity): Answer => {
      const reason: DenialReason = kindOf(code).status === 403 ? 'scope_missing' : 'request_malformed';
      return answer({ code, detail: message, note: denied(reason, code, identity) });
    },

    /** Met outside the endpoints. */
    fault: ({ status, description, note }: Fault): Answer =>
      answer({
        code: faultCode(status, note),
        status,
        detail: description,
        headers: retryAfterFault(status),
        note: status === 500 ? broken(note.cause) : note,
      }),
  };
};

const codes: Readonly<Record<RefusalClass, OwnCode>> = {
  malformed: 'request_malformed',
  path_ambiguous: 'request_malformed',
  body_too_large: 'request_too_large',
  too_slow: 'request_malformed',
  headers_too_large: 'request_malformed',
  target_too_long: 'request_malformed',
  method_refused: 'method_refused',
  route_refused: 'request_malformed',
  hidden: 'path_unknown',
  credential_missing: 'credential_missing',
  credential_invalid: 'credential_invalid',
  password_wrong: 'sign_in_refused',
  session_kind_refused: 'session_kind_refused',
  scope_missing: 'scope_missing',
  tenant_mismatch: 'tenant_mismatch',
  rate_limited: 'rate_limited',
  share_used_up: 'rate_limited',
  unavailable: 'unavailable',
  busy: 'unavailable',
  bad_gateway: 'unavailable',
  gateway_timeout: 'unavailable',
  internal: 'internal',
};

/** RFC 6750 section 3. */
const challengeOf = (code: OwnCode): Readonly<Record<string, string>> => {
  const bearer = 'Bearer realm="tollgate"';
  if (code === 'credential_missing' || code === 'sign_in_refused') return { 'www-authenticate': bearer };
  if (code === 'credential_invalid') return { 'www-authenticate': `${bearer}, error="invalid_token"` };
  return code === 'scope_missing' ? { 'www-authenticate': `${bearer}, error="insufficient_scope"` } : {};
};

/** The rights are documented: naming the one that is missing tells nothing about anybody. */
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
