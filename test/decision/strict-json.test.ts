import * as fc from 'fast-check';
import t from 'tap';
import { readStrictJson } from '../../src/decision/strict-json.ts';

const parseStrictJson = (text: string): unknown => {
  const read = readStrictJson(text, 16);
  return 'why' in read ? undefined : read.value;
};

t.test('JSON without a fault reads as JSON.parse reads it', async (t) => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6, noUnicodeString: false }), (text) => {
      if (text.includes('__proto__')) return;
      t.strictSame(parseStrictJson(text), JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});

t.test(
  'any object with a member written twice is refused, however it is spelled and wherever it stands',
  async (t) => {
    const name = fc.string({ maxLength: 6 }).filter((name) => name !== '__proto__');
    const escaped = (text: string): string =>
      [...Array(text.length).keys()]
        .map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`)
        .join('');
    fc.assert(
      fc.property(name, fc.jsonValue({ maxDepth: 2 }), fc.boolean(), (name, value, isEscaped) => {
        const again = isEscaped ? `"${escaped(name)}"` : JSON.stringify(name);
        const twice = `{${JSON.stringify(name)}:1,"${'x'.repeat(7)}":${JSON.stringify(value)},${again}:2}`;
        t.equal(parseStrictJson(twice), undefined, twice);
        t.equal(parseStrictJson(`{"a":[[{"b":${twice}}]]}`), undefined);
      }),
      { numRuns: 200 },
    );
  },
);

t.test('colons, quotes and braces inside strings count for nothing', async (t) => {
  const value = { 'a:b': '{"c":"d"}', '\\': '\\"', '"': ':[', e: '\\\\' };
  t.strictSame(parseStrictJson(JSON.stringify(value)), value);
});

t.test('names that objects share are told apart from members written twice', async (t) => {
  const value = [{ a: 1 }, { a: 2, b: { a: 3 } }, { a: 4 }];
  t.strictSame(parseStrictJson(JSON.stringify(value)), value);
  t.strictSame(parseStrictJson('{"constructor":1,"toString":2,"1":3,"01":4}'), {
    constructor: 1,
    toString: 2,
    '1': 3,
    '01': 4,
  });
});

t.test('depth sixteen is read, seventeen is not', async (t) => {
  t.ok(parseStrictJson('['.repeat(16) + ']'.repeat(16)));
  t.equal(parseStrictJson('['.repeat(17) + ']'.repeat(17)), undefined);
  t.equal(parseStrictJson('{"a":'.repeat(100_000)), undefined);
});

t.test('__proto__ is refused as a name, and let be as a value', async (t) => {
  t.equal(parseStrictJson('{"__proto__":{}}'), undefined);
  t.equal(parseStrictJson('[{"a":{"__proto__":1}}]'), undefined);
  t.strictSame(parseStrictJson('["__proto__"]'), ['__proto__']);
});

t.test('text that is no JSON is a value, not an exception', async (t) => {
  for (const text of [
    '',
    '{',
    '"',
    '"\\',
    '{"a"}',
    '{a:1}',
    '[1,]',
    '\ufeff{}',
    'NaN',
    "{'a':1}",
    '{"a":1}x',
  ])
    t.equal(parseStrictJson(text), undefined, text);
});
