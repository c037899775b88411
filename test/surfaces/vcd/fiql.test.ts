// The vendor's filters.

import * as fc from 'fast-check';
import t from 'tap';
import { type Filter, matches, parseFilter } from '../../../src/surfaces/vcd/fiql.ts';

const entry: Readonly<Record<string, string>> = { name: 'probe', 'owner.name': 'admin', type: 'REFRESH' };
const names = ['name', 'owner.name', 'type', 'absent'];
const plain = (value: string): string => value;

const parse = (text: string, decodeValue = plain): Filter | string =>
  parseFilter(text, { names, decodeValue });

const judge = (text: string, decodeValue = plain): boolean | string => {
  const filter = parse(text, decodeValue);
  return typeof filter === 'string' ? filter : matches(filter, (name) => entry[name]);
};

t.test('; is and, , is or, and and binds more tightly', async (t) => {
  for (const [text, expected] of [
    ['name==probe', true],
    ['name==other', false],
    ['(name==probe;owner.name==admin;(type==PROXY,type==REFRESH))', true],
    ['(name==probe;owner.name==eve;(type==PROXY,type==REFRESH))', false],
    ['(name==probe;owner.name==admin;(type==PROXY,type==SERVICE))', false],
    ['name==other;type==PROXY,type==REFRESH', true],
    ['type==REFRESH,name==other;type==PROXY', true],
    ['name==other;(type==PROXY,type==REFRESH)', false],
    ['((name==probe))', true],
  ] as const)
    t.equal(judge(text), expected, text);
});

t.test('comparisons: ==, with * for any text, !=, =gt=, =ge=, =lt=, =le=', async (t) => {
  for (const [text, expected] of [
    ['name==pr*', true],
    ['name==*be', true],
    ['name==p*o*e', true],
    ['name==*', true],
    ['name==probe*probe', false],
    ['name==*x*', false],
    ['name==pro*robe', false],
    ['name==Probe', false],
    ['name!=probe', false],
    ['name!=p*', false],
    ['name!=other', true],
    ['name=gt=probe', false],
    ['name=ge=probe', true],
    ['name=lt=q', true],
    ['name=le=p', false],
    ['absent==x', false],
    ['absent==*', false],
    ['absent!=x', true],
    ['absent=lt=x', false],
    ['name==', false],
  ] as const)
    t.equal(judge(text), expected, text);
});

t.test(
  'a value may be percent-encoded once more, so that it can hold what a filter is written with',
  async (t) => {
    t.equal(judge('name==%70robe', decodeURIComponent), true);
    t.equal(judge('name==%70robe'), false);
  },
);

t.test('brackets in a value come in pairs', async (t) => {
  const filter = parse('((name==probe (1),name==x);type==REFRESH)');
  if (typeof filter === 'string') throw new Error(filter);
  t.equal(
    matches(filter, (name) => (name === 'name' ? 'probe (1)' : 'REFRESH')),
    true,
  );
  t.equal(
    matches(filter, (name) => (name === 'name' ? 'probe' : 'REFRESH')),
    false,
  );
});

t.test('what is no filter is a sentence', async (t) => {
  for (const text of [
    '',
    '(',
    ')',
    '()',
    'name',
    'name=probe',
    '==probe',
    '(name==probe',
    'name==probe)',
    'name==probe;',
    ';name==probe',
    'name==a;;name==b',
    'name==a(name==b',
    'name==a;b',
    'secret==x',
    'constructor==x',
    'name=~probe',
  ])
    t.type(judge(text), 'string', text);
});

t.test('length, depth and number are bounded', async (t) => {
  const nested = (depth: number): string => `${'('.repeat(depth)}name==probe${')'.repeat(depth)}`;
  t.equal(judge(nested(16)), true);
  t.match(judge(nested(17)), 'at most 16 deep');
  t.match(judge('('.repeat(2000)), 'at most 16 deep');
  t.equal(judge(Array.from({ length: 64 }, () => 'name==probe').join(';')), true);
  t.match(judge(Array.from({ length: 65 }, () => 'name==probe').join(';')), 'at most 64');
  t.match(judge(`name==${'x'.repeat(2048)}`), 'at most 2048');
  t.equal(judge(`name==${'*'.repeat(1500)}`), true, 'any number of asterisks');
});

t.test('whatever is sent is a filter or a sentence, at once', async (t) => {
  const piece = fc.constantFrom(
    '(',
    ')',
    ';',
    ',',
    '==',
    '!=',
    '=gt=',
    '*',
    'name',
    'type',
    'probe',
    '%',
    ' ',
    'é',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
      const judged = judge(pieces.join(''));
      return typeof judged === 'boolean' || judged.length > 0;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

t.test('a filter means what it was written from', async (t) => {
  interface Written {
    readonly text: string;
    readonly means: boolean;
  }
  const leaf: fc.Arbitrary<Written> = fc
    .tuple(fc.constantFrom('name', 'type'), fc.constantFrom('probe', 'REFRESH', 'x'), fc.boolean())
    .map(([name, value, isEqual]) => ({
      text: `${name}${isEqual ? '==' : '!='}${value}`,
      means: (entry[name] === value) === isEqual,
    }));
  const { tree } = fc.letrec<{ readonly tree: Written }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.tuple(fc.array(tie('tree'), { minLength: 1, maxLength: 3 }), fc.boolean()).map(([parts, isAnd]) => ({
        text: `(${parts.map(({ text }) => text).join(isAnd ? ';' : ',')})`,
        means: isAnd ? parts.every(({ means }) => means) : parts.some(({ means }) => means),
      })),
    ),
  }));
  fc.assert(
    fc.property(tree, ({ text, means }) => {
      const judged = judge(text);
      return judged === means || (typeof judged === 'string' && /at most/.test(judged));
    }),
    { numRuns: 300 },
  );
  t.pass();
});
