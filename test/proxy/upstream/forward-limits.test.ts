// Starved of descriptors: the process lives and serves again. The whole gate is starved in system/starved.test.ts.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import t, { type Test } from 'tap';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import type { RawConnection } from '../../support/raw-connection.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface Starved {
  readonly port: number;
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
}

const startProcess = async (t: Test, origin: string, descriptorsMax: number): Promise<Starved> => {
  const script = join(import.meta.dirname, '../../support/forwarding-process.ts');
  const child = spawn(
    'sh',
    ['-c', `ulimit -n ${descriptorsMax}; exec "$0" "$1" "$2"`, process.execPath, script, origin],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const [port] = await once(lines, 'line');
  return { port: Number(port), child };
};

t.test('with 64 descriptors it refuses what it cannot serve, does not crash, and recovers', async (t) => {
  const upstream = await startRawUpstream({ answer: ok });
  t.teardown(() => upstream.close());
  const { port, child } = await startProcess(t, upstream.origin, 64);
  t.equal((await exchangeRaw(port, get)).status, 200);
  const clients = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const client = await connectRaw(port).catch(() => undefined);
      client?.send(get);
      return client;
    }),
  );
  // Each is answered, or its connection is closed: none is left to wait.
  const endingOf = async (client: RawConnection | undefined): Promise<unknown> =>
    client === undefined
      ? 'refused'
      : Promise.race([client.readMessage().then(({ status }) => status), client.closed]);
  const endings = await Promise.all(clients.map((client) => endingOf(client).catch(() => 'closed')));
  t.ok(endings.includes(200), 'some were served');
  for (const client of clients) client?.socket.destroy();
  for (;;) {
    const answer = await exchangeRaw(port, get).catch(() => undefined);
    if (answer?.status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal(child.exitCode, null);
});
