import { array, assert, property, string } from 'fast-check';
import { validateHeaderValue } from 'node:http';
import t from 'tap';
import {
  encodeFieldValue,
  fieldValueBytesMax,
  identityFamily,
  renderIdentityHeaders,
} from '../../src/decision/identity-headers.ts';
import { anIdentity } from '../support/identity.ts';

t.test('a plain value is sent as it is', async (t) => {
  for (const value of ['u-1', 'alice@example.com', 'Doe, Jane', 'a+b/c:d~e_f.g', 'a  b'])
    t.equal(encodeFieldValue(value), value);
});

t.test('anything else is percent-encoded', async (t) => {
  for (const [value, encoded] of [
    [' admin', '%20admin'],
    ['admin ', 'admin%20'],
    [' ', '%20'],
    ['  ', '%20%20'],
    ['100%', '100%25'],
    ['%20admin', '%2520admin'],
    ['a\r\nX-Identity-User: root', 'a%0D%0AX-Identity-User: root'],
    ['a\u0000b\u007f', 'a%00b%7F'],
    ['\t', '%09'],
    ['用户', '%E7%94%A8%E6%88%B7'],
    ['😀', '%F0%9F%98%80'],
    ['é', '%C3%A9'],
    ['"quoted"', '%22quoted%22'],
    ['\ud800', '%EF%BF%BD%D800'],
  ])
    t.equal(encodeFieldValue(value!), encoded, JSON.stringify(value));
});

t.test('property: a value fits a header line, and two different values never look the same', async () => {
  const value = string({ unit: 'binary', maxLength: 12 });
  assert(
    property(value, value, (a, b) => {
      const [x, y] = [encodeFieldValue(a), encodeFieldValue(b)];
      validateHeaderValue('x', x);
      return /^[\x20-\x7e]*$/.test(x) && x === x.trim() && (a === b) === (x === y);
    }),
  );
  assert(property(string({ unit: 'grapheme' }), (a) => decodeURIComponent(encodeFieldValue(a)) === a));
});

t.test('headers come in the order of the mapping', async (t) => {
  const identity = anIdentity({ scopes: new Set(['things:read', 'things:write']), tokenId: 't-1' });
  t.same(
    renderIdentityHeaders(
      [
        ['X-Identity', 'jwt'],
        ['X-Identity-User', 'user.id'],
        ['x-pcloud-accountid', 'org.id'],
        ['X-Identity-Scopes', 'scopes'],
        ['X-Identity-Token', 'token.id'],
        ['X-Roles', 'user.roles'],
        ['X-Kind', 'credential.kind'],
        ['X-Name', 'user.name'],
        ['X-Org', 'org.name'],
      ],
      identity,
      'a.b.c',
    ),
    [
      'X-Identity',
      'a.b.c',
      'X-Identity-User',
      'alice',
      'x-pcloud-accountid',
      'acme',
      'X-Identity-Scopes',
      'things:read things:write',
      'X-Identity-Token',
      't-1',
      'X-Roles',
      'reader',
      'X-Kind',
      'api_token',
      'X-Name',
      'Alice',
      'X-Org',
      'Acme',
    ],
  );
});

t.test('a field the identity lacks sends no header, and neither does an empty one', async (t) => {
  const identity = anIdentity({ tokenId: undefined, sessionId: undefined, scopes: new Set() });
  const mapping = [
    ['T', 'token.id'],
    ['S', 'session.id'],
    ['C', 'scopes'],
    ['U', 'user.id'],
  ] as const;
  t.same(renderIdentityHeaders(mapping, identity, ''), ['U', 'alice']);
});

t.test('a value too long for a header is left out, never cut into someone else', async (t) => {
  const user = { id: 'alice', name: 'é'.repeat(fieldValueBytesMax / 6 + 1), roles: [] };
  t.same(
    renderIdentityHeaders(
      [
        ['N', 'user.name'],
        ['U', 'user.id'],
      ],
      anIdentity({ user }),
      '',
    ),
    ['U', 'alice'],
  );
  const scopes = new Set(Array.from({ length: 2_000 }, (_, n) => `scope:${n}`));
  t.same(renderIdentityHeaders([['S', 'scopes']], anIdentity({ scopes }), ''), []);
});

t.test('one role named "a,b" is not the two roles a and b', async (t) => {
  const roles = (...names: string[]): readonly string[] =>
    renderIdentityHeaders(
      [['R', 'user.roles']],
      anIdentity({ user: { id: 'u', name: '', roles: names } }),
      '',
    );
  t.same(roles('a,b'), ['R', 'a%2Cb']);
  t.same(roles('a', 'b'), ['R', 'a,b']);
  assert(
    property(
      array(string({ minLength: 1 })),
      array(string({ minLength: 1 })),
      (a, b) =>
        (JSON.stringify(a) === JSON.stringify(b)) ===
        (JSON.stringify(roles(...a)) === JSON.stringify(roles(...b))),
    ),
  );
});

t.test('nobody else may send a header of the identity family, however it is spelled', async (t) => {
  const isFamily = identityFamily(['x-pcloud-accountid', 'Remote_User']);
  for (const name of [
    'X-Identity',
    'x-identity',
    'X_Identity',
    'x_IDENTITY-user',
    'X-IDENTITY_ORG',
    'X.Identity',
    'x-identityfoo',
    'X-PCloud-AccountId',
    'x_pcloud_accountid',
    'remote-user',
    'REMOTE_USER',
  ])
    t.ok(isFamily(name), name);
  for (const name of ['X-Ident', 'Identity', 'Accept', 'x-pcloud-accountid-2', 'XIdentity', ''])
    t.notOk(isFamily(name), name);
});
