// The id a client gave its request, on every answer of the vcd surface, so that both sides' logs meet.

import { vcdClientRequestIdHeader, vcdRequestId, vcdRequestIdHeader } from '../../dialects/vcd-error.ts';
import type { Answer, RequestHead } from '../answer.ts';

export const requestIdOf = (request: RequestHead): string =>
  vcdRequestId(request.headerLines(vcdClientRequestIdHeader)[0], request.requestId);

export const withRequestId = (answer: Answer, request: RequestHead): Answer => ({
  ...answer,
  headers: { ...answer.headers, [vcdRequestIdHeader.toLowerCase()]: requestIdOf(request) },
});
