// Errors of VMware Cloud Director: the same facts in JSON, or in XML where its older API is asked. No I/O.

import { holdsSecret } from '../decision/secret-shapes.ts';
import { type ErrorReader, jsonMediaType, outageAnswers, type VendorDialect } from './vendor-error.ts';
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

const codeOf = (status: number): VcdErrorCode => {
  if (status > 500) return 'SERVICE_UNAVAILABLE';
  return statusCodes[status] ?? 'BAD_REQUEST';
};

const statusCodes: Readonly<Record<number, VcdErrorCode>> = {
  401: 'NOT_AUTHENTICATED',
  403: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN',
  404: 'RESOURCE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'REQUEST_TOO_LARGE',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL_SERVER_ERROR',
};

/** The realms clients of the vendor know. */
export const vcdChallenges = 'Basic realm="vCloud", Bearer realm="vCloud"';

const notAuthenticated = {
  message: 'This operation is denied. Send the access token of a session as Authorization: Bearer.',
  challenge: vcdChallenges,
};
/** The vendor does not distinguish what is missing from what is forbidden. */
const forbidden = {
  message: 'Either you need some or all of the rights to perform this operation, or it does not exist.',
};

export const vcd: VendorDialect<VcdErrorCode> = {
  codeOf,
  answers: {
    method_refused: forbidden,
    route_refused: forbidden,
    credential_missing: notAuthenticated,
    credential_invalid: notAuthenticated,
    password_wrong: notAuthenticated,
    session_kind_refused: forbidden,
    origin_refused: forbidden,
    address_refused: forbidden,
    scope_missing: forbidden,
    tenant_mismatch: forbidden,
    rate_limited: {
      message: 'Too many tries came from this address, to this account or from this token. Try again later.',
    },
    ...outageAnswers,
  },
  write: ({ code, message }, reader) => ({
    mediaType: jsonMediaType,
    body: { minorErrorCode: code, message: withId(message, reader), stackTrace: null },
  }),
};

/** The older API, all that lies below `/api`: XML, unless the request asks for JSON. */
export const olderVcd: VendorDialect<VcdErrorCode> = {
  ...vcd,
  write: (error, reader) => {
    if (prefersJson(reader.headerLines('accept'))) return vcd.write(error, reader);
    const { status, code, message } = error;
    const attributes = {
      majorErrorCode: String(status),
      minorErrorCode: code,
      message: withId(message, reader),
      stackTrace: '',
    };
    return { mediaType: xmlMediaType('error'), body: element('Error', attributes) };
  },
};

const withId = (message: string, reader: ErrorReader): string => `[ ${vcdRequestId(reader)} ] ${message}`;

/** Answered on every response, so that both sides' logs meet. */
export const vcdRequestIdHeader = 'X-VMWARE-VCLOUD-REQUEST-ID';

const sane = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** The id a client gave its request; ours, where that could forge a header or a log line. */
export const vcdRequestId = ({ headerLines, requestId }: ErrorReader): string => {
  const [given] = headerLines('X-VMWARE-VCLOUD-CLIENT-REQUEST-ID');
  return given !== undefined && sane.test(given) && !holdsSecret(given) ? given : requestId;
};

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
