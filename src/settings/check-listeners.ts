// Judges the addresses of the process: callers, ops and forward-auth have one each, and nobody may ask at forward-auth who is
// not named. That no upstream leads back to one of them: check-loops.ts.

import { type Check, check } from './check.ts';
import type { Address } from './network-readers.ts';

const forwardAuthCheck = check(
  ['forwardAuth', 'listen', 'ops'],
  ({ forwardAuth, listen: ofCallers, ops }, problem, warning) => {
    const { listen, path, trustedPeers } = forwardAuth;
    const report = (key: string, message: string): void => problem(['forwardAuth', key], message);
    const warn = (key: string, message: string): void => warning(['forwardAuth', key], message);
    if (listen === undefined && path === undefined) {
      if (trustedPeers.length > 0)
        warn(
          'trustedPeers',
          'means nothing while there is no place to ask at; write forwardAuth.listen: 127.0.0.1:9180, or forwardAuth.path',
        );
      return;
    }
    if (listen !== undefined && path !== undefined)
      report('path', 'stands beside forwardAuth.listen; keep one of them, there is one place to ask at');
    if (trustedPeers.length === 0)
      report(
        'trustedPeers',
        'is empty, so nobody may ask; write the addresses of your proxies, e.g. [10.0.0.0/8], or [unix] for a unix socket',
      );
    if (trustedPeers.some((range) => range.endsWith('/0')))
      report(
        'trustedPeers',
        'believes every address, so that any caller could speak for another; write the addresses of your proxies',
      );
    // A peer on a unix socket has no address, and one with an address is not on a unix socket.
    const isSocket = (listen ?? ofCallers).kind === 'unix';
    if (trustedPeers.length > 0 && trustedPeers.every((range) => (range === 'unix') !== isSocket))
      report(
        'trustedPeers',
        isSocket
          ? 'lacks `unix`, so nobody may ask at a unix socket; write [unix]'
          : 'has `unix` alone, so nobody may ask at HOST:PORT; write the addresses of your proxies, e.g. [127.0.0.1]',
      );
    if (listen === undefined) return;
    for (const [name, other] of Object.entries({ listen: ofCallers, ops }))
      if (isSameAddress(listen, other))
        report('listen', `is the same address as \`${name}\`; write another port, e.g. 127.0.0.1:9180`);
    if (listen.kind === 'tcp' && !isLoopbackHost(listen.host))
      warn(
        'listen',
        'takes credentials from other machines without TLS; write 127.0.0.1:PORT or unix:/path beside the proxy, or keep the network between them private',
      );
  },
);

export const listenerChecks: readonly Check[] = [
  check(['listen', 'ops'], ({ listen, ops }, problem) => {
    if (isSameAddress(listen, ops))
      problem(['ops'], 'is the same address as `listen`; write another port, e.g. 127.0.0.1:9464');
  }),
  forwardAuthCheck,
];

export const isSameAddress = (one: Address, other: Address): boolean =>
  one.kind === 'unix'
    ? other.kind === 'unix' && other.path === one.path
    : other.kind === 'tcp' && one.port !== 0 && other.port === one.port && other.host === one.host;

/** 127.0.0.2 is another address than 127.0.0.1; a name such as localhost may be any of them. */
export const isLoopbackHost = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);
