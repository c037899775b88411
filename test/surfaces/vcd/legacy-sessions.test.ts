// /api/sessions and /api/session: the older paths, in XML.

import t from 'tap';
import { uuidOfOrg, uuidOfUser } from '../../../src/identity/vendor-ids.ts';
import { element } from '../../../src/dialects/xml.ts';
import { bearer, password, requestId, signInLine, startVcd } from './vcd-server.ts';

/** Attributes of the document's first element, as written. */
const attributesOf = (xml: string): Record<string, string> => {
  const start = /<[A-Z]\w*([^>]*?)\/?>/.exec(xml)?.[1] ?? '';
  return Object.fromEntries([...start.matchAll(/ (\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
};

const nameOf = (xml: string): string | undefined => /<([A-Z]\w*)/.exec(xml)?.[1];

t.test('POST /api/sessions signs in and answers <Session .../> in XML', async (t) => {
  const server = await startVcd(t);
  await server.setPassword('acme', 'ann', password);
  for (const path of ['/api/sessions', '/api/sessions/']) {
    const reply = await server.send(`POST ${path}`, [
      signInLine('ann@acme', password),
      'Accept: application/*+xml;version=36.0',
    ]);
    t.equal(reply.status, 200, path);
    t.match(reply.header('content-type'), /^application\/vnd\.vmware\.vcloud\.session\+xml/);
    const token = reply.header('x-vmware-vcloud-access-token') ?? '';
    t.match(token, /^eyJ/);
    t.equal(reply.header('x-vmware-vcloud-token-type'), 'Bearer');
    t.equal(reply.header('x-vcloud-authorization'), token, 'for clients that know no other header');
    t.match(reply.body, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<Session /);
    t.same(attributesOf(reply.body), {
      xmlns: 'http://www.vmware.com/vcloud/v1.5',
      org: 'acme',
      roles: 'author',
      user: 'ann',
      userId: `urn:vcloud:user:${uuidOfUser('acme', 'ann')}`,
      href: 'https://id.example/api/session',
      type: 'application/vnd.vmware.vcloud.session+xml',
    });
    t.match(await server.send('GET /api/session', [`X-VMWARE-VCLOUD-ACCESS-TOKEN: ${token}`]), {
      status: 200,
    });
  }
});

/** Attributes of the session's links, as written. */
const linksOf = (xml: string): Record<string, string>[] =>
  [...xml.matchAll(/<Link[^>]*>/g)].map(([link]) => attributesOf(link));

t.test('the session carries the links that clients follow, each once', async (t) => {
  const server = await startVcd(t);
  await server.setPassword('acme', 'ann', password);
  const acme = uuidOfOrg('acme');
  const vendor = 'application/vnd.vmware';
  const api = 'https://id.example/api';
  const shared = [
    { rel: 'down', href: `${api}/org/`, type: `${vendor}.vcloud.orgList+xml` },
    { rel: 'remove', href: `${api}/session` },
    { rel: 'down', href: `${api}/admin/`, type: `${vendor}.admin.vcloud+xml` },
    { rel: 'down', href: `${api}/org/${acme}`, type: `${vendor}.vcloud.org+xml`, name: 'acme' },
    { rel: 'down', href: `${api}/query`, type: `${vendor}.vcloud.query.queryList+xml` },
    { rel: 'entityResolver', href: `${api}/entity/`, type: `${vendor}.vcloud.entity+xml` },
    {
      rel: 'down:extensibility',
      href: `${api}/extensibility`,
      type: `${vendor}.vcloud.apiextensibility+xml`,
    },
  ];
  const begun = await server.send('POST /api/sessions', [signInLine('ann@acme', password)]);
  t.same(linksOf(begun.body), shared);
  const token = begun.header('x-vcloud-authorization') ?? '';
  const shown = await server.send('GET /api/session', [bearer(token)]);
  t.same(linksOf(shown.body), shared, 'the session that goes on has them too');
  t.equal(shown.header('x-vcloud-authorization'), token, 'which is where a resumed session’s token is read');
  const root = await server.send('GET /api/session', [bearer(await server.session('root@System'))]);
  t.match(
    linksOf(root.body).filter(({ type }) => /(?:vmwExtension|\.org)\+xml$/.test(type ?? '')),
    [{ href: `${api}/admin/extension` }, { name: 'System' }],
    'the provider’s have one more',
  );
});

t.test('who accepts JSON and no XML gets the session and the errors in JSON', async (t) => {
  const server = await startVcd(t);
  await server.setPassword('acme', 'ann', password);
  // @vcd/sdk sends both, as one line or as two.
  const both = ['application/*+json;version=33.0', 'application/json;version=33.0'];
  for (const accept of [[`Accept: ${both.join(',')}`], both.map((range) => `Accept: ${range}`)]) {
    const begun = await server.send('POST /api/sessions', [
      signInLine('ann@acme', password),
      ...accept,
      'Content-Type: application/*+json',
    ]);
    t.equal(begun.header('content-type'), 'application/vnd.vmware.vcloud.session+json;charset=utf-8');
    const session = JSON.parse(begun.body) as Record<string, unknown>;
    t.match(session, {
      org: 'acme',
      user: 'ann',
      roles: 'author',
      userId: `urn:vcloud:user:${uuidOfUser('acme', 'ann')}`,
      href: 'https://id.example/api/session',
      type: 'application/vnd.vmware.vcloud.session+json',
    });
    const org = { rel: 'down', name: 'acme', type: 'application/vnd.vmware.vcloud.org+json' };
    t.hasStrict(
      (session['link'] as { name?: string }[]).filter(({ name }) => name === 'acme'),
      [org],
    );
    t.match(await server.send('GET /api/session', accept), {
      status: 401,
      json: { minorErrorCode: 'NOT_AUTHENTICATED', stackTrace: null },
    });
    t.match(await server.send('PUT /api/session', accept), {
      status: 405,
      json: { minorErrorCode: 'METHOD_NOT_ALLOWED' },
    });
  }
  for (const accept of ['application/*;version=36.0', '*/*', 'text/xml, application/json', 'nonsense', ''])
    t.match(await server.send('GET /api/session', [`Accept: ${accept}`]), { body: /^<\?xml/ }, accept);
});

t.test('a client disconnects at whichever path it signed in at', async (t) => {
  const server = await startVcd(t);
  for (const path of [
    '/api/sessions',
    '/api/sessions/',
    '/cloudapi/1.0.0/sessions',
    '/cloudapi/1.0.0/sessions/',
    '/cloudapi/1.0.0/sessions/provider',
  ]) {
    const session = await server.session();
    const line = `DELETE ${path}`;
    t.equal((await server.send(line)).status, 401, `${path} without a session`);
    const ended = await server.send(line, [
      `X-Vmware-Vcloud-Access-Token: ${session}`,
      'Accept: application/xml;version=36.0',
      requestId,
    ]);
    t.match(ended, { status: 204, body: '' }, path);
    t.equal(ended.header('x-vmware-vcloud-request-id'), 'client-7');
    const current = () => server.send('GET /api/session', [bearer(session)]);
    while ((await current()).status !== 401) await new Promise((resolve) => setImmediate(resolve));
  }
});

t.test('a session is seen and ended by its own URN, and no other session is', async (t) => {
  const server = await startVcd(t);
  const ann = await server.session();
  const adam = await server.session('adam@acme');
  const urnOf = async (session: string): Promise<string> =>
    String((await server.send('GET /cloudapi/1.0.0/sessions/current', [bearer(session)])).json['id']);
  const own = await urnOf(ann);
  const foreign = await urnOf(adam);
  for (const method of ['GET', 'DELETE'])
    for (const urn of [foreign, 'urn:vcloud:session:00000000-0000-4000-8000-000000000000', 'x'])
      t.match(
        await server.send(`${method} /cloudapi/1.0.0/sessions/${urn}`, [bearer(ann)]),
        { status: 403, json: { minorErrorCode: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN' } },
        `${method} ${urn}`,
      );
  for (const urn of [own, encodeURIComponent(own), own.toUpperCase()])
    t.match(await server.send(`GET /cloudapi/1.0.0/sessions/${urn}`, [bearer(ann)]), {
      status: 200,
      json: { id: own, user: { name: 'ann' } },
    });
  t.equal((await server.send(`DELETE /cloudapi/1.0.0/sessions/${own}`, [bearer(ann)])).status, 204);
  const seen = () => server.send(`GET /cloudapi/1.0.0/sessions/${own}`, [bearer(ann)]);
  while ((await seen()).status !== 401) await new Promise((resolve) => setImmediate(resolve));
  t.equal(await urnOf(adam), foreign, 'the other session goes on');
});

t.test('GET /api/session shows the session, DELETE /api/session ends it', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const shown = await server.send('GET /api/session', [bearer(session), requestId]);
  t.match(shown, { status: 200, body: /<Session [^>]*user="ann"/ });
  t.equal(shown.header('x-vmware-vcloud-request-id'), 'client-7');
  t.equal(shown.header('x-vmware-vcloud-access-token'), undefined);
  const ended = await server.send('DELETE /api/session', [bearer(session)]);
  t.match(ended, { status: 204, body: '' });
  const current = () => server.send('GET /api/session', [bearer(session)]);
  while ((await current()).status !== 401) await new Promise((resolve) => setImmediate(resolve));
});

t.test('errors are <Error majorErrorCode minorErrorCode message stackTrace/>', async (t) => {
  const server = await startVcd(t);
  await server.setPassword('acme', 'ann', password);
  for (const [line, status, code] of [
    ['GET /api/session', 401, 'NOT_AUTHENTICATED'],
    ['DELETE /api/session', 401, 'NOT_AUTHENTICATED'],
    ['POST /api/sessions', 401, 'NOT_AUTHENTICATED'],
    ['PUT /api/session', 405, 'METHOD_NOT_ALLOWED'],
    ['GET /api/sessions', 405, 'METHOD_NOT_ALLOWED'],
  ] as const) {
    const reply = await server.send(line, [requestId, signInLine('ann@acme', 'wrong')]);
    t.equal(reply.status, status, line);
    t.match(reply.header('content-type'), /^application\/vnd\.vmware\.vcloud\.error\+xml/);
    t.equal(reply.header('x-vmware-vcloud-request-id'), 'client-7');
    t.equal(nameOf(reply.body), 'Error');
    const attributes = attributesOf(reply.body);
    t.same(Object.keys(attributes), ['xmlns', 'majorErrorCode', 'minorErrorCode', 'message', 'stackTrace']);
    t.match(attributes, {
      majorErrorCode: String(status),
      minorErrorCode: code,
      message: /^\[ client-7 \] /,
    });
  }
});

t.test('what people are called is escaped, and what XML cannot hold is replaced', async (t) => {
  const written = element('Error', { message: `<a b='c' d="e"> & \u0000\u0008\ud800\uffff\n é` });
  t.match(
    written,
    'message="&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt; &amp; \ufffd\ufffd\ufffd\ufffd\ufffd é"',
  );
  const server = await startVcd(t);
  await server.accounts.defineRole('acme', 'a/b: c', ['things:read']);
  await server.accounts.setRoles('acme', 'ann', ['author', 'a/b: c']);
  const session = await server.session();
  t.match((await server.send('GET /api/session', [bearer(session)])).body, 'roles="a/b: c,author"');
});
