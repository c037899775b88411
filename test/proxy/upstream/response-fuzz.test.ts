// Whatever an API sends, every request ends, and no caller gets a byte of another's answer. A failure prints its seed.

import t from 'tap';
import { startForwarding } from '../../support/forwarding.ts';
import { randomOf } from '../../support/random.ts';
import { connectRaw } from '../../support/raw-client.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';

const seed = Number(process.env['TOLLGATE_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const rounds = Number(process.env['TOLLGATE_FUZZ_ROUNDS'] ?? 400);

const answersFor = (id: string): readonly string[] => [
  `HTTP/1.1 200 OK\r\nX-For: ${id}\r\nContent-Length: ${id.length}\r\n\r\n${id}`,
  `HTTP/1.1 200 OK\r\nX-For: ${id}\r\nTransfer-Encoding: chunked\r\n\r\n${id.length.toString(16)};a\r\n${id}\r\n0\r\nX-Sum: 1\r\n\r\n`,
  `HTTP/1.1 103 Early\r\nLink: </${id}>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${id.length}\r\n\r\n${id}`,
  `HTTP/1.1 204 No Content\r\nX-For: ${id}\r\n\r\n`,
  `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: ${id.length}\r\n\r\n${id}`,
  `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: ${id.length}\r\n\r\n${id}`,
];
const pieces = ['\r', '\n', '\r\n', ' ', '\0', ':', ';', '0', '9', 'f', '\r\n\r\n', 'chunked', '\u00ff'];
const lines = [
  'Content-Length: 1\r\n',
  'Content-Length: 99\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
];

t.test('damaged answers end their own request, and only that', async (t) => {
  const random = randomOf(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const damage = (bytes: string): string => {
    const at = Math.floor(random() * bytes.length);
    if (random() < 0.3) {
      const line = bytes.indexOf('\r\n', at) + 2;
      return line < 2 ? bytes : bytes.slice(0, line) + pick(lines) + bytes.slice(line);
    }
    return bytes.slice(0, at) + pick(pieces) + bytes.slice(at + Math.floor(random() * 3));
  };
  const upstream = await startRawUpstream({
    answer: ({ startLine }) => {
      const bytes = pick(answersFor(startLine.split(' ')[1]!.slice(1)));
      return random() < 0.7 ? damage(bytes) : bytes;
    },
  });
  t.teardown(() => upstream.close());
  const proxy = await startForwarding(upstream, {
    upstream: { connectionsMax: 8, bodyIdleTimeoutMs: 100 },
    rule: { responseTimeoutMs: 100 },
  });
  t.teardown(() => proxy.close());
  /** No damage makes one of another. */
  const ids = new Set<string>();
  const nextId = (): string => {
    const id = `id${String((ids.size + 1) * 1_000_003).padStart(12, '0')}z`;
    ids.add(id);
    return id;
  };
  const strange: unknown[] = [];
  const ask = async (id: string): Promise<void> => {
    const client = await connectRaw(proxy.port);
    client.send(`GET /${id} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await client.closed;
    const others =
      client.received.match(/id\d{12}z/g)?.filter((named) => named !== id && ids.has(named)) ?? [];
    if (others.length > 0) strange.push(client.received);
  };
  const work = async (): Promise<void> => {
    while (ids.size < rounds) await ask(nextId());
  };
  await Promise.all(Array.from({ length: 8 }, work));
  t.same(strange, [], `seed ${seed}`);
  t.equal(proxy.ends.length, rounds, 'each has one end');
  t.same(proxy.bugs, []);
  while (proxy.forwarder.reading()['api']?.busy !== 0) await new Promise(setImmediate);
  t.pass('no connection is held');
});
