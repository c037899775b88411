// Forwarding of plain requests: one exchange object per request, over bounded connections per upstream. It takes a Permit
// and nothing else, moves bytes, and never decides. Refusals are answered by the caller of `forward`.

import { isPermit } from '../../decision/authorize.ts';
import type { UpstreamReading } from '../../observe/metric-sources.ts';
import type { UpstreamSettings } from '../../settings/settings.ts';
import { ClientSockets } from './client-sockets.ts';
import type { Exchange, ForwardEnd, ForwardOptions } from './exchange.ts';
import { ForwardExchange } from './forward-exchange.ts';
import type { LiveConnections } from './live-connections.ts';
import { UpstreamConnections } from './upstream-connections.ts';

export interface Forwarder {
  /**
   * Sends the request on and the response back. `onEnd` is called exactly once, perhaps before this returns. When it
   * gets a failure and not `responded`, nothing was sent and the caller responds; `client_gone` needs no response.
   * Throws when the permit is not one, or its upstream is unknown: bugs.
   */
  forward(exchange: Exchange, onEnd: (end: ForwardEnd) => void): void;
  /** Upstream's name -> its connections now. */
  reading(): Readonly<Record<string, UpstreamReading>>;
  /** Ends everything still under way and closes every connection. Drain first. */
  close(): Promise<void>;
}

export const createForwarder = (
  upstreams: Readonly<Record<string, UpstreamSettings>>,
  live: LiveConnections,
  options: ForwardOptions,
): Forwarder => {
  const connectionsByName = new Map<string, UpstreamConnections>();
  for (const [name, settings] of Object.entries(upstreams))
    connectionsByName.set(name, new UpstreamConnections(settings, options.reportBug));
  const context = { live, clients: new ClientSockets(), ...options };
  return {
    forward: (exchange, onEnd) => {
      if (!isPermit(exchange.permit)) throw new TypeError('forward takes a permit made by authorize');
      const connections = connectionsByName.get(exchange.permit.rule.upstream);
      if (connections === undefined)
        throw new TypeError(`no upstream is named ${exchange.permit.rule.upstream}`);
      new ForwardExchange(exchange, connections, context, onEnd).start();
    },
    reading: () =>
      Object.fromEntries([...connectionsByName].map(([name, connections]) => [name, connections.reading()])),
    close: async () => {
      await Promise.all([...connectionsByName.values()].map((connections) => connections.close()));
    },
  };
};
