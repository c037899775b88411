// PROXY headers as bytes, version 1 as a text and version 2 from its parts.
//
//   lineHeader('TCP4', '203.0.113.9')
//   binaryHeader({ source: '2001:db8::9', tlvs: Buffer.alloc(300) })
//   binaryHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) })       // LOCAL

import { isIPv4 } from 'node:net';

export const lineHeader = (protocol: 'TCP4' | 'TCP6', source: string): Buffer =>
  Buffer.from(
    `PROXY ${protocol} ${source} ${protocol === 'TCP4' ? '192.0.2.1' : '2001:db8::1'} 56324 443\r\n`,
  );

export const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

export interface BinaryParts {
  readonly source?: string;
  /** Version and command; default: version 2, PROXY. */
  readonly command?: number;
  /** Family and transport; default: TCP of the source's family. */
  readonly family?: number;
  /** Addresses and ports; default: of the source. */
  readonly addresses?: Buffer;
  readonly tlvs?: Buffer;
  /** Default: the true one. */
  readonly length?: number;
}

export const binaryHeader = (parts: BinaryParts): Buffer => {
  const { source = '203.0.113.9', command = 0x21, tlvs = Buffer.alloc(0) } = parts;
  const addresses = parts.addresses ?? addressesOf(source);
  const fixed = Buffer.from([command, parts.family ?? (isIPv4(source) ? 0x11 : 0x21), 0, 0]);
  fixed.writeUInt16BE(parts.length ?? addresses.length + tlvs.length, 2);
  return Buffer.concat([signature, fixed, addresses, tlvs]);
};

const ports = Buffer.from([0xdc, 0x04, 0x01, 0xbb]);

const addressesOf = (source: string): Buffer => {
  const bytes = bytesOf(source);
  return Buffer.concat([bytes, Buffer.alloc(bytes.length, 1), ports]);
};

/** IPv6 with eight groups, or `::` once. */
const bytesOf = (address: string): Buffer => {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
};
