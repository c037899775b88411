// Forwarding of plain requests: one exchange object per request, over bounded connections per upstream. It takes a Permit and
// nothing else, and never decides.

import { isPermit } from '../../decision/authorize.ts';
import type { UpstreamReading } from '../../observe/metric-sources.ts';
import type { Exchange, ForwardEnd, ForwardOptions } from './exchange.ts';
import { ForwardExchange } from './forward-exchange.ts';
import { inherit, type Inheritance } from './inheritance.ts';
import type { UpstreamAddresses } from './addresses/upstream-addresses.ts';
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
export type HeritableForwarder = Forwarder & Inheritance<UpstreamConnections>;

/**
 * Follows `before`: takes over the connections to each upstream whose settings are the same; what is under way goes on. `reach`:
 * where the upstreams are.
 */
export const createForwarder = (
  reach: Inheritance<UpstreamAddresses>,
  options: ForwardOptions,
  before?: HeritableForwarder,
): HeritableForwarder => {
  const { byUpstream, retired } = inherit(
    reach.byUpstream,
    before,
    (addresses) => new UpstreamConnections(addresses),
    ({ isGone }) => isGone,
  );
  return {
    byUpstream,
    retired,
    forward: (exchange, onEnd) => {
      if (!isPermit(exchange.permit)) throw new TypeError('forward takes a permit made by authorize');
      const of = byUpstream.get(exchange.permit.rule.upstream);
      if (of === undefined) throw new TypeError(`no upstream is named ${exchange.permit.rule.upstream}`);
      new ForwardExchange(exchange, of, options, onEnd).start();
    },
    reading: () => Object.fromEntries([...byUpstream].map(([name, of]) => [name, of.reading()])),
    close: async () => {
      await Promise.all([...byUpstream.values(), ...retired].map((of) => of.close()));
    },
  };
};
