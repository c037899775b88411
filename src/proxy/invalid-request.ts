// Bytes that never became a request, or stopped being one: the one record and response such bytes get.

import type { Socket } from 'node:net';
import { type Denial, denial, type Refusal } from '../decision/outcome.ts';
import { wireOf } from '../decision/refusal.ts';
import { classifyRefusal } from '../decision/refusal-class.ts';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import { requestIdOf } from './correlation.ts';
import type { Peer } from './peer.ts';
import { endAfter, respond, respondOnSocket } from './reply.ts';
import type { Connection, RequestContext } from './request-context.ts';

/** Whether the error only says that the caller has gone: nothing was asked, so nothing is answered or recorded. */
export const isLeaving = (error: Error): boolean => {
  const code = codeOf(error);
  return !code.startsWith('HPE_') && code !== 'ERR_HTTP_REQUEST_TIMEOUT';
};

/** The parser's error (llhttp's `HPE_*`) as a denial; the evidence is its code, never the bytes. */
const faultOf = (error: Error): Denial => {
  const code = codeOf(error);
  return denial(reasons[code] ?? 'request_malformed', code);
};

const reasons: Readonly<Record<string, Denial['reason']>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

/** Ends a connection whose input is no request, or stopped being one; what is under way on it is answered first. */
export const endOnFault = (
  { context, peer }: Connection,
  error: Error,
  socket: Socket,
  record: RecordOutcome,
): void => {
  const fault = faultOf(error);
  if (context === undefined || context.isReadAndOver) {
    recordInvalid(peer, fault, socket, record);
  } else if (context.request.complete) {
    // Behind a request whose answer is still to come: that one is answered, and is the last.
    recordInvalid(peer, fault, undefined, record);
    endAfter(context, socket);
  } else {
    // In its body.
    const hasResponse = context.isOver
      ? context.running.surfaces.refuseBody(context.request, fault)
      : refuseBroken(context, fault);
    // The forwarder hears of a caller that left, after the outcome.
    if (!hasResponse) socket.destroy();
  }
};

/** Refuses a request that can be read no further, and closes its connection; false when no answer can be sent any more. */
export const refuseBroken = (context: RequestContext, refusal: Refusal): boolean => {
  const status = respond(context, classifyRefusal(refusal), true);
  context.endRefused(refusal, status);
  return status !== 0;
};

/** `socket`: undefined while the answer to an earlier request is still to come: nothing may stand in its place. */
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
    status: socket === undefined ? 0 : respondOnSocket(socket, wireOf(fault), requestId),
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
