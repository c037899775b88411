import * as fc from 'fast-check';
import t from 'tap';
import { parametersMax, parseBody, readMediaType } from '../../src/surfaces/body.ts';

const form = 'application/x-www-form-urlencoded';
const parse = (mediaType: string, text: string | Uint8Array) =>
  parseBody(mediaType, Buffer.from(text as string));

t.test('the media type is read leniently, for the clients that exist', (t) => {
  const table: [string | undefined, string | undefined][] = [
    [form, form],
    ['Application/X-WWW-Form-URLEncoded', form],
    [`${form}; charset=UTF-8`, form],
    [`${form};charset="utf-8"; boundary=x`, form],
    [` ${form} `, form],
    [`${form}/`, form],
    [`${form};`, form],
    ['application/json;charset=utf-8', 'application/json'],
    ['application', undefined],
    ['', undefined],
    [undefined, undefined],
    ['a/b/c', undefined],
    ['text/html, application/json', undefined],
  ];
  for (const [header, mediaType] of table) t.equal(readMediaType(header), mediaType, String(header));
  t.end();
});

t.test('a form is read as URLSearchParams writes it', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), { maxLength: 20 }),
      (pairs) => {
        const text = new URLSearchParams(pairs).toString();
        const body = parse(form, text);
        const expected = [...new URLSearchParams(text)];
        if (text === '') return body.kind === 'none';
        return body.kind === 'form' && JSON.stringify(body.parameters) === JSON.stringify(expected);
      },
    ),
  );
  t.same(parse(form, 'a=1&&b&=c&d=e=f'), {
    kind: 'form',
    parameters: [
      ['a', '1'],
      ['b', ''],
      ['', 'c'],
      ['d', 'e=f'],
    ],
  });
  t.same(parse(form, 'name=Zoë'), { kind: 'form', parameters: [['name', 'Zoë']] }, 'raw UTF-8 too');
  t.end();
});

t.test('a form that means nothing is malformed, and never throws', (t) => {
  for (const text of ['a=%', 'a=%zz', '%ff=1', 'a=%C3', 'a=%ED%A0%80'])
    t.match(parse(form, text), { kind: 'malformed' }, text);
  t.match(parse(form, new Uint8Array([0x61, 0x3d, 0xff, 0xfe])), { kind: 'malformed' }, 'no UTF-8');
  const many = Array.from({ length: parametersMax + 1 }, () => 'a=b').join('&');
  t.match(parse(form, many), { kind: 'malformed', why: /parameters/ });
  t.end();
});

t.test(
  'JSON is bounded in depth before it is parsed, and may neither name a prototype nor a member twice',
  (t) => {
    const json = 'application/json';
    t.same(parse(json, '{"a":[1,{"b":"]}"}]}'), { kind: 'json', value: { a: [1, { b: ']}' }] } });
    t.match(parse('application/scim+json', '{}'), { kind: 'json' });
    t.match(parse(json, '['.repeat(32) + ']'.repeat(32)), { kind: 'json' });
    t.match(parse(json, '['.repeat(33) + ']'.repeat(33)), { kind: 'malformed', why: /deeper/ });
    t.match(parse(json, '['.repeat(60_000)), { kind: 'malformed' }, 'deep enough to overflow a stack');
    t.match(parse(json, `{"a":"${'['.repeat(100)}\\""}`), { kind: 'json' }, 'brackets in a string are text');
    t.match(parse(json, '{"__proto__":{"admin":true}}'), { kind: 'malformed' });
    t.match(
      parse(json, '{"a":1,"b":{"c":2,"c":3}}'),
      { kind: 'malformed' },
      'two readers could read two values',
    );
    t.match(parse(json, '{"\\u005f_proto__":1}'), { kind: 'malformed' }, 'in any spelling');
    for (const text of ['{', 'nul', '{"a":1,}', '\u0000'])
      t.match(parse(json, text), { kind: 'malformed' }, JSON.stringify(text));
    t.end();
  },
);

t.test('no text is both a form and JSON by its bytes alone', (t) => {
  const read = (text: string) => parse('text/plain', text).kind;
  fc.assert(fc.property(fc.json(), (text) => ['json', 'other', 'malformed'].includes(read(text))));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string()), { minLength: 1 }), (pairs) => {
      const text = new URLSearchParams(pairs).toString();
      const body = parse('application/json', text);
      return body.kind === 'form' && JSON.stringify(body) === JSON.stringify(parse(form, text));
    }),
  );
  for (const [text, kind] of [
    ['{"a":"b=c&d=e"}', 'json'],
    [' \r\n[1]', 'json'],
    ['a={"b":1}', 'other'],
    ['true', 'other'],
    ['a=1', 'form'],
    ['a', 'other'],
    ['=1', 'other'],
    ['<a b=c/>', 'other'],
    ['{a=b}', 'malformed'],
  ] as const)
    t.equal(read(text), kind, text);
  t.match(parse(form, '{"a":1}'), { kind: 'json' }, 'JSON under the type of a form');
  t.match(parse(form, '{a'), { kind: 'form' }, 'what is no JSON stays the form it is said to be');
  t.end();
});

t.test('whatever bytes come, the answer is a value', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(form, 'application/json', 'text/plain'), fc.uint8Array(), (type, bytes) => {
      const { kind } = parseBody(type, Buffer.from(bytes));
      return ['none', 'form', 'json', 'other', 'malformed'].includes(kind);
    }),
  );
  t.end();
});
