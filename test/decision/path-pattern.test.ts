// Which paths a pattern matches, what two patterns have in common, and which pattern of many a path finds. The properties
// compare every answer with the plainest model of a pattern: one that is tried on paths, one after the other.

import * as fc from 'fast-check';
import t from 'tap';
import {
  compareExactness,
  covers,
  foldPattern,
  overlaps,
  parameterNames,
  parsePattern,
  type PathPattern,
  patternOf,
  withoutRest,
} from '../../src/decision/path-pattern.ts';
import { namedParameters, PathTree } from '../../src/decision/path-tree.ts';
import { patternsOf } from '../../src/settings/surface-paths.ts';

const treeOf = (patterns: Readonly<Record<string, string>>): PathTree<string> =>
  new PathTree(
    Object.entries(patterns).flatMap(([path, value]) =>
      patternsOf(path).map((pattern) => [pattern, value] as const),
    ),
  );

const tree = treeOf({
  '/tokens/{token}': 'one',
  '/tokens/current': 'current',
  '/tokens': 'list',
  '/orgs/{org}/tokens/{token}/?': 'of org',
  '/orgs/own/tokens/{token}': 'of own org',
  '/a.b/x/?': 'slash or not',
});

t.test('a path finds its pattern, and what stands for its parameters', async (t) => {
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
    const found = tree.find(path);
    t.equal(found?.value, value, path);
    t.same(found && namedParameters(found), parameters, path);
    t.ok(tree.has(path), path);
  }
});

t.test('an escape in a parameter is read once', async (t) => {
  const token = (path: string): string | undefined => {
    const found = tree.find(path);
    return found && namedParameters(found)['token'];
  };
  t.equal(token('/tokens/urn%3Avcloud%3Atoken%3A7'), 'urn:vcloud:token:7');
  t.equal(token('/tokens/a%2541'), 'a%41');
  t.equal(token('/tokens/%C3%A9'), 'é');
});

t.test('nothing else is found', async (t) => {
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
    'tokens',
    'xtokens',
  ]) {
    t.equal(tree.find(path), undefined, path);
    t.notOk(tree.has(path), path);
  }
});

t.test('two patterns for the same paths are a bug at start-up', async (t) => {
  t.throws(
    () => treeOf({ '/a/{x}': 'one', '/a/{y}': 'other' }),
    /\/a\/\{x\} and \/a\/\{y\} match the same paths/,
  );
});

t.test('what a surface owns with everything below it is found last', async (t) => {
  const own = treeOf({ '/own/*': 'below', '/own/{id}': 'one', '/own/list': 'list' });
  for (const [path, value] of [
    ['/own/list', 'list'],
    ['/own/7', 'one'],
    ['/own', 'below'],
    ['/own/', 'below'],
    ['/own/7/', 'below'],
    ['/own/7/8/9', 'below'],
  ] as const)
    t.equal(own.find(path)?.value, value, path);
  for (const path of ['/ow', '/owner', '/', '', '/x/own/7']) t.notOk(own.has(path), path);
});

t.test(
  'two patterns overlap where some path matches both, and one covers another where every path does',
  async (t) => {
    const rows: [one: string, other: string, overlap: boolean, covered: boolean][] = [
      ['/a', '/a', true, true],
      ['/a', '/b', false, false],
      ['/a', '/a/b', false, false],
      ['/a/{x}', '/a/b', true, true],
      ['/a/b', '/a/{x}', true, false],
      ['/a/{x}', '/a/{y}', true, true],
      ['/a/{x}', '/{y}/b', true, false],
      ['/a/{x}', '/b/{x}', false, false],
      ['/a/{x}', '/a/', false, false],
      ['/a/*', '/a', false, false],
      ['/a/*', '/a/', true, true],
      ['/a/*', '/a/b/c', true, true],
      ['/a/*', '/a/*', true, true],
      ['/a/*', '/a/b/*', true, true],
      ['/a/b/*', '/a/*', true, false],
      ['/a/b/*', '/a/{x}', false, false],
      ['/a/*', '/{x}/b', true, false],
      ['/*', '/', true, true],
      ['/*', '/{x}/b/*', true, true],
      ['/a/*', '/b/*', false, false],
    ];
    for (const [one, other, overlap, covered] of rows) {
      const [a, b] = [patternOf(one), patternOf(other)];
      t.equal(overlaps(a, b), overlap, `${one} overlaps ${other}`);
      t.equal(overlaps(b, a), overlap, `${other} overlaps ${one}`);
      t.equal(covers(a, b), covered, `${one} covers ${other}`);
    }
  },
);

t.test('a pattern can lose its rest, and be folded', async (t) => {
  t.match(withoutRest(patternOf('/a/{x}/*')), { written: '/a/{x}', form: '/a/:', hasRest: false });
  const withoutDots = (text: string): string => text.replaceAll('.', '').toLowerCase();
  for (const [written, form] of [
    ['/A/{Org}/B.c/', '/a/:/bc'],
    ['/.../*', '/*'],
    ['/...', '/'],
    ['/', '/'],
    ['/*', '/*'],
  ] as const)
    t.equal(foldPattern(patternOf(written), withoutDots).form, form, written);
});

t.test('what is no pattern is refused, with what to write instead', async (t) => {
  for (const [written, fault] of [
    ['a', /begins with \//],
    ['/a//b', /empty segment/],
    ['/a//*', /empty segment/],
    ['/*/a', /only at the end/],
    ['/a*', /write \/a\/\* or name/],
    ['/../a', /never reaches the router/],
    ['/{a}/:a', /the parameter a stands twice/],
    ['/{a-b}', /not a parameter/],
    ['/a?b', /no query/],
    ['/a%20b', /plain ASCII/],
    ['/a b', /no canonical path/],
    ['/^', /no canonical path/],
  ] as const) {
    t.match(parsePattern(written), { fault }, written);
    t.throws(() => patternOf(written), fault);
  }
});

// -- properties

const letters = fc.constantFrom('a', 'b', 'c:d');
const writtenPattern = fc
  .tuple(fc.array(fc.oneof(letters, fc.constant('{}')), { maxLength: 4 }), fc.constantFrom('', '/', '/*'))
  .map(([parts, end]) => {
    const path = parts.map((part, at) => `/${part === '{}' ? `{p${at}}` : part}`).join('') + end;
    return path === '' ? '/' : path;
  });
const aPattern = writtenPattern.map(patternOf);
const aPath = fc
  .tuple(fc.array(letters, { minLength: 1, maxLength: 6 }), fc.boolean())
  .map(([parts, hasSlash]) => `/${parts.join('/')}${hasSlash ? '/' : ''}`);

/** Every path of up to five segments: enough to tell any two of the generated patterns apart. */
const everyPath: readonly string[] = (() => {
  let longest = [''];
  const paths = ['/'];
  for (let depth = 0; depth < 5; depth++) {
    longest = longest.flatMap((path) => ['a', 'b', 'c:d'].map((part) => `${path}/${part}`));
    paths.push(...longest, ...longest.map((path) => `${path}/`));
  }
  return paths;
})();

/** The model: a regular expression. */
const expressionOf = ({ written }: PathPattern): RegExp =>
  new RegExp(`^${written.replaceAll(/\{\w+\}/g, '[^/]+').replace(/\*$/, '.*')}$`);
const matches = (pattern: PathPattern, path: string): boolean => expressionOf(pattern).test(path);

t.test('property: overlaps and covers say what trying every path says', async () => {
  fc.assert(
    fc.property(aPattern, aPattern, (one, other) => {
      const [a, b] = [expressionOf(one), expressionOf(other)];
      const ofOther = everyPath.filter((path) => b.test(path));
      return (
        overlaps(one, other) === ofOther.some((path) => a.test(path)) &&
        covers(one, other) === ofOther.every((path) => a.test(path))
      );
    }),
    { numRuns: 2_000 },
  );
});

t.test('property: a tree finds the most exact of the patterns that match, and its parameters', async () => {
  fc.assert(
    fc.property(fc.array(aPattern, { maxLength: 12 }), aPath, (many, path) => {
      const patterns = [...new Map(many.map((pattern) => [pattern.form, pattern])).values()];
      const [best] = patterns
        .filter((pattern) => matches(pattern, path))
        .toSorted((one, other) => compareExactness(other, one));
      const all = new PathTree(patterns.map((pattern) => [pattern, pattern] as const));
      const found = all.find(path);
      if (all.has(path) !== (best !== undefined) || found?.value !== best) return false;
      return (
        best === undefined ||
        parameterNames(best).every(
          (name, at) => found?.parameters[at] === path.split('/')[Number(name.slice(1)) + 1],
        )
      );
    }),
    { numRuns: 5_000 },
  );
});

t.test('property: two patterns have one form where they match the same paths, and only there', async () => {
  fc.assert(
    fc.property(aPattern, aPattern, (one, other) => {
      const isSame = covers(one, other) && covers(other, one);
      return (one.form === other.form) === isSame && (compareExactness(one, other) === 0 || !isSame);
    }),
    { numRuns: 2_000 },
  );
});
