// The console's pages and their files, over real HTTP, from a folder as the build leaves one.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync, gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { denied } from '../../../src/surfaces/answer.ts';
import { pageEndpoints } from '../../../src/surfaces/console/page-endpoints.ts';
import { securityHeaders } from '../../../src/surfaces/console/security-headers.ts';
import { serveRoutes } from '../../../src/surfaces/serve.ts';
import { exchangeRaw } from '../../support/raw-client.ts';
import { startBeside } from '../management/management-server.ts';
import { prefix } from '../../support/console-browser.ts';
import { startConsole } from './console-server.ts';

const script = `console.log("${'x'.repeat(2000)}");`;

const build = (t: Test): string => {
  const folder = t.testdir({
    'index.html':
      '<!doctype html><link href="./assets/app-1a2b.css"><script src="./assets/app-1a2b.js"></script>',
    'icon.svg': '<svg/>',
    'notes.txt': 'not for browsers',
    '.vite': { 'manifest.json': '{}' },
    assets: { 'app-1a2b.js': script, 'app-1a2b.css': 'a{}' },
  });
  writeFileSync(join(folder, 'assets/app-1a2b.js.br'), brotliCompressSync(script));
  writeFileSync(join(folder, 'assets/app-1a2b.js.gz'), gzipSync(script));
  mkdirSync(join(folder, '../outside'), { recursive: true });
  return folder;
};

const startPages = async (t: Test, folder = build(t)): Promise<number> => {
  const { page, asset } = pageEndpoints(folder, prefix);
  const onFault = () => ({
    status: 405,
    headers: {},
    body: undefined,
    note: denied('method_refused', undefined),
  });
  const headersOf = securityHeaders(false);
  const surfaces = serveRoutes(
    [
      { path: `${prefix}/*`, name: 'console:page', endpoints: { GET: page }, onFault, headersOf },
      { path: `${prefix}/assets/*`, name: 'console:asset', endpoints: { GET: asset }, onFault, headersOf },
    ],
    { record: () => undefined },
  );
  return startBeside(t, surfaces);
};

const get = (port: number, path: string, headers: readonly string[] = [], method = 'GET') =>
  exchangeRaw(port, [`${method} ${path} HTTP/1.1`, 'Host: gate.example', ...headers, '', ''].join('\r\n'));

t.test('every page is one document, whose files have their whole paths', async (t) => {
  const port = await startPages(t);
  const bare = await get(port, `${prefix}?lang=fr`);
  t.match([bare.status, bare.header('location')], [308, `${prefix}/?lang=fr`]);
  for (const path of [`${prefix}/`, `${prefix}/tokens`, `${prefix}/orgs/acme/users/ann`, `${prefix}/a.b`]) {
    const page = await get(port, path);
    t.equal(page.status, 200, path);
    t.equal(page.header('content-type'), 'text/html; charset=utf-8');
    t.equal(page.header('cache-control'), 'no-store');
    t.match(page.body, `href="${prefix}/assets/app-1a2b.css"`);
    t.match(page.body, `src="${prefix}/assets/app-1a2b.js"`);
  }
});

t.test(
  'files with a hash in their names are kept for ever, and compressed as the browser can read them',
  async (t) => {
    const port = await startPages(t);
    const file = `${prefix}/assets/app-1a2b.js`;
    const plain = await get(port, file);
    t.match(
      ['content-type', 'cache-control', 'vary', 'content-length'].map((name) => plain.header(name)),
      [
        'text/javascript; charset=utf-8',
        'public, max-age=31536000, immutable',
        'accept-encoding',
        String(script.length),
      ],
    );
    t.equal(plain.body, script);
    for (const [accepted, encoding] of [
      ['gzip, deflate, br, zstd', 'br'],
      ['br;q=0, gzip;q=0.5', 'gzip'],
      ['GZIP', 'gzip'],
      ['deflate', undefined],
      ['br;q=0.000, gzip; q=0', undefined],
      ['brotli', undefined],
    ] as const) {
      const reply = await get(port, file, [`Accept-Encoding: ${accepted}`]);
      t.equal(reply.header('content-encoding'), encoding, accepted);
      if (encoding === 'gzip') t.equal(gunzipSync(Buffer.from(reply.body, 'latin1')).toString(), script);
      if (encoding !== undefined) t.ok(reply.body.length < script.length / 4);
    }
    const css = await get(port, `${prefix}/assets/app-1a2b.css`, ['Accept-Encoding: br']);
    t.equal(css.header('content-encoding'), undefined, 'what the build has not compressed comes as it is');
  },
);

t.test('a browser that has a file is told so', async (t) => {
  const port = await startPages(t);
  for (const path of ['/assets/app-1a2b.js', '/icon.svg']) {
    const first = await get(port, prefix + path);
    const etag = first.header('etag') ?? '';
    t.match(etag, /^W\/"[\w-]{27}"$/);
    const again = await get(port, prefix + path, [`If-None-Match: "other", ${etag}`]);
    t.match([again.status, again.body, again.header('content-length')], [304, '', undefined]);
    t.equal((await get(port, prefix + path, ['If-None-Match: "other"'])).status, 200);
  }
  t.equal((await get(port, `${prefix}/icon.svg`)).header('cache-control'), 'no-cache');
});

t.test('HEAD answers what GET would, without the body', async (t) => {
  const port = await startPages(t);
  const head = await get(port, `${prefix}/assets/app-1a2b.js`, [], 'HEAD');
  t.match([head.status, head.header('content-length'), head.body], [200, String(script.length), '']);
});

t.test('there are no other files than those of the build', async (t) => {
  const port = await startPages(t);
  for (const path of [
    'assets/none.js',
    'assets/',
    'assets/app-1a2b.js.br',
    'assets/app-1a2b.js/',
    'assets/../index.html',
    'assets/%2e%2e/index.html',
    'assets/..%2f..%2fpackage.json',
    'assets/app-1a2b.js%00.css',
    'assets/constructor',
    'assets/__proto__',
  ]) {
    const reply = await get(port, `${prefix}/${path}`);
    t.match([reply.status, reply.header('cache-control')], [404, 'no-store'], path);
    t.notMatch(reply.body, /script|doctype/, path);
  }
  for (const path of ['.vite/manifest.json', 'notes.txt', '../../package.json', '%2e%2e/package.json'])
    t.match(
      (await get(port, `${prefix}/${path}`)).body,
      '<!doctype html>',
      `${path} is a page like any other`,
    );
});

t.test('every answer says what a browser may do with it', async (t) => {
  const port = await startPages(t);
  const server = await startConsole(t);
  const expected = {
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-frame-options': 'DENY',
  };
  for (const reply of [
    await get(port, `${prefix}/`),
    await get(port, `${prefix}/assets/app-1a2b.js`),
    await get(port, `${prefix}/assets/none.js`),
    await server.browser().send('GET /session'),
    await server.browser().send('GET /session/options'),
    await server.browser().send('POST /tokens', { body: {} }),
  ]) {
    for (const [name, value] of Object.entries(expected)) t.equal(reply.header(name), value, name);
    t.match(reply.header('permissions-policy'), 'camera=()');
    t.equal(reply.header('strict-transport-security'), undefined, 'TLS does not end here');
  }
  t.match(securityHeaders(true)(), { 'strict-transport-security': 'max-age=31536000' });
});

t.test('an installation without pages says how to get them', async (t) => {
  const port = await startPages(t, t.testdir({}));
  const reply = await get(port, `${prefix}/`);
  t.match([reply.status, reply.body], [404, /npm run build/]);
});
