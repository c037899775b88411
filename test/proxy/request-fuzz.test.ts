// Requests with a few bytes changed, thousands of ways, each on a connection of its own: whatever comes through was
// authorized as it is forwarded, carries our identity alone, and every connection ends. A failure prints its seed.

import t from 'tap';
import { startEdge } from '../support/edge.ts';
import { randomOf } from '../support/random.ts';
import { connectRaw } from '../support/raw-client.ts';
import type { RawMessage } from '../support/raw-connection.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const seed = Number(process.env['TOLLGATE_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const rounds = Number(process.env['TOLLGATE_FUZZ_ROUNDS'] ?? 1_500);

const bases = [
  'GET /things/7?a=1 HTTP/1.1\r\nHost: api\r\nX-Identity-User: root\r\nAuthorization: Bearer good\r\nX-A: b\r\n\r\n',
  'POST /things/7 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer good\r\nX_Identity: root\r\nContent-Length: 47\r\n\r\nGET /admin HTTP/1.1\r\nX-Identity: root\r\nHost: a\r\n\r\n',
  'DELETE /public/x HTTP/1.1\r\nHost: api\r\nConnection: close, X-A\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Identity: root\r\n\r\n',
  'GET /public/../admin HTTP/1.1\r\nHost: api\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: Bearer admin2\r\n\r\n',
];
const pieces = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ';',
  ',',
  '%',
  '%2f',
  '%2e',
  '/',
  '.',
  '..',
  '\\',
  '#',
  '?',
  '_',
  '-',
  '"',
  'Host: b\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: Host\r\n',
  'Expect: 100-continue\r\n',
  'X-Identity: root\r\n',
  'Authorization: Bearer x\r\n',
  '0\r\n\r\n',
  '\u00ff',
  'A',
  '1',
];

const mutate = (base: string, random: () => number): string => {
  let bytes = base;
  for (let edits = 1 + Math.floor(random() * 4); edits > 0; edits--) {
    const at = Math.floor(random() * bytes.length);
    const piece = pieces[Math.floor(random() * pieces.length)]!;
    const cut = random() < 0.5 ? 0 : 1 + Math.floor(random() * 3);
    bytes = bytes.slice(0, at) + (random() < 0.8 ? piece : '') + bytes.slice(at + cut);
  }
  return bytes;
};

t.test(`nothing comes through that was not authorized as it is (seed ${seed})`, async (t) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, {
    routes: [
      aRule({ scopes: ['things:read'] }),
      aRule({ name: 'admin', path: '/admin', scopes: ['things:admin'] }),
      aRule({ name: 'rest', path: '/public/*', public: true }),
    ],
    limits: { headersTimeoutMs: 2_000, requestTimeoutMs: 2_000 },
  });
  t.teardown(() => edge.close());
  const random = randomOf(seed);
  const batch = 25;
  for (let round = 0; round < rounds; round += batch)
    await Promise.all(
      Array.from({ length: batch }, async () => {
        const client = await connectRaw(edge.port);
        client.send(mutate(bases[Math.floor(random() * bases.length)]!, random));
        client.end();
        await client.closed;
        client.socket.destroy();
      }),
    );

  const forwarded = (request: RawMessage): string | undefined => {
    const [method, target, version] = request.startLine.split(' ');
    const user = request.headers
      .filter(([name]) => /^x[^a-z0-9]identity/i.test(name))
      .map(([, value]) => value);
    if (version !== 'HTTP/1.1' || !/^[A-Z-]+$/.test(method!)) return 'a request line of ours';
    if (!/^\/(?:things|public)\//.test(target!)) return 'a path that a rule lets this caller use';
    if (/(?:^|\/)\.{1,2}(?:\/|\?|$)|\/\/|\\|#|;|%2e|%2f|%25[0-9a-f]{2}/i.test(target!.split('?')[0]!))
      return 'a canonical path';
    if (user.some((value) => /root/.test(value))) return 'our identity or none';
    if (target!.startsWith('/things/') && !user.includes('alice')) return 'the identity that was judged';
    if (request.all('host').length !== 1) return 'one Host';
    if (request.all('authorization').length > 0) return 'no credential';
    if (request.all('x-forwarded-for').join() !== '127.0.0.1') return 'no forwarded lies';
    return undefined;
  };
  const broken = upstream.requests.flatMap((request) => forwarded(request) ?? []);
  t.same(broken, []);
  t.ok(upstream.requests.length > rounds / 20, `some came through: ${upstream.requests.length}`);
  t.ok(
    edge.outcomes.every(({ result }) => result !== 'bug'),
    'no bug',
  );
  t.same(
    edge.outcomes.filter(({ route, result }) => route === 'admin' && result === 'permit'),
    [],
  );
  const again = await connectRaw(edge.port);
  t.teardown(() => again.socket.destroy());
  again.send('GET /things/7 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer good\r\n\r\n');
  t.equal((await again.readMessage()).status, 200, 'and the next caller is served');
});
