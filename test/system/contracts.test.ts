// What holds for the clients of every vendor, on a gate as a real process, in raw bytes: the lines "everywhere" and
// "forward faithfully" of the wire contracts, and what clients of csp do with their access tokens.

import { mkdtempSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { startGate, until } from '../support/gate-process.ts';
import { done, openOperator } from '../support/operator.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const authorize = '/csp/gateway/am/api/auth/api-tokens/authorize';

const start = async (t: Test) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const gate = await startGate(t, {
    directory,
    settings: {
      upstream: upstream.origin,
      surfaces: { csp: { enabled: true }, navigator: { enabled: true } },
      oauth: { clients: [{ id: 'reports', secret: 'a-client-secret-of-some-length' }] },
      log: { level: 'debug', access: 'all' },
      routes: [
        { name: 'api', path: '/api/*', scopes: [] },
        { name: 'legacy', path: '/legacy/*', scopes: [], credentialQueryParameter: 'token' },
      ],
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  const { secret, id } = await operator.token();
  await gate.whenReady();
  /** A request line and header lines, byte for byte; only Host and, for a body, Content-Length are added. */
  const send = (requestLine: string, lines: readonly string[] = [], body = '') =>
    exchangeRaw(
      gate.port,
      [
        `${requestLine} HTTP/1.1`,
        'Host: gate',
        ...lines,
        ...(body === '' ? [] : [`Content-Length: ${body.length}`]),
        '',
        body,
      ].join('\r\n'),
    );
  const exchange = async (): Promise<string> => {
    const { body } = await send(`POST ${authorize}?refresh_token=${secret}`, [
      'Content-Type: application/json',
    ]);
    return (JSON.parse(body) as { access_token: string }).access_token;
  };
  return { gate, upstream, operator, secret, id, send, exchange };
};

t.test('the contracts that every vendor’s clients rely on', async (t) => {
  const { gate, upstream, operator, secret, id, send, exchange } = await start(t);
  const access = await exchange();
  const bearer = `Authorization: Bearer ${access}`;
  const received = () => upstream.requests.at(-1);

  await t.test('everywhere: auth schemes are compared case-insensitively', async (t) => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR'])
      t.equal((await send('GET /api/x', [`Authorization: ${scheme} ${access}`])).status, 200, scheme);
    const credentials = Buffer.from('reports:a-client-secret-of-some-length').toString('base64');
    for (const scheme of ['Basic', 'basic', 'BASIC'])
      for (const path of ['/csp/gateway/am/api/auth/introspect', '/oauth2/introspect'])
        t.match(
          await send(
            `POST ${path}`,
            [`Authorization: ${scheme} ${credentials}`, 'Content-Type: application/x-www-form-urlencoded'],
            `token=${secret}`,
          ),
          { status: 200, body: /"active":true/ },
          `${scheme} at ${path}`,
        );
  });

  await t.test('everywhere: media types are parsed leniently', async (t) => {
    for (const [path, body] of [
      [authorize, `api_token=${secret}`],
      ['/oauth2/token', `grant_type=refresh_token&refresh_token=${secret}`],
    ] as const)
      for (const type of [
        'application/x-www-form-urlencoded/',
        'application/x-www-form-urlencoded;charset=UTF-8',
        'Application/X-WWW-Form-Urlencoded; Charset=utf-8',
      ])
        t.equal(
          (await send(`POST ${path}`, [`content-TYPE: ${type}`], body)).status,
          200,
          `${type} at ${path}`,
        );
    for (const type of ['application/json', 'application/json;charset=UTF-8'])
      t.equal(
        (await send(`POST ${authorize}?refresh_token=${secret}`, [`Content-Type: ${type}`])).status,
        200,
        `${type} with no body`,
      );
  });

  await t.test(
    'everywhere: tokens in query strings are accepted where listed and never logged',
    async (t) => {
      for (const name of ['api_token', 'refresh_token'])
        t.equal((await send(`POST ${authorize}?${name}=${secret}`, ['Content-Length: 0'])).status, 200, name);
      t.equal((await send(`GET /legacy/x?a=1&token=${secret}&b=2`)).status, 200, 'on a route that says so');
      t.equal(received()?.startLine, 'GET /legacy/x?a=1&b=2 HTTP/1.1');
      t.equal((await send(`GET /legacy/x?token=${access}`)).status, 200);
      t.equal((await send(`GET /api/x?token=${secret}`)).status, 401, 'and nowhere else');
      t.equal((await send(`POST /oauth2/token?refresh_token=${secret}`, ['Content-Length: 0'])).status, 400);
      t.equal((await send('GET /api/last')).status, 401);
      await until(() => gate.output().includes('/api/last'));
      t.ok(gate.output().includes('/legacy/x'), 'each request has its line');
      t.notOk(gate.output().includes(secret), 'without the API token');
      t.notOk(gate.output().includes(access), 'without the access token');
      t.notOk((await gate.metrics()).includes(secret));
    },
  );

  await t.test('forward faithfully: query strings byte for byte: ==, ;, a leading ?&', async (t) => {
    for (const query of [
      '?filterEncoded=true&filter=(name==probe;owner.name==admin;(type==PROXY,type==REFRESH))',
      '?filter=%28name%3D%3Dprobe%3Bowner.name%3d%3dadmin%29',
      '?&page=1&pageSize=128',
      "?filter=name%20eq%20'x'&include=id,name",
      '?a=%7E&a=~&&b&=c&d=+%20',
      '??',
      '?',
      '',
    ]) {
      t.equal((await send(`GET /api/tokens${query}`, [bearer])).status, 200, query);
      t.equal(received()?.startLine, `GET /api/tokens${query} HTTP/1.1`);
    }
  });

  await t.test('forward faithfully: percent-encoded URNs, and plain ones', async (t) => {
    for (const path of [
      '/api/tokens/urn%3Avcloud%3Atoken%3A5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c',
      '/api/tokens/urn%3avcloud%3atoken%3a5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c',
      '/api/tokens/urn:vcloud:token:5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c',
    ]) {
      t.equal((await send(`GET ${path}`, [bearer])).status, 200, path);
      // RFC 3986 section 6.2.2.1: the digits of an escape are upper-case in its normal form, and mean the same.
      t.equal(received()?.startLine, `GET ${path.replaceAll('%3a', '%3A')} HTTP/1.1`);
    }
  });

  await t.test('forward faithfully: trailing slashes', async (t) => {
    for (const path of ['/api/tokens/', '/api/tokens', '/api/tokens/?page=1']) {
      t.equal((await send(`GET ${path}`, [bearer])).status, 200, path);
      t.equal(received()?.startLine, `GET ${path} HTTP/1.1`);
    }
  });

  await t.test('forward faithfully: duplicate Accept headers, odd header case', async (t) => {
    const odd = [
      'Accept: application/*+json;version=36.1',
      'accept: application/json',
      'ACCEPT: */*',
      'x-vMWARE-vcloud-Client-Request-Id: 7',
      'x-tenant-CONTEXT:',
      `aUTHORIZATION: bearer ${access}`,
    ];
    t.equal((await send('GET /api/x', odd)).status, 200);
    t.same(received()?.all('accept'), ['application/*+json;version=36.1', 'application/json', '*/*']);
    t.same(
      received()
        ?.headers.map(([name]) => name)
        .filter((name) => /^(?:accept|x-vmware|x-tenant|authorization)/i.test(name)),
      ['Accept', 'accept', 'ACCEPT', 'x-vMWARE-vcloud-Client-Request-Id', 'x-tenant-CONTEXT'],
      'in the order and spelling they came in, without the credential',
    );
  });

  await t.test('forward faithfully: GET with a body', async (t) => {
    t.equal((await send('GET /api/x', [bearer, 'Content-Type: application/json'], '{}')).status, 200);
    t.match(received(), { startLine: 'GET /api/x HTTP/1.1', body: '{}', framing: 'content-length' });
    const chunked = [bearer, 'Transfer-Encoding: chunked', '', '2', '{}', '0', ''];
    t.equal((await send('GET /api/x', chunked)).status, 200);
    t.match(received(), { startLine: 'GET /api/x HTTP/1.1', body: '{}' });
  });

  await t.test('forward faithfully: POST with neither body nor Content-Length', async (t) => {
    t.equal((await send('POST /api/x?a=b', [bearer, 'Content-Type: application/json'])).status, 200);
    t.match(received(), { startLine: 'POST /api/x?a=b HTTP/1.1', body: '' });
    t.equal(received()?.header('transfer-encoding'), undefined);
    t.equal(received()?.header('content-type'), 'application/json');
  });

  await t.test('csp: API calls carry csp-auth-token: <JWT> or Authorization: Bearer <JWT>', async (t) => {
    for (const lines of [
      [`csp-auth-token: ${access}`],
      [`CSP-Auth-Token: ${access}`],
      [bearer],
      [bearer, `csp-auth-token: ${access}`],
    ]) {
      t.equal((await send('GET /api/x', lines)).status, 200, lines.map((line) => line.slice(0, 20)).join());
      t.equal(received()?.header('csp-auth-token'), undefined);
      t.equal(received()?.header('authorization'), undefined);
    }
  });

  await t.test('csp: on 401 a client exchanges its API token again and retries, once', async (t) => {
    const stale = await exchange();
    done(await operator.accounts.setRoles('acme', 'ada', ['reader']));
    await until(async () => (await send('GET /api/x', [`csp-auth-token: ${stale}`])).status === 401);
    t.equal((await send('GET /api/x', [`csp-auth-token: ${await exchange()}`])).status, 200);
    done(await operator.apiTokens.revokeApiToken(id));
    await until(async () => (await send(`POST ${authorize}?refresh_token=${secret}`)).status === 400);
    const final = await send(`POST ${authorize}?refresh_token=${secret}`);
    t.equal(final.header('retry-after'), undefined, '400 is final');
  });
});
