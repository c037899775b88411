// Issue 9, number 10: stripPrefix, addPrefix and rewrite by template with the rule's parameters. The rule is judged on the caller's
// path; what is forwarded is canonical, or the request is refused.

import { assert, constantFrom, property, stringMatching } from 'fast-check';
import t from 'tap';
import { isDenial } from '../../src/decision/outcome.ts';
import { normalTarget } from '../../src/decision/normal-path.ts';
import { parseTarget } from '../../src/decision/path.ts';
import { patternOf } from '../../src/decision/path-pattern.ts';
import { PathTree } from '../../src/decision/path-tree.ts';
import {
  callersPattern,
  compileRewrite,
  isRewriteFault,
  rewritePath,
  type RewriteSettings,
  rewrittenPattern,
} from '../../src/decision/path-rewrite.ts';

type Written = Omit<RewriteSettings, 'path'> & { readonly path: string };
const compile = ({ path, ...written }: Written) => compileRewrite({ path: patternOf(path), ...written });

const rewritten = (written: Written, path: string): string => {
  const rewrite = compile(written);
  if (rewrite === undefined || isRewriteFault(rewrite)) throw new Error(JSON.stringify(rewrite));
  const made = rewritePath(rewrite, path);
  return isDenial(made) ? made.reason : made;
};

t.test('what is forwarded is the path as the rule says', async (t) => {
  const strip = { path: '/files/*', stripPrefix: '/files' };
  const template = { path: '/users/{id}/*', rewrite: '/v2/people/{id}.json/*' };
  for (const [written, path, forwarded] of [
    // As nginx's `location /files/ { proxy_pass http://api/; }` does.
    [strip, '/files/a/b', '/a/b'],
    [strip, '/files/', '/'],
    [strip, '/files/a/', '/a/'],
    [strip, '/files/caf%C3%A9%20x', '/caf%C3%A9%20x'],
    [strip, '/files/a%2Fb', '/a%2Fb'],
    [{ path: '/files', stripPrefix: '/files' }, '/files', '/'],
    [{ path: '/files/', stripPrefix: '/files' }, '/files/', '/'],
    [{ path: '/*', addPrefix: '/internal/v1' }, '/a', '/internal/v1/a'],
    [{ path: '/', addPrefix: '/internal' }, '/', '/internal/'],
    [{ path: '/api/v1/*', stripPrefix: '/api', addPrefix: '/rest' }, '/api/v1/x', '/rest/v1/x'],
    [{ path: '/orgs/{org}/things/*', stripPrefix: '/orgs/{org}' }, '/orgs/acme/things/7', '/things/7'],
    [template, '/users/7/a/b', '/v2/people/7.json/a/b'],
    [template, '/users/7/', '/v2/people/7.json/'],
    [{ path: '/a/{x}/{y}', rewrite: '/{y}/{x}-{y}' }, '/a/1/2', '/2/1-2'],
    [{ path: '/a/:x', rewrite: '/b/{x}' }, '/a/1', '/b/1'],
    [{ path: '/old/*', rewrite: '/gone' }, '/old/a/b', '/gone'],
  ] as const)
    t.equal(rewritten(written, path), forwarded, `${JSON.stringify(written)} ${path}`);
});

t.test('a value that would make the new path ambiguous refuses the request', async (t) => {
  const rewrite = compile({ path: '/a/{x}', rewrite: '/b/{x}' });
  if (rewrite === undefined || isRewriteFault(rewrite)) throw new Error('no rewrite');
  for (const path of ['/a/..', '/a/.', '/a/', '/a', '/a/%2e%2e', '/a/..%20'])
    t.match(rewritePath(rewrite, path), { reason: 'path_ambiguous' }, path);
});

t.test('a rewrite that does not fit its path is a fault', async (t) => {
  for (const [written, key, fault] of [
    [{ path: '/files/*', stripPrefix: '/other' }, 'stripPrefix', /not how each path of \/files\/\* begins/],
    [{ path: '/files/*', stripPrefix: '/fil' }, 'stripPrefix', /segment by segment/],
    [{ path: '/files/*', stripPrefix: '/files/a' }, 'stripPrefix', /not how each path/],
    [{ path: '/{x}/a', stripPrefix: '/{y}' }, 'stripPrefix', /not how each path/],
    [{ path: '/{x}/a', stripPrefix: '/b' }, 'stripPrefix', /not how each path/],
    [{ path: '/files/*', stripPrefix: '/files/' }, 'stripPrefix', /ends with \/; write \/files$/],
    [{ path: '/files/*', stripPrefix: '/files/*' }, 'stripPrefix', /is a prefix already; write \/files$/],
    [{ path: '/files/*', stripPrefix: '/files/..' }, 'stripPrefix', /never reaches the router/],
    [{ path: '/files/*', addPrefix: '/' }, 'addPrefix', /ends with \//],
    [{ path: '/files/*', addPrefix: '/a//b' }, 'addPrefix', /empty segment/],
    [{ path: '/files/*', addPrefix: '/../b' }, 'addPrefix', /a segment \.\./],
    [{ path: '/files/*', addPrefix: '/{x}' }, 'addPrefix', /has a parameter/],
    [{ path: '/files/*', addPrefix: '/a?b' }, 'addPrefix', /no query/],
    [
      { path: '/a/{x}', rewrite: '/b/{y}' },
      'rewrite',
      /\{y\} is no parameter of \/a\/\{x\}; write one of \{x\}/,
    ],
    [{ path: '/a', rewrite: '/b/{y}' }, 'rewrite', /it has none/],
    [{ path: '/a/{x}', rewrite: '/b/*' }, 'rewrite', /for which \/a\/\{x\} has nothing/],
    [{ path: '/a/*', rewrite: '/b/*/c' }, 'rewrite', /only at the end/],
    [{ path: '/a/*', rewrite: '/b/../*' }, 'rewrite', /a segment \.\./],
    [{ path: '/a/{x}', rewrite: '/b/:x' }, 'rewrite', /write \{name\}/],
    [{ path: '/a/{x}', rewrite: '/b%2F{x}' }, 'rewrite', /percent-encoding/],
    [{ path: '/a/{x}', rewrite: '/b/{x' }, 'rewrite', /./],
    [{ path: '/a/*', rewrite: '/b/*', addPrefix: '/c' }, 'rewrite', /stands beside/],
  ] as const)
    t.match(compile(written), { key, fault }, JSON.stringify(written));
  t.equal(compile({ path: '/a/*' }), undefined);
});

const rules: readonly Written[] = [
  { path: '/a/*', stripPrefix: '/a' },
  { path: '/a/{x}/*', stripPrefix: '/a/{x}', addPrefix: '/q' },
  { path: '/{x}/b', rewrite: '/b-{x}/c' },
  { path: '/{x}/{y}/*', rewrite: '/{y}.{x}/*' },
  { path: '/a/{x}', rewrite: '/{x}' },
  { path: '/*', addPrefix: '/p/q' },
];

t.test('property: no rewritten path is ambiguous, and each matches what the rule forwards', async () => {
  const paths = stringMatching(/^(\/(a|b|\.|\.\.|%20|%2F|%2e|x|%C3%A9|\.x|)){1,5}$/);
  assert(
    property(constantFrom(...rules), paths, (written, target) => {
      const parsed = parseTarget(normalTarget(target), 8_192);
      const pattern = patternOf(written.path);
      if (isDenial(parsed) || !new PathTree([[pattern, 0]]).has(parsed.path)) return true;
      const rewrite = compile(written);
      if (rewrite === undefined || isRewriteFault(rewrite)) return false;
      const forwarded = rewritePath(rewrite, parsed.path);
      if (isDenial(forwarded)) return true;
      const image = rewrittenPattern({ path: pattern, rewrite });
      const back = callersPattern({ path: pattern, rewrite }, patternFor(forwarded));
      return (
        !isDenial(parseTarget(forwarded, 8_192)) &&
        new PathTree([[image, 0]]).has(forwarded) &&
        (back === undefined || new PathTree([[back, 0]]).has(parsed.path))
      );
    }),
    { numRuns: 4_000 },
  );
});

/** The pattern of this path alone, as far as patterns have letters for it. */
const patternFor = (path: string) => {
  const written = path
    .split('/')
    .slice(1)
    .map((text, at) => (/^[a-z.-]*$/.test(text) ? text : `{s${at}}`));
  return patternOf(`/${written.join('/')}`);
};
