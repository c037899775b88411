// Judges the settings of forward-auth: nobody may ask there who is not named, and it is in one place.

import { isLoopbackHost, isSameAddress } from './check-listeners.ts';
import type { Report } from './parse-fields.ts';
import type { FileFields } from './schema.ts';

type Groups = Pick<FileFields, 'forwardAuth' | 'listen' | 'ops'>;

export const checkForwardAuth = (
  { forwardAuth, listen: ofCallers, ops }: Groups,
  problem: Report,
  warning: Report,
): void => {
  const { listen, path, trustedPeers } = forwardAuth;
  const report = (key: string, message: string): void => problem(['forwardAuth', key], message);
  if (listen === undefined && path === undefined) {
    if (trustedPeers.length > 0)
      warning(
        ['forwardAuth', 'trustedPeers'],
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
    warning(
      ['forwardAuth', 'listen'],
      'takes credentials from other machines without TLS; write 127.0.0.1:PORT or unix:/path beside the proxy, or keep the network between them private',
    );
};
