// What the dialects share of answering a failure: which headers go with it, what the outcome record says of it, and what a
// command error is to a vendor's client. A code without a class does not compile. The management API has an answer of its
// own to each code.

import type { Identity } from '../decision/identity.ts';
import type { Refusal } from '../decision/outcome.ts';
import { classifyRefusal, retryAfterSecondsOf } from '../decision/refusal-class.ts';
import type { CommandError, CommandErrorCode } from '../lifecycle/command-error.ts';
import { denied, type Note } from './answer.ts';

type Headers = Readonly<Record<string, string>>;

/** Whether a refusal may pass by itself, so that the caller may retry. */
export const mayPass = (refusal: Refusal): boolean =>
  retryAfterSecondsOf(classifyRefusal(refusal)) !== undefined;

/** `Retry-After` where it may pass by itself, as long as on the proxied path; and the challenge, where there is one. */
export const refusalHeaders = (refusal: Refusal, challenge?: string): Headers => {
  const seconds = retryAfterSecondsOf(classifyRefusal(refusal));
  return {
    ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
  };
};

/** The same of an error met outside the endpoints, by its status: a 503 may pass by itself. */
export const faultHeaders = (status: number): Headers => (status === 503 ? { 'retry-after': '1' } : {});

export const commandErrorNote = (
  status: number,
  { code }: Pick<CommandError, 'code'>,
  identity?: Identity,
): Note => denied(status === 403 ? 'scope_missing' : 'request_malformed', code, identity);

export type CommandErrorClass =
  | 'malformed'
  /** The API token does not exist, or no longer does. */
  | 'token_gone'
  | 'account_unknown'
  | 'account_disabled'
  /** More than the caller has itself. */
  | 'too_wide'
  | 'too_many';

export const classifyCommandError = (code: CommandErrorCode): CommandErrorClass => {
  switch (code) {
    case 'token_unknown':
    case 'token_revoked':
      return 'token_gone';
    case 'org_unknown':
    case 'user_unknown':
      return 'account_unknown';
    case 'org_disabled':
    case 'user_disabled':
      return 'account_disabled';
    case 'scope_too_wide':
      return 'too_wide';
    case 'too_many_tokens':
      return 'too_many';
    case 'id_malformed':
    case 'name_malformed':
    case 'role_malformed':
    case 'scope_malformed':
    case 'lifetime_malformed':
    case 'page_malformed':
    case 'org_exists':
    case 'user_exists':
    case 'role_unknown':
    case 'lifetime_too_long':
    case 'audience_unknown':
    case 'session_foreign':
    case 'access_token_too_large':
    case 'entry_malformed':
    case 'secret_malformed':
    case 'secret_taken':
    case 'secret_replaced':
    case 'key_mounted':
    case 'key_unknown':
    case 'key_sealed':
    case 'label_malformed':
    case 'token_expired':
    case 'overlap_malformed':
    case 'idempotency_malformed':
    case 'idempotency_unavailable':
    case 'idempotency_conflict':
    case 'listing_too_large':
    case 'password_malformed':
    case 'password_wrong':
      return 'malformed';
  }
};
