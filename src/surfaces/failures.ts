// How the vendors' dialects answer what went wrong at an endpoint: a refusal, a command error, an error in the dialect's own
// words, or what was met outside. A command error of a code without a class does not compile. The management API has an
// answer of its own to each code. An outage never becomes the caller's fault.

import type { Identity } from '../decision/identity.ts';
import type { Refusal } from '../decision/outcome.ts';
import { classifyRefusal, type RefusalClass, retryAfterSecondsOf } from '../decision/refusal-class.ts';
import { errorOfClass, type VendorDialect, type VendorError } from '../dialects/vendor-error.ts';
import { type CommandError, type CommandErrorCode, isCommandError } from '../lifecycle/command-error.ts';
import { denied, neverStored, type Note, refusedNote, type Route } from './answer.ts';
import type { Dialect } from './endpoint.ts';

type Headers = Readonly<Record<string, string>>;

/** An error in a dialect's own words. Without a code it has that of its status. */
export interface VendorFault<Code> extends Omit<VendorError<Code>, 'code'> {
  readonly code?: Code;
  readonly headers?: Headers;
  readonly note: Note;
}

export interface SurfaceDialect<Code> extends Dialect<VendorFault<Code>> {
  readonly onFault: Route['onFault'];
}

/** How a command error is answered that is not 400 with its message: as a class of refusals, or so and with its message. */
export type CommandAnswers<Code> = Readonly<
  Partial<Record<CommandErrorClass, RefusalClass | { readonly status: number; readonly code?: Code }>>
>;

/** `headersOf`: of every error. */
export const createDialect = <Code>(
  vendor: VendorDialect<Code>,
  commandAnswers: CommandAnswers<NoInfer<Code>>,
): SurfaceDialect<Code> => {
  const respond: Dialect<VendorFault<Code>>['respond'] = (fault, request) => {
    const { status, code = vendor.codeOf(status), message, challenge, headers, note } = fault;
    return {
      status,
      headers: { ...neverStored, ...challengeHeader(challenge), ...headers },
      ...vendor.write({ status, code, message }, request),
      note,
    };
  };
  return {
    respond,
    errorOf: (failure, identity) => {
      if (!isCommandError(failure))
        return {
          ...errorOfClass(vendor, classifyRefusal(failure)),
          headers: refusalHeaders(failure),
          note: refusedNote(failure, identity),
        };
      const answer = commandAnswers[classifyCommandError(failure.code)] ?? { status: 400 };
      const error =
        typeof answer === 'string' ? errorOfClass(vendor, answer) : { ...answer, message: failure.message };
      return { ...error, note: commandErrorNote(error.status, failure, identity) };
    },
    onFault: ({ status, description: message, note }, request) =>
      respond({ status, message, headers: faultHeaders(status), note }, request),
  };
};

export const isFault = <Fault extends VendorFault<unknown>>(value: object | Fault): value is Fault =>
  'message' in value && 'note' in value;

/** 400: what the request lacks or contradicts. `identity`: whose it is, where that is known. */
export const badRequest = (message: string, identity?: Identity) => ({
  status: 400,
  message,
  note: denied('request_malformed', message, identity),
});

/**
 * A refusal of what a request presents, answered by `error`: whether it was unknown, expired or revoked is for the log alone.
 * One that may pass by itself stays what it is.
 */
export const refusedAs = <Code>(
  refusal: Refusal,
  error: Omit<VendorFault<Code>, 'note'>,
): VendorFault<Code> | Refusal =>
  retryAfterSecondsOf(classifyRefusal(refusal)) === undefined
    ? { ...error, note: refusedNote(refusal) }
    : refusal;

const challengeHeader = (challenge: string | undefined): Headers =>
  challenge === undefined ? {} : { 'www-authenticate': challenge };

/** `Retry-After` where it may pass by itself, as long as on the proxied path; and the challenge, where there is one. */
export const refusalHeaders = (refusal: Refusal, challenge?: string): Headers => {
  const seconds = retryAfterSecondsOf(classifyRefusal(refusal));
  return {
    ...challengeHeader(challenge),
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
    case 'email_malformed':
    case 'reminder_malformed':
    case 'would_lock_out':
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
    case 'address_malformed':
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
