// Errors of sockets, and of http-proxy's handshakes, translated once, by code, into the outages the rest of the proxy knows. The
// cause is kept for the log.

import { type Outage, outage } from '../../decision/outcome.ts';
import type { OutageReason } from '../../decision/refusal-class.ts';

/** Of a socket, of TLS or of a parser; empty where there is none. */
export const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

/** `responseBegan`: bytes of a response had been read, so a lost connection means a broken answer, not a missing upstream. */
export const outageOf = (error: Error, responseBegan: boolean): Outage => {
  const code = codeOf(error);
  const reason = reasons[code];
  if (reason !== undefined) return outage(reason, error);
  if (code === 'HPE_HEADER_OVERFLOW') return outage('upstream_invalid', new Error(tooLong, { cause: error }));
  return outage(
    responseBegan || code.startsWith('HPE_') ? 'upstream_invalid' : 'upstream_unreachable',
    error,
  );
};

const tooLong = 'the upstream sent a head of more than upstreams.*.responseHeadBytesMax';

const reasons: Readonly<Record<string, OutageReason>> = {
  EMFILE: 'overloaded',
  ENFILE: 'overloaded',
  ETIMEDOUT: 'upstream_timeout',
};
