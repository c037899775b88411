// /api/sessions and /api/session: the older paths, in XML.

import t from 'tap';
import { uuidOfUser } from '../../../src/surfaces/vendor-ids.ts';
import { element } from '../../../src/surfaces/vcd/xml.ts';
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
    t.match(reply.body, /<Link rel="remove" href="https:\/\/id\.example\/api\/session"\/>/);
    t.match(await server.send('GET /api/session', [`X-VMWARE-VCLOUD-ACCESS-TOKEN: ${token}`]), {
      status: 200,
    });
  }
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
