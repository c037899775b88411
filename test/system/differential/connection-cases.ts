// Connections: kept, closed, gone stale, pipelined, and turned into WebSockets.

import type { Case } from './case.ts';
import { get, request } from './request-bytes.ts';
import { answering, ok, type Script } from './scripted-api.ts';

const kept = 'Connection: keep-alive';
const handshake = (...lines: readonly string[]): string =>
  get(
    '/socket',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
  );

/** Grants the upgrade, sends a piece and ends. */
const accepts =
  (...lines: readonly string[]): Script =>
  async (connection) => {
    const head = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      ...lines,
      '',
      '',
    ];
    connection.send(head.join('\r\n'));
    connection.send('\x81\x02hi');
    connection.end();
  };

/** Closes the connection when the second request comes on it, without an answer. */
const goesStale: Script = async (connection, seen, index) => {
  if (index === 1) connection.reset();
  else await answering(ok)(connection, seen, index);
};

export const connectionCases: readonly Case[] = [
  {
    name: 'two requests on one connection, one after the other',
    send: async (caller) => {
      caller.send(get('/one', kept));
      await caller.readUntil('ok');
      caller.send(get('/two'));
    },
  },
  {
    name: 'two requests on one connection, pipelined',
    send: get('/one', kept) + get('/two'),
    methods: ['GET', 'GET'],
  },
  {
    name: 'Connection: close of the API',
    send: async (caller) => {
      caller.send(get('/one', kept));
      await caller.readUntil('ok');
      caller.send(get('/two'));
    },
    answer: answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok', { ends: true }),
  },
  {
    name: 'GET on a kept connection that the API closes as the request comes',
    send: async (caller) => {
      caller.send(get('/one', kept));
      await caller.readUntil('ok');
      caller.send(get('/two'));
    },
    answer: goesStale,
  },
  {
    name: 'POST on a kept connection that the API closes as the request comes',
    send: async (caller) => {
      caller.send(get('/one', kept));
      await caller.readUntil('ok');
      caller.send(request('POST /two HTTP/1.1', ['Content-Length: 2'], 'ab'));
    },
    answer: goesStale,
    methods: ['GET', 'POST'],
  },
  {
    name: 'a WebSocket',
    send: handshake(),
    answer: accepts(),
    api: ['upgrade', 'connection', 'sec-websocket-key'],
    caller: ['upgrade', 'connection', 'sec-websocket-accept'],
  },
  {
    name: 'a WebSocket with subprotocols',
    send: handshake('Sec-WebSocket-Protocol: v2.chat, v1.chat'),
    answer: accepts('Sec-WebSocket-Protocol: v2.chat'),
    api: ['sec-websocket-protocol'],
    caller: ['sec-websocket-protocol'],
  },
  {
    name: 'a WebSocket that the API refuses',
    stays: true,
    send: handshake(),
    answer: answering('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno', {
      ends: true,
    }),
  },
  {
    name: 'a WebSocket where no route passes upgrades on',
    send: handshake().replace('/socket', '/things'),
    answer: accepts(),
  },
  {
    name: 'an upgrade to HTTP/2',
    stays: true,
    send: get('/things', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
    api: ['upgrade', 'http2-settings'],
  },
  { name: 'CONNECT', stays: true, send: 'CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n' },
  { name: 'a first line of TLS', send: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' },
  { name: 'empty lines before the request', send: `\r\n\r\n${get('/things')}`, methods: ['GET'] },
];
