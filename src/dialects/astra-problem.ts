// Errors of NetApp Astra Control: problem JSON whose `status` is a string. Only the problem types that are documented are
// used; any other is about:blank, with the status's own title (RFC 9457 section 4.2.1). No I/O.

import { STATUS_CODES } from 'node:http';
import { generalAnswer } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';

export interface InvalidParam {
  readonly name: string;
  readonly reason: string;
}

export interface AstraProblem {
  readonly status: number;
  readonly type?: string | undefined;
  readonly title?: string | undefined;
  readonly detail: string;
  readonly invalidParams?: readonly InvalidParam[] | undefined;
  /** `WWW-Authenticate`; undefined: no such header. */
  readonly challenge?: string | undefined;
}

export const astraProblemType = (number: number): string => `https://astra.netapp.io/problems/${number}`;

const bearer = 'Bearer realm="tollgate"';

type Words = Omit<Partial<AstraProblem>, 'status'>;

/** The general advice will do. */
const general: Words = {};
const badToken: Words = {
  detail: 'Send a valid access token as Authorization: Bearer.',
  challenge: `${bearer}, error="invalid_token"`,
};
const outage: Words = { detail: 'A part this server depends on does not answer. Try again in a moment.' };

const words: Readonly<Record<RefusalClass, Words>> = {
  malformed: general,
  path_ambiguous: general,
  body_too_large: general,
  too_slow: general,
  headers_too_large: general,
  target_too_long: general,
  method_refused: general,
  route_refused: general,
  hidden: { detail: 'The resource of this path does not exist.' },
  credential_missing: {
    type: astraProblemType(3),
    title: 'Missing bearer token',
    detail: 'The request is missing the required bearer token.',
    challenge: bearer,
  },
  credential_invalid: badToken,
  password_wrong: badToken,
  session_kind_refused: {
    detail: 'An API token may not do this. Sign in, and send the access token of that session.',
  },
  scope_missing: { detail: 'This token may not do that.' },
  tenant_mismatch: { detail: 'The account is not the one you signed in to.' },
  rate_limited: { detail: 'Too many unknown tokens from this address. Try again in a minute.' },
  share_used_up: general,
  unavailable: outage,
  busy: outage,
  bad_gateway: general,
  gateway_timeout: general,
  internal: general,
};

export const astraProblemOf = (kind: RefusalClass): AstraProblem => ({
  ...generalAnswer(kind),
  ...words[kind],
  status: generalAnswer(kind).status,
});

/** The body; `requestId`: the one in our log. */
export const astraProblemBody = (
  { status, type, title, detail, invalidParams }: AstraProblem,
  requestId: string,
): Readonly<Record<string, unknown>> => ({
  type: type ?? 'about:blank',
  title: title ?? STATUS_CODES[status] ?? 'Error',
  detail,
  status: String(status),
  ...(invalidParams === undefined ? {} : { invalidParams }),
  correlationID: requestId,
});
