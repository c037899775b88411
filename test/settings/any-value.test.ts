// Whatever is written, loading answers with settings or with problems; it never throws.

import * as fc from 'fast-check';
import { join } from 'node:path';
import { t } from 'tap';
import { stringify } from 'yaml';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { settingNames } from '../../src/settings/setting-names.ts';
import { writeFileSync } from 'node:fs';

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    '/a/{b}',
    'unix:',
    'sqlite:',
    'redis://',
    '1h',
    '1KB',
    '\u0000',
    '😀',
  ),
);

t.test('any value at any setting, from outside the file', async (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...settingNames), value, ({ flag, variable }, value) => {
      const given = loadSettings({ file: undefined, env: {}, flags: { [flag]: value } });
      const written = typeof value === 'string' ? value : JSON.stringify(value);
      const exported = loadSettings({ file: undefined, env: { [variable]: written }, flags: {} });
      return [given, exported].every((loaded) => loaded.ok || loaded.problems.length > 0);
    }),
    { numRuns: 150 },
  );
  t.pass('150 values');
});

t.test('any mapping in the file', async (t) => {
  const file = join(t.testdir({}), 'any.yaml');
  const keys = [...new Set(settingNames.map(({ path }) => path[0] ?? ''))];
  const tree = fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), value, { maxKeys: 6 });
  fc.assert(
    fc.property(tree, (tree) => {
      writeFileSync(file, stringify(tree));
      const loaded = loadSettings({ file, env: {}, flags: {} });
      return loaded.ok || loaded.problems.length > 0;
    }),
    { numRuns: 80 },
  );
  t.pass('80 files');
});

t.test('any text in the file', async (t) => {
  const file = join(t.testdir({}), 'any.yaml');
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'routes:\n',
      '  - ',
      '{',
      '}',
      '[',
      ']',
      '&a ',
      '*a',
      '!x ',
      '|\n',
      '? ',
      ': ',
      '\t',
      '"',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      writeFileSync(file, pieces.join(''));
      const loaded = loadSettings({ file, env: {}, flags: {} });
      return loaded.ok || loaded.problems.length > 0;
    }),
    { numRuns: 150 },
  );
  t.pass('150 files');
});
