// Whatever pieces TCP makes of a response, the caller receives what a direct connection to the API gives. Responses of
// every framing are cut at every byte, and sent one byte at a time; a piece is sent when the one before has been read.

import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import t from 'tap';
import { watchReads } from '../../support/bytes-read.ts';
import { startForwarding } from '../../support/forwarding.ts';
import { startPiecewiseUpstream } from '../../support/piecewise-upstream.ts';
import { connectRaw } from '../../support/raw-client.ts';

interface Sample {
  readonly bytes: string;
  readonly method?: 'HEAD' | 'POST';
  readonly isClosed?: boolean;
}

const continueHead = 'HTTP/1.1 100 Continue\r\n\r\n';
/** Bytes 9 to 11 of each piece after a cut, at some cut, are `100`, and a blank line follows. */
const decoy = `xxxxxxxxx100\r\n\r\n${continueHead}Set-Cookie: stolen=1\r\n\r\nxxxxxxxxx100 `;

const samples: Readonly<Record<string, Sample>> = {
  'Content-Length': { bytes: 'HTTP/1.1 200 OK\r\nX-A: b\r\nX-Empty:\r\nContent-Length: 5\r\n\r\nhello' },
  'a body of one byte': { bytes: 'HTTP/1.1 201 Created here\r\nContent-Length: 1\r\n\r\n1' },
  'a body of blank lines': { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n' },
  'a head and a body that look like 100 Continue': {
    bytes: `HTTP/1.1 200 100\r\nX-100:  xxxxxxx100\r\nContent-Length: ${decoy.length}\r\n\r\n${decoy}`,
  },
  'no reason phrase': { bytes: 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok' },
  'a long reason phrase outside ASCII': {
    bytes: 'HTTP/1.1 404 Nicht gef\u00fcnden, 100 Mal\r\nContent-Length: 0\r\n\r\n',
  },
  'chunked with extensions and trailers': {
    bytes:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;a=b\r\nabc\r\ne\r\nHTTP/1.1 100 C\r\n0\r\nX-Sum: 1\r\n\r\n',
  },
  'chunked and empty': { bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' },
  'ended by the connection': {
    bytes: `HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n${continueHead}hello`,
    isClosed: true,
  },
  'HTTP/1.0': { bytes: 'HTTP/1.0 200 OK\r\nX-A: b\r\n\r\nhello 100\r\n\r\n', isClosed: true },
  'HTTP/1.0 with a length': { bytes: 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', isClosed: true },
  HEAD: { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\n', method: 'HEAD' },
  '204': { bytes: 'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n' },
  '304': { bytes: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "100"\r\n\r\n' },
  '100, then the answer': { bytes: `${continueHead}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok` },
  '100 with fields to a POST': {
    bytes:
      'HTTP/1.1 100 Continue\r\nX-A: b\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    method: 'POST',
  },
  '103, 100, 102, 103, then chunked': {
    bytes: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${continueHead}HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\nHTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  },
  '100, then 204': { bytes: `${continueHead}HTTP/1.1 204 No Content\r\n\r\n` },
  '100, then HEAD': {
    bytes: `${continueHead}HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n`,
    method: 'HEAD',
  },
};

/** The sample whole, in two pieces cut at every byte, and one byte at a time. */
const cutsOf = ({ bytes }: Sample): string[][] => [
  [bytes],
  ...Array.from({ length: bytes.length - 1 }, (_, at) => [bytes.slice(0, at + 1), bytes.slice(at + 1)]),
  bytes.split(''),
];

/** What belongs to a connection, and the id that Tollgate gives a request. */
const notOfTheApi = /^(connection|keep-alive|transfer-encoding|date|x-request-id)$/i;

/** All a caller can see of a response, except what belongs to its own connection and `100 Continue`. */
const ask = (port: number, method: string, agent: Agent): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const interims: unknown[] = [];
    const sent = httpRequest({ port, method, agent }, (response: IncomingMessage) => {
      let body = '';
      response.setEncoding('latin1').on('data', (piece: string) => (body += piece));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode, statusMessage, rawHeaders, rawTrailers } = response;
        const headers = endToEnd(rawHeaders);
        resolve({ statusCode, statusMessage, headers, body, rawTrailers, interims });
      });
    });
    sent.on('information', ({ statusCode, rawHeaders }) => {
      if (statusCode !== 100) interims.push({ statusCode, headers: endToEnd(rawHeaders) });
    });
    sent.on('error', reject).end(method === 'POST' ? 'x' : undefined);
  });

const endToEnd = (raw: readonly string[]): string[] =>
  raw.filter((_, at) => !notOfTheApi.test(raw[at - (at % 2)] ?? ''));

t.test('a response cut at any byte reaches the caller as a direct connection gives it', async (t) => {
  const direct = await startPiecewiseUpstream(t);
  const upstream = await startPiecewiseUpstream(t, watchReads(t));
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  for (const [name, sample] of Object.entries(samples)) {
    const { method = 'GET', isClosed = false } = sample;
    direct.next = { pieces: [sample.bytes], isClosed };
    const expected = await ask(direct.port, method, new Agent());
    const wrong: unknown[] = [];
    for (const pieces of cutsOf(sample)) {
      upstream.next = { pieces, isClosed };
      const received = await ask(proxy.port, method, agent).catch((error: unknown) => String(error));
      if (JSON.stringify(received) !== JSON.stringify(expected)) wrong.push({ pieces, received });
    }
    t.strictSame(wrong.slice(0, 3), [], `${name}: ${wrong.length} cuts of ${sample.bytes.length} are wrong`);
  }
  t.strictSame(proxy.bugs, []);
});

const handshake =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n';
const accepted =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\nX-A: 100\r\n\r\n';

const upgrades: Readonly<Record<string, { readonly bytes: string; readonly received: RegExp }>> = {
  'a tunnel and its first bytes': {
    bytes: `${accepted}HTTP/1.1 100 Continue\r\n\r\nhello`,
    received:
      /^HTTP\/1\.1 101 [^]*\r\nX-A: 100\r\nX-Request-Id: [\w-]+\r\n\r\nHTTP\/1\.1 100 Continue\r\n\r\nhello$/,
  },
  'a tunnel after interim responses': {
    bytes: `${continueHead}HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${accepted}hello`,
    received: /^HTTP\/1\.1 101 [^]*\r\nX-A: 100\r\nX-Request-Id: [\w-]+\r\n\r\nhello$/,
  },
  'a refusal': {
    bytes: `HTTP/1.1 403 Not 100\r\nX-A: b\r\nContent-Length: ${continueHead.length}\r\n\r\n${continueHead}`,
    received: /^HTTP\/1\.1 403 Not 100\r\nX-A: b\r\n[^]*?\r\n\r\nHTTP\/1\.1 100 Continue\r\n\r\n$/,
  },
};

t.test('the answer to a WebSocket handshake may be cut at any byte, too', async (t) => {
  const upstream = await startPiecewiseUpstream(t);
  const proxy = await startForwarding(upstream);
  t.teardown(() => proxy.close());
  for (const [name, { bytes, received }] of Object.entries(upgrades)) {
    const wrong: unknown[] = [];
    for (const pieces of cutsOf({ bytes })) {
      upstream.next = { pieces, isClosed: true };
      const client = await connectRaw(proxy.port);
      client.send(handshake);
      await client.closed;
      if (!received.test(client.received)) wrong.push({ pieces, received: client.received });
      client.socket.destroy();
    }
    t.strictSame(wrong.slice(0, 3), [], `${name}: ${wrong.length} cuts of ${bytes.length} are wrong`);
  }
});
