// WebSocket upgrades, through http-proxy: it makes the handshake request and pipes the two sockets together. The connection is
// opened for it (upstream-addresses.ts). Everything else it does is taken from it, because 1.18.1 does it wrong: paths (it rewrites them), headers (`Expect` sends them before
// they can be changed), errors (it ends the socket), refusals (it breaks their framing). Nothing else imports it.

import { Agent, type ClientRequest, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import httpProxy from 'http-proxy';
import { isPermit } from '../../decision/authorize.ts';
import { denial, outage } from '../../decision/outcome.ts';
import type { UpstreamSettings } from '../../settings/settings.ts';
import { CallerShares } from './caller-shares.ts';
import type { ForwardEnd, ForwardOptions, Upgrade } from './exchange.ts';
import { inherit, type Inheritance } from './inheritance.ts';
import { type Handshake, UpgradeExchange } from './upgrade-exchange.ts';
import type { UpstreamAddresses } from './addresses/upstream-addresses.ts';

export interface Upgrader {
  /**
   * Opens a tunnel and keeps it until either side, a revocation, an expiry or the shutdown ends it. `onEnd` and bugs as in
   * `forward`; where the caller responds, it closes the socket too.
   */
  upgrade(upgrade: Upgrade, onEnd: (end: ForwardEnd) => void): void;
  /** Ends every tunnel and handshake. */
  close(): Promise<void>;
}

interface OpenTunnels {
  readonly settings: UpstreamSettings;
  readonly addresses: UpstreamAddresses;
  readonly exchanges: Set<UpgradeExchange>;
  readonly shares: CallerShares;
}

/** An upgrader that another one can follow. */
export interface CountedUpgrader extends Upgrader, Inheritance<OpenTunnels> {
  /** Handshakes and tunnels under way, those of the upgraders before it too. */
  readonly size: number;
}

/** Follows `before`: tunnels to an upstream whose settings are the same count on. `reach`: where the upstreams are. */
export const createUpgrader = (
  reach: Inheritance<UpstreamAddresses>,
  options: ForwardOptions,
  before?: CountedUpgrader,
): CountedUpgrader => {
  const proxy = httpProxy.createProxyServer({ toProxy: true, xfwd: false });
  const { byUpstream, retired } = inherit<UpstreamAddresses, OpenTunnels>(
    reach.byUpstream,
    before,
    (addresses) => ({
      settings: addresses.settings,
      addresses,
      exchanges: new Set(),
      shares: new CallerShares(addresses.settings),
    }),
    ({ exchanges }) => exchanges.size === 0,
  );
  const all = [...byUpstream.values(), ...retired];
  let isClosed = false;
  return {
    byUpstream,
    retired,
    upgrade: (upgrade, onEnd) => {
      const { permit, socket } = upgrade;
      if (!isPermit(permit)) throw new TypeError('upgrade takes a permit made by authorize');
      const open = byUpstream.get(permit.rule.upstream);
      if (open === undefined || !(socket instanceof Socket))
        throw new TypeError(`no upstream is named ${permit.rule.upstream}, or the socket is none`);
      const refusal = refusalOf(upgrade);
      if (refusal !== undefined) return onEnd(refusal);
      if (isClosed) return onEnd(failed(outage('shutting_down')));
      const { exchanges, settings } = open;
      const { bodyIdleTimeoutMs } = settings;
      const claim = open.shares.claimOf(upgrade);
      if (claim.isAtShare) return onEnd(failed(denial('share_used_up', 'tunnels')));
      if (exchanges.size >= settings.connectionsMax) return onEnd(failed(outage('overloaded')));
      const exchange = new UpgradeExchange(upgrade, socket, { bodyIdleTimeoutMs, ...options }, (end) => {
        leave();
        onEnd(end);
      });
      exchanges.add(exchange);
      claim.take();
      const leave = (): void => {
        if (exchanges.delete(exchange)) claim.giveBack();
      };
      exchange.start(open.addresses, (upstreamSocket) =>
        shakeHands(proxy, settings, upgrade, socket, upstreamSocket),
      );
    },
    close: async () => {
      isClosed = true;
      for (const { exchanges } of all)
        for (const exchange of exchanges) exchange.end(outage('shutting_down'));
    },
    get size() {
      return all.reduce((size, { exchanges }) => size + exchanges.size, 0);
    },
  };
};

const failed = (failure: ForwardEnd['failure']): ForwardEnd => ({ status: 0, failure, responded: false });

/** Only a bodiless `GET` that asks for `websocket`, on a rule that passes upgrades on or is in shadow mode. */
const refusalOf = ({ permit, request }: Upgrade): ForwardEnd | undefined => {
  if (!permit.rule.upgrade && permit.kind !== 'shadow') return failed(denial('upgrade_refused', 'rule'));
  if (request.method !== 'GET') return failed(denial('upgrade_refused', 'method'));
  if (request.headers.upgrade?.toLowerCase() !== 'websocket')
    return failed(denial('upgrade_refused', 'protocol'));
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  if (Number(length) !== 0 || coding !== undefined) return failed(denial('upgrade_refused', 'body'));
  return undefined;
};

/** Sends the handshake; afterwards nothing of http-proxy listens to it, and its tunnel waits to be called. */
const shakeHands = (
  proxy: httpProxy,
  settings: UpstreamSettings,
  { permit, headers }: Upgrade,
  socket: Socket,
  upstreamSocket: Socket,
): Handshake => {
  // Never the caller's own message: http-proxy copies every header of the one it is given.
  const outgoing = new IncomingMessage(new Socket());
  outgoing.method = 'GET';
  outgoing.url = '/';
  outgoing.headers = { connection: 'Upgrade', upgrade: 'websocket' };
  let sent: ClientRequest | undefined;
  const prepare = (request: ClientRequest): void => {
    sent = request;
    // Before it is written, after http-proxy has normalised the path and turned the headers round.
    request.path = permit.target;
    for (const name of request.getRawHeaderNames()) request.removeHeader(name);
    for (const { name, values } of linesOf(headers)) request.setHeader(name, values);
    request.setHeader('Connection', 'Upgrade');
    request.setHeader('Upgrade', 'websocket');
  };
  proxy.once('proxyReqWs', prepare);
  try {
    // It has been opened, and over TLS its other side is known: for http-proxy it is a plain socket. `ssl` is the object that
    // it makes the request's options of.
    const target = { protocol: 'http:', host: settings.name, port: 80 };
    const options = {
      target,
      agent: new OneSocketAgent(upstreamSocket),
      ssl: { maxHeaderSize: settings.responseHeadBytesMax },
    };
    withoutDeprecations(() => proxy.ws(outgoing, socket, Buffer.alloc(0), options, () => undefined));
  } catch (bug) {
    proxy.off('proxyReqWs', prepare);
    sent?.on('error', () => undefined).destroy();
    throw bug;
  }
  if (sent === undefined) throw new Error('http-proxy sent no handshake');
  const request = sent;
  const [tunnel] = request.listeners('upgrade');
  if (tunnel === undefined) throw new Error('http-proxy waits for no upgrade');
  for (const event of ['upgrade', 'response', 'error']) request.removeAllListeners(event);
  return {
    request,
    openTunnel: (response, upstreamSocket, head) =>
      void Reflect.apply(tunnel, request, [response, upstreamSocket, head]),
  };
};

/** One entry a name, in the spelling first seen: Node then writes a line for each value. */
const linesOf = (pairs: readonly string[]) => {
  const lines = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const name = pairs[at] ?? '';
    const value = pairs[at + 1] ?? '';
    const key = name.toLowerCase();
    const line = lines.get(key);
    if (line !== undefined) line.values.push(value);
    else if (key !== 'connection' && key !== 'upgrade') lines.set(key, { name, values: [value] });
  }
  return lines.values();
};

/** Hands out the one socket that it has. */
class OneSocketAgent extends Agent {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
  }

  override createConnection(): Socket {
    return this.#socket;
  }
}

/** http-proxy calls `util._extend`, which would print a warning on the first upgrade. */
const withoutDeprecations = (call: () => void): void => {
  const before = process.noDeprecation === true;
  process.noDeprecation = true;
  try {
    call();
  } finally {
    process.noDeprecation = before;
  }
};
