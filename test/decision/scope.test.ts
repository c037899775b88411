import { array, assert, constantFrom, dictionary, property } from 'fast-check';
import t from 'tap';
import { effectiveRoles, effectiveScopes, parseScopes } from '../../src/decision/scope.ts';

t.test('scope text follows RFC 6749 section 3.3', async (t) => {
  for (const [sentence, text, scopes] of [
    ['one token', 'things:read', ['things:read']],
    ['several, one space apart, in order', 'b a/x org:owner', ['b', 'a/x', 'org:owner']],
    ['a repeated token counts once', 'a b a', ['a', 'b']],
    ['the empty text is no scopes', '', []],
    ['two spaces are not one', 'a  b', undefined],
    ['no leading space', ' a', undefined],
    ['no trailing space', 'a ', undefined],
    ['a tab does not separate', 'a\tb', undefined],
    ['no quote', 'a"b', undefined],
    ['no backslash', 'a\\b', undefined],
    ['no line break', 'a\nb', undefined],
    ['no text outside ASCII', 'é', undefined],
    ['257 characters are too long a scope', 'a'.repeat(257), undefined],
    ['256 are not', 'a'.repeat(256), ['a'.repeat(256)]],
    ['1025 scopes are too many', Array.from({ length: 1025 }, (_, n) => `s${n}`).join(' '), undefined],
    ['a text of 20 KB is not looked at', 'a '.repeat(10_000), undefined],
  ] as const)
    t.same(parseScopes(text), scopes, sentence);
});

t.test('a token may do what it was given and what the roles grant now', async (t) => {
  const roles = { reader: ['things:read'], writer: ['things:read', 'things:write'], empty: [] };
  const scopes = (token: readonly string[] | 'all', names: readonly string[]): string[] =>
    [...effectiveScopes(token, names, roles)].toSorted();
  t.same(scopes(['things:read', 'things:write'], ['reader']), ['things:read'], 'a role taken away is gone');
  t.same(scopes(['things:read'], ['writer']), ['things:read'], 'a role does not widen a token');
  t.same(scopes('all', ['reader', 'writer']), ['things:read', 'things:write'], 'all: the union of the roles');
  t.same(scopes('all', ['empty', 'unknown']), [], 'an undefined role grants nothing');
  t.same(scopes([], ['writer']), [], 'a token without scopes may do nothing');
});

t.test('a role named like a property of every object grants nothing', async (t) => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  t.same([...effectiveScopes('all', names, {})], []);
  const own = JSON.parse('{"__proto__":["things:read"]}');
  t.same([...effectiveScopes('all', ['__proto__'], own)], ['things:read'], 'unless it is truly defined');
  t.same([...effectiveScopes('all', ['reader'], Object.create({ reader: ['things:admin'] }))], []);
});

t.test('property: never more than the token has, never more than the roles grant', async () => {
  const scopes = array(constantFrom<string>('a', 'b', 'c', 'd'));
  const names = constantFrom('x', 'y', '__proto__');
  assert(
    property(scopes, array(names), dictionary(names, scopes), (token, roles, definitions) => {
      const granted = new Set(
        roles.flatMap((role) => (Object.hasOwn(definitions, role) ? definitions[role]! : [])),
      );
      const effective = effectiveScopes(token, roles, definitions);
      return (
        [...effective].every((scope) => token.includes(scope) && granted.has(scope)) &&
        token.every((scope) => effective.has(scope) === granted.has(scope))
      );
    }),
  );
});

t.test('a narrower token tells only the roles that lie within its scopes', async (t) => {
  const definitions = { reader: ['things:read'], writer: ['things:read', 'things:write'], hollow: [] };
  const all = ['reader', 'writer', 'hollow', 'unknown', 'toString'];
  const roles = (token: string[] | 'all'): readonly string[] => effectiveRoles(token, all, definitions);
  t.same(roles('all'), all, 'as wide as its user: every role');
  t.same(roles(['things:read']), ['reader'], 'what grants more is not told');
  t.same(roles(['things:read', 'things:write']), ['reader', 'writer']);
  t.same(roles([]), [], 'a role that says nothing of its scopes is told of none but the widest');
});
