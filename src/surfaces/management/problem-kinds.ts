// Every problem that the management surface can answer (RFC 9457), by its stable `code`: status, title and advice. The answers,
// their pages and the description are made of this table.

import type { CommandErrorCode } from '../../lifecycle/command-error.ts';

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** For the page of the problem, and where an occurrence has nothing to add. */
  readonly detail: string;
}

const kind = (status: number, title: string, detail: string): ProblemKind => ({ status, title, detail });

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
  address_refused: kind(
    403,
    'Not from this address',
    'Your API token may be used from some networks only, and this address is in none of them.',
  ),
  scope_missing: kind(403, 'You may not do that', 'Your roles do not grant the right that this needs.'),
  tenant_mismatch: kind(403, 'Another organization', 'You may act in your own organization only.'),
  session_missing: kind(
    409,
    'No session to end',
    'An API token sent by itself has no session. Revoke the token instead, or leave it.',
  ),
  origin_refused: kind(
    403,
    'Another page sent this',
    'The console takes requests of its own pages only. Open the console itself; where a proxy stands before it, its setting `origin` must say how browsers see the console.',
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
} as const satisfies Readonly<Record<string, ProblemKind>>;

const malformed = (title: string): ProblemKind =>
  kind(400, title, 'The detail of an answer says what to write.');
const unknown = (title: string): ProblemKind =>
  kind(404, title, 'It does not exist, or belongs to somebody whom you may not see.');
const conflict = (title: string, detail: string): ProblemKind => kind(409, title, detail);
const existing = conflict('It exists already', 'Change it, or choose another id.');
const mounted = conflict('The key is mounted as a file', 'Its operator replaces the file.');
const elsewhere = conflict('It exists already', 'No operation of this surface answers this.');

const lifecycleKinds: Readonly<Record<CommandErrorCode | 'secret_replaced', ProblemKind>> = {
  id_malformed: malformed('No such id'),
  name_malformed: malformed('That cannot be a name'),
  role_malformed: malformed('That cannot be a role'),
  scope_malformed: malformed('That cannot be a scope'),
  email_malformed: malformed('That cannot be an e-mail address'),
  reminder_malformed: malformed('Those cannot be reminders'),
  lifetime_malformed: malformed('That cannot be a lifetime'),
  page_malformed: malformed('No such page'),
  label_malformed: malformed('That cannot be a label'),
  address_malformed: malformed('Those cannot be networks'),
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
  would_lock_out: conflict(
    'You would lock yourself out',
    'Have somebody else do it who has the right that you would lose.',
  ),
  org_exists: existing,
  user_exists: existing,
  secret_taken: elsewhere,
  secret_replaced: elsewhere,
  key_mounted: mounted,
  key_unknown: unknown('No such signing key'),
  key_sealed: conflict(
    'The present key cannot be opened',
    'This server has another sealing key than the others (`keys.encryptionKey`). Give it theirs.',
  ),
};

const kinds: Readonly<Record<string, ProblemKind>> = { ...lifecycleKinds, ...ownKinds };

/** Every code, sorted. */
export const managementCodes: readonly string[] = Object.keys(kinds).sort();

export type OwnCode = keyof typeof ownKinds;
export type ManagementCode = OwnCode | CommandErrorCode;

/** Of the code that a page is asked for; undefined: no such code. */
export const problemKind = (code: string): ProblemKind | undefined =>
  Object.hasOwn(kinds, code) ? kinds[code] : undefined;

export const kindOf = (code: ManagementCode): ProblemKind => {
  const found = kinds[code];
  if (found === undefined) throw new Error(`no kind for ${code}`);
  return found;
};
