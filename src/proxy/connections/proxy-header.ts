// The PROXY protocol's header, versions 1 and 2 (haproxy.org, proxy-protocol.txt of 2020/03/05): from bytes to the address of the
// connection it speaks of. Values only; it trusts nobody.

import { isIPv4, isIPv6, SocketAddress } from 'node:net';

export type ProxyHeader =
  | {
      readonly kind: 'header';
      /** Bytes of the header: what follows is the caller's. */
      readonly length: number;
      /** The caller's address; undefined where the header leaves it to the connection (LOCAL, UNKNOWN, no address of IP). */
      readonly source: string | undefined;
    }
  /** More bytes are needed. */
  | { readonly kind: 'partial' }
  | { readonly kind: 'broken' };

/** "107 chars" with CRLF: the longest line of version 1. */
const lineBytesMax = 107;
/** Version 2 can be 64 KB long. What HAProxy and the clouds send, with all TLVs, stays far below this. */
const binaryBytesMax = 4_096;

const lineStart = Buffer.from('PROXY ');
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** @param bytes from the first of the connection on. */
export const readProxyHeader = (bytes: Buffer): ProxyHeader => {
  if (startsWith(bytes, lineStart)) return bytes.length < lineStart.length ? partial : readLine(bytes);
  if (startsWith(bytes, signature)) return bytes.length < fixedBytes ? partial : readBinary(bytes);
  return broken;
};

const partial: ProxyHeader = { kind: 'partial' };
const broken: ProxyHeader = { kind: 'broken' };

/** Whether one of the two is the beginning of the other. */
const startsWith = (bytes: Buffer, start: Buffer): boolean => {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
};

/** Section 2.1: single blanks, decimal ports without leading zeros. */
const lineSyntax = /^PROXY TCP([46]) ([0-9A-Fa-f:.]{2,45}) ([0-9A-Fa-f:.]{2,45}) (\d{1,5}) (\d{1,5})$/;

const readLine = (bytes: Buffer): ProxyHeader => {
  const line = bytes.toString('latin1', 0, lineBytesMax);
  const end = line.indexOf('\r\n');
  if (end < 0) return bytes.length < lineBytesMax ? partial : broken;
  const length = end + 2;
  const text = line.slice(0, end);
  // "The receiver must ignore anything presented before the CRLF is found."
  if (text === 'PROXY UNKNOWN' || text.startsWith('PROXY UNKNOWN ')) return header(length, undefined);
  const [, version, source = '', target = '', ...ports] = lineSyntax.exec(text) ?? [];
  if (version === undefined || !ports.every(isPort)) return broken;
  const isAddress = version === '4' ? isIPv4 : isIPv6;
  return isAddress(source) && isAddress(target) ? header(length, source) : broken;
};

const isPort = (port: string): boolean => Number(port) <= 65_535 && String(Number(port)) === port;

const header = (length: number, source: string | undefined): ProxyHeader => ({
  kind: 'header',
  length,
  source,
});

/** Signature, version and command, family, length. */
const fixedBytes = 16;
const local = 0x20;
const proxied = 0x21;
const tcp4 = 0x11;
const tcp6 = 0x21;
/** AF_UNSPEC, UDP over IPv4 and IPv6, unix sockets: known, and without an address that a caller on TCP could have. */
const withoutAddress: ReadonlySet<number> = new Set([0x00, 0x12, 0x22, 0x31, 0x32]);

/** Section 2.2. Its TLVs are skipped. */
const readBinary = (bytes: Buffer): ProxyHeader => {
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const length = fixedBytes + bytes.readUInt16BE(14);
  if ((command !== local && command !== proxied) || length > binaryBytesMax) return broken;
  if (bytes.length < length) return partial;
  // "The receiver must accept this connection as valid and must use the real connection endpoints."
  if (command === local || withoutAddress.has(family)) return header(length, undefined);
  if (family === tcp4 && length >= fixedBytes + 12) return header(length, bytes.subarray(16, 20).join('.'));
  if (family === tcp6 && length >= fixedBytes + 36) return header(length, ipv6Of(bytes.subarray(16, 32)));
  return broken;
};

const ipv6Of = (bytes: Buffer): string => {
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
};
