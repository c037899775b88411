// The ready settings of each vendor: they are what the README tells people to begin with.

import { globSync } from 'node:fs';
import { join } from 'node:path';
import { t } from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';
import { ownedPatterns } from '../../src/settings/surface-paths.ts';

const folder = join(import.meta.dirname, '../../config/vendors');

for (const name of globSync('*.yaml', { cwd: folder }).toSorted())
  t.test(`${name} is valid, warns of nothing, and switches its surface on`, async (t) => {
    const loaded = loadSettings({ file: join(folder, name), env: {}, flags: {} });
    if (!loaded.ok) throw new Error(loaded.problems.map(issueLine).join('\n'));
    t.same(loaded.warnings.map(issueLine), []);
    const setting = `surfaces.${name.replace('.yaml', '')}`;
    const owned = ownedPatterns(loaded.settings);
    t.ok(owned.some((one) => one.setting === setting));
    t.ok(
      owned.some(({ pattern }) => pattern.written === '/.well-known/jwks.json'),
      'and the API can verify X-Identity',
    );
  });
