// A relay between one gate and Redis that can be cut, parted and slowed: on a unix socket, byte for byte, both ways.
//
//   const relay = await startRelay(t, join(directory, 'a.sock'), redis.socketPath);
//   relay.part();     // nothing passes any more, and no connection ends
//   relay.cut();      // connections are reset, and new ones refused
//   relay.slice();    // bytes pass in pieces of a few, now and then
//   relay.mend();

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface Relay {
  readonly path: string;
  part(): void;
  cut(): void;
  slice(): void;
  mend(): void;
}

/** The pieces of a sliced connection, in bytes, over and over. */
const pieces = [1, 7, 2, 64, 3, 512, 5];

export const startRelay = async (t: Test, path: string, target: string): Promise<Relay> => {
  const sockets = new Set<Socket>();
  let mode: 'whole' | 'parted' | 'cut' | 'sliced' = 'whole';
  const server = createServer((near) => {
    if (mode === 'cut') return void near.destroy();
    const far = connect(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes: Buffer) => {
        if (mode === 'sliced') void passSliced(from, to, bytes);
        else to.write(bytes);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (mode === 'parted') from.pause();
    }
  });
  /** One piece each turn of the event loop; what comes meanwhile waits its turn. */
  const passSliced = async (from: Socket, to: Socket, bytes: Buffer): Promise<void> => {
    from.pause();
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const length = pieces[turn % pieces.length]!;
      to.write(bytes.subarray(at, at + length));
      at += length;
      await new Promise((resolve) => setTimeout(resolve, turn % pieces.length === 0 ? 2 : 0));
    }
    if (mode !== 'parted') from.resume();
  };
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    path,
    part: () => {
      mode = 'parted';
      for (const socket of sockets) socket.pause();
    },
    cut: () => {
      mode = 'cut';
      for (const socket of sockets) socket.destroy();
    },
    slice: () => {
      mode = 'sliced';
    },
    mend: () => {
      mode = 'whole';
      for (const socket of sockets) socket.resume();
    },
  };
};
