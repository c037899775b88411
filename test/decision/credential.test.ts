import { assert, property, string } from 'fast-check';
import t from 'tap';
import { withoutCredentials } from '../../src/decision/borrowed-places.ts';
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
      takesBasic: false,
      bare: undefined,
      protocols: undefined,
      protocolPrefix: undefined,
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

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

t.test(
  '13: the password of Basic is an API token, whatever the user name, where the settings say so',
  async (t) => {
    for (const user of ['', 'git', 'x-access-token', 'ann@acme', 'é'])
      t.same(read({ takesBasic: true, authorization: basic(`${user}:abc`) }), {
        form: 'opaque',
        value: 'abc',
        isAmbient: true,
      });
    t.match(
      read({ takesBasic: true, authorization: basic('ann:a:b') }),
      { value: 'a:b' },
      'RFC 7617 section 2',
    );
    t.match(read({ takesBasic: true, authorization: basic('ann:abc').replace('Basic', 'bASIC') }), {
      value: 'abc',
    });
    t.equal(read({ authorization: basic('ann:abc') }), undefined, 'off: another scheme');
    t.equal(read({ takesBasic: true, authorization: 'Basicx YTpi' }), undefined);
    for (const [sentence, authorization] of [
      ['no password', basic('ann:')],
      ['no colon', basic('ann')],
      ['nothing', 'Basic '],
      ['nothing at all', 'Basic'],
      ['two blanks', 'Basic  YTpi'],
      ['no base64', 'Basic a:b'],
      ['base64url', `Basic ${Buffer.from('a:ÿÿÿ').toString('base64url')}`],
      ['no padding', 'Basic YTpiYw'],
      ['something behind it', 'Basic YTpiYw==, Bearer x'],
      ['a blank in the password', basic('ann:a b')],
      ['a line break', basic('ann:a\r\nX: y')],
      ['a long password', basic(`ann:${'a'.repeat(513)}`)],
      ['a JWT', basic('ann:a.b.c')],
    ] as const)
      t.match(read({ takesBasic: true, authorization }), { reason: 'credential_malformed' }, sentence);
    t.notMatch(JSON.stringify(read({ takesBasic: true, authorization: basic('ann:s3cr3t word') })), 's3cr3t');
  },
);

t.test('13: a subprotocol of a WebSocket carries the credential, where the settings say so', async (t) => {
  const protocolPrefix = 'bearer.';
  for (const [sentence, protocols, value] of [
    ['the first', 'bearer.abc, chat', 'abc'],
    ['the last', 'chat,bearer.abc', 'abc'],
    ['alone', 'bearer.abc', 'abc'],
    ['in any case', 'BEARER.abc', 'abc'],
    ['a JWT', 'chat, bearer.a.b.c', 'a.b.c'],
    ['twice the same', 'bearer.abc, bearer.abc', 'abc'],
  ] as const)
    t.match(read({ protocols, protocolPrefix }), { value }, sentence);
  for (const protocols of ['chat', 'bearer.', 'bearer', 'chat.bearer.abc', ''])
    t.equal(read({ protocols, protocolPrefix }), undefined, protocols);
  t.equal(read({ protocols: 'bearer.abc', protocolPrefix: undefined }), undefined, 'off');
  t.match(read({ protocols: 'bearer.abc, bearer.def', protocolPrefix }), { reason: 'credential_conflict' });
  t.match(read({ protocols: 'bearer.a"b', protocolPrefix }), { reason: 'credential_malformed' });
});

t.test('13: entries that carry a credential are taken out of the header', async (t) => {
  for (const [line, kept] of [
    ['bearer.abc, chat', 'chat'],
    ['chat , Bearer.abc,superchat', 'chat, superchat'],
    ['bearer.abc', undefined],
    ['bearer.', undefined],
    ['chat,  superchat', 'chat,  superchat'],
    [',bearer.abc,,', undefined],
  ] as const)
    t.equal(withoutCredentials(line, 'bearer.'), kept, line);
});

t.test('13: in each pair of places the same credential is one, and another is a conflict', async (t) => {
  const protocolPrefix = 'bearer.';
  const places = (value: string): readonly Partial<CredentialPlaces>[] => [
    { takesBasic: true, authorization: basic(`git:${value}`) },
    { bare: [value] },
    { cookies: [`session=${value}`] },
    { protocols: `bearer.${value}`, protocolPrefix },
    { query: `?access_token=${value}` },
  ];
  for (const [at, one] of places('abc').entries())
    for (const [other, same] of places('abc').entries()) {
      if (other === at) continue;
      t.match(read({ ...one, ...same }), { value: 'abc' }, `${at} and ${other}`);
      t.match(
        read({ ...one, ...places('def')[other] }),
        { reason: 'credential_conflict' },
        `${at}, ${other}`,
      );
    }
});

t.test('13: a browser sends by itself what stands in the cookie or in Basic, and nowhere else', async (t) => {
  const cookies = ['session=abc'];
  t.match(read({ cookies }), { isAmbient: true });
  t.match(read({ cookies, takesBasic: true, authorization: basic('git:abc') }), { isAmbient: true });
  for (const elsewhere of [
    { authorization: 'Bearer abc' },
    { bare: ['abc'] },
    { query: '?access_token=abc' },
    { protocols: 'bearer.abc', protocolPrefix: 'bearer.' },
  ])
    t.strictSame(read({ cookies, ...elsewhere }), { form: 'opaque', value: 'abc' });
});
