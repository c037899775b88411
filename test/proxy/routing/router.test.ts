import t from 'tap';
import { addressRuleOf } from '../../../src/decision/address-rule.ts';
import { patternOf } from '../../../src/decision/path-pattern.ts';
import { createRouter } from '../../../src/proxy/routing/router.ts';
import { patternsOf } from '../../../src/settings/surface-paths.ts';
import { aRule } from '../../support/route-rule.ts';

const router = createRouter([
  aRule({ name: 'things', path: '/things/*' }),
  aRule({ name: 'thing', path: '/things/:id', methods: ['GET'] }),
  aRule({ name: 'special', path: '/things/special' }),
  aRule({ name: 'account', path: '/accounts/:org/tokens', tenantParameter: 'org' }),
  aRule({ name: 'colon', path: '/a:b' }),
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

t.test(
  "HEAD follows GET's rule, unless a rule for the same path names it (RFC 9110 section 9.3.2)",
  async (t) => {
    const rules = createRouter([
      aRule({ name: 'rest', path: '/*', public: true }),
      aRule({ name: 'read', path: '/admin', methods: ['GET'], scopes: ['admin:read'] }),
      aRule({ name: 'write', path: '/admin', methods: ['POST'], scopes: ['admin:write'] }),
      aRule({ name: 'get', path: '/report', methods: ['GET'], scopes: ['report:read'] }),
      aRule({ name: 'head', path: '/report', methods: ['HEAD'], public: true }),
    ]);
    const ruleOf = (method: string, path: string) => rules.match(method, path)?.rule.name;
    t.equal(ruleOf('HEAD', '/admin'), 'read', 'not the wider rule, which is public');
    t.equal(ruleOf('HEAD', '/report'), 'head');
    t.equal(ruleOf('GET', '/report'), 'get');
    t.equal(ruleOf('HEAD', '/other'), 'rest');
    t.equal(
      rules.match('HEAD', '/ADMIN'),
      undefined,
      'what a lenient server reads as it is refused, as for GET',
    );
    t.equal(rules.match('HEAD', '/admin/'), undefined);
    const alone = createRouter([aRule({ name: 'read', path: '/things', methods: ['GET'] })]);
    t.equal(alone.match('HEAD', '/things')?.rule.name, 'read');
    t.equal(alone.match('POST', '/things'), undefined);
    const posting = createRouter([aRule({ path: '/things', methods: ['POST'] })]);
    t.match(posting.refusalOf('HEAD', '/things'), { reason: 'method_not_allowed', allow: ['POST'] });
  },
);

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
  t.equal(tenant('/things/7'), undefined);
});

t.test('a refusal says whether the method or the path was at fault', async (t) => {
  t.match(router.refusalOf('GET', '/nothing'), { reason: 'route_unknown' });
  t.match(router.refusalOf('GET', '/dav'), { reason: 'method_not_allowed' });
  t.match(router.refusalOf('CONNECT', '/dav'), { reason: 'method_refused' });
  t.match(router.refusalOf('GET', '/a%3Ab'), { reason: 'route_unknown' }, 'no rule names the literal path');
});

t.test('a path that a lenient server reads as one of a stricter rule is refused', async (t) => {
  const guarded = createRouter([
    aRule({ name: 'rest', path: '/*', public: true }),
    aRule({ name: 'admin', path: '/admin', scopes: ['admin:all'] }),
    aRule({ name: 'below', path: '/below/*', scopes: ['admin:all'] }),
    aRule({ name: 'camel', path: '/api/userProfile', scopes: ['profile:read'] }),
    aRule({ name: 'slash', path: '/slash/', scopes: ['admin:all'] }),
    aRule({ name: 'colon', path: '/a:b', scopes: ['admin:all'] }),
    aRule({ name: 'org', path: '/accounts/:org', tenantParameter: 'org' }),
    aRule({ name: 'org-data', path: '/accounts/:org/Data', tenantParameter: 'org', scopes: ['data:read'] }),
    aRule({ name: 'person', path: '/me', sessions: 'interactive' }),
    aRule({ name: 'things', path: '/things/*', scopes: ['things:read'] }),
    aRule({ name: 'list', path: '/things', scopes: ['things:read'] }),
    aRule({ name: 'write', path: '/things', methods: ['PURGE'], scopes: ['things:write'] }),
  ]);
  for (const [sentence, ...paths] of [
    ['another case', '/Admin', '/ADMIN', '/aDmin'],
    ['a slash at the end', '/admin/'],
    ['both', '/Admin/', '/Below/', '/BELOW/x'],
    [
      'a blank or a dot at an end',
      '/admin%20',
      '/admin%20/',
      '/admin.',
      '/admin/.../',
      '/%20admin',
      '/admin%C2%A0',
    ],
    ['another case of a rule that is not in lower case', '/api/userprofile', '/API/USERPROFILE'],
    ['without the slash of the rule', '/slash', '/Slash', '/SLASH/'],
    ['an escape', '/a%3ab', '/A%3AB'],
    ['a letter that is another in upper case', '/adm%C4%B1n'],
    ['without its tenant', '/Accounts/acme', '/accounts/acme/', '/accounts/acme/DATA', '/accounts/%20/acme'],
    ['without its kind of session', '/ME', '/me/'],
  ] as const)
    for (const path of paths) {
      t.equal(guarded.match('GET', path), undefined, `${sentence}: ${path}`);
      t.match(guarded.refusalOf('GET', path), { reason: 'path_ambiguous' }, path);
    }
  for (const [path, name] of [
    ['/', 'rest'],
    ['/Other/', 'rest'],
    ['/other%20thing/', 'rest'],
    ['/admin', 'admin'],
    ['/slash/', 'slash'],
    ['/api/userProfile', 'camel'],
    ['/api/userprofile/x', 'rest'],
    ['/accounts/Acme', 'org'],
    ['/accounts/acme/Data', 'org-data'],
    ['/accounts/ACME/Data', 'org-data'],
    ['/accounts/a%20b/Data', 'org-data'],
    ['/accounts/a.b/Data', 'org-data'],
    ['/me', 'person'],
    ['/things/', 'things'],
    ['/things/X.Y/', 'things'],
  ] as const)
    t.equal(guarded.match('GET', path)?.rule.name, name, path);
  t.equal(guarded.match('PURGE', '/things/'), undefined, 'no rule of this method, however it is read');
  t.equal(guarded.match('GET', '/accounts/ACME')?.tenant, 'ACME', 'a tenant is compared as it was written');
});

t.test(
  'look-alike letters, unseen characters, formats and streams do not lead around a stricter rule',
  async (t) => {
    const guarded = createRouter([
      aRule({ name: 'rest', path: '/*', public: true }),
      aRule({ name: 'admin', path: '/admin', scopes: ['admin:all'] }),
      aRule({ name: 'below', path: '/admin/*', scopes: ['admin:all'] }),
      aRule({ name: 'item', path: '/items/:id', scopes: ['items:read'] }),
      aRule({ name: 'special', path: '/items/special', scopes: ['items:all'] }),
      aRule({ name: 'feed', path: '/news.xml', public: true }),
      aRule({ name: 'news', path: '/news', scopes: ['news:read'] }),
      aRule({ name: 'account', path: '/accounts/:org', tenantParameter: 'org' }),
    ]);
    for (const [sentence, ...paths] of [
      [
        'a format',
        '/admin.json',
        '/admin.xml',
        '/admin.JSON',
        '/admin.tar.gz',
        '/admin.a.b.c.d.e.f',
        '/admin.json/',
      ],
      ['a format of an item', '/items/special.json'],
      [
        'a stream of NTFS',
        '/admin::$DATA',
        '/admin::$INDEX_ALLOCATION/users',
        '/admin:$I30:$INDEX_ALLOCATION/users',
      ],
      ['both', '/admin.json::$DATA'],
      ['full-width letters', '/%EF%BD%81%EF%BD%84%EF%BD%8D%EF%BD%89%EF%BD%8E', '/%EF%BC%A1DMIN'],
      ['other compatibility forms', '/%E2%93%90dmin', '/adm%E2%81%B1n', '/%F0%9D%90%9Admin'],
      ['accents', '/%C3%A1dmin', '/a%CC%81dmin'],
      ['separators in compatibility forms', '/admin%EF%BC%8Fusers'],
      [
        'the end of a path in compatibility forms',
        '/admin%EF%BC%9Fx',
        '/admin%EF%BC%83',
        '/admin%EF%BC%9Bv=1',
      ],
      [
        'a blank that is none in JavaScript',
        '/admin%C2%85',
        '/%C2%85admin',
        '/admin%C2%A0',
        '/admin%E2%80%A8',
      ],
      [
        'zero-width and other unseen characters',
        '/adm%E2%80%8Bin',
        '/admin%E2%80%8D',
        '/%EF%BB%BFadmin',
        '/ad%C2%ADmin',
        '/admin%E2%81%A0',
        '/admin%EF%B8%8F',
      ],
    ] as const)
      for (const path of paths) {
        const found = guarded.match('GET', path)?.rule.name;
        t.ok(found === undefined || found === 'below', `${sentence}: ${path} is not ${found}`);
      }
    for (const [path, name] of [
      ['/report.pdf', 'rest'],
      ['/items/7.json', 'item'],
      ['/items/urn:vcloud:token:7', 'item'],
      ['/items/%E6%9D%B1%E4%BA%AC', 'item'],
      ['/caf%C3%A9/%EF%BC%9F', 'rest'],
      ['/news.xml', 'feed'],
      ['/accounts/acme.com', 'account'],
    ] as const)
      t.equal(guarded.match('GET', path)?.rule.name, name, path);
  },
);

t.test(
  'a server that ignores one thing of a path, and takes the rest to the letter, reads no stricter rule',
  async (t) => {
    const guarded = createRouter(
      [
        aRule({ name: 'rest', path: '/*', public: true }),
        aRule({ name: 'below', path: '/admin/*', scopes: ['admin:all'] }),
        aRule({ name: 'secret', path: '/a/:id/secret', scopes: ['admin:all'] }),
        aRule({ name: 'org', path: '/accounts/:org/data', tenantParameter: 'org' }),
      ],
      [patternOf('/own/:id/tokens')],
    );
    for (const [sentence, ...paths] of [
      [
        'a segment that others take for empty',
        '/A/%20/secret',
        '/A/%E2%80%8B/secret',
        '/A/.../secret',
        '/Own/%20/tokens',
      ],
      ['what others take for the query', '/A/1%EF%BC%9F/secret', '/A/1%EF%BC%83/secret'],
      ['what others take for a parameter of the path', '/A/%EF%BC%9Bv=1/secret', '/Own/1%EF%BC%9Bv/tokens'],
      ['what others take for a separator', '/A/1%EF%BC%BC2/secret', '/A/1%EF%BC%8F2/secret'],
      ['a tenant that others take for none', '/Accounts/%E2%80%8B/data', '/Accounts/acme%EF%BC%9F/Data'],
    ] as const)
      for (const path of paths) t.equal(guarded.match('GET', path), undefined, `${sentence}: ${path}`);
    for (const [path, name] of [
      ['/B/%20/secret', 'rest'],
      ['/files/%EF%BC%9F.txt', 'rest'],
      ['/accounts/Zo%C3%AB/data', 'org'],
    ] as const)
      t.equal(guarded.match('GET', path)?.rule.name, name, path);
  },
);

t.test('a path that a lenient server reads as one that is answered here is refused', async (t) => {
  const owned = [
    '/oauth2/token',
    '/accounts/{account}/tokens/?',
    '/accounts/{account}/tokens/{token}',
    '/own/*',
  ].flatMap(patternsOf);
  const beside = createRouter([aRule({ name: 'rest', path: '/*', public: true })], owned);
  for (const path of [
    '/oauth2/token/',
    '/OAuth2/Token',
    '/oauth2/token%20',
    '/oauth2/token.',
    '/accounts/acme/Tokens',
    '/accounts/acme/TOKENS/',
    '/accounts/acme/tokens/1/',
    '/Accounts/a%20b/tokens/1',
    '/Own/anything/at/all',
  ]) {
    t.equal(beside.match('POST', path), undefined, path);
    t.match(beside.refusalOf('POST', path), { reason: 'path_ambiguous' }, path);
  }
  for (const path of [
    '/oauth2/Tokens',
    '/accounts/Acme',
    '/accounts/acme/tokens/1/2/',
    '/Accounts/acme/things/',
  ])
    t.equal(beside.match('POST', path)?.rule.name, 'rest', path);
});

t.test('rules that collapse into one for a lenient server are all asked', async (t) => {
  const twins = createRouter([
    aRule({ name: 'lower', path: '/x/:id', public: true }),
    aRule({ name: 'upper', path: '/X/:name', scopes: ['x:read'] }),
  ]);
  t.equal(twins.match('GET', '/x/1'), undefined);
  t.equal(twins.match('GET', '/X/1')?.rule.name, 'upper');
});

t.test('a long run of dots or blanks is read in a moment', async (t) => {
  const guarded = createRouter([
    aRule({ name: 'rest', path: '/*', public: true }),
    aRule({ name: 'admin', path: '/admin', scopes: ['admin:all'] }),
  ]);
  for (const run of ['.', '%20', '%20.'])
    t.equal(guarded.match('GET', `/${run.repeat(40_000)}x`)?.rule.name, 'rest');
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

t.test('14: a path that may be read as one for fewer networks is not let through from more', async (t) => {
  const inside = addressRuleOf(['10.0.0.0/8']);
  const found = (open: Parameters<typeof aRule>[0], path: string): string | undefined =>
    createRouter([
      aRule({ name: 'admin', path: '/admin/*', public: true, allowFrom: inside }),
      aRule({ name: 'rest', path: '/*', public: true, ...open }),
    ]).match('GET', path)?.rule.name;
  for (const path of ['/ADMIN/x', '/Admin/x', '/%EF%BD%81dmin/x']) {
    t.equal(found({}, path), undefined, path);
    t.equal(found({ allowFrom: addressRuleOf(['0.0.0.0/0']) }, path), undefined, path);
    t.equal(found({ allowFrom: addressRuleOf(['10.1.0.0/16']) }, path), 'rest', 'a rule for fewer still');
  }
  t.equal(found({}, '/admin/x'), 'admin');
});
