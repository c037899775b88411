// How the management surface takes what clients really send, in raw bytes: odd forms, bad input, another method, a store
// that does not answer. Everything refused is a problem of RFC 9457, and changes nothing.

import t from 'tap';
import { management } from '../../../src/settings/surfaces/management.ts';
import { bodyBytesMax } from '../../../src/surfaces/body.ts';
import { jsonType, prefix, startManagement } from './management-server.ts';

const own = `${prefix}/orgs/acme/users/ann/api-tokens`;
const good = JSON.stringify({ name: 'x', scopes: ['things:read'] });

t.test('a body that is JSON is read under any type, and nothing else is', async (t) => {
  const server = await startManagement(t);
  const bearer = `aUtHoRiZaTiOn: BEARER ${await server.signIn()}`;
  for (const type of [
    'Application/JSON;charset=UTF-8',
    'application/json/',
    'application/merge-patch+json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'nonsense',
  ])
    t.equal((await server.send(`POST ${own}`, [bearer, `CONTENT-TYPE: ${type}`], good)).status, 201, type);
  t.equal((await server.send(`POST ${own}`, [bearer], good)).status, 201, 'no type at all');
  for (const [type, body] of [
    ['text/plain', 'name: x'],
    ['application/json', 'name=x&scopes=all'],
    ['application/x-www-form-urlencoded', 'name=x&scopes=all'],
    ['multipart/form-data; boundary=x', `--x\r\n\r\n${good}\r\n--x--`],
  ] as const)
    t.match(
      await server.send(`POST ${own}`, [bearer, `Content-Type: ${type}`], body),
      {
        status: 415,
        body: { type: `${prefix}/problems/media_type_refused`, code: 'media_type_refused', status: 415 },
      },
      type,
    );
});

t.test('what is wrong is said in sentences a caller can act on', async (t) => {
  const server = await startManagement(t);
  const json = [`Authorization: Bearer ${await server.signIn()}`, jsonType];
  const wrong = await server.send(`POST ${own}`, json, '{"scopes":1}');
  t.match(wrong, {
    status: 400,
    body: { errors: [{ pointer: '/name', detail: 'Give a string: it is missing.' }] },
  });
  t.notMatch(JSON.stringify(wrong.body), /Invalid input|undefined/);
  const query = await server.send(`GET ${own}?colour=red`, json);
  const errors = [{ parameter: 'colour', detail: 'The operation has no such parameter.' }];
  t.match(query, { status: 400, body: { errors } });
});

t.test('bad bodies are 400 with where and what, repeat no value, and make nothing', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  const table: [string, string, string?][] = [
    ['nothing', '', '/name'],
    ['broken JSON', '{', ''],
    ['two values', '{}{}', ''],
    ['deep JSON', `{"name":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, ''],
    ['a poisoned prototype', '{"__proto__":{"a":1},"name":"x","scopes":"all"}', ''],
    ['a constructor', '{"constructor":1,"name":"x","scopes":"all"}', ''],
    ['a list', '[]', ''],
    ['a text', '"x"', ''],
    ['null', 'null', ''],
    ['an unknown member', '{"name":"x","scopes":"all","lifetimeSeconds":60}', '/lifetimeSeconds'],
    ['a member in another case', '{"Name":"x","scopes":"all"}', '/name'],
    ['a name that is a number', '{"name":1,"scopes":"all"}', '/name'],
    ['an empty name', '{"name":"","scopes":"all"}', '/name'],
    ['a long name', `{"name":"${'x'.repeat(200)}","scopes":"all"}`, '/name'],
    ['a name with a line break', '{"name":"a\\nb","scopes":"all"}'],
    ['a name with blanks around', '{"name":" a ","scopes":"all"}'],
    ['scopes in a text', '{"name":"x","scopes":"things:read"}', '/scopes'],
    ['a scope that is none', '{"name":"x","scopes":["a b"]}'],
    ['a scope that is a number', '{"name":"x","scopes":[1]}', '/scopes'],
    [
      'too many scopes',
      JSON.stringify({ name: 'x', scopes: Array.from({ length: 1100 }, (_, i) => `s${i}`) }),
      '/scopes',
    ],
    ['openid as a text', '{"name":"x","scopes":"all","openid":"true"}', '/openid'],
  ];
  for (const [what, body, pointer] of table) {
    const reply = await server.send(`POST ${own}`, [`Authorization: Bearer ${ann}`, jsonType], body);
    t.match(reply, { status: 400, body: { status: 400 } }, what);
    if (pointer !== undefined) {
      const { errors = [] } = reply.body as { errors?: { pointer?: string }[] };
      t.ok(
        errors.some((error) => error.pointer?.startsWith(pointer)),
        `${what}: ${reply.text}`,
      );
    }
    t.match(reply.header('content-type'), /^application\/problem\+json/);
    t.ok(reply.text.length < 4096, 'the answer is bounded');
    t.match(server.outcomes.at(-1), {
      result: 'denial',
      reason: 'request_malformed',
      identity: { user: { id: 'ann' } },
    });
  }
  t.match((await server.order(ann, 'GET /orgs/acme/users/ann/api-tokens')).body, { total: 0 });
});

t.test('a secret in a wrong member is not repeated', async (t) => {
  const server = await startManagement(t);
  const { secret } = await server.token();
  for (const body of [
    { org: secret, user: 1, password: [secret] },
    { token: secret, lifetime: secret },
  ]) {
    const reply = await server.order(undefined, 'POST /sessions', body);
    t.equal(reply.status, 400);
    t.notMatch(reply.text, secret);
    t.notMatch(JSON.stringify(server.outcomes.at(-1)), secret);
  }
});

t.test('a body over 64 KB is refused, by its length or as it comes', async (t) => {
  const server = await startManagement(t);
  const long = JSON.stringify({ org: 'a', user: 'b', password: 'c'.repeat(bodyBytesMax) });
  t.match(await server.send(`POST ${prefix}/sessions`, [jsonType], long), {
    status: 413,
    body: { code: 'request_too_large' },
  });
  const chunks = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`;
  t.match(await server.send(`POST ${prefix}/sessions`, [jsonType, 'Transfer-Encoding: chunked'], chunks), {
    status: 413,
  });
});

t.test('a query says what it says once, in known words', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=1e2',
    'limit=',
    'limit=+1',
    'limit=1&limit=2',
    'Limit=1',
    'state=gone',
    'sort=secret',
    'cursor=',
    'name=',
    'page=1',
    '%zz=1',
    'name=%C3%28',
    `name=${'x'.repeat(200)}`,
    '__proto__=1',
    'constructor=1',
  ])
    t.match(
      await server.order(ann, `GET /orgs/acme/users/ann/api-tokens?${query}`),
      { status: 400, body: { code: 'request_malformed' } },
      query,
    );
  for (const query of ['', '?', '?limit=200', '?&&limit=1', '?sort=%2DcreatedAt', '?name=a+b'])
    t.equal((await server.order(ann, `GET /orgs/acme/users/ann/api-tokens${query}`)).status, 200, query);
});

t.test('ids in the path are read once, and may be anything', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  await server.accounts.createUser({ orgId: 'acme', id: 'c@corp.example', name: 'C', roles: [] });
  const made = await server.order(ann, 'POST /orgs/acme/users/c%40corp.example/api-tokens', {
    name: 'x',
    scopes: [],
  });
  t.match(made, { status: 201, body: { user: 'c@corp.example' } });
  const { secret } = await server.token();
  for (const [path, status] of [
    ['/orgs/acme/api-tokens/nonsense', 404],
    [`/orgs/acme/api-tokens/${secret}`, 404],
    ['/orgs/acme/api-tokens/00000000-0000-4000-8000-000000000000', 404],
    ['/orgs/acme/api-tokens/%00', 404],
    ['/orgs/%C3%A4/api-tokens/x', 403],
    ['/orgs/ACME/api-tokens', 403],
    ['/orgs/acme/users/a%20b', 400],
  ] as const) {
    const reply = await server.order(ann, `GET ${path}`);
    t.equal(reply.status, status, `${path} ${reply.text}`);
    t.notMatch(reply.text, secret);
  }
});

t.test('another method is 405 and says which to use; HEAD is answered as GET', async (t) => {
  const server = await startManagement(t);
  for (const [line, allow] of [
    ['GET /sessions', 'POST'],
    ['POST /sessions/current', 'GET, HEAD, DELETE'],
    ['PUT /orgs/acme/users/ann', 'GET, HEAD, PATCH, DELETE'],
    ['DELETE /revoke-all', 'POST'],
    ['PROPFIND /orgs/acme/users', 'GET, HEAD, POST'],
    ['OPTIONS /openapi.json', 'GET, HEAD'],
  ] as const) {
    const reply = await server.order(undefined, line);
    t.match(reply, { status: 405, body: { code: 'method_refused', status: 405 } }, line);
    t.same(reply.header('allow')?.split(', ').toSorted(), allow.split(', ').toSorted());
  }
  const head = await server.send(`HEAD ${prefix}/openapi.json`);
  t.same([head.status, head.text], [200, '']);
});

t.test('every path of the table is answered by some operation', async (t) => {
  const server = await startManagement(t);
  const owned = new Set(server.surfaces.ownedPaths.map(({ written }) => written));
  for (const path of Object.values(management.paths(prefix))) t.ok(owned.has(path), path);
});

t.test('a mistyped path below the prefix is 404 here, and never reaches the API', async (t) => {
  const server = await startManagement(t);
  for (const line of [
    'POST /session',
    'GET /',
    'GET ',
    'PUT /sessions/current/x',
    'PATCH /org',
    'DELETE /sessions/',
  ])
    t.match(await server.order(undefined, line, line.startsWith('POST') ? { password: 'x' } : undefined), {
      status: 404,
      body: { code: 'path_unknown' },
    });
  t.equal((await server.send('GET /tollgate/v10')).status, 418, 'what is not below it is the API’s');
});

t.test('each problem has a page at its type', async (t) => {
  const server = await startManagement(t);
  const refused = await server.order(undefined, 'GET /sessions/current');
  const page = await server.send(`GET ${String(refused.body['type'])}`);
  t.match(page, {
    status: 200,
    body: { code: 'credential_missing', status: 401, title: refused.body['title'] },
  });
  for (const code of ['nonsense', '__proto__', 'constructor', 'toString'])
    t.match(await server.order(undefined, `GET /problems/${code}`), {
      status: 404,
      body: { code: 'problem_unknown' },
    });
});

t.test(
  'a store that does not answer is 503 with Retry-After for every operation, never 401 or 403',
  async (t) => {
    const server = await startManagement(t);
    const ann = await server.signIn();
    const { record, secret } = await server.token();
    await server.store.close();
    const one = `/orgs/acme/api-tokens/${record.id}`;
    const orders: [string, string | undefined, unknown?][] = [
      ['POST /sessions', undefined, { org: 'acme', user: 'ann', password: 'x' }],
      ['DELETE /sessions/current', ann],
      ['POST /orgs/acme/users/ann/api-tokens', ann, { name: 'x', scopes: 'all' }],
      ['GET /orgs/acme/users/ann/api-tokens', ann],
      ['GET /orgs/acme/api-tokens', ann],
      [`GET ${one}`, ann],
      [`DELETE ${one}`, ann],
      [`POST ${one}/regenerate`, ann, {}],
      ['POST /revoke-all', ann],
      ['POST /orgs/acme/users/ben/revoke-all', ann],
      ['POST /orgs/acme/revoke-all', ann],
      ['GET /orgs/acme/users', ann],
      ['GET /orgs/acme/users/ben', ann],
      ['GET /orgs/acme/roles', ann],
      ['PATCH /orgs/acme/users/ben', ann, { roles: [] }],
      ['PUT /orgs/acme/users/ann/password', ann, { currentPassword: 'x', newPassword: 'a long enough one' }],
      ['POST /api-tokens/details', undefined, { token: secret }],
    ];
    for (const [request, who, body] of orders) {
      const reply = await server.order(who, request, body);
      t.match(reply, { status: 503, body: { code: 'unavailable', status: 503 } }, request);
      t.equal(reply.header('retry-after'), '1');
      t.match(server.outcomes.at(-1), { result: 'outage', reason: 'store_unavailable' });
    }
  },
);
