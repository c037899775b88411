// Errors of VMware Cloud Director: the same facts in JSON, or in XML where its older API is asked. No I/O.

import { generalAnswer } from '../decision/refusal.ts';
import type { RefusalClass } from '../decision/refusal-class.ts';
import { holdsSecret } from '../decision/secret-shapes.ts';
import { element, xmlMediaType } from './xml.ts';

/** `minorErrorCode`: OAuth's words on the OAuth endpoints, the vendor's elsewhere. */
export type VcdErrorCode =
  | 'invalid_request'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'BAD_REQUEST'
  | 'NOT_AUTHENTICATED'
  | 'ACCESS_TO_RESOURCE_IS_FORBIDDEN'
  | 'RESOURCE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'REQUEST_TOO_LARGE'
  | 'TOO_MANY_REQUESTS'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR';

export interface VcdError {
  readonly status: number;
  readonly code: VcdErrorCode;
  /** For a developer. */
  readonly message: string;
  /** `WWW-Authenticate`; undefined: no such header. */
  readonly challenge?: string | undefined;
}

/** The realms clients of the vendor know. */
export const vcdChallenges = 'Basic realm="vCloud", Bearer realm="vCloud"';

/** The code, and where the vendor's clients need other advice than the general one, the message. */
interface Words {
  readonly code: VcdErrorCode;
  readonly message?: string;
  readonly challenge?: string;
}

const bad: Words = { code: 'BAD_REQUEST' };
const notAuthenticated: Words = {
  code: 'NOT_AUTHENTICATED',
  message: 'This operation is denied. Send the access token of a session as Authorization: Bearer.',
  challenge: vcdChallenges,
};
/** The vendor does not distinguish what is missing from what is forbidden. */
const forbidden: Words = {
  code: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN',
  message: 'Either you need some or all of the rights to perform this operation, or it does not exist.',
};
const outage: Words = {
  code: 'SERVICE_UNAVAILABLE',
  message: 'A part this server depends on does not answer. Try again in a moment.',
};

const words: Readonly<Record<RefusalClass, Words>> = {
  malformed: bad,
  path_ambiguous: bad,
  body_too_large: { code: 'REQUEST_TOO_LARGE' },
  too_slow: bad,
  headers_too_large: bad,
  target_too_long: bad,
  method_refused: forbidden,
  route_refused: forbidden,
  hidden: { code: 'RESOURCE_NOT_FOUND' },
  credential_missing: notAuthenticated,
  credential_invalid: notAuthenticated,
  password_wrong: notAuthenticated,
  session_kind_refused: forbidden,
  scope_missing: forbidden,
  tenant_mismatch: forbidden,
  rate_limited: {
    code: 'TOO_MANY_REQUESTS',
    message: 'Too many tries came from this address, to this account or from this token. Try again later.',
  },
  share_used_up: { code: 'TOO_MANY_REQUESTS' },
  unavailable: outage,
  busy: outage,
  bad_gateway: { code: 'SERVICE_UNAVAILABLE' },
  gateway_timeout: { code: 'SERVICE_UNAVAILABLE' },
  internal: { code: 'INTERNAL_SERVER_ERROR' },
};

export const vcdErrorOf = (kind: RefusalClass): VcdError => {
  const { status, detail } = generalAnswer(kind);
  const { code, message = detail, challenge } = words[kind];
  return { status, code, message, challenge };
};

/** The JSON body; `requestId` as `vcdRequestId` gives it. */
export const vcdErrorJson = (
  { code, message }: VcdError,
  requestId: string,
): Readonly<Record<string, unknown>> => ({
  minorErrorCode: code,
  message: withId(message, requestId),
  stackTrace: null,
});

/** The XML document; its Content-Type is `vcdErrorXmlType`. */
export const vcdErrorXml = ({ status, code, message }: VcdError, requestId: string): string =>
  element('Error', {
    majorErrorCode: String(status),
    minorErrorCode: code,
    message: withId(message, requestId),
    stackTrace: '',
  });

export const vcdErrorXmlType = xmlMediaType('error');

const withId = (message: string, requestId: string): string => `[ ${requestId} ] ${message}`;

/** Answered on every response, so that both sides' logs meet. */
export const vcdRequestIdHeader = 'X-VMWARE-VCLOUD-REQUEST-ID';
export const vcdClientRequestIdHeader = 'X-VMWARE-VCLOUD-CLIENT-REQUEST-ID';

const sane = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** The id a client gave its request; ours, where that could forge a header or a log line. */
export const vcdRequestId = (given: string | undefined, requestId: string): string =>
  given !== undefined && sane.test(given) && !holdsSecret(given) ? given : requestId;

/**
 * Which format of the older API, XML or JSON, Accept lines ask for: XML, unless they name JSON and no XML. They look like
 * `application/*+xml;version=36.0`, `application/*;version=36.0`, or a list with `application/*+json;version=36.0`.
 */
export const prefersJson = (acceptLines: readonly string[]): boolean => {
  const ranges = acceptLines
    .flatMap((line) => line.split(','))
    .map((range) => range.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  return ranges.some((range) => /[/+]json$/.test(range)) && !ranges.some((range) => /[/+]xml$/.test(range));
};
