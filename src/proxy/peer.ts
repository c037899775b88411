// The other end of a connection: its address, and whether its words about the caller behind it are believed.
// Nobody is believed unless the settings say so. Worked out once per connection, kept only as long as it.

import { BlockList, isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface Peer {
  /** IP address, IPv4 in its own form; `unknown` for a unix socket. */
  readonly address: string;
  readonly isTrusted: boolean;
  readonly proto: 'http' | 'https';
  /** `for` of RFC 7239 section 6, quoted where it must be. */
  readonly forwardedFor: string;
}

/** Whether an address lies in one of the CIDRs; the word `unix` stands for every peer on a unix socket. */
export type TrustsAddress = (address: string) => boolean;

/** CIDRs (`10.0.0.0/8`, `::1`) come checked from the settings; one that is none is a bug and throws. */
export const createTrust = (trustedProxies: readonly string[]): TrustsAddress => {
  if (trustedProxies.length === 0) return () => false;
  const list = new BlockList();
  let trustsUnix = false;
  for (const entry of trustedProxies) {
    if (entry === 'unix') {
      trustsUnix = true;
      continue;
    }
    const [network = '', prefix] = entry.split('/');
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(prefix), family);
  }
  return (address) => {
    const version = isIP(address);
    if (version === 0) return trustsUnix && address === 'unknown';
    return list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
};

/** Of connections that began with a PROXY header (proxy-protocol.ts). */
const sources = new WeakMap<Socket, string>();

/** The connection is the one from this address that a trusted peer passes on. */
export const noteSource = (socket: Socket, address: string): void => void sources.set(socket, address);

export const sourceOf = (socket: Socket): string | undefined => sources.get(socket);

/** Whose connection it is: what its PROXY header says, else who is at its other end. */
export const addressOf = (socket: Socket): string =>
  plainAddress(sources.get(socket) ?? socket.remoteAddress);

export const describePeer = (socket: Socket, trusts: TrustsAddress): Peer => {
  const address = addressOf(socket);
  return {
    address,
    isTrusted: trusts(address),
    proto: socket instanceof TLSSocket ? 'https' : 'http',
    forwardedFor: address.includes(':') ? `"[${address}]"` : address,
  };
};

const mapped = '::ffff:';
/** Without zone, IPv4 in its own form; `unknown` where there is none. */
export const plainAddress = (address: string | undefined): string => {
  if (address === undefined || address === '') return 'unknown';
  const plain = address.startsWith(mapped) && address.includes('.') ? address.slice(mapped.length) : address;
  const zone = plain.indexOf('%');
  return zone < 0 ? plain : plain.slice(0, zone);
};
