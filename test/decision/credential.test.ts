import { assert, property, string } from 'fast-check';
import t from 'tap';
import {
  type CredentialPlaces,
  isCredential,
  readCredential,
  withoutCookie,
  withoutParameter,
} from '../../src/decision/credential.ts';
import { isDenial } from '../../src/decision/outcome.ts';

const bounds = { apiTokenBytesMax: 512, accessTokenBytesMax: 8_192 };
const read = (places: Partial<CredentialPlaces>): ReturnType<typeof readCredential> =>
  readCredential(
    {
      authorization: undefined,
      bare: undefined,
      cookies: undefined,
      cookieName: 'session',
      query: '',
      queryParameter: 'access_token',
      ...places,
    },
    bounds,
  );

t.test('a credential is found wherever it may stand', async (t) => {
  for (const [sentence, places, value] of [
    ['Authorization', { authorization: 'Bearer abc' }, 'abc'],
    ['its scheme in any case', { authorization: 'bEARER abc' }, 'abc'],
    ['a bare header', { bare: ['abc'] }, 'abc'],
    ['the cookie', { cookies: ['a=1; session=abc; b=2'] }, 'abc'],
    ['the cookie without blanks', { cookies: ['a=1;session=abc'] }, 'abc'],
    ['the second Cookie line', { cookies: ['a=1', 'session=abc'] }, 'abc'],
    ['the query parameter', { query: '?a=1&access_token=abc' }, 'abc'],
    ['the query parameter, escaped', { query: '?%61ccess_token=a%2Bb' }, 'a+b'],
    ['every character of base64 and base64url', { authorization: 'Bearer aZ0-._~+/==' }, 'aZ0-._~+/=='],
    ['a foreign token with other signs', { bare: ['sk:live!{1}|x'] }, 'sk:live!{1}|x'],
  ] as const)
    t.match(read(places), { value }, sentence);
});

t.test('two dots make the form of a JWT, anything else is opaque', async (t) => {
  for (const [value, form] of [
    ['a.b.c', 'jwt'],
    ['..', 'jwt'],
    ['abc', 'opaque'],
    ['a.b', 'opaque'],
    ['a.b.c.d', 'opaque'],
    ['a.b.c.d.e', 'opaque'],
  ] as const)
    t.same(read({ authorization: `Bearer ${value}` }), { form, value });
});

t.test('no credential is no credential', async (t) => {
  for (const [sentence, places] of [
    ['nothing at all', {}],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['a scheme that begins like ours', { authorization: 'BearerToken abc' }],
    ['an empty Authorization', { authorization: '' }],
    ['an empty bare header', { bare: [''] }],
    ['an empty cookie', { cookies: ['session='] }],
    ['another cookie', { cookies: ['session2=abc; xsession=abc; Session=abc'] }],
    ['another parameter', { query: '?access_token2=abc&Access_token=abc' }],
    ['an empty parameter', { query: '?access_token=&access_token' }],
    ['a cookie, where none is configured', { cookies: ['session=abc'], cookieName: undefined }],
    ['a parameter, where the route names none', { query: '?access_token=abc', queryParameter: undefined }],
  ] as const)
    t.equal(read(places), undefined, sentence);
});

t.test('there is one grammar, and nothing else reaches a store or a key', async (t) => {
  for (const [sentence, places] of [
    ['two spaces', { authorization: 'Bearer  x' }],
    ['a cookie with a no-break space before its name', { cookies: ['\u00A0session=abc'] }],
    ['a cookie with a no-break space before its value', { cookies: ['session=\u00A0abc'] }],
    ['a tab', { authorization: 'Bearer\tx' }],
    ['a list', { authorization: 'Bearer a,Bearer b' }],
    ['a comma', { authorization: 'Bearer a,b' }],
    ['two words', { authorization: 'Bearer a b' }],
    ['parameters', { authorization: 'Bearer token="a"' }],
    ['no token', { authorization: 'Bearer' }],
    ['no token after the space', { authorization: 'Bearer ' }],
    ['a colon for a space', { authorization: 'Bearer:x' }],
    ['a quoted bare header', { bare: ['"a"'] }],
    ['a bare header with the scheme', { bare: ['Bearer a'] }],
    ['a control character', { authorization: 'Bearer a\u0001' }],
    ['a byte above ASCII', { authorization: 'Bearer \u00e9' }],
    ['a line break in the query', { query: '?access_token=a%0Ab' }],
    ['a broken escape', { query: '?access_token=a%0\u0000' }],
    ['an opaque token of 600 bytes', { authorization: `Bearer ${'a'.repeat(600)}` }],
    ['a JWT of 9 KB', { authorization: `Bearer a.${'b'.repeat(9_216)}.c` }],
  ] as const) {
    const refused = read(places);
    t.match(refused, { kind: 'denial', reason: 'credential_malformed' }, sentence);
    t.notMatch(JSON.stringify(refused), /aaaa|bbbb|\\"a/, 'the evidence does not repeat it');
  }
  t.ok(isCredential(read({ authorization: `Bearer ${'a'.repeat(512)}` })), '512 bytes are not too long');
});

t.test('the same credential twice is one; two different ones are refused', async (t) => {
  const one = {
    authorization: 'bearer abc',
    bare: ['abc', 'abc'],
    cookies: ['session=abc'],
    query: '?access_token=abc',
  };
  t.same(read(one), { form: 'opaque', value: 'abc' });
  for (const [sentence, places] of [
    ['header and bare header', { authorization: 'Bearer a', bare: ['b'] }],
    ['two bare headers', { bare: ['a', 'b'] }],
    ['two cookies of one name', { cookies: ['session=a; session=b'] }],
    ['two parameters of one name', { query: '?access_token=a&access_token=b' }],
    ['cookie and parameter', { cookies: ['session=a'], query: '?access_token=b' }],
    ['case matters', { authorization: 'Bearer a', bare: ['A'] }],
  ] as const)
    t.match(read(places), { kind: 'denial', reason: 'credential_conflict' }, sentence);
});

t.test('the cookie is taken out, its neighbours stay as they came', async (t) => {
  for (const [line, rest] of [
    ['session=abc', undefined],
    ['a=1; session=abc; b="2"', 'a=1; b="2"'],
    ['session=abc; a=1', 'a=1'],
    ['a=1;session=abc;session=def', 'a=1'],
    ['sessions=1; Session=2', 'sessions=1; Session=2'],
    ['a=session', 'a=session'],
    [' session =abc', undefined],
  ] as const)
    t.equal(withoutCookie(line, 'session'), rest, line);
});

t.test('the parameter is taken out, its neighbours stay byte for byte', async (t) => {
  for (const [query, rest] of [
    ['', ''],
    ['?', '?'],
    ['?access_token=abc', ''],
    ['?a=%7e+&access_token=abc&&b', '?a=%7e+&&b'],
    ['?%61ccess%5Ftoken=abc&c', '?c'],
    ['?access_token', ''],
    ['?xaccess_token=1&%zz', '?xaccess_token=1&%zz'],
  ] as const)
    t.equal(withoutParameter(query, 'access_token'), rest, query);
});

t.test(
  'property: whatever is sent, what is accepted keeps the grammar, and is gone from what is forwarded',
  async () => {
    assert(
      property(string({ unit: 'binary-ascii' }), (value) => {
        const found = read({ authorization: `Bearer ${value}` });
        return (
          isDenial(found) ||
          (found?.value === value && /^[\x21-\x7e]+$/.test(value) && !/[",;\\]/.test(value))
        );
      }),
    );
    assert(
      property(string({ unit: 'binary-ascii' }), string({ unit: 'binary-ascii' }), (a, b) => {
        const query = `?${a}&access_token=Secret1&${b}`;
        return (
          read({ query: withoutParameter(query, 'access_token') }) === undefined &&
          read({ cookies: [withoutCookie(`${a}; session=Secret1;${b}`, 'session') ?? ''] }) === undefined
        );
      }),
    );
  },
);
