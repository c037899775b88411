// Errors of NetApp Astra Control: problem JSON whose `status` is a string. Only the problem types that are documented are
// used; any other is about:blank, with the status's own title (RFC 9457 section 4.2.1). No I/O.

import { STATUS_CODES } from 'node:http';
import { outageAnswers, type VendorDialect } from './vendor-error.ts';

export interface InvalidParam {
  readonly name: string;
  readonly reason: string;
}

/** What sets one problem apart from another of its status. */
export interface AstraCode {
  readonly type?: string;
  readonly title?: string;
  readonly invalidParams?: readonly InvalidParam[];
}

export const astraProblemType = (number: number): string => `https://astra.netapp.io/problems/${number}`;

const bearer = 'Bearer realm="tollgate"';

const badToken = {
  message: 'Send a valid access token as Authorization: Bearer.',
  challenge: `${bearer}, error="invalid_token"`,
};

export const astra: VendorDialect<AstraCode> = {
  codeOf: () => ({}),
  answers: {
    body_too_large: { code: { title: 'Content Too Large' } },
    hidden: { message: 'The resource of this path does not exist.' },
    credential_missing: {
      code: { type: astraProblemType(3), title: 'Missing bearer token' },
      message: 'The request is missing the required bearer token.',
      challenge: bearer,
    },
    credential_invalid: badToken,
    password_wrong: badToken,
    session_kind_refused: {
      message: 'An API token may not do this. Sign in, and send the access token of that session.',
    },
    scope_missing: { message: 'This token may not do that.' },
    tenant_mismatch: { message: 'The account is not the one you signed in to.' },
    rate_limited: { message: 'Too many unknown tokens from this address. Try again in a minute.' },
    ...outageAnswers,
  },
  write: ({ status, code, message }, { requestId }) => ({
    mediaType: 'application/problem+json',
    body: {
      type: code.type ?? 'about:blank',
      title: code.title ?? STATUS_CODES[status] ?? 'Error',
      detail: message,
      status: String(status),
      ...(code.invalidParams !== undefined && { invalidParams: code.invalidParams }),
      correlationID: requestId,
    },
  }),
};
