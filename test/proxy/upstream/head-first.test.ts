// Issue 9, number 1: the head goes first. The API receives it at once, answers `Expect: 100-continue` itself, and may answer
// before the body is complete (RFC 9110 section 10.1.1, RFC 9112 section 9.5). HAProxy does the same with the same bytes; nginx
// collects the body first and answers `Expect` itself.

import t, { type Test } from 'tap';
import type { EdgeOptions } from '../../support/edge.ts';
import type { RawConnection } from '../../support/raw-connection.ts';
import { get, startSharedUpstream, until } from '../../support/shared-upstream.ts';

const caller = '127.0.0.3';
const other = '127.0.0.4';

const post = (...lines: readonly string[]): string =>
  ['POST /public/x HTTP/1.1', 'Host: api', ...lines, '', ''].join('\r\n');
const asking = post('Content-Length: 5', 'Expect: 100-continue');
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An edge with the limits of a fresh installation, and a caller; the API does what the test says. */
const openScene = async (t: Test, shares = {}, options: EdgeOptions = {}) => {
  const accepted: RawConnection[] = [];
  const scene = await startSharedUpstream(t, shares, options, async (connection) => {
    accepted.push(connection);
    await connection.closed;
  });
  return {
    ...scene,
    accept: async (nth = 0): Promise<RawConnection> => {
      await until(() => accepted.length > nth);
      return accepted[nth]!;
    },
    client: await scene.connect(caller),
  };
};

t.test('the API has the head before the first byte of the body is sent', async (t) => {
  for (const [framing, body] of [
    ['Content-Length: 5', 'hello'],
    ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ] as const) {
    const { accept, client } = await openScene(t);
    client.send(post(framing, 'X-A: b'));
    const api = await accept();
    const head = await api.readHead();
    t.match(head, { startLine: 'POST /public/x HTTP/1.1' }, framing);
    t.equal(head.header('x-a'), 'b');
    t.equal(api.unread, '');
    client.send(body);
    t.equal(await api.readUntil(body.slice(-5)), body);
    api.send(ok);
    t.match(await client.readMessage(), { status: 200, body: 'ok' });
  }
});

t.test("the API's 100 lets the caller send its body", async (t) => {
  const { accept, client } = await openScene(t);
  client.send(asking);
  const api = await accept();
  t.same((await api.readHead()).all('expect'), ['100-continue']);
  t.equal(client.received, '', 'nobody has answered yet');
  api.send('HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n');
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 100 Continue');
  client.send('hello');
  t.equal(await api.readBytes(5), 'hello');
  api.send(ok);
  t.match(await client.readMessage(), { status: 200, body: 'ok' });
  client.send(get('/public/next'));
  t.match(await api.readHead(), { startLine: 'GET /public/next HTTP/1.1' }, 'both connections go on');
});

t.test('its final answer reaches the caller, and no body the API', async (t) => {
  for (const status of [200, 302, 401, 403, 413, 417]) {
    const { accept, client, edge, ...scene } = await openScene(t);
    client.send(asking);
    const api = await accept();
    await api.readHead();
    api.send(`HTTP/1.1 ${status} As it likes\r\nContent-Length: 4\r\n\r\nbody`);
    const answer = await client.readMessage();
    t.match(answer, { status, body: 'body' });
    t.equal(answer.header('connection'), 'close', 'a body that comes all the same is no request');
    client.send('hello');
    await Promise.all([client.closed, api.closed]);
    t.equal(api.unread, '');
    t.match(await edge.nextOutcome(), { status });
    const next = scene.ask(other, get('/public/next'));
    const fresh = await accept(1);
    t.match(await fresh.readHead(), { startLine: 'GET /public/next HTTP/1.1' });
    fresh.send(ok);
    t.equal((await next).status, 200);
  }
});

t.test('a caller that sends its body after the 100 reads why the API failed', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(post('Content-Length: 300000', 'Expect: 100-continue'));
  const api = await accept();
  await api.readHead();
  api.send('HTTP/1.1 100 Continue\r\n\r\n');
  await client.readHead();
  client.send('x'.repeat(1_000));
  await api.readBytes(1_000);
  api.reset();
  client.send('x'.repeat(200_000));
  t.equal((await client.readMessage()).status, 502);
});

t.test('interim responses reach the caller in order; of several 100 the first', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(asking);
  const api = await accept();
  await api.readHead();
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
  const goOn = 'HTTP/1.1 100 Continue\r\n\r\n';
  api.send(`${hints}HTTP/1.1 102 Processing\r\n\r\n${goOn}${goOn}${hints}`);
  const heads: string[] = [];
  for (let count = 0; count < 4; count += 1) heads.push((await client.readHead()).startLine);
  t.same(heads, [
    'HTTP/1.1 103 Early Hints',
    'HTTP/1.1 102 Processing',
    'HTTP/1.1 100 Continue',
    'HTTP/1.1 103 Early Hints',
  ]);
  client.send('hello');
  await api.readBytes(5);
  api.send(goOn + ok);
  t.match(await client.readMessage(), { status: 200, body: 'ok' });
});

t.test('a caller that does not wait for the 100 need not', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(asking);
  const api = await accept();
  await api.readHead();
  client.send('hello');
  t.equal(await api.readBytes(5), 'hello');
  api.send(ok);
  t.match(await client.readMessage(), { status: 200, body: 'ok' });
});

t.test('one that sends its body with the head asks nobody', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(`${asking}hello`);
  const api = await accept();
  const request = await api.readMessage();
  t.equal(request.body, 'hello');
  t.same(request.all('expect'), []);
  api.send(ok);
  t.match(await client.readMessage(), { status: 200, body: 'ok' });
});

t.test('an API that ignores Expect is waited for a second; then the caller may send', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(asking);
  const api = await accept();
  await api.readHead();
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 100 Continue');
  client.send('hello');
  t.equal(await api.readBytes(5), 'hello');
  api.send(`HTTP/1.1 100 Continue\r\n\r\n${ok}`);
  t.match(await client.readMessage(), { status: 200, body: 'ok' }, 'and a late 100 is not said again');
});

t.test('so is one that sends a hint and then nothing', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(asking);
  const api = await accept();
  await api.readHead();
  api.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 103 Early Hints');
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 100 Continue');
  client.send('hello');
  t.equal(await api.readBytes(5), 'hello');
  api.send(ok);
  t.equal((await client.readMessage()).status, 200);
});

t.test('an API that answers by HTTP/1.0 is not asked: we let the caller send', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(post('Content-Length: 1') + 'x');
  const first = await accept();
  await first.readMessage();
  first.send('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await client.readMessage();
  client.send(asking);
  t.equal((await client.readHead()).startLine, 'HTTP/1.1 100 Continue');
  const api = await accept(1);
  t.same((await api.readHead()).all('expect'), []);
  client.send('hello');
  t.equal(await api.readBytes(5), 'hello');
  api.send('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok');
  t.match(await client.readMessage(), { status: 200, body: 'ok' });
});

t.test('an HTTP/1.0 caller expects nothing, whatever it says', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(asking.replace('HTTP/1.1', 'HTTP/1.0'));
  const api = await accept();
  t.same((await api.readHead()).all('expect'), []);
  api.send('HTTP/1.1 100 Continue\r\n\r\n');
  client.send('hello');
  await api.readBytes(5);
  api.send(ok);
  t.match(await client.readMessage(), { status: 200, body: 'ok' });
});

t.test('a caller that waits for the 100 of a slow API is not the one that stalls', async (t) => {
  const { accept, client } = await openScene(t, {}, { limits: { bodyStallTimeoutMs: 200 } });
  client.send(asking);
  const api = await accept();
  await api.readHead();
  await new Promise((resolve) => setTimeout(resolve, 700));
  api.send('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n');
  t.equal((await client.readMessage()).status, 401);
});

t.test(
  'an answer before the body is complete is passed on at once, and so is the rest of the body',
  async (t) => {
    const { accept, client } = await openScene(t);
    client.send(post('Transfer-Encoding: chunked'));
    const api = await accept();
    await api.readHead();
    api.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    t.equal((await client.readHead()).startLine, 'HTTP/1.1 200 OK', 'before any byte of the body');
    for (const word of ['one', 'two', 'six']) {
      client.send(`3\r\n${word}\r\n`);
      t.equal(await api.readUntil(`${word}\r\n`), `3\r\n${word}\r\n`);
      api.send(`3\r\n${word}\r\n`);
      await client.readUntil(`${word}\r\n`);
    }
    client.send('0\r\n\r\n');
    t.equal(await api.readUntil('0\r\n\r\n'), '0\r\n\r\n');
    api.send('0\r\n\r\n');
    t.match(await client.readUntil('0\r\n\r\n'), /0\r\n\r\n$/);
    client.send(get('/public/next'));
    t.match(await api.readHead(), { startLine: 'GET /public/next HTTP/1.1' }, 'and both connections go on');
  },
);

t.test(
  'an answer that is complete before the body: the connection to the API ends, the rest is read away',
  async (t) => {
    const { accept, client } = await openScene(t);
    client.send(`${post('Content-Length: 100000')}first`);
    const api = await accept();
    await api.readUntil('first');
    api.send('HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\nno');
    t.match(await client.readMessage(), { status: 422, body: 'no' });
    await api.closed;
    client.send('x'.repeat(100_000 - 5) + get('/public/next'));
    const next = await accept(1);
    t.match(await next.readHead(), { startLine: 'GET /public/next HTTP/1.1' });
    next.send(ok);
    t.match(await client.readMessage(), { status: 200, body: 'ok' });
  },
);

t.test('an API that answers 413 and closes without reading is heard', async (t) => {
  const { accept, client } = await openScene(t);
  client.send(post('Content-Length: 300000'));
  const api = await accept();
  await api.readHead();
  api.pause();
  api.send('HTTP/1.1 413 Too large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nsmall');
  t.match((await client.readHead()).startLine, /413/);
  api.reset();
  t.equal(await client.readBytes(5), 'small');
});

t.test(
  'RFC 9112 section 9.5: after an error that closes the connection no more of the body is sent',
  async (t) => {
    const { accept, client } = await openScene(t);
    client.send(`${post('Content-Length: 100000')}first`);
    const api = await accept();
    await api.readUntil('first');
    api.send('HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 4\r\n\r\nhalf');
    t.match(await client.readMessage(), { status: 401, body: 'half' });
    client.send('x'.repeat(1_000));
    await api.closed;
    t.equal(api.unread, '');
  },
);

t.test('where connections are scarce, a body is collected before it takes one', async (t) => {
  const { accept, client, edge, ...scene } = await openScene(t, {
    connectionsMax: 4,
    callerShare: 1,
    addressShare: 1,
  });
  const busy = [scene.ask(other, get('/public/1')), scene.ask(other, get('/public/2'))];
  const apis = [await accept(0), await accept(1)];
  client.send(post('Content-Length: 5'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(edge.upstreamReading().busy, 2, 'half of them are in use');
  client.send('hello');
  const api = await accept(2);
  t.match(await api.readMessage(), { body: 'hello' });
  for (const each of [...apis, api]) each.send(ok);
  await Promise.all(busy);
  t.equal((await client.readMessage()).status, 200);
});
