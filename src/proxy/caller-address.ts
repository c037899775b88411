// The address of the caller behind trusted proxies, for logs and limits: from X-Forwarded-For, Forwarded (RFC 7239), or both.
// Both are read from their end, where the nearest proxy writes. What cannot be read never makes a caller somebody else.

import { isIP, SocketAddress } from 'node:net';
import type { HeaderFacts } from './hygiene.ts';
import { type Peer, plainAddress, type TrustsAddress } from './peer.ts';

/**
 * A caller of whom two headers say different things, or one something unreadable. All of them count as one in each limit, unlike
 * those on a unix socket (`unknown`), whom no limit by address knows.
 */
const unclearCaller = 'unclear';

/**
 * The peer or, when it is trusted, the last address in its headers that is not a trusted proxy itself. Where a proxy
 * says that it does not know the caller (`unknown`, `_x`), or writes something else than an address: the proxy's own.
 * Two headers that lead to different callers lead to `unclear`: one of them is the caller's own invention.
 */
export const callerAddress = (
  peer: Peer,
  { forwardedFor, forwarded }: Pick<HeaderFacts, 'forwardedFor' | 'forwarded'>,
  trusts: TrustsAddress,
): string => {
  if (!peer.isTrusted || (forwardedFor === undefined && forwarded === undefined)) return peer.address;
  if (forwarded === undefined) return lastUntrusted(peer, forwardedFor?.split(',') ?? [], trusts);
  const nodes = readForwarded(forwarded);
  if (nodes === undefined) return unclearCaller;
  const caller = lastUntrusted(peer, nodes, trusts);
  if (forwardedFor === undefined) return caller;
  const other = lastUntrusted(peer, forwardedFor.split(','), trusts);
  return canonical(caller) === canonical(other) ? other : unclearCaller;
};

/** Whether X-Forwarded-For ends with the address of a caller: a proxy that asks about one must know it. */
export const namesCaller = (forwardedFor: string | undefined): boolean => {
  const last = forwardedFor?.slice(forwardedFor.lastIndexOf(',') + 1);
  return last !== undefined && addressOfNode(last.trim()) !== undefined;
};

const lastUntrusted = (peer: Peer, nodes: readonly string[], trusts: TrustsAddress): string => {
  let caller = peer.address;
  for (const node of nodes.toReversed()) {
    const address = addressOfNode(node.trim());
    if (address === undefined) return caller;
    caller = address;
    if (!trusts(caller)) return caller;
  }
  return caller;
};

/** RFC 7239 section 6: `nodename [ ":" node-port ]`; a port may be obfuscated. In X-Forwarded-For an IPv6 address may stand bare. */
const nodeWithPort = /^(?:\[([^\]]{2,45})\]|([\d.]{7,15}))(?::(?:\d{1,5}|_[A-Za-z0-9._-]{1,64}))?$/;

/** The address of a node; undefined for `unknown`, an obfuscated one, and nonsense. */
const addressOfNode = (node: string): string | undefined => {
  if (isIP(node) !== 0) return plainAddress(node);
  const match = nodeWithPort.exec(node);
  if (match === null) return undefined;
  const [, ipv6, ipv4 = ''] = match;
  if (ipv6 === undefined) return isIP(ipv4) === 4 ? ipv4 : undefined;
  return isIP(ipv6) === 6 ? plainAddress(ipv6) : undefined;
};

/** IPv6 addresses can be written in many ways. */
const canonical = (address: string): string =>
  isIP(address) === 6 ? plainAddress(new SocketAddress({ address, family: 'ipv6' }).address) : address;

/** One parameter and what ends it (RFC 7239 section 4); blanks are allowed around `;`, as they are around `,`. */
const parameter =
  /[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)")[ \t]*)?([,;]|$)/y;

/**
 * The `for` of each element, empty where it has none; undefined when any of it breaks the grammar. All of it counts: a quote
 * that a caller leaves open would swallow what the proxy adds behind it.
 */
const readForwarded = (forwarded: string): readonly string[] | undefined => {
  const nodes: string[] = [];
  let names = new Set<string>();
  let node = '';
  parameter.lastIndex = 0;
  for (;;) {
    const match = parameter.exec(forwarded);
    if (match === null) return undefined;
    const [, name, bare, quoted, end] = match;
    if (name !== undefined) {
      const lower = name.toLowerCase();
      // "Each parameter MUST NOT occur more than once per forwarded-element."
      if (names.has(lower)) return undefined;
      names.add(lower);
      if (lower === 'for') node = bare ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1');
    }
    if (end === ';') continue;
    // RFC 9110 section 5.6.1.2: empty elements of a list do not count.
    if (names.size > 0) nodes.push(node);
    if (end === '') return nodes;
    names = new Set();
    node = '';
  }
};
