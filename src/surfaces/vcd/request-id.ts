// The id a client gave its request: told back, so that both sides' logs meet. What could forge a header or a log line is
// not believed; then it is ours.

import type { Answer, Endpoint, RequestHead } from '../answer.ts';

const sane = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

export const requestIdOf = (request: RequestHead): string => {
  const given = request.headerLines('x-vmware-vcloud-client-request-id')[0];
  return given !== undefined && sane.test(given) ? given : request.requestId;
};

export const withRequestId = (answer: Answer, request: RequestHead): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'x-vmware-vcloud-request-id': requestIdOf(request) },
});

/** An endpoint whose every answer tells the request's id. */
export const identified =
  (endpoint: Endpoint): Endpoint =>
  async (request) =>
    withRequestId(await endpoint(request), request);
