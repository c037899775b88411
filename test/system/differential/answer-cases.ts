// The API's answers: large heads, odd framing, interim answers, trailers.

import type { Case } from './case.ts';
import { get, request } from './request-bytes.ts';
import { answering, ok, type Script } from './scripted-api.ts';

const answer = (name: string, script: Script, more: Partial<Case> = {}): Case => ({
  name: `answered: ${name}`,
  send: get('/things'),
  answer: script,
  caller: [':framing'],
  ...more,
});

const bytes = (text: string, ends = false): Script => answering(text, { ends });

/** A head with so much in it, and a small body. */
const large = (kilobytes: number): string => {
  const lines = Array.from(
    { length: kilobytes },
    (_, index) => `X-Filler-${index}: ${'x'.repeat(1024 - 20)}\r\n`,
  );
  return `HTTP/1.1 200 OK\r\n${lines.join('')}Content-Length: 2\r\n\r\nok`;
};

const headers = (lines: string): string => `HTTP/1.1 200 OK\r\n${lines}\r\nContent-Length: 2\r\n\r\nok`;
const chunks = (lines: string, body: string): string =>
  `HTTP/1.1 200 OK\r\n${lines}Transfer-Encoding: chunked\r\n\r\n${body}`;

export const answerCases: readonly Case[] = [
  ...[10, 40, 70].map((kilobytes) =>
    answer(`a head of ${kilobytes} KB`, bytes(large(kilobytes)), { caller: [] }),
  ),
  answer(
    '103 Early Hints first',
    bytes(`HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${ok}`),
    { caller: ['link'], stays: true },
  ),
  answer('102 Processing first', bytes(`HTTP/1.1 102 Processing\r\n\r\n${ok}`), { stays: true }),
  answer('100 Continue that nobody asked for', bytes(`HTTP/1.1 100 Continue\r\n\r\n${ok}`), { stays: true }),
  answer('one that ends with its connection', bytes('HTTP/1.1 200 OK\r\n\r\nok', true)),
  answer('one of HTTP/1.0 that ends with its connection', bytes('HTTP/1.0 200 OK\r\n\r\nok', true)),
  answer('chunks with extensions', bytes(chunks('', '2;a=b\r\nok\r\n0;c\r\n\r\n'))),
  answer('one with a trailer', bytes(chunks('Trailer: X-Sum\r\n', '2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n')), {
    caller: ['trailer', ':trailers'],
  }),
  answer(
    'one with a trailer, to one who takes trailers',
    bytes(chunks('Trailer: X-Sum\r\n', '2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n')),
    { send: get('/things', 'TE: trailers', 'Connection: close, TE'), caller: [':trailers'] },
  ),
  answer('one that is shorter than it says', bytes('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok', true)),
  answer(
    'one that is longer than it says',
    bytes('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n', true),
  ),
  answer('chunks that break off', bytes(chunks('', '2\r\nok\r\n'), true)),
  answer('a chunk size that is none', bytes(chunks('', 'zz\r\nok\r\n0\r\n\r\n'), true)),
  answer('a length and chunks at once', bytes(chunks('Content-Length: 5\r\n', '2\r\nok\r\n0\r\n\r\n'))),
  answer(
    'two lengths that differ',
    bytes('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!', true),
  ),
  answer(
    'the same length twice',
    bytes('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok'),
  ),
  answer('a length that is none', bytes('HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok', true)),
  answer('a header line that is folded', bytes(headers('X-Folded: one\r\n two')), { caller: ['x-folded'] }),
  answer('lines that end with LF alone', bytes('HTTP/1.1 200 OK\nX-Bare: 1\nContent-Length: 2\n\nok'), {
    caller: ['x-bare'],
  }),
  answer('a blank before the colon', bytes(headers('X-Spaced : 1')), { caller: ['x-spaced', 'x-spaced '] }),
  answer('a header line without a colon', bytes(headers('nonsense'))),
  answer('a NUL in a header', bytes(headers('X-Nul: a\0b')), { caller: ['x-nul'] }),
  answer('bytes above 127 in a header', bytes(headers('X-Latin: caf\xe9')), { caller: ['x-latin'] }),
  answer('a status line without a reason', bytes('HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok')),
  answer('a status of nobody’s', bytes('HTTP/1.1 299 Whatever\r\nContent-Length: 2\r\n\r\nok')),
  answer('a status of four digits', bytes('HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok', true)),
  answer('a status above 599', bytes('HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\nok')),
  answer('something that is no HTTP', bytes('SSH-2.0-OpenSSH_9.2\r\n', true)),
  answer('nothing at all', async (connection) => connection.end()),
  answer('204 with a length', bytes('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'), {
    caller: ['content-length'],
  }),
  answer('304 with a length', bytes('HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: "a"\r\n\r\n'), {
    caller: ['content-length', 'etag'],
  }),
  answer('one to HEAD that has a body', bytes('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', true), {
    send: request('HEAD /things HTTP/1.1'),
  }),
  answer(
    '101 to a request that did not ask',
    bytes('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', true),
  ),
  answer(
    'headers that Connection names, and hop by hop ones',
    bytes(
      'HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nok',
    ),
    { caller: ['x-hop', 'keep-alive', 'proxy-authenticate'] },
  ),
  answer('Server of the API', bytes(headers('Server: api/1')), { caller: ['server'] }),
  answer('two cookies', bytes(headers('Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2')), {
    caller: ['set-cookie'],
  }),
  answer(
    'a redirect to a path',
    bytes('HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n'),
    { caller: ['location'] },
  ),
];
