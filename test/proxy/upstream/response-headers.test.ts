// The rules for a response's header section, without any socket.

import t from 'tap';
import { addOwn, readResponseHeaders, readTrailers } from '../../../src/proxy/upstream/response-headers.ts';

const raw = (...parts: string[]): string[] => parts;

t.test('what goes through goes in order, spelling, number and bytes', async (t) => {
  t.match(readResponseHeaders(raw('b', '1', 'A', '2', 'a', '\u00ff', 'Content-Length', '7'), 200), {
    pairs: ['b', '1', 'A', '2', 'a', '\u00ff', 'Content-Length', '7'],
    contentLength: 7,
  });
});

t.test('hop-by-hop fields stay behind, with those that Connection names', async (t) => {
  const hops = raw(
    'TE',
    'x',
    'Upgrade',
    'x',
    'keep-alive',
    'x',
    'PROXY-CONNECTION',
    'x',
    'Transfer-Encoding',
    'chunked',
  );
  const { pairs, contentLength } = readResponseHeaders(hops, 200)!;
  t.strictSame({ pairs, contentLength }, { pairs: [], contentLength: -1 });
  const named = raw(
    'Connection',
    'X-One',
    'X-One',
    '1',
    'connection',
    'close, x-two',
    'X-Two',
    '2',
    'X-Three',
    '3',
  );
  t.strictSame(readResponseHeaders(named, 200)?.pairs, ['X-Three', '3']);
  for (const [option, kept] of [
    ['X-Hop', ['X', '2']],
    ['x-hop,close', ['X', '2']],
    ['x', ['X-Hop', '1']],
  ] as const)
    t.strictSame(readResponseHeaders(raw('Connection', option, 'X-Hop', '1', 'X', '2'), 200)?.pairs, kept);
  const vital = raw(
    'Connection',
    'Content-Length, Content-Type, Date',
    'Content-Length',
    '1',
    'Content-Type',
    'a',
    'Date',
    'd',
  );
  t.strictSame(
    readResponseHeaders(vital, 200)?.pairs,
    ['Content-Length', '1', 'Content-Type', 'a', 'Date', 'd'],
    'but a message does not lose what it means',
  );
});

t.test('what is ours replaces the fields of these names, but is added to Vary', async (t) => {
  const pairs = ['access-control-allow-origin', '*', 'Vary', 'Accept', 'X-Request-Id', 'api', 'B', '1'];
  addOwn(pairs, {
    permit: { rule: {} },
    requestId: 'ours',
    answerPairs: ['Access-Control-Allow-Origin', 'https://a.example', 'Vary', 'Origin'],
  });
  t.strictSame(
    pairs,
    [
      'Vary',
      'Accept',
      'X-Request-Id',
      'api',
      'B',
      '1',
      'Access-Control-Allow-Origin',
      'https://a.example',
    ].concat(['Vary', 'Origin']),
  );
});

t.test('framing that can be read in two ways is no framing', async (t) => {
  const ambiguous: Record<string, string[]> = {
    'two lengths': ['Content-Length', '1', 'content-length', '1'],
    'a length and chunks': ['Content-Length', '1', 'Transfer-Encoding', 'chunked'],
    'chunks and a length': ['Transfer-Encoding', 'chunked', 'Content-Length', '1'],
    'chunks twice': ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'],
    'another coding': ['Transfer-Encoding', 'gzip'],
    'two codings': ['Transfer-Encoding', 'gzip, chunked'],
    'no coding': ['Transfer-Encoding', ''],
    'a signed length': ['Content-Length', '+1'],
    'a length with a fraction': ['Content-Length', '1.0'],
    'an empty length': ['Content-Length', ''],
    'a hexadecimal length': ['Content-Length', '0x10'],
    'a length beyond numbers': ['Content-Length', '9'.repeat(16)],
  };
  for (const [name, parts] of Object.entries(ambiguous))
    t.equal(readResponseHeaders(raw(...parts), 200), undefined, name);
});

t.test('204 and interim responses have no length; Trailer is kept apart', async (t) => {
  for (const status of [204, 103])
    t.strictSame(readResponseHeaders(raw('Content-Length', '0', 'A', '1'), status)?.pairs, ['A', '1']);
  t.match(readResponseHeaders(raw('Trailer', 'X', 'trailer', 'Y', 'Transfer-Encoding', 'Chunked'), 200), {
    pairs: [],
    trailer: 'X, Y',
  });
});

t.test('trailers lose what frames, routes or authenticates a message', async (t) => {
  const trailers = raw(
    'X-Sum',
    '\u00e9',
    'Content-Length',
    '1',
    'TRANSFER-ENCODING',
    'chunked',
    'Set-Cookie',
    'a',
    'x-sum',
    '2',
  );
  t.strictSame(readTrailers(trailers), [
    ['X-Sum', '\u00e9'],
    ['x-sum', '2'],
  ]);
});
