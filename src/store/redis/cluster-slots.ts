// Which server of a Cluster holds which of our sixteen hash tags. Pure.

import type { Redirect } from './redirect.ts';

const slotCount = 16_384;

/** CRC-16/XMODEM modulo 16384 (Redis Cluster specification, "Key distribution model"). */
export const slotOfTag = (tag: string): number => {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = ((crc & 0x80_00 ? (crc << 1) ^ 0x10_21 : crc << 1) & 0xff_ff) >>> 0;
  }
  return crc % slotCount;
};

/** The hash tag of a key of ours: `tollgate:{7}:...` -> `7`. */
export const tagOfKey = (key: string): string => key.slice(key.indexOf('{') + 1, key.indexOf('}'));

export type Address = Pick<Redirect, 'host' | 'port'>;

/**
 * Reads the reply of CLUSTER SLOTS: [first, last, [host, port, ...] (the master), ...] per range.
 * `answeredBy`: the host that was asked, which an empty host means.
 */
export const ownersOf = (
  reply: unknown,
  tags: readonly string[],
  answeredBy: string,
): ReadonlyMap<string, Address> => {
  const owners = new Map<string, Address>();
  if (!Array.isArray(reply)) return owners;
  for (const range of reply as readonly unknown[]) {
    if (!Array.isArray(range)) continue;
    const [first, last, master] = range as readonly unknown[];
    if (typeof first !== 'number' || typeof last !== 'number' || !Array.isArray(master)) continue;
    const [host, port] = master as readonly unknown[];
    if (typeof port !== 'number' || host === '?') continue;
    const address = { host: typeof host === 'string' && host !== '' ? host : answeredBy, port };
    for (const tag of tags) {
      const slot = slotOfTag(tag);
      if (slot >= first && slot <= last) owners.set(tag, address);
    }
  }
  return owners;
};
