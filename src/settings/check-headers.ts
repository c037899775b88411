// Judges the names of headers in the settings: what the API is sent, what carries a credential, what no caller may send, and
// what any caller may.

import { believedFrom } from '../decision/believed-headers.ts';
import { bareCredentialHeaders } from '../decision/credential.ts';
import { foldName, identityFamily } from '../decision/identity-headers.ts';
import { headerName } from './network-readers.ts';
import type { Report } from './parse-fields.ts';
import type { FileFields } from './schema.ts';

/** Headers whose meaning is not ours to change: framing, routing, connection, and what Tollgate sets itself. */
const reservedHeaders = new Set(
  (
    'host content-length transfer-encoding connection keep-alive upgrade te trailer expect proxy-connection ' +
    'proxy-authorization proxy-authenticate authorization cookie forwarded x-forwarded-for x-forwarded-proto ' +
    'x-forwarded-host x-request-id traceparent tracestate content-type content-encoding date range accept'
  ).split(' '),
);

type Headers = Pick<FileFields, 'identity' | 'credential'>;

export const checkHeaders = (fields: Headers, problem: Report): void => {
  checkIdentityHeaders(fields, problem);
  checkStripped(fields, problem);
  checkKept(fields, problem);
};

const checkIdentityHeaders = ({ identity, credential }: Headers, problem: Report): void => {
  const seen = new Map<string, string>();
  for (const header of Object.keys(identity.headers)) {
    const path = ['identity', 'headers', header];
    const folded = foldName(header);
    const same = seen.get(folded);
    if (!headerName.read(header).ok) problem(path, `is not a header name; write ${headerName.expects}`);
    else if (isReserved(folded))
      problem(path, 'has a meaning of its own in HTTP; write a name such as X-Identity-User');
    else if (same !== undefined)
      problem(path, `is the same header as ${same} (case, - and _ do not count); keep one`);
    seen.set(folded, header);
  }
  const isIdentity = identityFamily(Object.keys(identity.headers));
  for (const header of credential.headers) {
    const path = ['credential', 'headers'];
    if (isReserved(foldName(header)))
      problem(path, `${header} has a meaning of its own in HTTP; write a name such as X-Api-Key`);
    else if (isIdentity(header))
      problem(
        path,
        `${header} is an identity header, which no caller may send; write a name such as X-Api-Key`,
      );
  }
};

const checkStripped = ({ identity, credential }: Headers, problem: Report): void => {
  const carriers = new Set([...bareCredentialHeaders, ...credential.headers].map(foldName));
  for (const header of identity.strip) {
    const path = ['identity', 'strip'];
    if (isReserved(foldName(header)))
      problem(path, `${header} has a meaning of its own in HTTP, or is judged by itself; leave it out`);
    else if (carriers.has(foldName(header)))
      problem(path, `${header} carries the credential, and is dealt with by itself; leave it out`);
  }
};

/** What is kept must be stripped by default, and must not be stripped by other settings. */
const checkKept = ({ identity }: Headers, problem: Report): void => {
  const isIdentity = identityFamily([...Object.keys(identity.headers), ...identity.strip]);
  for (const [index, header] of identity.keep.entries()) {
    const path = ['identity', 'keep', index];
    const folded = foldName(header);
    if (isReserved(folded))
      problem(path, `${header} has a meaning of its own in HTTP, or is judged by itself; leave it out`);
    else if (isIdentity(header))
      problem(path, `${header} is in identity.headers or identity.strip; remove it from one of the two`);
    else if (believedFrom(folded) === undefined)
      problem(path, `${header} is not stripped by default, so it goes on already; leave it out`);
  }
};

const isReserved = (folded: string): boolean =>
  reservedHeaders.has(folded) || folded.startsWith('sec-websocket-');
