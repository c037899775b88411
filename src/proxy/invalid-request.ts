// Bytes that never became a request, or stopped being one: what the parser's error means, and the one record and answer
// such bytes get.

import type { Socket } from 'node:net';
import { type Denial, denial } from '../decision/outcome.ts';
import { wireOf } from '../decision/refusal.ts';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import { requestIdOf } from './correlation.ts';
import type { Peer } from './peer.ts';
import { answerOnSocket } from './reply.ts';

/** Whether the error only says that the caller has gone: nothing was asked, so nothing is answered or recorded. */
export const isLeaving = (error: Error): boolean => {
  const code = codeOf(error);
  return !code.startsWith('HPE_') && code !== 'ERR_HTTP_REQUEST_TIMEOUT';
};

/** The parser's error (llhttp's `HPE_*`) as a denial; the evidence is its code, never the bytes. */
export const faultOf = (error: Error): Denial => {
  const code = codeOf(error);
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return denial('request_timeout', code);
    case 'HPE_HEADER_OVERFLOW':
      return denial('headers_too_large', code);
    default:
      return denial('request_malformed', code);
  }
};

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

/**
 * Answers and records bytes that are no request, and closes the connection.
 * @param socket undefined while the answer to an earlier request is still to come: nothing may stand in its place.
 */
export const recordInvalid = (
  peer: Peer,
  fault: Denial,
  socket: Socket | undefined,
  record: RecordOutcome,
): void => {
  const startMs = performance.now();
  const requestId = requestIdOf(undefined);
  record({
    route: '(invalid)',
    method: '',
    path: '',
    status: socket === undefined ? 0 : answerOnSocket(socket, wireOf(fault), requestId),
    result: 'denial',
    reason: fault.reason,
    evidence: fault.evidence,
    cause: undefined,
    credentialKind: undefined,
    identity: undefined,
    durationMs: performance.now() - startMs,
    clientAddress: peer.address,
    requestId,
  });
};
