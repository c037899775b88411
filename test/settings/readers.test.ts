// The small grammars of the settings: durations, sizes, addresses, stores, paths. What is accepted, and as what.

import { t } from 'tap';
import { address, cidr, httpUrl, upstreamUrl } from '../../src/settings/network-readers.ts';
import { closest } from '../../src/settings/settings-issue.ts';
import { duration, durationOrNever, parseDuration, parseSize, size } from '../../src/settings/quantity.ts';
import { flag } from '../../src/settings/reader.ts';
import { routePath } from '../../src/settings/route-fields.ts';
import { storeUrl } from '../../src/settings/store-url.ts';

t.test('a duration is a number with a unit, several of them, or milliseconds', async (t) => {
  const table: Record<string, number | undefined> = {
    '250ms': 250,
    '10s': 10_000,
    '5m': 300_000,
    '2h': 7_200_000,
    '180d': 15_552_000_000,
    '1h30m': 5_400_000,
    '1500': 1500,
    '0s': 0,
    '': undefined,
    '-1s': undefined,
    '1.5s': undefined,
    '10 s': undefined,
    '10S': undefined,
    s: undefined,
    '9999999999d': undefined,
  };
  for (const [text, ms] of Object.entries(table)) t.equal(parseDuration(text), ms, JSON.stringify(text));
  t.equal(parseDuration(1500), 1500);
  t.equal(parseDuration(1.5), undefined);
  t.equal(parseDuration(-1), undefined);
  t.match(duration('1s', '1m').read('1s'), { ok: true, value: 1000 }, 'the bounds are included');
  t.match(duration('1s', '1m').read(60_001), { ok: false });
  t.same(durationOrNever('1s', '1m').read('never'), { ok: true, value: undefined });
});

t.test('the examples of a range lie within it', async (t) => {
  const read = (reader: { readonly expects: string }): readonly string[] =>
    /, such as ([^(]*)/
      .exec(reader.expects)?.[1]
      ?.trim()
      .split(/, | or /) ?? [];
  for (const [min, max] of [
    ['0s', '60s'],
    ['0s', '1h'],
    ['5ms', '1m'],
    ['10ms', '1d'],
    ['1s', '400d'],
    ['1m', '3650d'],
    ['10s', '5m'],
  ] as const) {
    const examples = read(duration(min, max));
    t.ok(examples.length > 0, `${min} to ${max}`);
    for (const example of examples)
      t.match(duration(min, max).read(example), { ok: true }, `${min} to ${max}: ${example}`);
  }
  for (const [min, max] of [
    ['65B', '4KB'],
    ['1KB', '1MB'],
    ['0', '1024GB'],
  ] as const)
    for (const example of read(size(min, max))) t.match(size(min, max).read(example), { ok: true }, example);
  t.equal(duration('3ms', '4ms').expects, 'a duration from 3ms to 4ms', 'none is better than a wrong one');
});

t.test('a size is a number with a unit of 1024, or bytes', async (t) => {
  const table: Record<string, number | undefined> = {
    '512': 512,
    '512B': 512,
    '16KB': 16_384,
    '16KiB': 16_384,
    '16k': 16_384,
    '1MB': 1_048_576,
    '2GB': 2_147_483_648,
    '1.5KB': undefined,
    '16 KB': undefined,
    KB: undefined,
    '-1': undefined,
  };
  for (const [text, bytes] of Object.entries(table)) t.equal(parseSize(text), bytes, JSON.stringify(text));
  t.equal(parseSize(Number.NaN), undefined);
});

t.test('true and false are also what the environment writes', async (t) => {
  t.same(flag.read('true'), { ok: true, value: true });
  t.same(flag.read(false), { ok: true, value: false });
  t.match(flag.read('on'), { ok: false });
});

t.test('an address is a host and a port, or a socket', async (t) => {
  const table: Record<string, object | undefined> = {
    '127.0.0.1:8080': { kind: 'tcp', host: '127.0.0.1', port: 8080 },
    'localhost:0': { kind: 'tcp', host: 'localhost', port: 0 },
    '[::1]:8080': { kind: 'tcp', host: '::1', port: 8080 },
    'unix:/run/t.sock': { kind: 'unix', path: '/run/t.sock' },
    'unix:///run/t.sock': { kind: 'unix', path: '/run/t.sock' },
    '::1:8080': undefined,
    '[nonsense]:1': undefined,
    ':8080': undefined,
    'host:99999': undefined,
    'unix:': undefined,
  };
  for (const [text, value] of Object.entries(table)) {
    const read = address.read(text);
    t.same(read.ok ? read.value : undefined, value, text);
  }
});

t.test('an upstream is an origin', async (t) => {
  t.same(upstreamUrl.read('https://Api.Example.com:443/'), {
    ok: true,
    value: { origin: 'https://api.example.com', socketPath: undefined },
  });
  for (const wrong of ['http://', 'https://a b', '//host', 'http://host/x', 'http://host?x', 8081])
    t.match(upstreamUrl.read(wrong), { ok: false }, String(wrong));
  t.same(httpUrl('x').read('https://host/path/'), { ok: true, value: 'https://host/path' });
  t.match(httpUrl('x').read('https://host/#part'), { ok: false });
});

t.test('an address range has at most as many bits as an address', async (t) => {
  t.same(cidr.read('10.0.0.0/8'), { ok: true, value: '10.0.0.0/8' });
  t.same(cidr.read('::1'), { ok: true, value: '::1/128' });
  for (const wrong of ['10.0.0.0/33', '::/129', '10.0.0', 'all', 10])
    t.match(cidr.read(wrong), { ok: false }, String(wrong));
});

t.test('a store is a file, a Redis, its sentinels or a Cluster', async (t) => {
  const table: Record<string, object> = {
    'sqlite:./tollgate.db': { kind: 'sqlite', file: './tollgate.db' },
    'sqlite:///var/lib/t.db': { kind: 'sqlite', file: '/var/lib/t.db' },
    'redis://redis': { mode: 'standalone', nodes: [{ host: 'redis', port: 6379 }], tls: false, database: 0 },
    'redis://redis:7000/3': { nodes: [{ host: 'redis', port: 7000 }], database: 3 },
    'rediss://ann:p%40w@redis/': { tls: true, username: 'ann', password: 'p@w' },
    'redis://:pw@[::1]:6379': { nodes: [{ host: '::1', port: 6379 }], username: undefined, password: 'pw' },
    'redis+unix:/run/redis.sock': {
      mode: 'standalone',
      nodes: [],
      socketPath: '/run/redis.sock',
      database: 0,
    },
    'redis+unix:///run/redis.sock?db=2': { socketPath: '/run/redis.sock', database: 2 },
    'unix:/run/redis.sock': { kind: 'redis', socketPath: '/run/redis.sock' },
    'redis-sentinel://:pw@a,b:26380,c/main': {
      mode: 'sentinel',
      sentinelName: 'main',
      password: 'pw',
      nodes: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_380 },
        { host: 'c', port: 26_379 },
      ],
    },
    'rediss-sentinel://a/main/4': { mode: 'sentinel', tls: true, database: 4 },
    'redis-cluster://a,b:6380,c': {
      mode: 'cluster',
      nodes: [{ port: 6379 }, { port: 6380 }, { port: 6379 }],
    },
    'rediss-cluster://a': { mode: 'cluster', tls: true },
  };
  for (const [url, value] of Object.entries(table)) t.match(storeUrl.read(url), { ok: true, value }, url);
  for (const wrong of [
    'redis:redis',
    'redis://',
    'redis://a:b',
    'redis://a/x',
    'redis://a/1/2',
    'sqlite:',
    'redis+unix:',
    7,
  ])
    t.match(storeUrl.read(wrong), { ok: false }, String(wrong));
});

t.test('a path becomes a pattern', async (t) => {
  const table: Record<string, object> = {
    '/': { form: '/', hasRest: false },
    '/things': { form: '/things', written: '/things' },
    '/things/': { form: '/things/' },
    '/things/*': { form: '/things/*', hasRest: true },
    '/accounts/{org}/*': { form: '/accounts/:/*', segments: [{ text: 'accounts' }, { name: 'org' }] },
    '/accounts/:account/tokens/{id}': { form: '/accounts/:/tokens/:' },
    '/v1/things:batch': { form: '/v1/things:batch' },
    "/a-b_c.d~e!$&'()+,=@": { segments: [{ kind: 'literal' }] },
  };
  for (const [path, value] of Object.entries(table)) t.match(routePath.read(path), { ok: true, value }, path);
  for (const wrong of [
    '',
    'a',
    '//',
    '/a//b',
    '/.',
    '/*a',
    '/a*',
    '/{',
    '/{a-b}',
    '/:',
    '/{a}/{a}',
    '/a;b',
    '/a b',
    '/ä',
    '/a\\b',
    '*',
  ])
    t.match(routePath.read(wrong), { ok: false }, wrong);
});

t.test('a mistyped name is matched with the nearest, or with none', async (t) => {
  const known = ['listen', 'upstream', 'upstreams', 'routes', 'identityTtl'];
  t.equal(closest('lisetn', known), 'listen');
  t.equal(closest('up-stream', known), 'upstream');
  t.equal(closest('identity_ttl', known), 'identityTtl');
  t.equal(closest('banana', known), undefined);
  t.equal(closest('x', known), undefined);
  t.equal(closest('x'.repeat(100_000), known), undefined, 'in bounded time');
});
