// Bytes that never became a request, or stopped being one: what the parser's error means, and the one record and answer
// such bytes get.

import type { Socket } from 'node:net';
import { type Denial, denial, type Refusal } from '../decision/outcome.ts';
import { wireOf } from '../decision/refusal.ts';
import { classifyRefusal } from '../decision/refusal-class.ts';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import { requestIdOf } from './correlation.ts';
import type { Connection, Passage, TokenEndpoints } from './passage.ts';
import type { Peer } from './peer.ts';
import { answer, answerOnSocket, endAfter } from './reply.ts';

/** Whether the error only says that the caller has gone: nothing was asked, so nothing is answered or recorded. */
export const isLeaving = (error: Error): boolean => {
  const code = codeOf(error);
  return !code.startsWith('HPE_') && code !== 'ERR_HTTP_REQUEST_TIMEOUT';
};

/** The parser's error (llhttp's `HPE_*`) as a denial; the evidence is its code, never the bytes. */
const faultOf = (error: Error): Denial => {
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

/** Ends a connection whose input is no request, or stopped being one; what is under way on it is answered first. */
export const endOnFault = (
  { passage, peer }: Connection,
  error: Error,
  socket: Socket,
  { record, surfaces }: { readonly record: RecordOutcome; readonly surfaces: TokenEndpoints },
): void => {
  const fault = faultOf(error);
  if (passage === undefined || passage.isReadAndOver) {
    recordInvalid(peer, fault, socket, record);
  } else if (passage.request.complete) {
    // Behind a request whose answer is still to come: that one is answered, and is the last.
    recordInvalid(peer, fault, undefined, record);
    endAfter(passage, socket);
  } else {
    // In its body.
    const isAnswered = passage.isOver
      ? surfaces.refuseBody(passage.request, fault)
      : refuseBroken(passage, fault);
    // The forwarder hears of a caller that left, after the outcome.
    if (!isAnswered) socket.destroy();
  }
};

/** Refuses a request that can be read no further, and closes its connection; false when no answer can be sent any more. */
export const refuseBroken = (passage: Passage, refusal: Refusal): boolean => {
  const status = answer(passage, classifyRefusal(refusal), true);
  passage.endRefused(refusal, status);
  return status !== 0;
};

/**
 * Answers and records bytes that are no request, and closes the connection.
 * @param socket undefined while the answer to an earlier request is still to come: nothing may stand in its place.
 */
const recordInvalid = (
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
