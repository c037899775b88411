// What a command that cannot be carried out is to a vendor's client: the one classification of command errors that
// the dialects share. A code without a class does not compile. The management API has an answer of its own to each code.

import type { CommandErrorCode } from '../lifecycle/command-error.ts';

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
