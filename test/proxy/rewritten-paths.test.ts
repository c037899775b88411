// Issue 9, number 10, on the wire: the rule is judged on the caller's path, the API gets the one that the rule makes of it.

import t, { type Test } from 'tap';
import { patternOf } from '../../src/decision/path-pattern.ts';
import { compileRewrite, isRewriteFault } from '../../src/decision/path-rewrite.ts';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const setScene = async (t: Test, options: EdgeOptions) => {
  const upstream = await startRawUpstream({
    answer: ({ startLine }) =>
      startLine.includes('socket')
        ? 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
        : 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, options);
  t.teardown(() => edge.close());
  const send = (line: string, ...lines: readonly string[]) =>
    exchangeRaw(edge.port, [`${line} HTTP/1.1`, 'Host: api', ...lines, '', ''].join('\r\n'));
  return { edge, send, reached: upstream.requests };
};

const rewriting = (
  path: string,
  written: { readonly stripPrefix?: string; readonly addPrefix?: string; readonly rewrite?: string },
  change: Parameters<typeof aRule>[0] = {},
) => {
  const rewrite = compileRewrite({ path: patternOf(path), ...written });
  if (isRewriteFault(rewrite)) throw new Error(rewrite.fault);
  return aRule({ name: path, path, rewrite, public: true, upgrade: true, ...change });
};

t.test('the API gets the rewritten path, and the query as it came', async (t) => {
  const { send, reached, edge } = await setScene(t, {
    routes: [
      rewriting('/files/*', { stripPrefix: '/files' }),
      rewriting('/users/{id}', { rewrite: '/v2/people/{id}.json' }),
      rewriting('/keys/*', { stripPrefix: '/keys', addPrefix: '/k' }, { credentialQueryParameter: 'token' }),
      rewriting('/raw/*', { stripPrefix: '/raw' }, { encodedReserved: 'pass' }),
      rewriting('/tried/*', { stripPrefix: '/tried' }, { mode: 'shadow', scopes: ['none'], public: false }),
    ],
  });
  for (const [target, forwarded] of [
    ['/files/a/b?x=%2f&y=/files/', '/a/b?x=%2f&y=/files/'],
    ['/files/?', '/?'],
    ['/files/%7Eann', '/~ann'],
    ['http://api/files/a', '/a'],
    ['/users/7?z', '/v2/people/7.json?z'],
    ['/keys/a?token=good&b=1', '/k/a?b=1'],
    ['/raw/a%2Fb', '/a%2Fb'],
    // Where a request goes is no matter of shadow mode.
    ['/tried/a?b', '/a?b'],
  ] as const) {
    t.equal((await send(`GET ${target}`)).status, 200, target);
    t.equal(reached.at(-1)!.startLine, `GET ${forwarded} HTTP/1.1`);
  }
  t.match(
    edge.outcomes[0],
    { route: '/files/*', path: '/files/a/b' },
    'the record has the path of the caller',
  );
});

t.test('the rule is judged on the path of the caller', async (t) => {
  const { send, reached } = await setScene(t, {
    routes: [
      rewriting('/files/*', { stripPrefix: '/files' }),
      aRule({ name: 'admin', path: '/admin', scopes: ['things:admin'] }),
    ],
  });
  t.equal((await send('GET /admin')).status, 401);
  for (const target of ['/files/../admin', '/files/%2e%2e/admin', '/files//admin', '/files%2Fa', '/files'])
    t.not((await send(`GET ${target}`)).status, 200, target);
  t.equal(reached.length, 0);
});

t.test('a WebSocket goes to the rewritten path', async (t) => {
  const { send, reached } = await setScene(t, { routes: [rewriting('/live/*', { stripPrefix: '/live' })] });
  t.equal((await send('GET /live/socket?a', 'Connection: Upgrade', 'Upgrade: websocket')).status, 101);
  t.equal(reached[0]!.startLine, 'GET /socket?a HTTP/1.1');
});
