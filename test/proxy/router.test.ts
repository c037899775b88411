import t from 'tap';
import { createRouter } from '../../src/proxy/router.ts';
import { aRule } from '../support/route-rule.ts';

const router = createRouter([
  aRule({ name: 'things', path: '/things/*' }),
  aRule({ name: 'thing', path: '/things/:id', methods: ['GET'] }),
  aRule({ name: 'special', path: '/things/special' }),
  aRule({ name: 'account', path: '/accounts/:org/tokens', tenantParameter: 'org' }),
  aRule({ name: 'colon', path: '/a::b' }),
  aRule({ name: 'cafe', path: '/caf' }),
  aRule({ name: 'dav', path: '/dav', methods: ['PROPFIND', 'TRACE'] }),
  aRule({ name: 'slash', path: '/slash/' }),
]);
const nameOf = (method: string, path: string): string | undefined => router.match(method, path)?.rule.name;

t.test('the most exact rule wins, whatever the order', async (t) => {
  t.equal(nameOf('GET', '/things/special'), 'special');
  t.equal(nameOf('GET', '/things/7'), 'thing');
  t.equal(nameOf('DELETE', '/things/7'), 'things', 'a rule for GET says nothing of DELETE');
  t.equal(nameOf('GET', '/things/7/items'), 'things');
  t.equal(nameOf('GET', '/things/'), 'things');
  t.equal(nameOf('GET', '/a:b'), 'colon');
});

t.test('case, slashes and everything else are as written', async (t) => {
  for (const path of [
    '/things',
    '/THINGS/7',
    '/Things/7',
    '/slash',
    '/slash/x',
    '/',
    '',
    '/accounts/acme',
    '/accounts/acme/tokens/',
  ])
    t.equal(nameOf('GET', path), undefined, path);
  t.equal(nameOf('GET', '/slash/'), 'slash');
});

t.test('a rule without methods covers the usual seven and no other', async (t) => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    t.equal(nameOf(method, '/slash/'), 'slash', method);
  for (const method of ['CONNECT', 'TRACE', 'PROPFIND', 'QUERY', 'get', 'MADEUP', '', '__proto__'])
    t.equal(nameOf(method, '/slash/'), undefined, method);
  t.equal(nameOf('PROPFIND', '/dav'), 'dav');
  t.equal(nameOf('TRACE', '/dav'), 'dav');
  t.equal(nameOf('GET', '/dav'), undefined);
});

t.test('a long parameter does not fall through to a wider rule', async (t) => {
  t.equal(nameOf('GET', `/things/${'7'.repeat(5_000)}`), 'thing');
});

t.test('escapes match what they stand for, or nothing', async (t) => {
  t.equal(nameOf('GET', '/things/caf%C3%A9'), 'thing');
  t.equal(nameOf('GET', '/things/urn%3Avcloud%3atoken'), 'thing');
  t.equal(nameOf('GET', '/things/100%25'), 'thing');
  t.equal(nameOf('GET', '/things/a%20b/c'), 'things');
  for (const [sentence, path] of [
    ['read once it is another rule', '/a%3Ab'],
    ['read once it is special', '/things%2Fspecial'],
    ['read twice its path ends early', '/things/special%3Fx'],
    ['the same with a fragment', '/things/special%23x'],
    ['the same with path parameters', '/things/special%3Bx'],
    ['read twice it is no rule at all', '/slash/%3Fx'],
    ['not UTF-8', '/things/%ff'],
  ] as const)
    t.equal(nameOf('GET', path), undefined, sentence);
});

t.test('the tenant is the parameter, its escapes read', async (t) => {
  const tenant = (path: string): string | undefined => router.match('GET', path)?.tenant;
  t.equal(tenant('/accounts/acme/tokens'), 'acme');
  t.equal(tenant('/accounts/a%20b/tokens'), 'a b');
  t.equal(tenant('/accounts/caf%C3%A9/tokens'), 'café');
  t.equal(tenant('/accounts/100%25/tokens'), '100%');
  t.equal(tenant('/accounts/acme%23x/tokens'), undefined);
  t.equal(tenant('/things/7'), undefined);
});

t.test('a refusal says whether the method or the path was at fault', async (t) => {
  t.match(router.refusalOf('GET', '/nothing'), { reason: 'route_unknown' });
  t.match(router.refusalOf('GET', '/dav'), { reason: 'method_refused' });
  t.match(router.refusalOf('CONNECT', '/dav'), { reason: 'method_refused' });
  t.match(router.refusalOf('GET', '/a%3Ab'), { reason: 'route_unknown' }, 'no rule names the literal path');
  t.match(router.refusalOf('GET', '/things/special%3Fx'), { reason: 'path_ambiguous' });
});

t.test('a pattern that could not match what it says is a bug at start-up', async (t) => {
  for (const path of ['/a%20b', '/a?', '/a#b', '/a\\b', '/a^b'])
    t.throws(() => createRouter([aRule({ path })]), path);
  t.throws(() => createRouter([aRule({ methods: ['CONNECT'] })]), /cannot be routed/);
  t.throws(() => createRouter([aRule({}), aRule({ name: 'twice' })]));
});

t.test('a hundred thousand random paths leave nothing behind', async (t) => {
  globalThis.gc?.();
  for (let n = 0; n < 100_000; n++) router.match('GET', `/things/${n}/${n * 7}`);
  t.equal(nameOf('GET', '/things/7'), 'thing');
});
