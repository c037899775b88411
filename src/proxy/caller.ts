// Who is calling, before any credential is looked at: the address behind trusted proxies and the id of the request.
// For records and limits only; it authenticates nobody.

import type { IncomingMessage } from 'node:http';
import { requestIdOf } from './correlation.ts';
import { callerAddress, createTrust, describePeer } from './peer.ts';

export interface Caller {
  readonly clientAddress: string;
  readonly requestId: string;
}

/** For requests that leave the proxied path early (the token endpoints). `trustedProxies`: CIDRs whose words are believed. */
export const createCallerReader = (
  trustedProxies: readonly string[],
): ((request: IncomingMessage) => Caller) => {
  const trusts = createTrust(trustedProxies);
  return (request) => ({
    clientAddress: callerAddress(
      describePeer(request.socket, trusts),
      textOf(request.headers['x-forwarded-for']),
      trusts,
    ),
    requestId: requestIdOf(textOf(request.headers['x-request-id'])),
  });
};

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header;
