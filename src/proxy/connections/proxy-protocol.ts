// Listeners whose connections begin with a PROXY header (proxy-header.ts): nobody hears of a connection until the header is
// read, and then it is its caller's. A peer that is not trusted is refused, a trusted one without a header too.

import { type Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { noteSource, plainAddress, sourceOf, type TrustsAddress } from '../peer.ts';
import { readProxyHeader } from './proxy-header.ts';

export interface ProxyProtocolDeps {
  readonly trusts: () => TrustsAddress;
  /** From the connection to the last byte of its header. */
  readonly timeoutMs: () => number;
  /** `why`: one of few sentences about the peer. */
  readonly onRefused: (why: string, peer: string) => void;
}

export interface ProxyProtocol {
  /** Connections refused for want of a header that is believed. */
  readonly refused: () => number;
  /** Ends the connections whose header is not complete. */
  endWaiting(): void;
}

/** @param server listens to nothing yet. HTTP or TLS reads what follows the header as if nothing had come before. */
export const expectProxyHeaders = (server: Server, deps: ProxyProtocolDeps): ProxyProtocol => {
  const waiting = new Set<Socket>();
  let refused = 0;
  const refuse = (socket: Socket, why: string): void => {
    refused += 1;
    deps.onRefused(why, plainAddress(socket.remoteAddress));
    socket.destroy();
  };
  const emit = server.emit.bind(server);
  const meet = (socket: Socket): void => {
    // On TCP only a peer that has left already has no address: HAProxy's health checks do so.
    if (socket.remoteAddress === undefined && typeof server.address() !== 'string')
      return void socket.destroy();
    const peer = plainAddress(socket.remoteAddress);
    if (!deps.trusts()(peer)) return refuse(socket, untrusted);
    waiting.add(socket);
    socket.once('close', () => waiting.delete(socket));
    readHeader(socket, deps.timeoutMs(), (found) => {
      if ('fault' in found) return refuse(socket, found.fault);
      waiting.delete(socket);
      noteSource(socket, found.source ?? peer);
      emit('connection', socket);
    });
  };
  // The server's own listener, HTTP's or TLS's, would read the header as its own: it may hear of the connection only later.
  Object.assign(server, {
    emit: (event: string, ...values: readonly unknown[]): boolean => {
      const [socket] = values;
      if (event !== 'connection' || !(socket instanceof Socket)) return emit(event, ...values);
      meet(socket);
      return true;
    },
  });
  server.prependListener('secureConnection', nameCaller);
  return {
    refused: () => refused,
    endWaiting: () => {
      for (const socket of waiting) socket.destroy();
    },
  };
};

const untrusted =
  'is not in proxyProtocol.trustedPeers, so it is refused; name it there if it is your load balancer';
const headerless =
  'sends no PROXY header of version 1 or 2, so it is refused; switch the header on there, or take the listener out of proxyProtocol.listeners';
const unfinished = 'does not end its PROXY header in time, so it is refused';

type Found = { readonly source: string | undefined } | { readonly fault: string };

/** Calls `onFound` once, at most; never where the peer leaves without a byte, as a health check does. */
const readHeader = (socket: Socket, timeoutMs: number, onFound: (found: Found) => void): void => {
  let bytes: Buffer = Buffer.alloc(0);
  const finish = (found: Found | undefined): void => {
    clearTimeout(timer);
    socket.off('readable', read).off('end', end).off('close', close);
    if (found !== undefined) onFound(found);
    socket.off('error', ignore);
  };
  const read = (): void => {
    const chunk: unknown = socket.read();
    if (!(chunk instanceof Buffer)) return;
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const header = readProxyHeader(bytes);
    if (header.kind === 'partial') return;
    if (header.kind === 'broken') return finish({ fault: headerless });
    if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
    finish(header);
  };
  const end = (): void => {
    if (bytes.length > 0) return finish({ fault: headerless });
    finish(undefined);
    socket.destroy();
  };
  const close = (): void => finish(undefined);
  const timer = setTimeout(() => finish({ fault: unfinished }), timeoutMs);
  socket.on('error', ignore).on('readable', read).once('end', end).once('close', close);
};

const ignore = (): void => undefined;

/** A TLS connection is its own object, around the one that had the header. */
const nameCaller = (secured: TLSSocket): void => {
  const around: unknown = '_parent' in secured ? secured._parent : undefined;
  const source = around instanceof Socket ? sourceOf(around) : undefined;
  if (source === undefined) secured.destroy();
  else noteSource(secured, source);
};
