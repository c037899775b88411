// Issue 9, number 2: `GET http://host/path HTTP/1.1` is accepted (RFC 9112 section 3.2.2). The target's authority replaces Host,
// the path is judged and forwarded in origin form. nginx 1.22 does the same; HAProxy 2.6 answers 400 where Host disagrees.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { assert, constantFrom, property, stringMatching, tuple } from 'fast-check';
import t, { type Test } from 'tap';
import { isDenial } from '../../src/decision/outcome.ts';
import { parseTarget } from '../../src/decision/path.ts';
import { originFormOf } from '../../src/proxy/absolute-form.ts';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { connectRaw, exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const setScene = async (t: Test, options: EdgeOptions = {}) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  return { edge, reached: upstream.requests, send: (bytes: string) => exchangeRaw(edge.port, bytes) };
};
const good = 'Authorization: Bearer good\r\n';

t.test('a target in absolute form is forwarded in origin form, with its authority as Host', async (t) => {
  const { reached, send, edge } = await setScene(t);
  for (const [target, forwarded, host] of [
    ['http://api.example/things/7', '/things/7', 'api.example'],
    ['http://api.example:8080/things/7?a=%2F&b', '/things/7?a=%2F&b', 'api.example:8080'],
    ['HTTPS://API.example/things/7?http://x/', '/things/7?http://x/', 'API.example'],
    ['hTTp://[::1]:80/things/', '/things/', '[::1]:80'],
  ] as const) {
    const answer = await send(`GET ${target} HTTP/1.1\r\nHost: other.example\r\n${good}\r\n`);
    t.equal(answer.status, 200, target);
    const request = reached.at(-1)!;
    t.equal(request.startLine, `GET ${forwarded} HTTP/1.1`);
    t.same(request.all('host'), [host], 'RFC 9112 section 3.2.2: a proxy must ignore the received Host');
    t.equal(request.header('x-forwarded-host'), host);
    t.match(request.header('forwarded'), host);
    t.notMatch(JSON.stringify(request.headers), 'other.example', 'nobody reads the other Host');
    t.match(await edge.nextOutcome(), { path: forwarded.split('?')[0], status: 200 });
  }
});

t.test('an empty path is /, and of OPTIONS it is *, which is refused as it is', async (t) => {
  const read = (method: string, target: string) =>
    originFormOf({ method, target, rawHeaders: ['Host', 'a'], httpVersion: '1.1' })?.target;
  t.equal(read('GET', 'http://h'), '/');
  t.equal(read('GET', 'http://h?x=/y'), '/?x=/y');
  t.equal(read('OPTIONS', 'http://h'), '*', 'RFC 9112 section 3.2.4');
  t.equal(read('OPTIONS', 'http://h/'), '/');
  t.equal(read('OPTIONS', 'http://h?x'), '/?x');
  const { send } = await setScene(t);
  for (const target of ['*', 'http://h'])
    t.equal((await send(`OPTIONS ${target} HTTP/1.1\r\nHost: api\r\n\r\n`)).status, 400, target);
});

t.test('the path of an absolute form is judged like any other', async (t) => {
  const { reached, send } = await setScene(t);
  for (const [target, status] of [
    ['http://api/admin', 401],
    ['http://api/other', 403],
    ['http://api/public/../admin', 400],
    ['http://api//admin', 400],
    ['http://api/public/x#y', 400],
    ['http://api/public/;x', 400],
  ] as const)
    t.equal((await send(`GET ${target} HTTP/1.1\r\nHost: api\r\n\r\n`)).status, status, target);
  t.equal(reached.length, 0);
});

t.test('an authority that is none, and every other scheme and form, is 400', async (t) => {
  const { reached, send } = await setScene(t);
  for (const target of [
    // RFC 9110 section 4.2.4: user information in an http URI is to be treated as an error.
    'http://user@api/public/x',
    'http://user:secret@api/public/x',
    'http://api@evil/public/x',
    // RFC 9110 section 4.2.1: an empty host must be rejected.
    'http:///public/x',
    'http://:80/public/x',
    'http://api:/public/x',
    'http://api:999999/public/x',
    'http://api%2Fx/public/x',
    'http://a,b/public/x',
    'http:/public/x',
    'http:public/x',
    'ftp://api/public/x',
    'ws://api/public/x',
    'file:///public/x',
    'api:80',
    '//api/public/x',
  ])
    t.equal((await send(`GET ${target} HTTP/1.1\r\nHost: api\r\n\r\n`)).status, 400, target);
  t.equal(reached.length, 0);
});

t.test('a Host that breaks RFC 9112 section 3.2 is 400, whatever the target says', async (t) => {
  const { reached, send } = await setScene(t);
  for (const lines of [
    '',
    'Host: a\r\nHost: a\r\n',
    'Host: a b\r\n',
    'Host: a@b\r\n',
    'Host: \r\n',
    'H_ost: a\r\n',
  ])
    t.equal((await send(`GET http://api/public/x HTTP/1.1\r\n${lines}\r\n`)).status, 400, lines);
  t.equal(reached.length, 0);
  const old = await send('GET http://api/public/x HTTP/1.0\r\n\r\n');
  t.equal(old.status, 200, 'HTTP/1.0 has no Host');
  t.same(reached[0]?.all('host'), ['api']);
});

t.test('a surface, an upgrade and a waiting body read the same request', async (t) => {
  const surface = {
    path: '/oauth2/token',
    handle: (request: IncomingMessage, response: ServerResponse) =>
      void response.end(JSON.stringify([request.url, request.headers.host, request.rawHeaders])),
  };
  const { send, edge, reached } = await setScene(t, { surface });
  const answer = await send(
    'POST http://gate.example/oauth2/token?x HTTP/1.1\r\nHost: evil\r\nContent-Length: 0\r\n\r\n',
  );
  t.same(JSON.parse(answer.body), [
    '/oauth2/token?x',
    'gate.example',
    ['Host', 'gate.example', 'Content-Length', '0'],
  ]);
  t.equal(
    (
      await send(
        'GET http://gate.example/oauth2/token HTTP/1.1\r\nHost: evil\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      )
    ).status,
    403,
  );
  const client = await connectRaw(edge.port);
  t.teardown(() => client.socket.destroy());
  client.send(
    `POST http://api/things/1 HTTP/1.1\r\nHost: evil\r\n${good}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
  );
  client.send('hi');
  let message = await client.readMessage();
  if (message.status === 100) message = await client.readMessage();
  t.equal(message.status, 200);
  t.match(reached.at(-1), { startLine: 'POST /things/1 HTTP/1.1', body: 'hi' });
});

t.test('CONNECT stays refused', async (t) => {
  const { send } = await setScene(t);
  t.equal((await send('CONNECT api:80 HTTP/1.1\r\nHost: api:80\r\n\r\n')).status, 403);
});

t.test('property: what is judged is the part of the target behind its authority, byte for byte', async () => {
  const parts = tuple(
    constantFrom('http://', 'HTTPS://', 'http:/', 'http:', 'ftp://', '//', ''),
    stringMatching(/^(api|a\.b|\[::1\]|@|:|80|%2F|\\|,| |x){0,4}$/),
    stringMatching(/^(\/|\.|%2e|\?|#|\\|a|http:\/\/|@){0,8}$/),
  );
  assert(
    property(parts, ([scheme, authority, rest]) => {
      const target = scheme + authority + rest;
      const read = originFormOf({ method: 'GET', target, rawHeaders: ['Host', 'h'], httpVersion: '1.1' });
      if (read === undefined) return target.startsWith('/') || isDenial(parseTarget(target, 8_192));
      const hostAt = target.indexOf('//') + 2;
      const behind = target.slice(hostAt + read.host.length);
      return (
        target.startsWith(read.host, hostAt) &&
        !/[@/?#\\%, ]/.test(read.host) &&
        /^(?:[/?]|$)/.test(behind) &&
        (read.target === behind || (!behind.startsWith('/') && read.target === `/${behind}`))
      );
    }),
    { numRuns: 3_000 },
  );
});
