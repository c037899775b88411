// The two ids that follow a request through logs: X-Request-Id and traceparent. Carried when sane, made otherwise;
// made ones are unique, not secret.

import { randomBytes } from 'node:crypto';
import { holdsSecret } from '../decision/secret-shapes.ts';

/** Ids that fit a log line and a header as they are. */
const saneRequestId = /^[A-Za-z0-9._~:+/=@-]{1,128}$/;

/** W3C Trace Context section 3.2: version `00` exactly; later versions may add fields; all-zero ids are invalid. */
const saneTraceparent =
  /^(?:00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}|(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[ -~]{0,64})?)$/;

const processPrefix = randomBytes(8).toString('hex');
let made = 0;

/** The caller's id when it is sane and holds no secret, else `<16 hex of this process>-<count>`. */
export const requestIdOf = (received: string | undefined): string =>
  received !== undefined && saneRequestId.test(received) && !holdsSecret(received)
    ? received
    : `${processPrefix}-${(made++).toString(36)}`;

export const isSaneTraceparent = (received: string | undefined): received is string =>
  received !== undefined && saneTraceparent.test(received) && !holdsSecret(received);

/** Hex digits of a trace id and a span id. */
const traceDigits = 48;
let pool = '';
let used = 0;

/** A new, unsampled trace: 16 and 8 random bytes, drawn so that one system call and one encoding serve 128 of them. */
export const makeTraceparent = (): string => {
  if (used === pool.length) {
    pool = randomBytes(64 * traceDigits).toString('hex');
    used = 0;
  }
  const spanAt = used + 32;
  const traceparent = `00-${pool.slice(used, spanAt)}-${pool.slice(spanAt, spanAt + 16)}-00`;
  used += traceDigits;
  return traceparent;
};
