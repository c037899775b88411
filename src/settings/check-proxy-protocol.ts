// Judges the PROXY protocol: the listeners it names exist, and their load balancers, and nobody else, may say whose a connection is.

import { check } from './check.ts';

export const proxyProtocolCheck = check(
  ['proxyProtocol', 'listen', 'forwardAuth', 'surfaces'],
  ({ proxyProtocol, listen, forwardAuth, surfaces }, problem, warning) => {
    const { listeners, trustedPeers } = proxyProtocol;
    const report = (message: string): void => problem(['proxyProtocol', 'trustedPeers'], message);
    if (listeners.length === 0) {
      if (trustedPeers.length > 0)
        warning(
          ['proxyProtocol', 'trustedPeers'],
          'means nothing while no listener expects the header; write proxyProtocol.listeners: [callers]',
        );
      return;
    }
    if (trustedPeers.length === 0)
      return report(
        'is empty, so every connection would be refused; write the addresses of your load balancers, e.g. [10.0.0.0/8], or [unix] for a unix socket',
      );
    if (trustedPeers.some((range) => range.endsWith('/0')))
      report(
        'believes every address, so that any caller could take the address of another; write the addresses of your load balancers',
      );
    const addresses = {
      callers: ['listen', listen],
      console: ['surfaces.console.listen', surfaces.console.listen],
      'forward-auth': ['forwardAuth.listen', forwardAuth.listen],
    } as const;
    for (const [index, name] of listeners.entries()) {
      const [setting, address] = addresses[name];
      if (address === undefined) {
        problem(
          ['proxyProtocol', 'listeners', index],
          `names a listener that there is not; write ${setting}, or leave ${JSON.stringify(name)} out`,
        );
        continue;
      }
      // A peer on a unix socket has no address, and one with an address is not on a unix socket.
      const isSocket = address.kind === 'unix';
      if (trustedPeers.every((range) => (range === 'unix') !== isSocket))
        report(
          isSocket
            ? `lacks \`unix\`, so nobody may connect to the unix socket of ${setting}; write [unix]`
            : `has \`unix\` alone, so nobody may connect to HOST:PORT of ${setting}; write the addresses of your load balancers, e.g. [127.0.0.1]`,
        );
    }
  },
);
