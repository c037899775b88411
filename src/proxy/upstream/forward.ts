// Forwarding of plain requests: one exchange object per request, over bounded connections per upstream. It takes a Permit
// and nothing else, moves bytes, and never decides. Refusals are answered by the caller of `forward`.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPermit, type Permit } from '../../decision/authorize.ts';
import type { Denial, Outage } from '../../decision/outcome.ts';
import type { UpstreamReading } from '../../observe/metric-sources.ts';
import type { UpstreamSettings } from '../../settings/settings.ts';
import { ClientSockets } from './client-sockets.ts';
import { ForwardExchange } from './forward-exchange.ts';
import type { LiveConnections } from './live-connections.ts';
import type { BodyBounds } from './request-body.ts';
import { UpstreamConnections } from './upstream-connections.ts';

export interface Exchange {
  readonly permit: Permit;
  readonly request: IncomingMessage;
  /** Nothing written and no header set yet. */
  readonly response: ServerResponse;
  /**
   * Complete raw pairs for the upstream, exactly one Host among them, without framing and hop-by-hop headers: no
   * Content-Length, Transfer-Encoding, TE, Trailer, Connection, Keep-Alive, Upgrade, Expect. The forwarder owns it from here.
   */
  readonly headers: string[];
  /** Where the caller is, for its share of the connections; see address-block.ts. */
  readonly addressBlock: string;
}

export interface ForwardEnd {
  /** Status sent to the caller; 0: none. */
  readonly status: number;
  readonly failure: Outage | Denial | 'client_gone' | undefined;
  /** The response's head was sent, so nothing else can be. */
  readonly responded: boolean;
  /** From asking the upstream to the head of its response, in ms; absent when none came. */
  readonly upstreamMs?: number | undefined;
}

export interface Forwarder {
  /**
   * Sends the request on and the answer back. `onEnd` is called exactly once, perhaps before this returns. When it
   * tells a failure and not `responded`, nothing was sent and the caller answers; `client_gone` needs no answer.
   * Throws when the permit is not one, or its upstream is unknown: bugs.
   */
  forward(exchange: Exchange, onEnd: (end: ForwardEnd) => void): void;
  /** Upstream's name -> its connections now. */
  reading(): Readonly<Record<string, UpstreamReading>>;
  /** Ends everything still under way and closes every connection. Drain first. */
  close(): Promise<void>;
}

export interface ForwardOptions {
  /** A caller that reads nothing for this long is cut off. */
  readonly writeStallTimeoutMs: number;
  readonly body: BodyBounds;
  /** Told of errors that only a bug can cause; must not throw. */
  readonly reportBug: (error: unknown) => void;
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
