import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import type { RequestOutcome } from '../../src/observe/request-outcome.ts';
import { ownedPatterns } from '../../src/settings/surface-paths.ts';
import { createSurfaces } from '../../src/surfaces/surfaces.ts';
import { createWorld } from '../lifecycle/world.ts';
import { noSurfaces, startSurfaces, testCaller } from './surface-server.ts';

const form = (token: string) => `grant_type=refresh_token&refresh_token=${token}`;

/** One request, byte for byte; what came back until the server closed. */
const raw = async (port: number, text: string): Promise<string> => {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1').on('data', (data: string) => (received += data));
  socket.write(text);
  await once(socket, 'close');
  return received;
};

t.test('a path is owned exactly, so nothing of the API is shadowed by accident', async (t) => {
  const { surfaces } = await startSurfaces(t);
  const owned = surfaces.ownedPaths.map(({ written }) => written);
  t.same(owned.toSorted(), [
    '/.well-known/jwks.json',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/oauth2/authorize',
    '/oauth2/introspect',
    '/oauth2/revoke',
    '/oauth2/token',
  ]);
  for (const path of owned) t.ok(surfaces.owns(path), path);
  for (const path of [
    '/',
    '/oauth2',
    '/oauth2/',
    '/oauth2/token/',
    '/OAuth2/token',
    '/oauth2/tokens',
    '/oauth2/%74oken',
    '//oauth2/token',
    '/oauth2/token;x',
    '/.well-known',
    '/x/.well-known/jwks.json',
    '__proto__',
  ])
    t.notOk(surfaces.owns(path), path);
});

t.test('what the surfaces own is what the settings check the routes against', async (t) => {
  const surfaces = {
    ...noSurfaces,
    csp: { ...noSurfaces.csp, enabled: true },
    navigator: { ...noSurfaces.navigator, enabled: true },
    vcd: { ...noSurfaces.vcd, enabled: true },
    astra: { ...noSurfaces.astra, enabled: true },
  };
  const server = await startSurfaces(t, { surfaces });
  const forms = ownedPatterns(server.settings).map(({ pattern }) => pattern.form);
  t.same(new Set(server.surfaces.ownedPaths.map(({ form }) => form)), new Set(forms));
  t.equal(new Set(forms).size, forms.length, 'each once');
});

t.test('the media type of a form is read leniently', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  for (const type of [
    'application/x-www-form-urlencoded',
    'APPLICATION/X-WWW-FORM-URLENCODED',
    'application/x-www-form-urlencoded; charset=ISO-8859-1',
    'application/x-www-form-urlencoded/',
    'application/x-www-form-urlencoded;',
  ])
    t.equal((await server.post('/oauth2/token', form(secret), { 'content-type': type })).status, 200, type);
});

t.test('a body that is not a readable form is invalid_request, whatever it is', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  const table: [string, string, string][] = [
    ['JSON', 'application/json', JSON.stringify({ grant_type: 'refresh_token', refresh_token: secret })],
    ['deep JSON', 'application/json', '['.repeat(30_000)],
    ['broken JSON', 'application/json', '{'],
    ['a poisoned prototype', 'application/json', '{"__proto__":{}}'],
    ['text', 'text/plain', secret],
    ['multipart', 'multipart/form-data; boundary=x', `--x\r\n\r\n${secret}\r\n--x--`],
    ['XML', 'application/xml', '<a/>'],
    ['a type that is none', 'nonsense', secret],
    ['nothing', 'application/x-www-form-urlencoded', ''],
    ['broken percent-encoding', 'application/x-www-form-urlencoded', 'grant_type=%zz'],
    ['101 parameters', 'application/x-www-form-urlencoded', 'a=b&'.repeat(101)],
    ['the same parameter twice', 'application/x-www-form-urlencoded', `${form(secret)}&refresh_token=x`],
    ['the same value twice', 'application/x-www-form-urlencoded', `${form(secret)}&grant_type=refresh_token`],
    ['an unknown parameter twice', 'application/x-www-form-urlencoded', `${form(secret)}&x=1&x=2`],
    ['brackets', 'application/x-www-form-urlencoded', 'grant_type[]=refresh_token'],
  ];
  for (const [what, type, body] of table) {
    const reply = await server.post('/oauth2/token', body, { 'content-type': type });
    t.match(reply, { status: 400, body: { error: 'invalid_request' } }, what);
    t.equal(reply.headers.get('cache-control'), 'no-store');
    t.notOk(reply.text.includes(secret), 'the token is not repeated');
    t.match(server.outcomes.at(-1), { result: 'denial', reason: 'request_malformed' });
    t.notOk(JSON.stringify(server.outcomes.at(-1)).includes(secret), 'nor logged');
  }
  t.equal(
    (await server.post('/oauth2/token', `${form(secret)}&x=1`)).status,
    200,
    'an unknown one is ignored',
  );
});

t.test('a body over 64 KB is refused, by its length or as it comes', async (t) => {
  const server = await startSurfaces(t);
  const reply = await server.post('/oauth2/token', `a=${'b'.repeat(65 * 1024)}`);
  t.match(reply, { status: 413, body: { error: 'invalid_request' } });
  t.match(server.outcomes.at(-1), { reason: 'request_too_large', status: 413 });
  const chunk = `${(8192).toString(16)}\r\n${'b'.repeat(8192)}\r\n`;
  const received = await raw(
    server.port,
    `POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(9)}`,
  );
  t.match(received, /^HTTP\/1\.1 413 /);
});

t.test('a secret in the URL is refused, even beside a good form', async (t) => {
  const server = await startSurfaces(t);
  const { secret } = await server.token();
  for (const name of ['refresh_token', 'token', 'subject_token', 'access_token', 'client_secret', '%74oken'])
    for (const path of ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke']) {
      const reply = await server.post(`${path}?x=1&${name}=${secret}`, `${form(secret)}&token=x`);
      t.match(reply, { status: 400, body: { error: 'invalid_request' } }, `${path}?${name}`);
      t.notOk(JSON.stringify(server.outcomes.at(-1)).includes(secret), 'the log has no query');
    }
  t.equal((await server.post('/oauth2/token?trace=1', form(secret))).status, 200, 'others are ignored');
});

t.test('another method is 405 and says which one to use', async (t) => {
  const server = await startSurfaces(t);
  const table: [string, string, string][] = [
    ['GET', '/oauth2/token', 'POST'],
    ['PUT', '/oauth2/token', 'POST'],
    ['DELETE', '/oauth2/revoke', 'POST'],
    ['OPTIONS', '/oauth2/introspect', 'POST'],
    ['POST', '/.well-known/jwks.json', 'GET, HEAD'],
    ['PROPFIND', '/oauth2/token', 'POST'],
  ];
  for (const [method, path, allow] of table) {
    const reply = await fetch(server.origin + path, { method });
    t.equal(reply.status, 405, `${method} ${path}`);
    t.equal(reply.headers.get('allow'), allow);
    t.match(await reply.json(), { error: 'invalid_request' });
  }
  const head = await fetch(`${server.origin}/.well-known/jwks.json`, { method: 'HEAD' });
  t.equal(head.status, 200);
  t.equal(await head.text(), '');
});

t.test(
  'Expect: 100-continue is answered before the body, and not for a body that is too large',
  async (t) => {
    const world = await startSurfaces(t);
    const { secret } = await world.token();
    const body = form(secret);
    const head = (length: number) =>
      `POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: ${length}\r\n`;
    const expect = 'Expect: 100-continue\r\n\r\n';
    t.match(
      await raw(world.port, `${head(body.length)}${expect}${body}`),
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /,
    );
    t.match(await raw(world.port, head(100_000) + expect), /^HTTP\/1\.1 413 /, 'without waiting for it');
  },
);

t.test('a bug is 500, told in general and recorded with its cause; the server lives on', async (t) => {
  const outcomes: RequestOutcome[] = [];
  const server = await startSurfaces(t);
  const bug = new Error('broken invariant');
  const surfaces = await createSurfaces({
    ...server,
    identifier: {
      ...server.identifier,
      identify: () => {
        throw bug;
      },
      standing: () => 'live',
    },
    record: (outcome) => outcomes.push(outcome),
  });
  t.teardown(() => surfaces.close());
  const { createServer } = await import('node:http');
  const http = createServer((req, res) => surfaces.handle(req, res, testCaller)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.teardown(() => void http.close());
  const { port } = http.address() as { port: number };
  for (let index = 0; index < 2; index++) {
    const body = form('tgx');
    const received = await raw(
      port,
      `POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    t.match(received, /^HTTP\/1\.1 500 /);
    t.match(received, /"error":"server_error"/);
    t.notMatch(received, /broken invariant/);
    t.match(outcomes.at(-1), { result: 'bug', status: 500, route: 'oauth:token' });
    t.equal(outcomes.at(-1)?.cause, bug);
  }
});

t.test('a client that leaves before the answer leaves one record', async (t) => {
  const server = await startSurfaces(t);
  const socket = connect(server.port, '127.0.0.1');
  socket.write('POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
  await once(socket, 'connect');
  // The next request of another connection is answered after the first one has arrived.
  await server.get('/.well-known/jwks.json');
  socket.destroy();
  while (!server.outcomes.some((outcome) => outcome.route === 'oauth:token'))
    await new Promise((resolve) => setImmediate(resolve));
  t.match(
    server.outcomes.find((outcome) => outcome.route === 'oauth:token'),
    { status: 0, reason: 'client_gone' },
  );
});

t.test('a closing surface answers 503', async (t) => {
  const server = await startSurfaces(t);
  server.surfaces.close();
  const reply = await server.get('/.well-known/jwks.json');
  t.equal(reply.status, 503);
  t.match(server.outcomes.at(-1), { result: 'outage', reason: 'shutting_down' });
});

t.test('what no surface owns must not be handed to one', async (t) => {
  const world = await createWorld(t);
  const surfaces = await createSurfaces({
    ...world,
    settings: { ...world.settings, surfaces: noSurfaces },
    passwords: createPasswordHashes({ ln: 4 }),
    signInLimit: createSignInLimit(world.settings.limits),
    audit: undefined,
    record: () => undefined,
  });
  t.teardown(() => surfaces.close());
  t.throws(() => surfaces.handle({ url: '/things' } as never, {} as never, testCaller), /no surface owns/);
});
