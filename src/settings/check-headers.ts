// Judges the names of headers in the settings: what the API is sent, what carries a credential, what no caller may send, and
// what any caller may.

import { believedFrom } from '../decision/believed-headers.ts';
import { bareCredentialHeaders } from '../decision/credential.ts';
import { foldName, identityFamily } from '../decision/identity-headers.ts';
import { check } from './check.ts';
import { headerName } from './network-readers.ts';
import type { Report } from './settings-issue.ts';
import type { FileFields } from './schema.ts';

/** Headers whose meaning is not ours to change: framing, routing, connection, and what Tollgate sets itself. */
const reservedHeaders = new Set(
  (
    'host content-length transfer-encoding connection keep-alive upgrade te trailer expect proxy-connection ' +
    'proxy-authorization proxy-authenticate authorization cookie forwarded x-forwarded-for x-forwarded-proto ' +
    'x-forwarded-host x-request-id traceparent tracestate content-type content-encoding date range accept'
  ).split(' '),
);

const isReserved = (header: string): boolean => {
  const folded = foldName(header);
  return reservedHeaders.has(folded) || folded.startsWith('sec-websocket-');
};

export const headerCheck = check(['identity', 'credential'], ({ identity, credential }, problem) => {
  const headers = Object.keys(identity.headers);
  checkIdentityHeaders(headers, problem);
  const isIdentity = identityFamily(headers);
  for (const header of credential.headers) {
    const fault = isReserved(header)
      ? 'has a meaning of its own in HTTP'
      : isIdentity(header)
        ? 'is an identity header, which no caller may send'
        : undefined;
    if (fault !== undefined)
      problem(['credential', 'headers'], `${header} ${fault}; write a name such as X-Api-Key`);
  }
  const carriers = new Set([...bareCredentialHeaders, ...credential.headers].map(foldName));
  for (const header of identity.strip) {
    const fault = isReserved(header)
      ? 'has a meaning of its own in HTTP, or is judged by itself'
      : carriers.has(foldName(header))
        ? 'carries the credential, and is dealt with by itself'
        : undefined;
    if (fault !== undefined) problem(['identity', 'strip'], `${header} ${fault}; leave it out`);
  }
  checkKept(identity, problem);
});

const checkIdentityHeaders = (headers: readonly string[], problem: Report): void => {
  const seen = new Map<string, string>();
  for (const header of headers) {
    const path = ['identity', 'headers', header];
    const folded = foldName(header);
    const same = seen.get(folded);
    if (!headerName.read(header).ok) problem(path, `is not a header name; write ${headerName.expects}`);
    else if (isReserved(header))
      problem(path, 'has a meaning of its own in HTTP; write a name such as X-Identity-User');
    else if (same !== undefined)
      problem(path, `is the same header as ${same} (case, - and _ do not count); keep one`);
    seen.set(folded, header);
  }
};

/** What is kept must be stripped by default, and must not be stripped by other settings. */
const checkKept = ({ headers, strip, keep }: FileFields['identity'], problem: Report): void => {
  const isIdentity = identityFamily([...Object.keys(headers), ...strip]);
  for (const [index, header] of keep.entries()) {
    const path = ['identity', 'keep', index];
    if (isReserved(header))
      problem(path, `${header} has a meaning of its own in HTTP, or is judged by itself; leave it out`);
    else if (isIdentity(header))
      problem(path, `${header} is in identity.headers or identity.strip; remove it from one of the two`);
    else if (believedFrom(foldName(header)) === undefined)
      problem(path, `${header} is not stripped by default, so it goes on already; leave it out`);
  }
};
