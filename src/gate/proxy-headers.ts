// Which listeners expect a PROXY header, whose they believe, and what is said of a connection without one.

import type { Log } from '../observe/log.ts';
import { createAdviser } from '../proxy/adviser.ts';
import type { Listener } from '../proxy/listener.ts';
import { createTrust, type TrustsAddress } from '../proxy/peer.ts';
import { expectProxyHeaders, type ProxyProtocol } from '../proxy/connections/proxy-protocol.ts';
import type { Settings } from '../settings/settings.ts';

type Named = Readonly<Record<Settings['proxyProtocol']['listeners'][number], Listener | undefined>>;

/** All listeners together. Which ones it is, only a restart changes; whom they believe, a reload does too. */
export const expectProxyHeadersOn = (named: Named, current: () => Settings, log: Log): ProxyProtocol => {
  const advise = createAdviser(log, 'proxyProtocol');
  const trusts = followTrust(current);
  const expecting = current().proxyProtocol.listeners.flatMap((name) => {
    const listener = named[name];
    if (listener === undefined) return [];
    return expectProxyHeaders(listener, {
      trusts,
      timeoutMs: () => Math.min(current().limits.headersTimeoutMs, current().limits.requestTimeoutMs),
      onRefused: (why, peer) => advise(`a peer of the listener for ${name} ${why}`, { peer }),
    });
  });
  return {
    refused: () => expecting.reduce((sum, one) => sum + one.refused(), 0),
    endWaiting: () => {
      for (const one of expecting) one.endWaiting();
    },
  };
};

/** By the settings in force, made once for each. */
const followTrust = (current: () => Settings): (() => TrustsAddress) => {
  let of: Settings | undefined;
  let trusts: TrustsAddress = () => false;
  return () => {
    const settings = current();
    if (of !== settings) trusts = createTrust(settings.proxyProtocol.trustedPeers);
    of = settings;
    return trusts;
  };
};
