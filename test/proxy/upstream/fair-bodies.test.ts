// A connection to the API is taken for a body that is here, not for one that is announced, and a body that hardly comes ends.

import t, { type Test } from 'tap';
import type { ExchangeLimits } from '../../../src/proxy/upstream/exchange.ts';
import { get, type SharedUpstream, startSharedUpstream, until } from '../../support/shared-upstream.ts';

const greedyAddress = '127.0.0.2';
const otherAddress = '127.0.0.3';
const hour = 3_600_000;
/** What a test does not shorten cannot be what ends the request. */
const bounds: Omit<ExchangeLimits, 'writeStallTimeoutMs'> = {
  bodyBufferBytes: 16_384,
  bodyWaitMs: hour,
  bodyStallTimeoutMs: hour,
  bodyRateMin: 240,
};

const setUp = (t: Test, body: Partial<ExchangeLimits> = {}, shares = {}) =>
  startSharedUpstream(t, shares, {
    limits: { ...bounds, ...body, requestTimeoutMs: hour, headersTimeoutMs: 60_000 },
  });

const post = (...lines: readonly string[]): string =>
  ['POST /public/x HTTP/1.1', 'Host: api', ...lines, '', ''].join('\r\n');
const chunk = (bytes: string): string => `${bytes.length.toString(16)}\r\n${bytes}\r\n`;

const sendAll = (scene: SharedUpstream, count: number, request: string) =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const client = await scene.connect(greedyAddress);
      client.send(request);
      return client;
    }),
  );

t.test('260 announced bodies that never come, without a credential, keep nobody from the API', async (t) => {
  const scene = await setUp(t, {}, { connectionsMax: 256, callerShare: 1, addressShare: 1 });
  let begun = 0;
  scene.edge.listener.on('request', () => (begun += 1));
  await sendAll(scene, 260, post('Content-Length: 1000'));
  await until(() => begun === 260);
  await new Promise(setImmediate);
  t.same(scene.edge.upstreamReading().busy, 128, 'half of them, where one caller may have all');
  for (let n = 0; n < 5; n += 1) t.equal((await scene.ask(otherAddress, get('/public/x'))).status, 200);
  t.equal((await scene.ask(greedyAddress, get('/public/x'))).status, 200);
  t.equal(scene.upstream.connections.length, 129);
});

t.test('nor do chunked bodies that begin and go no further, beyond a share of the connections', async (t) => {
  const scene = await setUp(
    t,
    { bodyWaitMs: 10 },
    { connectionsMax: 8, callerShare: 0.25, addressShare: 0.5 },
  );
  await sendAll(scene, 20, post('Transfer-Encoding: chunked') + chunk('x'));
  await until(() => scene.edge.upstreamReading().waiting > 0);
  t.same(scene.edge.upstreamReading().busy, 2);
  for (let n = 0; n < 5; n += 1) t.equal((await scene.ask(otherAddress, get('/public/x'))).status, 200);
});

t.test(
  'a body that hardly comes is 408, and its connection ends; also one that held a connection',
  async (t) => {
    for (const [sentence, bodyWaitMs, request] of [
      ['announced', hour, post('Content-Length: 1000')],
      ['begun', hour, `${post('Content-Length: 1000')}begun`],
      ['long, and begun', 0, `${post('Content-Length: 100000')}begun`],
      ['chunked, and begun', 0, post('Transfer-Encoding: chunked') + chunk('begun')],
    ] as const) {
      const scene = await setUp(t, { bodyStallTimeoutMs: 500, bodyWaitMs });
      const client = await scene.connect(greedyAddress);
      client.send(request);
      const answer = await client.readMessage();
      t.equal(answer.status, 408, sentence);
      t.equal(answer.header('connection'), 'close');
      await client.closed;
      t.match(await scene.edge.nextOutcome(), { status: 408, reason: 'request_timeout', route: 'public' });
      await until(() => scene.edge.upstreamReading().busy === 0);
    }
  },
);

t.test('a body that keeps coming is let through, however many windows it takes', async (t) => {
  const scene = await setUp(t, { bodyStallTimeoutMs: 300, bodyRateMin: 10 });
  const client = await scene.connect(otherAddress);
  client.send(post('Transfer-Encoding: chunked'));
  const ticker = setInterval(() => client.send(chunk('x'.repeat(100))), 30);
  t.teardown(() => clearInterval(ticker));
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  clearInterval(ticker);
  client.send('0\r\n\r\n');
  t.equal((await client.readMessage()).status, 200);
});

t.test('a body in pieces reaches the API whole, of every size around the buffer', async (t) => {
  const scene = await setUp(t);
  for (const size of [1, 16_383, 16_384, 16_385, 300_000]) {
    const body = 'y'.repeat(size);
    for (const request of [
      post(`Content-Length: ${size}`) + body,
      `${post('Transfer-Encoding: chunked') + chunk(body)}0\r\n\r\n`,
    ]) {
      const client = await scene.connect(otherAddress);
      client.send(request.slice(0, -1));
      await new Promise(setImmediate);
      client.send(request.slice(-1));
      t.equal((await client.readMessage()).status, 200);
      t.equal(scene.reached.at(-1)?.body, body, `${size} bytes`);
    }
  }
});

t.test('a caller that sends a little and waits for the answer gets it: nothing waits for ever', async (t) => {
  const scene = await startSharedUpstream(
    t,
    {},
    { limits: { ...bounds, bodyWaitMs: 20, bodyStallTimeoutMs: 500 } },
    // Answers each line with one, while the request still comes.
    async (connection) => {
      await connection.readHead();
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      for (const word of ['one', 'two']) {
        await connection.readUntil(`${word}\n`);
        connection.send(chunk(`heard ${word}\n`));
      }
    },
  );
  const client = await scene.connect(otherAddress);
  client.send(post('Transfer-Encoding: chunked') + chunk('one\n'));
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 200 OK');
  t.match(await client.readUntil('heard one\n\r\n'), /heard one/);
  // Silent for more than two windows: the API has answered, so it knows what it waits for.
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  client.send(chunk('two\n'));
  t.match(await client.readUntil('heard two\n\r\n'), /heard two/);
});

t.test('a body in thousands of chunks of one byte is handed on in few', async (t) => {
  const begun = Promise.withResolvers<void>();
  const counted = Promise.withResolvers<number>();
  const scene = await startSharedUpstream(t, {}, {}, async (connection) => {
    await connection.readHead();
    begun.resolve();
    counted.resolve((await connection.readUntil('\r\n0\r\n\r\n')).split('\r\n').length / 2);
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const client = await scene.connect(otherAddress);
  client.send(post('Transfer-Encoding: chunked') + chunk('x').repeat(20_000));
  await begun.promise;
  client.send(`${chunk('x').repeat(20_000)}0\r\n\r\n`);
  t.equal((await client.readMessage()).status, 200);
  const chunks = await counted.promise;
  t.ok(chunks < 200, `${chunks} chunks reached the API`);
});

t.test('a small body of unknown length reaches the API with its length', async (t) => {
  const scene = await setUp(t);
  const request = `${post('Transfer-Encoding: chunked') + chunk('one') + chunk('two')}0\r\n\r\n`;
  t.equal((await scene.ask(otherAddress, request)).status, 200);
  t.match(scene.reached[0], { body: 'onetwo', framing: 'content-length' });
  t.equal(scene.reached[0]?.header('transfer-encoding'), undefined);
});

t.test(
  'a caller that leaves before its body is whole has one outcome, and the API hears nothing',
  async (t) => {
    const scene = await setUp(t);
    const client = await scene.connect(otherAddress);
    client.send(`${post('Content-Length: 1000')}begun`);
    await new Promise<void>((resolve) => scene.edge.listener.once('request', () => resolve()));
    client.reset();
    t.match(await scene.edge.nextOutcome(), { reason: 'client_gone' });
    t.equal((await scene.ask(otherAddress, get('/public/x'))).status, 200);
    t.equal(scene.reached.length, 1);
    t.equal(scene.edge.outcomes.length, 2);
  },
);

t.test(
  'where connections are scarce, a caller that asks whether it may send its body hears it before one is taken',
  async (t) => {
    const scene = await setUp(t, {}, { connectionsMax: 1 });
    const client = await scene.connect(otherAddress);
    client.send(post('Content-Length: 5', 'Expect: 100-continue'));
    t.match(await client.readHead(), { startLine: /100/ });
    t.equal(scene.edge.upstreamReading().busy, 0);
    client.send('hello');
    t.equal((await client.readMessage()).status, 200);
    t.equal(scene.reached[0]?.body, 'hello');
  },
);

t.test('callers that read nothing of a long answer keep no others from the API', async (t) => {
  const long = 'z'.repeat(8_000_000);
  const scene = await startSharedUpstream(
    t,
    { connectionsMax: 8, callerShare: 0.25, addressShare: 0.5 },
    { limits: { writeStallTimeoutMs: 1_000 } },
    async (connection) => {
      for (;;) {
        const request = await connection.readMessage();
        const body = request.startLine.includes('long') ? long : 'ok';
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }
    },
  );
  const greedy = await sendAll(scene, 6, get('/public/long'));
  for (const client of greedy) client.pause();
  await until(() => scene.edge.upstreamReading().waiting > 0);
  for (let n = 0; n < 5; n += 1) t.equal((await scene.ask(otherAddress, get('/public/x'))).status, 200);
  await until(() => scene.edge.outcomes.filter(({ reason }) => reason === 'client_gone').length >= 2);
});
