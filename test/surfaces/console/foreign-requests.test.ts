// What other sites can make a browser send: the console refuses it, says so, and counts it.

import t from 'tap';
import { type Asked } from '../../support/console-browser.ts';
import { ann, startConsole } from './console-server.ts';

const revoke = 'POST /api/revoke-all';

t.test('a change must come from a page of the console', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  await browser.signIn();
  for (const [what, headers] of Object.entries<NonNullable<Asked['headers']>>({
    'another site': { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    'another site, from a browser that says nothing else': {
      origin: 'https://evil.example',
      'sec-fetch-site': undefined,
    },
    'a sister site': { origin: 'http://gate.example', 'sec-fetch-site': 'same-site' },
    'another port': { origin: 'http://gate.example:8081', 'sec-fetch-site': undefined },
    'a page without an origin': { origin: 'null', 'sec-fetch-site': undefined },
    'an origin with a path': { origin: 'http://gate.example/', 'sec-fetch-site': undefined },
    'nobody says from where': { origin: undefined, 'sec-fetch-site': undefined },
    'a name that begins so': { origin: 'http://gate.example.evil.example', 'sec-fetch-site': undefined },
    'an address bar': { origin: undefined, 'sec-fetch-site': 'none' },
  })) {
    const reply = await browser.send(revoke, { headers });
    t.match(reply, { status: 403, body: { code: 'origin_refused', title: 'Another page sent this' } }, what);
    t.same(reply.cookies, [], 'and prolongs nothing');
  }
  t.equal((await browser.send('GET /session')).status, 200, 'nothing was revoked');
  const refused = server.outcomes.filter(({ reason }) => reason === 'origin_refused');
  t.equal(refused.length, 9);
  t.match(refused[0], { result: 'denial', route: 'console:api', evidence: 'Sec-Fetch-Site: cross-site' });
});

t.test('a form, which any site may post, is refused whatever it holds', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  for (const type of [
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    undefined,
  ])
    t.match(
      await browser.send('POST /session', { body: JSON.stringify(ann), headers: { 'content-type': type } }),
      { status: 415, body: { code: 'media_type_refused' }, cookies: [] },
      type ?? 'none',
    );
  t.match(await browser.send('POST /session', { body: 'org=acme&user=ann&password=x' }), { status: 415 });
});

t.test('another site cannot even ask', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  await browser.signIn();
  for (const path of ['/session', '/session/options', '/api/orgs/acme/users/ann/api-tokens'])
    for (const site of ['cross-site', 'same-site'])
      t.match(
        await browser.send(`GET ${path}`, { headers: { 'sec-fetch-site': site } }),
        { status: 403, body: { code: 'origin_refused' } },
        `${path} ${site}`,
      );
  t.equal(
    (await browser.send('GET /tokens', { headers: { 'sec-fetch-site': 'cross-site' } })).status === 403,
    false,
  );
});

t.test('the port that goes without saying, capitals and the scheme make no other origin', async (t) => {
  const server = await startConsole(t);
  for (const [host, origin] of [
    ['gate.example:443', 'https://gate.example'],
    ['Gate.Example', 'http://gate.example'],
    ['localhost:8080', 'http://localhost:8080'],
    ['[::1]:8080', 'http://[::1]:8080'],
  ] as const)
    t.equal(
      (await server.browser().send('POST /session', { body: ann, headers: { host, origin } })).status,
      201,
      origin,
    );
});

t.test('where the origin is written, it alone counts', async (t) => {
  const server = await startConsole(t, { origin: 'https://console.example' });
  const send = (origin: string) => server.browser().send('POST /session', { body: ann, headers: { origin } });
  t.equal((await send('https://console.example')).status, 201);
  t.equal((await send('http://console.example')).status, 403);
  t.equal((await send('http://gate.example')).status, 403, 'the Host of a request is nothing');
});

t.test('a GET changes nothing', async (t) => {
  const server = await startConsole(t);
  const browser = server.browser();
  await browser.signIn();
  for (const path of ['/api/revoke-all', '/session/org'])
    t.match(await browser.send(`GET ${path}`), { status: 405 }, path);
  t.equal((await browser.send('GET /session')).status, 200);
});
