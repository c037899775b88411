// Waits until the proxy has read every byte an upstream has sent it, so that what the upstream does next (a reset drops
// what nobody has read) meets a proxy in a known state. Node tells of every socket it makes on a diagnostics channel.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Test } from 'tap';
import type { RawConnection } from './raw-connection.ts';

const channel = 'net.client.socket';

/** Watches connections made from now on. The function it gives resolves when all sent on one of them has been read. */
export const watchReads = (t: Test): ((connection: RawConnection) => Promise<void>) => {
  const sockets: Socket[] = [];
  const onMade = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return;
    if (message.socket instanceof Socket) sockets.push(message.socket);
  };
  subscribe(channel, onMade);
  t.teardown(() => void unsubscribe(channel, onMade));
  return async ({ socket }) => {
    const reader = sockets.find(({ localPort }) => localPort === socket.remotePort);
    if (reader === undefined) throw new Error('this connection is not one of the proxy');
    while (reader.bytesRead < socket.bytesWritten) await turn();
    await turn();
  };
};
