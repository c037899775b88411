import t from 'tap';
import { PathTable, patternsMeet } from '../../src/decision/path-pattern.ts';

const table = new PathTable<string>([
  ['/tokens/{token}', 'one'],
  ['/tokens/current', 'current'],
  ['/tokens', 'list'],
  ['/orgs/{org}/tokens/{token}/?', 'of org'],
  ['/orgs/own/tokens/{token}', 'of own org'],
  ['/a.b/x/?', 'slash or not'],
]);

t.test('a path finds its pattern, and what stands in its places', async (t) => {
  const rows: [string, string, Record<string, string>][] = [
    ['/tokens', 'list', {}],
    ['/tokens/7', 'one', { token: '7' }],
    ['/tokens/current', 'current', {}],
    ['/orgs/acme/tokens/7', 'of org', { org: 'acme', token: '7' }],
    ['/orgs/acme/tokens/7/', 'of org', { org: 'acme', token: '7' }],
    ['/orgs/own/tokens/7', 'of own org', { token: '7' }],
    ['/orgs/own/tokens/7/', 'of org', { org: 'own', token: '7' }],
    ['/a.b/x', 'slash or not', {}],
    ['/a.b/x/', 'slash or not', {}],
  ];
  for (const [path, value, parameters] of rows) {
    t.same(table.find(path), { value, parameters }, path);
    t.ok(table.has(path), path);
  }
});

t.test('an escape in a place is read once', async (t) => {
  t.same(table.find('/tokens/urn%3Avcloud%3Atoken%3A7')?.parameters, { token: 'urn:vcloud:token:7' });
  t.same(table.find('/tokens/a%2541')?.parameters, { token: 'a%41' });
  t.same(table.find('/tokens/%C3%A9')?.parameters, { token: 'é' });
  t.equal(table.find('/tokens/%ff'), undefined, 'what is not UTF-8 fits nothing');
});

t.test('nothing else fits', async (t) => {
  for (const path of [
    '',
    '/',
    '/token',
    '/tokens/',
    '/tokens//',
    '/tokens/7/',
    '/tokens/7/8',
    '/Tokens',
    '/orgs//tokens/7',
    '/orgs/acme/tokens',
    '/orgs/acme/tokens/7//',
    '/x/orgs/acme/tokens/7',
    '/aXb/x',
    '__proto__',
  ]) {
    t.equal(table.find(path), undefined, path);
    t.notOk(table.has(path), path);
  }
});

t.test('two patterns meet where some path fits both', async (t) => {
  const rows: [string, string, boolean][] = [
    ['/a', '/a', true],
    ['/a', '/b', false],
    ['/a', '/a/b', false],
    ['/a/{x}', '/a/b', true],
    ['/a/{x}', '/{y}/b', true],
    ['/a/{x}', '/b/{x}', false],
    ['/a/?', '/a/', true],
    ['/a/{x}', '/a/', false],
    ['/a/?', '/a/{x}', false],
  ];
  for (const [one, other, meet] of rows) {
    t.equal(patternsMeet(one, other), meet, `${one} ${other}`);
    t.equal(patternsMeet(other, one), meet, `${other} ${one}`);
  }
});

t.test('everything below a path fits last, and the path itself', async (t) => {
  const own = new PathTable<string>([
    ['/own/*', 'below'],
    ['/own/{id}', 'one'],
    ['/own/list', 'list'],
  ]);
  for (const [path, value] of [
    ['/own/list', 'list'],
    ['/own/7', 'one'],
    ['/own', 'below'],
    ['/own/', 'below'],
    ['/own/7/', 'below'],
    ['/own/7/8/9', 'below'],
  ] as const) {
    t.equal(own.find(path)?.value, value, path);
    t.ok(own.has(path), path);
  }
  for (const path of ['/ow', '/owner', '/', '', '/x/own/7']) t.notOk(own.has(path), path);
  for (const [one, other, meet] of [
    ['/own/*', '/own', true],
    ['/own/*', '/own/a/b', true],
    ['/own/*', '/{x}/b', true],
    ['/own/*', '/*', true],
    ['/own/*', '/own/a/*', true],
    ['/own/a/*', '/own/{x}', true],
    ['/own/*', '/other/a', false],
    ['/own/a/*', '/own', false],
    ['/own/a/*', '/own/b/*', false],
  ] as const) {
    t.equal(patternsMeet(one, other), meet, `${one} ${other}`);
    t.equal(patternsMeet(other, one), meet, `${other} ${one}`);
  }
});
