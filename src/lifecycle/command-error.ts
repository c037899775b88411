// What can be wrong with a command: a value with a stable code and a message that teaches.
// A command error is the caller's to mend; an Outage is a dependency's. Messages quote names, never secrets.

import { isRefusal, type Refusal } from '../decision/outcome.ts';

/** Stable codes: scripts and surfaces match on them, so a code is never renamed. */
export type CommandErrorCode =
  | 'id_malformed'
  | 'name_malformed'
  | 'role_malformed'
  | 'scope_malformed'
  | 'lifetime_malformed'
  | 'page_malformed'
  | 'email_malformed'
  | 'reminder_malformed'
  | 'would_lock_out'
  | 'org_exists'
  | 'org_unknown'
  | 'org_disabled'
  | 'user_exists'
  | 'user_unknown'
  | 'user_disabled'
  | 'role_unknown'
  | 'scope_too_wide'
  | 'lifetime_too_long'
  | 'audience_unknown'
  | 'session_foreign'
  | 'access_token_too_large'
  | 'token_unknown'
  | 'entry_malformed'
  | 'secret_malformed'
  | 'secret_taken'
  | 'secret_replaced'
  | 'key_mounted'
  | 'key_unknown'
  | 'key_sealed'
  | 'label_malformed'
  | 'address_malformed'
  | 'too_many_tokens'
  | 'token_revoked'
  | 'token_expired'
  | 'overlap_malformed'
  | 'idempotency_malformed'
  | 'idempotency_unavailable'
  | 'idempotency_conflict'
  | 'listing_too_large'
  | 'password_malformed'
  | 'password_wrong';

export interface CommandError<Code extends CommandErrorCode = CommandErrorCode> {
  readonly kind: 'command_error';
  readonly code: Code;
  /** One or two sentences: what is wrong, and what to write instead. */
  readonly message: string;
}

export const commandError = <Code extends CommandErrorCode>(
  code: Code,
  message: string,
): CommandError<Code> => ({
  kind: 'command_error',
  code,
  message,
});

/** Whether a value is a command error. Works on any union, so callers can narrow `T | CommandError | Outage`. */
export const isCommandError = (value: unknown): value is CommandError =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'command_error';

/** Whether a command was not carried out, whosever fault that is. */
export const isFailure = (value: unknown): value is Refusal | CommandError =>
  isRefusal(value) || isCommandError(value);
