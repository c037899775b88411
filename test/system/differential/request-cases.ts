// Requests: when their parts go on, their methods, headers and framing.

import type { Case } from './case.ts';
import { get, request } from './request-bytes.ts';
import { answering, ok, readBody } from './scripted-api.ts';

const post = (target: string, lines: readonly string[], body = ''): string =>
  request(`POST ${target} HTTP/1.1`, lines, body);

const chunked = 'Transfer-Encoding: chunked';

export const requestCases: readonly Case[] = [
  {
    name: 'a plain GET: every header line that the API gets',
    send: get('/things', 'User-Agent: test', 'X-Own: 1'),
    api: [
      'host',
      'user-agent',
      'x-own',
      'connection',
      'via',
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
      'accept-encoding',
      ':version',
    ],
  },
  {
    name: 'the head goes first: the API answers before the first byte of the body',
    send: async (caller, api) => {
      caller.send(post('/upload', ['Content-Length: 5']));
      await api.head();
      caller.send('hello');
    },
    methods: ['POST'],
  },
  {
    name: 'an early answer: the API refuses before the body has come',
    send: async (caller, api) => {
      caller.send(post('/upload', ['Content-Length: 5'], 'he'));
      await api.head();
      await caller.readUntil('\r\n\r\n');
      caller.send('llo');
    },
    answer: async (connection) => {
      connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      connection.end();
    },
    methods: ['POST'],
  },
  {
    name: 'Expect: 100-continue that the API grants',
    stays: true,
    send: async (caller) => {
      caller.send(post('/upload', ['Content-Length: 5', 'Expect: 100-continue']));
      await caller.readUntil('\r\n\r\n');
      caller.send('hello');
    },
    answer: async (connection, seen) => {
      connection.send('HTTP/1.1 100 Continue\r\n\r\n');
      await readBody(connection, seen);
      connection.send(ok);
    },
    api: ['expect'],
    methods: ['POST'],
  },
  {
    name: 'Expect: 100-continue that the API refuses',
    stays: true,
    send: async (caller) => {
      caller.send(post('/upload', ['Content-Length: 5', 'Expect: 100-continue']));
      const head = await caller.readUntil('\r\n\r\n');
      if (head.includes(' 100 ')) caller.send('hello');
    },
    answer: async (connection) => {
      connection.send('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      connection.end();
    },
    api: ['expect'],
    methods: ['POST'],
  },
  {
    name: 'an expectation that nobody knows',
    send: get('/things', 'Expect: the-unexpected'),
    api: ['expect'],
  },
  {
    name: 'HEAD, answered with a length',
    send: request('HEAD /things HTTP/1.1'),
    caller: ['content-length'],
  },
  {
    name: 'OPTIONS, as a preflight where nothing is set up',
    send: request('OPTIONS /things HTTP/1.1', [
      'Origin: https://app.example',
      'Access-Control-Request-Method: PUT',
    ]),
    api: ['origin', 'access-control-request-method'],
  },
  {
    name: 'a method that the route does not have',
    send: request('DELETE /readonly HTTP/1.1'),
    door: 'special',
    caller: ['allow'],
  },
  { name: 'HEAD where the route names GET', send: request('HEAD /readonly HTTP/1.1'), door: 'special' },
  { name: 'TRACE', send: request('TRACE /things HTTP/1.1') },
  { name: 'a method of nobody’s', send: request('BREW /pot HTTP/1.1') },
  { name: 'a method in small letters', send: request('get /things HTTP/1.1') },
  {
    name: 'a body in chunks with extensions and a trailer',
    send: post('/upload', [chunked, 'Trailer: X-Sum'], '3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n'),
    api: [':framing', ':trailers', 'trailer'],
  },
  {
    name: 'a length and chunks at once',
    send: post('/upload', ['Content-Length: 5', chunked], '5\r\nhello\r\n0\r\n\r\n'),
    api: [':framing', 'content-length'],
  },
  {
    name: 'two lengths that differ',
    send: post('/upload', ['Content-Length: 5', 'Content-Length: 6'], 'hello!'),
  },
  {
    name: 'the same length twice',
    send: post('/upload', ['Content-Length: 5', 'Content-Length: 5'], 'hello'),
    api: [':framing'],
  },
  { name: 'a length with a plus sign', send: post('/upload', ['Content-Length: +5'], 'hello') },
  {
    name: 'a coding beside chunked',
    send: post('/upload', ['Transfer-Encoding: gzip, chunked'], '5\r\nhello\r\n0\r\n\r\n'),
  },
  {
    name: 'chunked hidden behind a control character',
    send: post('/upload', ['Transfer-Encoding: \x0bchunked'], '5\r\nhello\r\n0\r\n\r\n'),
  },
  {
    name: 'a chunk size that is none',
    send: post('/upload', [chunked], '0x5\r\nhello\r\n0\r\n\r\n'),
  },
  {
    name: 'a header line that is folded',
    send: get('/things', 'X-Folded: one\r\n two'),
    api: ['x-folded'],
  },
  {
    name: 'a blank before the colon',
    send: get('/things', 'X-Spaced : 1'),
    api: ['x-spaced', 'x-spaced '],
  },
  {
    name: 'lines that end with LF alone',
    send: get('/things', 'X-Bare: 1').replaceAll('\r\n', '\n'),
    api: ['x-bare'],
  },
  { name: 'a NUL in a header', send: get('/things', 'X-Nul: a\0b') },
  {
    name: 'bytes above 127 in a header',
    send: get('/things', 'X-Latin: caf\xe9'),
    api: ['x-latin'],
  },
  {
    name: 'an underscore in the name of a header',
    send: get('/things', 'X_Forwarded_For: 192.0.2.9', 'My_Own: 1'),
    api: ['x_forwarded_for', 'my_own'],
  },
  { name: 'no Host', send: 'GET /things HTTP/1.1\r\nConnection: close\r\n\r\n' },
  { name: 'two Hosts', send: get('/things', 'Host: a.example', 'Host: b.example'), api: ['host'] },
  { name: 'a Host that is none', send: get('/things', 'Host: a b') },
  {
    name: 'HTTP/1.0',
    send: 'GET /things HTTP/1.0\r\n\r\n',
    api: [':version', 'host'],
    caller: [':framing'],
  },
  {
    name: 'HTTP/1.0 and an answer in chunks',
    send: 'GET /things HTTP/1.0\r\nHost: api.example\r\n\r\n',
    answer: answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'),
    caller: [':framing'],
  },
  { name: 'HTTP/2.0 as a version', send: request('GET /things HTTP/2.0') },
  { name: 'a request line without version', send: 'GET /things\r\n\r\n' },
  {
    name: 'a body that is announced too large',
    send: async (caller, api) => {
      caller.send(post('/small', ['Content-Length: 2000'], 'x'.repeat(100)));
      // One that reads on until it is too much is given it.
      await Promise.race([caller.readUntil('\r\n\r\n'), api.head()]);
      caller.send('x'.repeat(1900));
    },
    methods: ['POST'],
    stays: true,
  },
  {
    name: 'a body in chunks that becomes too large',
    send: async (caller, api) => {
      caller.send(post('/small', [chunked], `1f4\r\n${'x'.repeat(500)}\r\n`));
      await api.head();
      caller.send(`7d0\r\n${'x'.repeat(2000)}\r\n0\r\n\r\n`);
    },
    methods: ['POST'],
  },
  {
    name: 'headers that Connection names',
    send: get(
      '/things',
      'Connection: close, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: close',
      'TE: trailers',
      'Proxy-Authorization: Basic eDp5',
    ),
    api: ['x-hop', 'keep-alive', 'proxy-connection', 'te', 'proxy-authorization'],
  },
  {
    name: 'an id of the request, and where it belongs in a trace',
    send: get(
      '/things',
      'X-Request-Id: from-the-caller',
      'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
      'tracestate: a=b',
    ),
    api: ['x-request-id', 'traceparent', 'tracestate'],
    caller: ['x-request-id'],
  },
  {
    name: 'Via of another proxy',
    send: get('/things', 'Via: 1.1 edge'),
    api: ['via'],
    caller: ['via'],
  },
  {
    name: 'Via of another proxy, where Via is on',
    send: get('/files/1', 'Via: 1.1 edge'),
    door: 'special',
    api: ['via'],
    caller: ['via'],
  },
  {
    name: 'Via of this very process',
    send: get('/files/1', 'Via: 1.1 gate-1'),
    door: 'special',
    api: ['via'],
  },
  {
    name: 'a preflight where CORS is on',
    send: request('OPTIONS /cors/1 HTTP/1.1', [
      'Origin: https://app.example',
      'Access-Control-Request-Method: PUT',
    ]),
    door: 'special',
    caller: ['access-control-allow-origin', 'access-control-allow-methods', 'vary'],
  },
  {
    name: 'a request of another origin’s page, where CORS is on',
    send: get('/cors/1', 'Origin: https://app.example'),
    door: 'special',
    caller: ['access-control-allow-origin', 'vary'],
  },
  {
    name: 'a request of a page whose origin may not, where CORS is on',
    send: get('/cors/1', 'Origin: https://evil.example'),
    door: 'special',
    caller: ['access-control-allow-origin', 'vary'],
  },
];
