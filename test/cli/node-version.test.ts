// Which Node.js may run it: the lines in which a request-smuggling hole of its HTTP parser is closed.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { t } from 'tap';
import { nodeFault } from '../../src/cli/node-version.ts';
import { root } from './run.ts';

t.test('CVE-2026-58044: a version with the hole is refused, one without may run', async (t) => {
  for (const version of [
    '22.23.2',
    '22.24.0',
    '24.18.1',
    '26.5.1',
    '26.10.0',
    '27.0.0',
    '30.1.0',
    process.versions.node,
  ])
    t.equal(nodeFault(version), undefined, version);
  for (const version of [
    '18.20.8',
    '20.20.0',
    '22.23.1',
    '22.9.0',
    '23.11.1',
    '24.18.0',
    '24.0.0',
    '25.9.0',
    '26.5.0',
    '26.0.0',
    'x',
  ])
    t.match(
      nodeFault(version),
      new RegExp(`Node.js ${version} .*Install 22.23.2, 24.18.1, 26.5.1 or newer`),
      version,
    );
});

t.test('the package asks for the same', async (t) => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  t.equal(engines.node, '>=22.23.2');
});
