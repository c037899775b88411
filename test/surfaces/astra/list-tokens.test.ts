// GET tokens with include, limit, filter, orderBy, skip, count and continue.

import t, { type Test } from 'tap';
import { uuidOfUser } from '../../../src/identity/vendor-ids.ts';
import { minuteMs } from '../../lifecycle/world.ts';
import { type AstraServer, ofAnn, startAstra } from './astra-server.ts';

const names = ['backup', 'ci', "it's", 'laptop'];

/** Four tokens, a minute apart, the alphabet against the time. */
const startListed = async (t: Test): Promise<AstraServer> => {
  const server = await startAstra(t);
  for (const name of names.toReversed()) {
    await server.make(name);
    server.clock.nowMs += minuteMs;
  }
  return server;
};

/** The names a listing answers, in its order. */
const namesOf = async (server: AstraServer, query: string): Promise<unknown> => {
  const { status, json } = await server.list(query);
  return status === 200 ? (json['items'] as { name: string }[]).map(({ name }) => name) : json;
};

const escaped = encodeURIComponent;

t.test('the list is {"items":[],"metadata":{}}', async (t) => {
  const server = await startAstra(t);
  t.match(await server.list(''), { status: 200, body: '{"items":[],"metadata":{}}' });
  await server.make('ci');
  const { json } = await server.list('');
  t.same(Object.keys(json), ['items', 'metadata']);
  t.same(Object.keys((json['items'] as object[])[0] ?? {}), [
    'type',
    'version',
    'id',
    'name',
    'userID',
    'metadata',
  ]);
});

t.test('include: each item is a row of the fields asked for, in their order', async (t) => {
  const server = await startListed(t);
  const rows = await server.list('?include=name,userID,version&orderBy=name');
  t.same(rows.json, {
    items: names.map((name) => [name, uuidOfUser('acme', 'ann'), '1.0']),
    metadata: {},
  });
  t.match(await server.list('?include=metadata.labels,metadata.creationTimestamp&limit=1'), {
    json: { items: [[[], /^20/]] },
  });
  t.match(await server.list('?include='), { json: { items: [{ name: String }] } }, 'empty: whole resources');
  for (const wrong of ['token', 'secret', 'id,', 'id,id,id,id,id,id,id,id,id,id,id', 'constructor'])
    t.match(await server.list(`?include=${wrong}`), {
      status: 400,
      json: { invalidParams: [{ name: 'include' }] },
    });
});

t.test("filter: field eq 'value', also lt, gt, lte, gte, joined by and", async (t) => {
  const server = await startListed(t);
  const filtered = (filter: string) => namesOf(server, `?orderBy=name&filter=${escaped(filter)}`);
  t.same(await filtered("name eq 'ci'"), ['ci']);
  t.same(await namesOf(server, "?filter=name%20eq%20'ci'"), ['ci'], 'as the vendor’s clients write it');
  t.same(await namesOf(server, "?filter=name+eq+'ci'"), ['ci']);
  t.same(await filtered("name eq 'it''s'"), ["it's"]);
  t.same(await filtered("name eq 'nothing'"), []);
  t.same(await filtered("name gt 'ci'"), ["it's", 'laptop']);
  t.same(await filtered("name gte 'ci' and name lt 'laptop'"), ['ci', "it's"]);
  t.same(await filtered(`userID eq '${uuidOfUser('acme', 'ann')}' and name lte 'backup'`), ['backup']);
  const { json } = await server.list("?filter=name%20eq%20'ci'");
  const [ci] = json['items'] as { id: string; metadata: { creationTimestamp: string } }[];
  t.same(await filtered(`id eq '${ci?.id}'`), ['ci']);
  t.same(await filtered(`metadata.creationTimestamp gt '${ci?.metadata.creationTimestamp}'`), ['backup']);
  for (const wrong of [
    'name',
    "name eq 'ci",
    'name eq ci',
    "name ne 'ci'",
    "token eq 'ci'",
    "name eq 'ci' or name eq 'x'",
    "name eq 'ci' and",
    "name eq 'ci'name eq 'ci'",
    Array(11).fill("name eq 'ci'").join(' and '),
    `name eq '${"'".repeat(5000)}`,
  ])
    t.match(
      await server.list(`?filter=${escaped(wrong).replaceAll("'", '%27')}`),
      { status: 400, json: { invalidParams: [{ name: 'filter' }] } },
      wrong.slice(0, 40),
    );
});

t.test('orderBy: a field, asc or desc', async (t) => {
  const server = await startListed(t);
  t.same(await namesOf(server, '?orderBy=name'), names);
  t.same(await namesOf(server, '?orderBy=name%20asc'), names);
  t.same(await namesOf(server, '?orderBy=name%20desc'), names.toReversed());
  t.same(await namesOf(server, '?orderBy=metadata.creationTimestamp'), names.toReversed());
  for (const wrong of ['secret', 'name%20up', 'name%20desc%20x'])
    t.match(await server.list(`?orderBy=${wrong}`), {
      status: 400,
      json: { invalidParams: [{ name: 'orderBy' }] },
    });
});

t.test('limit, skip and count; continue leads through all pages', async (t) => {
  const server = await startListed(t);
  t.same(await namesOf(server, '?orderBy=name&limit=2'), names.slice(0, 2));
  t.same(await namesOf(server, '?orderBy=name&skip=3'), names.slice(3));
  t.same(await namesOf(server, '?skip=4'), []);
  t.match((await server.list('?count=true&limit=1')).json['metadata'], { count: 4, continue: String });
  t.same((await server.list('?count=true&skip=9')).json['metadata'], { count: 4 });
  t.same((await server.list('?count=false')).json['metadata'], {});
  const seen: unknown[] = [];
  let from = '';
  do {
    const { json } = await server.list(`?orderBy=name&limit=3${from}`);
    seen.push(...(json['items'] as { name: string }[]).map(({ name }) => name));
    const next = (json['metadata'] as { continue?: string }).continue;
    from = next === undefined ? '' : `&continue=${next}`;
  } while (from !== '');
  t.same(seen, names);
});

t.test('wrong query parameters are all told at once: problems/5, 400', async (t) => {
  const server = await startAstra(t);
  const { status, json } = await server.list(
    '?limit=0&skip=-1&count=yes&continue=x&orderBy=x&filter=x&include=x&name=ignored',
  );
  t.equal(status, 400);
  t.same(Object.keys(json), ['type', 'title', 'detail', 'status', 'invalidParams', 'correlationID']);
  t.match(json, {
    type: 'https://astra.netapp.io/problems/5',
    title: 'Invalid query parameters',
    detail: 'The supplied query parameters are invalid.',
    status: '400',
  });
  t.same((json['invalidParams'] as { name: string }[]).map(({ name }) => name).toSorted(), [
    'continue',
    'count',
    'filter',
    'include',
    'limit',
    'orderBy',
    'skip',
  ]);
  for (const query of [
    '?limit=1&limit=2',
    '?limit=%ff',
    '?limit=1e3',
    '?limit=',
    '??limit=1',
    '?&limit=1',
    '?',
  ])
    t.equal((await server.list(query)).status, /=1&|%ff|1e3/.test(query) ? 400 : 200, query);
  const { continue: next } = (await server.list('')).json['metadata'] as { continue?: string };
  t.equal(next, undefined);
});

t.test('a list is of one user’s own tokens only, whatever the query', async (t) => {
  const server = await startAstra(t);
  await server.apiTokens.createApiToken({
    orgId: 'acme',
    userId: 'bob',
    name: 'bobs',
    scopes: 'all',
    lifetimeMs: undefined,
    length: 65,
  });
  await server.make('mine');
  for (const query of [
    '',
    "?filter=name%20gte%20''",
    `?filter=${escaped(`userID eq '${uuidOfUser('acme', 'bob')}'`)}`,
  ])
    t.notOk((await server.list(query)).body.includes('bobs'), query);
  t.equal((await server.send(`HEAD ${ofAnn}`, [server.session])).status, 200);
});
