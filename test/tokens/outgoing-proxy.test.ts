// Requests to issuers on the way out: through the proxy of the environment where there is one.

import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { fetchJson } from '../../src/tokens/fetch-json.ts';
import { isLoopbackUrl } from '../../src/tokens/outgoing-proxy.ts';
import { summarizeError } from '../../src/observe/describe-error.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startWebProxy } from '../support/web-proxy.ts';
import { startJwksServer } from './jwks-server.ts';

const { ca, elsewhere } = makeCertificates();
const names = ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]);

/** Sets these variables of the environment, and no other that names a proxy, until the test ends. */
const environment = (t: Test, variables: Readonly<Record<string, string>>): void => {
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });
};

/** An https server for elsewhere.test on some port of this machine. */
const startElsewhere = async (t: Test): Promise<number> => {
  const server = createServer({ cert: elsewhere.cert, key: elsewhere.key }, (request, response) =>
    response.end(JSON.stringify({ path: request.url, host: request.headers.host })),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
};

const failureOf = async (url: string, privateCa?: string): Promise<string> => {
  const answer = await fetchJson({ url, ca: privateCa });
  return isOutage(answer) ? summarizeError(answer.cause) : `no outage: ${JSON.stringify(answer)}`;
};

t.test('https goes through a tunnel of HTTPS_PROXY, and the certificate is verified behind it', async (t) => {
  const proxy = await startWebProxy(t, await startElsewhere(t));
  environment(t, { HTTPS_PROXY: proxy.url });
  const url = 'https://elsewhere.test/keys';
  t.strictSame(await fetchJson({ url, ca }), { path: '/keys', host: 'elsewhere.test' });
  t.strictSame(proxy.requests, ['CONNECT elsewhere.test:443']);
  t.match(await failureOf(url), /could not be fetched: .*certificate/i, 'no CA, no trust');
  t.match(await failureOf('https://another.test/', ca), /does not match certificate's altnames/);
});

t.test('http goes through HTTP_PROXY as a whole URL', async (t) => {
  const server = await startJwksServer(t, []);
  const proxy = await startWebProxy(t, Number(new URL(server.url).port));
  environment(t, { http_proxy: proxy.url, HTTPS_PROXY: 'http://127.0.0.1:1' });
  t.strictSame(await fetchJson({ url: 'http://elsewhere.test/keys', ca: undefined }), { keys: [] });
  t.strictSame(proxy.requests, ['GET http://elsewhere.test/keys']);
  environment(t, { HTTP_PROXY: proxy.url });
  t.match(await failureOf('https://0.0.0.0:1/keys'), /ECONNREFUSED 0\.0\.0\.0:1/, 'it is not for https');
});

t.test('a proxy may be written without http:// and with a password, which no message shows', async (t) => {
  const proxy = await startWebProxy(t, await startElsewhere(t));
  environment(t, { HTTPS_PROXY: proxy.url.replace('http://', 'us:s3cret@') });
  const url = 'https://elsewhere.test/keys';
  t.match(await fetchJson({ url, ca }), { path: '/keys' });
  t.strictSame(proxy.authorizations, [`Basic ${Buffer.from('us:s3cret').toString('base64')}`]);
  proxy.connect = 'refuse';
  const refused = await failureOf(url, ca);
  t.match(refused, /elsewhere\.test\/keys could not be fetched: Proxy response \(403\)/);
  t.notMatch(refused, /s3cret/);
});

t.test('a proxy that cannot be used is an outage that says so, not a way around it', async (t) => {
  const server = await startJwksServer(t, []);
  for (const value of ['socks5://us:s3cret@127.0.0.1:1', 'http://us:s3cret@:1', 'http://a b']) {
    environment(t, { HTTP_PROXY: value, HTTPS_PROXY: value });
    for (const url of ['http://elsewhere.test/keys', 'https://elsewhere.test/keys']) {
      const failure = await failureOf(url);
      t.match(failure, /HTTPS?_PROXY is not the URL of an http or https proxy \(not shown\); write/, value);
      t.notMatch(failure, /s3cret/);
    }
  }
  t.equal(server.requests, 0);
});

t.test(
  'a proxy that never opens its tunnel, or lets nothing through, is given up, and no connection stays',
  async (t) => {
    const proxy = await startWebProxy(t, 1);
    environment(t, { HTTPS_PROXY: proxy.url });
    for (const connect of ['silence', 'stalled tunnel'] as const) {
      proxy.connect = connect;
      t.match(await failureOf('https://elsewhere.test/keys'), /could not be fetched/, connect);
      await proxy.idle();
    }
    t.equal(proxy.requests.length, 2);
  },
);

t.test(
  'NO_PROXY names hosts, host:port, their suffixes and *, which are reached without the proxy',
  async (t) => {
    const server = await startJwksServer(t, []);
    const { port } = new URL(server.url);
    // Not a loopback address by its name, but it leads to this machine.
    const url = `http://0.0.0.0:${port}/keys`;
    environment(t, { HTTP_PROXY: 'http://127.0.0.1:1' });
    for (const value of ['0.0.0.0', `0.0.0.0:${port}`, 'other, .0.0.0', '*.0.0.0', '0.0', '*']) {
      process.env['NO_PROXY'] = value;
      t.strictSame(await fetchJson({ url, ca: undefined }), { keys: [] }, value);
    }
    for (const value of ['0.0.0.1', '0.0.0.0:1', 'elsewhere.test', '']) {
      process.env['NO_PROXY'] = value;
      t.match(await failureOf(url), /ECONNREFUSED 127\.0\.0\.1:1/, `${value}: by the proxy`);
    }
  },
);

t.test('this machine is where no proxy leads, and where plain http cannot be overheard', async (t) => {
  const server = await startJwksServer(t, []);
  environment(t, { HTTP_PROXY: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' });
  t.strictSame(await fetchJson({ url: server.url, ca: undefined }), { keys: [] });
  for (const here of ['127.0.0.1:1', '127.9.9.9', 'localhost', 'a.localhost', '[::1]:1'])
    t.ok(isLoopbackUrl(`http://${here}`), here);
  for (const there of [
    'http://10.0.0.1',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'nonsense',
  ])
    t.notOk(isLoopbackUrl(there), there);
});

t.test('a form is posted, with the headers given, and a status that is not 200 can be told', async (t) => {
  const server = await startJwksServer(t, []);
  let posted = '';
  server.answer = async (request, response) => {
    for await (const chunk of request) posted += String(chunk);
    posted += `|${request.method}|${request.headers['content-type']}|${request.headers.authorization}`;
    response.end('{"active":false}');
  };
  const form = new URLSearchParams({ token: 'a b&c' });
  const headers = { authorization: 'Basic eDp5' };
  t.strictSame(await fetchJson({ url: server.url, ca: undefined, form, headers }), { active: false });
  t.equal(posted, 'token=a+b%26c|POST|application/x-www-form-urlencoded|Basic eDp5');
});
