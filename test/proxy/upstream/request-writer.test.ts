// The head of a request as one text, and its body in frames, without any connection: what cannot be said in one way is not said.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import t, { type Test } from 'tap';
import { requestHeadOf, RequestWriter } from '../../../src/proxy/upstream/request-writer.ts';

const parts = {
  method: 'GET',
  target: '/a?b=c',
  headers: ['Host', 'api', 'X-\u0041', '\u00e9\u00ff\t'],
  framing: 'none',
  expectsContinue: false,
  keepsAlive: true,
} as const;

t.test('the head is the method, the target and the fields as given, and then what is ours', async (t) => {
  t.equal(
    requestHeadOf(parts),
    'GET /a?b=c HTTP/1.1\r\nHost: api\r\nX-A: \u00e9\u00ff\t\r\nconnection: keep-alive\r\n\r\n',
  );
  const endOf = (more: Partial<Parameters<typeof requestHeadOf>[0]>) =>
    requestHeadOf({ ...parts, headers: [], ...more })
      ?.split('\r\n')
      .slice(1, -2);
  t.same(endOf({ framing: 5 }), ['connection: keep-alive', 'content-length: 5']);
  t.same(endOf({ framing: 'chunked', expectsContinue: true }), [
    'connection: keep-alive',
    'expect: 100-continue',
    'transfer-encoding: chunked',
  ]);
  t.same(endOf({ keepsAlive: false }), ['connection: close']);
  for (const method of ['POST', 'PUT', 'PATCH'])
    t.same(endOf({ method }), ['connection: keep-alive', 'content-length: 0'], 'RFC 9110 section 8.6');
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS'])
    t.same(endOf({ method }), ['connection: keep-alive'], method);
});

t.test('what would break out of its line is not written, whoever let it in', async (t) => {
  // U+010A and U+010D are a line feed and a carriage return, written as Latin-1.
  for (const bad of ['\r', '\n', '\r\nX: y', '\0', '\x01', '\x7f', '\u010a', '\u010d', '\u20ac']) {
    const said = JSON.stringify(bad);
    t.equal(requestHeadOf({ ...parts, headers: ['X-A', `a${bad}b`] }), undefined, `in a value: ${said}`);
    t.equal(requestHeadOf({ ...parts, headers: [`X${bad}A`, 'a'] }), undefined, `in a name: ${said}`);
    t.equal(requestHeadOf({ ...parts, target: `/a${bad}` }), undefined, `in the target: ${said}`);
    t.equal(requestHeadOf({ ...parts, method: `GET${bad}` }), undefined, `in the method: ${said}`);
  }
  t.equal(requestHeadOf({ ...parts, target: '/a b' }), undefined, 'a blank in the target');
  t.equal(requestHeadOf({ ...parts, target: '' }), undefined, 'no target');
  t.equal(requestHeadOf({ ...parts, headers: ['X A', 'a'] }), undefined, 'a blank in a name');
  t.equal(requestHeadOf({ ...parts, headers: ['', 'a'] }), undefined, 'no name');
});

t.test('framing and the connection are decided in one place', async (t) => {
  for (const name of ['Content-Length', 'TRANSFER-ENCODING', 'connection', 'Keep-Alive', 'Expect', 'Upgrade'])
    t.equal(requestHeadOf({ ...parts, headers: [name, '0'] }), undefined, name);
});

/** What arrives at the other end of a socket. */
const received = async (t: Test, write: (writer: RequestWriter) => void): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  t.teardown(() => socket.destroy());
  const [other] = await once(server, 'connection');
  let text = '';
  other.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
  write(new RequestWriter(socket));
  socket.end();
  await once(other, 'end');
  other.destroy();
  return text;
};

t.test('bodies arrive byte for byte, in the frame that the head announces', async (t) => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
  const bytes = all.toString('latin1');
  const large = Buffer.alloc(20_000, 'y');
  const text = large.toString();
  const none = Buffer.alloc(0);
  for (const [sentence, write, expected] of [
    ['no body', (w: RequestWriter) => w.begin('head', false, undefined, true), 'head'],
    ['with the head', (w: RequestWriter) => w.begin('head', false, all, true), `head${bytes}`],
    ['large, with the head', (w: RequestWriter) => w.begin('head', false, large, true), `head${text}`],
    [
      'later',
      (w: RequestWriter) => {
        w.begin('head', false, undefined, false);
        w.write(all, false);
        w.write(none, true);
      },
      `head${bytes}`,
    ],
    [
      'in chunks',
      (w: RequestWriter) => {
        w.begin('head', true, all, false);
        w.write(large, false);
        w.write(all, true);
      },
      `head100\r\n${bytes}\r\n4e20\r\n${text}\r\n100\r\n${bytes}\r\n0\r\n\r\n`,
    ],
    [
      'in chunks, of which the last is known too late',
      (w: RequestWriter) => {
        w.begin('head', true, undefined, false);
        w.write(all, false);
        w.write(none, true);
      },
      `head100\r\n${bytes}\r\n0\r\n\r\n`,
    ],
    [
      'large chunks from the start to the end',
      (w: RequestWriter) => {
        w.begin('head', true, large, false);
        w.write(large, true);
      },
      `head4e20\r\n${text}\r\n4e20\r\n${text}\r\n0\r\n\r\n`,
    ],
  ] as const) {
    let isWhole = false;
    const arrived = await received(t, (writer) => {
      write(writer);
      isWhole = writer.isWhole;
    });
    t.equal(arrived, expected, sentence);
    t.ok(isWhole, `${sentence}: the writer knows that it is whole`);
  }
});
