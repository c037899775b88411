// What the vendors' dialects share: an error is a status, a code and a message, and every class of refusals has one. A dialect
// names only what its clients need beside the general answer. No I/O.

import { generalAnswer } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';

export interface VendorError<Code> {
  readonly status: number;
  readonly code: Code;
  /** For a developer. */
  readonly message: string;
  /** `WWW-Authenticate`; undefined: no such header. */
  readonly challenge?: string | undefined;
}

/** What of a request decides how an error of it is written. */
export interface ErrorReader {
  /** The one in our log. */
  readonly requestId: string;
  readonly headerLines: (name: string) => readonly string[];
}

export interface VendorDialect<Code> {
  /** The code of a status, where no other is given. */
  readonly codeOf: (status: number) => Code;
  /** Where the vendor's clients need another answer than the general one. */
  readonly answers: Readonly<Partial<Record<RefusalClass, Partial<VendorError<Code>>>>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly write: (
    error: VendorError<Code>,
    reader: ErrorReader,
  ) => { readonly mediaType: string; readonly body: unknown };
}

export const errorOfClass = <Code>(
  { codeOf, answers }: VendorDialect<Code>,
  kind: RefusalClass,
): VendorError<Code> => {
  const { status, detail } = generalAnswer(kind);
  return { status, code: codeOf(status), message: detail, ...answers[kind] };
};

export const jsonMediaType = 'application/json; charset=utf-8';

const outage = { message: 'A part this server depends on does not answer. Try again in a moment.' };

/** What no vendor has words of its own for. */
export const outageAnswers = { unavailable: outage, busy: outage };

/** To clients that exchange API tokens. */
export const tooManyTries = {
  message:
    'Too many unknown tokens or wrong client secrets came from this address, or too many sessions from this token. Try again in a minute.',
};
