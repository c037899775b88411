import { once } from 'node:events';
import { createServer } from 'node:http';
import t from 'tap';
import { type Caller, createCallerReader } from '../../src/proxy/caller.ts';
import { exchangeRaw } from '../support/raw-client.ts';

t.test(
  'who is calling is read from the connection, and from headers only behind a trusted proxy',
  async (t) => {
    for (const [trusted, lines, caller] of [
      [
        [],
        ['X-Forwarded-For: 203.0.113.9', 'X-Request-Id: r-1'],
        { clientAddress: '127.0.0.1', requestId: 'r-1' },
      ],
      [
        ['127.0.0.1'],
        ['X-Forwarded-For: 203.0.113.9'],
        { clientAddress: '203.0.113.9', requestId: /^[0-9a-f]{16}-/ },
      ],
      [
        ['127.0.0.1'],
        ['X-Request-Id: a', 'X-Request-Id: b'],
        { clientAddress: '127.0.0.1', requestId: /^[0-9a-f]{16}-/ },
      ],
    ] as const) {
      const read = createCallerReader(trusted);
      let found: Caller | undefined;
      const server = createServer((request, response) => {
        found = read(request);
        response.end();
      }).listen(0, '127.0.0.1');
      t.teardown(() => server.close());
      await once(server, 'listening');
      const address = server.address();
      if (typeof address !== 'object' || address === null) throw new Error('no port');
      await exchangeRaw(
        address.port,
        ['GET / HTTP/1.1', 'Host: a', 'Connection: close', ...lines, '', ''].join('\r\n'),
      );
      t.match(found, caller);
    }
  },
);
