// Issue 9, number 5: heads of responses up to `upstreams.*.responseHeadBytesMax`, 64 KB without it; beyond: 502, and a log line
// that says so. nginx's and HAProxy's buffers hold 4 to 16 KB until they are told otherwise, and answer 502 beyond.

import { request as httpRequest } from 'node:http';
import t, { type Test } from 'tap';
import { accessLine } from '../../../src/observe/access-line.ts';
import { startEdge } from '../../support/edge.ts';
import { startForwarding, upstreamSettings } from '../../support/forwarding.ts';
import { connectRaw, exchangeRaw } from '../../support/raw-client.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';

const get = 'GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n';

/** A head of exactly so many bytes, blank line included, in fields of at most 4 KB. */
const headOf = (bytes: number): string => {
  const start = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n';
  let fields = '';
  for (let left = bytes - start.length - 2; left > 0;) {
    const length = left > 4_200 ? 4_096 : left;
    fields += `X-A: ${'x'.repeat(length - 7)}\r\n`;
    left -= length;
  }
  return `${start}${fields}\r\n`;
};

const setUp = async (t: Test, head: string, settings = {}) => {
  const upstream = await startRawUpstream({ answer: `${head}ok` });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, { upstream: settings });
  t.teardown(() => edge.close());
  return edge;
};

t.test('64 KB pass, in one field or in many, and one byte more is 502', async (t) => {
  t.equal(headOf(65_536).length, 65_536);
  const edge = await setUp(t, headOf(65_536));
  const answer = await new Promise<{ status: number | undefined; bytes: number }>((resolve, reject) => {
    const asked = httpRequest({ port: edge.port, path: '/public/x', maxHeaderSize: 100_000 }, (response) => {
      const bytes = response.rawHeaders.join('').length;
      response.resume().on('end', () => resolve({ status: response.statusCode, bytes }));
    });
    asked.on('error', reject).end();
  });
  t.equal(answer.status, 200);
  t.ok(answer.bytes > 65_000);
  const refusing = await setUp(t, headOf(65_537));
  t.equal((await exchangeRaw(refusing.port, get)).status, 502);
});

t.test('the log says which setting may allow more', async (t) => {
  const edge = await setUp(t, headOf(65_537));
  await exchangeRaw(edge.port, get);
  const outcome = await edge.nextOutcome();
  t.match(outcome, { status: 502, reason: 'upstream_invalid' });
  t.match(
    accessLine(outcome, 0),
    /the upstream sent a head of more than 65536 bytes; upstreams\.\*\.responseHeadBytesMax may allow more/,
  );
});

t.test('it is settable for each upstream, and holds for each head and for the trailers', async (t) => {
  const settings = { responseHeadBytesMax: 1_024 };
  t.equal((await exchangeRaw((await setUp(t, headOf(1_024), settings)).port, get)).status, 200);
  t.equal((await exchangeRaw((await setUp(t, headOf(1_025), settings)).port, get)).status, 502);
  const hint = `HTTP/1.1 103 Early Hints\r\nLink: ${'x'.repeat(900)}\r\n\r\n`;
  const hinted = await setUp(t, hint + hint + headOf(1_024), settings);
  t.equal((await exchangeRaw(hinted.port, get.replace('HTTP/1.1', 'HTTP/1.0'))).status, 200);
  const trailers = await startRawUpstream({
    answer: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: ${'x'.repeat(1_024)}\r\n\r\n`,
  });
  t.teardown(() => trailers.close());
  const proxy = await startForwarding(trailers, { upstream: settings });
  t.teardown(() => proxy.close());
  await exchangeRaw(proxy.port, get).catch(() => undefined);
  t.match(await proxy.nextEnd(), { status: 200, failure: { reason: 'upstream_invalid' } }, 'broken off');
});

t.test('the number of header lines is bounded, too', async (t) => {
  const edge = await setUp(t, `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(2_001)}Content-Length: 2\r\n\r\n`);
  t.equal((await exchangeRaw(edge.port, get)).status, 502);
  t.match(await edge.nextOutcome(), { cause: { message: /more than 2000 header lines/ } });
});

t.test('it holds for the answer to a WebSocket handshake', async (t) => {
  const handshake =
    'GET /public/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n';
  const upstream = await startRawUpstream({ answer: `${headOf(70_000).replace('200 OK', '403 No')}ok` });
  t.teardown(() => upstream.close());
  for (const [responseHeadBytesMax, status] of [
    [65_536, 502],
    [131_072, 403],
  ] as const) {
    const proxy = await startForwarding(upstream, { upstream: { responseHeadBytesMax } });
    t.teardown(() => proxy.close());
    const client = await connectRaw(proxy.port);
    client.send(handshake);
    await client.closed;
    t.match(client.received, new RegExp(`^HTTP/1.1 ${status} `));
    if (status === 502)
      t.match(await proxy.nextEnd(), { failure: { cause: { message: /responseHeadBytesMax/ } } });
  }
});

t.test('without a setting it is 64 KB', async (t) => {
  t.equal(upstreamSettings({ origin: 'http://127.0.0.1:1' }).responseHeadBytesMax, 65_536);
});
