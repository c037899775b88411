// How many connections one address may have open: so many idle ones that nobody else could connect cost it nothing.
// A proxy that is trusted stands for many callers, and so does a unix socket: they are not counted.

import type { Server, Socket } from 'node:net';
import { addressBlockOf } from '../../identity/address-block.ts';
import { addressOf, type TrustsAddress } from '../peer.ts';

/** How often it is said that an address has too many: a flood must not fill the log. */
const sayEveryMs = 60_000;

/** Closes connections unread, before a TLS handshake, when their address block has `max` open; returns how many it has closed. */
export const limitPerAddress = (
  server: Server,
  max: () => number,
  trusts: TrustsAddress,
  onFull: (addressBlock: string) => void = () => undefined,
): (() => number) => {
  const openByBlock = new Map<string, number>();
  let closed = 0;
  let saidMs = -Infinity;
  server.on('connection', (socket: Socket) => {
    const address = addressOf(socket);
    if (address === 'unknown' || trusts(address)) return;
    const block = addressBlockOf(address);
    const open = openByBlock.get(block) ?? 0;
    if (open >= max()) {
      closed += 1;
      socket.destroy();
      const nowMs = performance.now();
      if (nowMs - saidMs < sayEveryMs) return;
      saidMs = nowMs;
      onFull(block);
      return;
    }
    openByBlock.set(block, open + 1);
    socket.once('close', () => {
      const left = (openByBlock.get(block) ?? 1) - 1;
      if (left === 0) openByBlock.delete(block);
      else openByBlock.set(block, left);
    });
  });
  return () => closed;
};
