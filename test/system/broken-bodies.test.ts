// A request body that does not arrive is the caller's doing, wherever the request goes: 408 when it stops or takes too
// long, 400 when its framing is broken or it ends early, never a 5xx, and never silence.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startGate } from '../support/gate-process.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const directory = mkdtempSync(join('/tmp', 'tg-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

/** Framing and the part of the body that is sent; then nothing more, or FIN. */
const broken: Readonly<
  Record<string, { readonly sent: string; readonly isEnded?: true; readonly status: number }>
> = {
  'no byte of it': { sent: 'Content-Length: 1000\r\n\r\n', status: 408 },
  'shorter than its length': { sent: 'Content-Length: 1000\r\n\r\n{"a":1}', status: 408 },
  'chunked without an end': { sent: 'Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n', status: 408 },
  'half a chunk': { sent: 'Transfer-Encoding: chunked\r\n\r\nff\r\na=b', status: 408 },
  'ended early': { sent: 'Content-Length: 1000\r\n\r\na=b', isEnded: true, status: 400 },
  'ended in a chunk': { sent: 'Transfer-Encoding: chunked\r\n\r\nff\r\na=b', isEnded: true, status: 400 },
  'a chunk of no size': { sent: 'Transfer-Encoding: chunked\r\n\r\nzz\r\na=b\r\n', status: 400 },
  'a chunk longer than its size': {
    sent: 'Transfer-Encoding: chunked\r\n\r\n1\r\na=b\r\n0\r\n\r\n',
    status: 400,
  },
};

const targets: Readonly<Record<string, string>> = {
  'a proxied route': '/public/things',
  oauth: '/oauth2/token',
  csp: '/csp/gateway/am/api/auth/api-tokens/authorize',
  navigator: '/cphub/api/auth/v1/authn/accesstoken',
  vcd: '/oauth/provider/token',
  astra: '/accounts/acme/core/v1/users/alice/tokens',
  management: '/tollgate/v1/sessions',
};

t.test('a body that does not arrive is 408 or 400 on every route and surface', async (t) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const enabled = { enabled: true };
  const gate = await startGate(t, {
    directory,
    settings: {
      upstream: upstream.origin,
      limits: { requestTimeout: '1s' },
      surfaces: { csp: enabled, navigator: enabled, vcd: enabled, astra: enabled, management: enabled },
      routes: [{ name: 'public', path: '/public/*', public: true }],
    },
  });
  await gate.whenReady();
  const ask = async (path: string, { sent, isEnded }: { readonly sent: string; readonly isEnded?: true }) => {
    const client = await connectRaw(gate.port);
    t.teardown(() => client.socket.destroy());
    client.send(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n${sent}`,
    );
    if (isEnded === true) client.end();
    const answer = await client.readMessage().catch(String);
    if (typeof answer !== 'string') await client.closed;
    return typeof answer === 'string' ? answer : answer.status;
  };
  await Promise.all(
    Object.entries(targets).flatMap(([name, path]) =>
      Object.entries(broken).map(async ([what, body]) =>
        t.equal(await ask(path, body), body.status, `${name}: ${what}`),
      ),
    ),
  );
  t.equal(upstream.requests.length, 0, 'none was whole');
});

t.test('an API that answers before the body is whole is heard, also when the rest never comes', async (t) => {
  const upstream = await startRawUpstream({
    serve: async (connection) => {
      await connection.readUntil('\r\n\r\nhalf');
      connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    },
  });
  t.teardown(() => upstream.close());
  const gate = await startGate(t, {
    directory,
    settings: {
      upstream: upstream.origin,
      // The body is longer than what is read before the API hears of it, so it waits only this long.
      limits: { requestTimeout: '1s', bodyWait: '100ms' },
      routes: [{ name: 'public', path: '/public/*', public: true }],
    },
  });
  await gate.whenReady();
  const client = await connectRaw(gate.port);
  t.teardown(() => client.socket.destroy());
  client.send('POST /public/things HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf');
  t.match(await client.readMessage(), { status: 403, body: 'no' });
  await client.closed;
});
