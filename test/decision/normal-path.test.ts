// Issue 9, number 3: escapes of unreserved characters are judged and forwarded in their one normal form (RFC 3986 section 6.2.2.2),
// the digits of the others are upper-case (section 6.2.2.1).

import { assert, property, stringMatching } from 'fast-check';
import t from 'tap';
import { isDenial } from '../../src/decision/outcome.ts';
import { normalTarget } from '../../src/decision/normal-path.ts';
import { parseTarget } from '../../src/decision/path.ts';

t.test('what needs no escape has none, and other escapes are in upper case', async (t) => {
  for (const [target, normal] of [
    // The pairs of RFC 3986 section 6.2.2.2: %41 to %5A, %61 to %7A, %30 to %39, %2D, %2E, %5F, %7E.
    ['/%7Euser/%2D%5F%41%7a%30', '/~user/-_Az0'],
    ['/a%2eb', '/a.b'],
    ['/%2e%2E/x', '/../x'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a%2fb%3ac', '/a%2Fb%3Ac'],
    ['/100%25', '/100%25'],
    ['/a%20b', '/a%20b'],
    ['/a%41?%41=%2f%7e', '/aA?%41=%2f%7e'],
    ['/a?%41', '/a?%41'],
    ['/plain', '/plain'],
  ] as const)
    t.equal(normalTarget(target), normal, target);
});

t.test('a path with a broken escape stays as it came, and is refused', async (t) => {
  for (const target of ['/%', '/a%2', '/%zz', '/%%32F', '/%2%46', '/%41%', '/%u0041', '/%4%31']) {
    t.equal(normalTarget(target), target);
    t.ok(isDenial(parseTarget(target, 8_192)), target);
  }
});

t.test('no second escape comes out of it', async (t) => {
  for (const target of ['/%252F', '/%25%32F', '/%25%32%46', '/%2525', '/%25%34%31'])
    t.ok(isDenial(parseTarget(normalTarget(target), 8_192)), target);
});

t.test('dot segments that were escaped are dot segments', async (t) => {
  for (const target of ['/%2e%2e/admin', '/public/.%2e/admin', '/a/%2E', '/a/%2e%2e%2Fb', '/a%2F%2e%2E'])
    t.match(parseTarget(normalTarget(target), 8_192), { reason: 'path_ambiguous' }, target);
});

const pieces = stringMatching(/^(\/|\.|%2e|%2f|%25|%|%5c|%c3%A9|;|\?|#|a|2|F|%61|%41|%7e|%3A|%20){0,12}$/);

t.test('property: the normal form is its own, decodes to the same, and keeps the query', async () => {
  assert(
    property(pieces, (tail) => {
      const target = `/${tail}`;
      const normal = normalTarget(target);
      if (normalTarget(normal) !== normal) return false;
      const queryAt = target.indexOf('?');
      if (queryAt >= 0 && !normal.endsWith(target.slice(queryAt))) return false;
      return decoded(normal) === decoded(target);
    }),
    { numRuns: 3_000 },
  );
});

const decoded = (target: string): string => {
  try {
    return decodeURIComponent(target);
  } catch {
    return 'not to be decoded';
  }
};

t.test('property: of what is accepted, no server that reads RFC 3986 finds another path', async () => {
  assert(
    property(pieces, (tail) => {
      const parsed = parseTarget(normalTarget(`/${tail}`), 8_192);
      return isDenial(parsed) || new URL(`http://h${parsed.path}`).pathname === parsed.path;
    }),
    { numRuns: 3_000 },
  );
});
