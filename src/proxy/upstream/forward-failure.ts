// undici's errors, translated once, by code, into the outages the rest of the proxy knows. The cause is kept for the log.

import { type Outage, outage } from '../../decision/outcome.ts';
import type { OutageReason } from '../../decision/refusal-class.ts';

/** `responseBegan`: bytes of a response had been read, so a lost connection means a broken answer, not a missing upstream. */
export const outageOf = (error: Error, responseBegan: boolean): Outage => {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const reason = reasons[code];
  if (reason !== undefined) return outage(reason, error);
  return outage(
    responseBegan || code.startsWith('HPE_') ? 'upstream_invalid' : 'upstream_unreachable',
    error,
  );
};

/** The request cannot be expressed: a header or method that hygiene should have refused. A bug, not an outage. */
export const isMisuse = (error: Error): boolean =>
  'code' in error && (error.code === 'UND_ERR_INVALID_ARG' || error.code === 'UND_ERR_NOT_SUPPORTED');

const reasons: Readonly<Record<string, OutageReason>> = {
  UND_ERR_CONNECT_TIMEOUT: 'upstream_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'upstream_timeout',
  UND_ERR_BODY_TIMEOUT: 'upstream_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'upstream_invalid',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'upstream_invalid',
  UND_ERR_INVALID_ARG: 'upstream_invalid',
  UND_ERR_NOT_SUPPORTED: 'upstream_invalid',
  UND_ERR_DESTROYED: 'shutting_down',
  UND_ERR_CLOSED: 'shutting_down',
  EMFILE: 'overloaded',
  ENFILE: 'overloaded',
  ETIMEDOUT: 'upstream_timeout',
};
