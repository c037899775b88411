// Forwarding of plain requests: one exchange object per request, over bounded connections per upstream. It takes a Permit
// and nothing else, moves bytes, and never decides. Refusals are answered by the caller of `forward`.

import { isDeepStrictEqual } from 'node:util';
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

/** A forwarder that another one can follow. */
export interface HeritableForwarder extends Forwarder {
  readonly clients: ClientSockets;
  readonly connections: ReadonlyMap<string, UpstreamConnections>;
  /** Of those before: they close by themselves once nothing is under way on them. */
  readonly retired: readonly UpstreamConnections[];
}

/**
 * `before`: a forwarder that this one follows. It takes over the connections to each upstream whose settings are the same,
 * with what they count; the others are retired. What is under way goes on.
 */
export const createForwarder = (
  upstreams: Readonly<Record<string, UpstreamSettings>>,
  live: LiveConnections,
  options: ForwardOptions,
  before?: HeritableForwarder,
): HeritableForwarder => {
  const connections = new Map<string, UpstreamConnections>();
  for (const [name, settings] of Object.entries(upstreams)) {
    const known = before?.connections.get(name);
    const isSame = known !== undefined && isDeepStrictEqual(known.settings, settings);
    connections.set(name, isSame ? known : new UpstreamConnections(settings, options.reportBug));
  }
  const kept = new Set(connections.values());
  const retired = [...(before?.retired ?? []), ...(before?.connections.values() ?? [])].filter(
    (each) => !kept.has(each) && !each.isGone,
  );
  const clients = before?.clients ?? new ClientSockets();
  const context = { live, clients, ...options };
  return {
    clients,
    connections,
    retired,
    forward: (exchange, onEnd) => {
      if (!isPermit(exchange.permit)) throw new TypeError('forward takes a permit made by authorize');
      const of = connections.get(exchange.permit.rule.upstream);
      if (of === undefined) throw new TypeError(`no upstream is named ${exchange.permit.rule.upstream}`);
      new ForwardExchange(exchange, of, context, onEnd).start();
    },
    reading: () => Object.fromEntries([...connections].map(([name, of]) => [name, of.reading()])),
    close: async () => {
      await Promise.all([...connections.values(), ...retired].map((of) => of.close()));
    },
  };
};
