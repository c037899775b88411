// The examples of docs/settings.md are settings: each is good as it stands.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';

const documented = readFileSync(join(import.meta.dirname, '../../docs/settings.md'), 'utf8');
/** Those in a list are indented. */
const examples = [...documented.matchAll(/^( *)```yaml\n([\s\S]*?)^\1```$/gm)].map(
  ([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
);

t.test('every example is good, but for certificates that are not there', async (t) => {
  t.ok(examples.length >= 8, 'they are found');
  const file = join(t.testdir(), 'tollgate.yaml');
  for (const text of examples) {
    writeFileSync(file, text);
    const loaded = loadSettings({ file, env: {}, flags: {} });
    const problems = loaded.ok ? [] : loaded.problems.map((problem) => JSON.stringify(problem));
    t.same(
      problems.filter((problem) => !/\/etc\/tollgate\/[\w-]+\.(?:crt|key)/.test(problem)),
      [],
      text,
    );
  }
});
