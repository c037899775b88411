// Requests that a caller sends ahead of the answer to the one before (RFC 9112 section 9.3.2): one at a time, in order,
// and only so many of them.

import type { Socket } from 'node:net';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { type Edge, type EdgeOptions, startEdge } from '../support/edge.ts';
import { connectRaw, exchangeRaw } from '../support/raw-client.ts';
import type { RawConnection, RawMessage } from '../support/raw-connection.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

interface Scene {
  readonly edge: Edge;
  readonly upstream: RawUpstream;
  /** Requests the upstream has read, in order. */
  readonly reached: readonly RawMessage[];
  /** Answers to requests whose target holds `slow` wait for this. */
  readonly release: () => void;
  readonly connect: () => Promise<RawConnection>;
  /** Resolves when so many requests have reached the upstream. */
  readonly untilReached: (count: number) => Promise<void>;
}

const setScene = async (t: Test, options: EdgeOptions = {}): Promise<Scene> => {
  const reached: RawMessage[] = [];
  const released = Promise.withResolvers<void>();
  let wake: (() => void) | undefined;
  const upstream = await startRawUpstream({
    serve: async (connection) => {
      for (;;) {
        const request = await connection.readMessage();
        reached.push(request);
        wake?.();
        if (request.startLine.includes('slow')) await released.promise;
        const body = request.startLine.split(' ')[1]! + request.body;
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }
    },
  });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, {
    routes: [aRule({ path: '/*', public: true, upgrade: true }), aRule({ name: 'closed', path: '/closed' })],
    ...options,
  });
  t.teardown(() => edge.close());
  return {
    edge,
    upstream,
    reached,
    release: () => released.resolve(),
    connect: async () => {
      const client = await connectRaw(edge.port);
      t.teardown(() => client.socket.destroy());
      return client;
    },
    untilReached: async (count) => {
      while (reached.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
};

const get = (path: string, ...lines: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: api', ...lines, '', ''].join('\r\n');
const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: api\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunkedPost = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const targets = (reached: readonly RawMessage[]): string[] =>
  reached.map(({ startLine }) => startLine.split(' ')[1]!);

t.test('one connection has one request at the API, however many it sends', async (t) => {
  const { upstream, reached, release, connect, edge, untilReached } = await setScene(t);
  const greedy = await connect();
  const paths = Array.from({ length: 600 }, (_, n) => `/slow/${n}`);
  greedy.send(paths.map((path) => get(path)).join(''));
  await untilReached(1);
  t.equal((await exchangeRaw(edge.port, get('/other'))).status, 200, 'others are served');
  t.same(targets(reached), ['/slow/0', '/other']);
  t.equal(upstream.connections.length, 2);
  release();
  for (const path of paths) t.equal((await greedy.readMessage()).body, path);
  t.equal(edge.outcomes.length, 601, 'and each has its outcome');
});

t.test('bodies, refusals and answers keep their places', async (t) => {
  const { release, connect, untilReached, edge, reached } = await setScene(t);
  const client = await connect();
  client.send(
    post('/slow/a', 'one') +
      get('/closed') +
      post('/b', 'x'.repeat(20_000)) +
      get('/c') +
      post('/closed', 'small') +
      get('/nobody/../x') +
      'HEAD /d HTTP/1.1\r\nHost: api\r\n\r\n' +
      post('/e', 'y'.repeat(100_000)),
  );
  await untilReached(1);
  client.send(get('/f'));
  release();
  const answers: (string | number)[] = [];
  for (let n = 0; n < 9; n++) {
    const { status, body } = await client.readMessage({ bodiless: n === 6 });
    answers.push(status === 200 ? body : status);
  }
  t.same(answers, [
    '/slow/aone',
    401,
    `/b${'x'.repeat(20_000)}`,
    '/c',
    401,
    400,
    '',
    `/e${'y'.repeat(100_000)}`,
    '/f',
  ]);
  t.same(targets(reached), ['/slow/a', '/b', '/c', '/d', '/e', '/f']);
  client.send(get('/g'));
  t.equal((await client.readMessage()).body, '/g', 'the connection is kept');
  t.same(
    edge.outcomes.map(({ path, status }) => `${path} ${status}`),
    [
      '/slow/a 200',
      '/closed 401',
      '/b 200',
      '/c 200',
      '/closed 401',
      '/nobody/../x 400',
      '/d 200',
      '/e 200',
      '/f 200',
      '/g 200',
    ],
  );
});

t.test('a caller that sends on and on is read no further, with bodies or without', async (t) => {
  for (const [sentence, piece] of [
    ['without', get('/next', `X-Pad: ${'x'.repeat(500)}`)],
    ['with', post('/next', 'x'.repeat(500))],
    ['with chunked ones', chunkedPost('/next', 'x'.repeat(500))],
  ] as const) {
    const { edge, release, connect, untilReached, reached } = await setScene(t);
    const accepted = once(edge.listener, 'connection');
    const client = await connect();
    const [socket] = (await accepted) as [Socket];
    const count = Math.ceil(4_000_000 / piece.length);
    client.send(get('/slow') + piece.repeat(count));
    await untilReached(1);
    for (let n = 0; n < 30; n++) await exchangeRaw(edge.port, get('/other'));
    t.ok(socket.bytesRead < 300_000, `${sentence}: ${socket.bytesRead} bytes have been read`);
    t.notOk(targets(reached).includes('/next'));
    release();
    const before = socket.bytesRead;
    while (socket.bytesRead === before) await client.readMessage();
    client.socket.destroy();
  }
});

t.test('what waits goes with its caller', async (t) => {
  const { connect, untilReached, reached, edge, release } = await setScene(t);
  const client = await connect();
  client.send(get('/slow') + post('/never', 'x').repeat(10));
  await untilReached(1);
  client.reset();
  t.match(await edge.nextOutcome(), { path: '/slow', reason: 'client_gone' });
  release();
  await exchangeRaw(edge.port, get('/other'));
  t.same(targets(reached), ['/slow', '/other']);
  t.equal(edge.outcomes.length, 2, 'what was not begun has no outcome');
});

t.test('nothing begins behind an answer that closes the connection', async (t) => {
  const { connect, untilReached, reached, release, edge } = await setScene(t);
  const refused = await connect();
  refused.send(get('/slow') + chunkedPost('/closed', 'x') + post('/never', 'x'));
  const leaving = await connect();
  leaving.send(get('/slow/2') + get('/last') + post('/never', 'x'));
  await untilReached(2);
  edge.beginShutdown();
  release();
  t.equal((await refused.readMessage()).status, 200);
  t.equal((await leaving.readMessage()).header('connection'), 'keep-alive');
  t.equal((await leaving.readMessage()).header('connection'), 'close');
  await Promise.all([refused.closed, leaving.closed]);
  t.notOk(targets(reached).includes('/never'));
});

t.test('the token endpoints take their turn', async (t) => {
  const answered = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { connect, reached } = await setScene(t, {
    surface: {
      path: '/oauth2/token',
      handle: (_request, response) => {
        asked.resolve();
        void answered.promise.then(() => response.end('a token'));
      },
    },
  });
  const client = await connect();
  client.send(get('/oauth2/token') + get('/next') + get('/oauth2/token'));
  await asked.promise;
  await new Promise(setImmediate);
  t.same(reached, []);
  answered.resolve();
  const bodies = [];
  for (let n = 0; n < 3; n++) bodies.push((await client.readMessage()).body);
  t.same(bodies, ['a token', '/next', 'a token']);
});

t.test('garbage behind requests that wait costs none of them its answer', async (t) => {
  const { connect, edge, release } = await setScene(t);
  const client = await connect();
  const garbage = once(edge.listener, 'clientError');
  client.send(`${get('/slow') + get('/a') + get('/closed')}GARBAGE\r\n\r\n`);
  await garbage;
  release();
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await client.readMessage()).status);
  t.same(statuses, [200, 200, 401, 400]);
  t.equal(await client.closed, 'end');
});

t.test('an upgrade or a tunnel behind another request never takes its connection over', async (t) => {
  const { connect, untilReached, release, reached, edge } = await setScene(t);
  const upgrade = 'GET /ws HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const first = await connect();
  first.send(get('/slow') + get('/closed') + upgrade);
  const second = await connect();
  second.send(get('/closed') + get('/closed') + upgrade);
  for (let n = 0; n < 2; n++) t.equal((await second.readMessage()).status, 401);
  t.equal((await second.readMessage()).body, '/ws');
  const third = await connect();
  third.send(`${get('/slow/3')}CONNECT api:443 HTTP/1.1\r\nHost: api\r\n\r\n`);
  await third.closed;
  t.equal(third.received, '', 'the refusal of a tunnel is not taken for another answer');
  release();
  for (const expected of [200, 401, 200]) t.equal((await first.readMessage()).status, expected);
  await untilReached(3);
  t.notMatch(reached.flatMap(({ headers }) => headers).join(), /upgrade/i);
  t.ok(edge.outcomes.every(({ result }) => result !== 'bug'));
});

t.test('what all callers together may have waiting is bounded: who has most is cut off', async (t) => {
  const { connect, untilReached, release, edge } = await setScene(t);
  const modest = await connect();
  modest.send(get('/slow/modest') + get('/modest/next'));
  await untilReached(1);
  const tiny = 'GET /n HTTP/1.1\r\nHost:a\r\n\r\n';
  // Only the first two or three are read so far: then their address is known for it, and read in small pieces.
  const greedy = await Promise.all(Array.from({ length: 80 }, connect));
  for (const [n, client] of greedy.entries()) client.send(get(`/slow/${n}`) + tiny.repeat(2_000));
  await Promise.race(greedy.map(({ closed }) => closed));
  t.equal((await exchangeRaw(edge.port, get('/other'))).status, 200);
  release();
  for (const path of ['/slow/modest', '/modest/next']) t.equal((await modest.readMessage()).body, path);
});
