// A setting is written in one place: the table of its group. Its type, its name in the file, its environment variable and
// its place in the editor's schema follow from there.

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { t } from 'tap';
import { settingsJsonSchema } from '../../src/settings/json-schema.ts';
import { settingNames } from '../../src/settings/setting-names.ts';
import { settingsWith } from '../support/settings.ts';

const room = join(import.meta.dirname, '../../src/settings');

/** The text of each file of the room, without its comments. */
const sources = globSync('*.ts', { cwd: room }).map((file) => ({
  file: basename(file),
  text: readFileSync(join(room, file), 'utf8')
    .replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
    // The example of a message.
    .replace('cache.identityTtl is TOLLGATE_CACHE_IDENTITY_TTL', ''),
}));

const isTable = (file: string): boolean => file === 'schema.ts' || file.endsWith('-fields.ts');
const isCheck = (file: string): boolean => file.startsWith('check-');

/** Groups of plain settings: what they say depends on no other setting. */
const plain = ['cache', 'feed', 'limits', 'tokens', 'log', 'shutdown', 'audit', 'identity', 'credential'];

t.test('a setting is named in one file of src/settings, and in the checks that judge it', async (t) => {
  const names = settingNames.filter(({ path }) => plain.includes(path[0] ?? '') && path.length === 2);
  t.ok(names.length > 40, `${names.length} settings`);
  for (const { path } of names) {
    const named = new RegExp(`\\b${path[1] ?? ''}(?:Ms)?\\b`);
    const files = sources
      .filter(({ file, text }) => !isCheck(file) && named.test(text))
      .map(({ file }) => file);
    t.ok(files.some(isTable), `${path.join('.')} is in a table`);
    // A name such as `headers` or `keep` may be that of another thing elsewhere; one of two words is not.
    const others = files.filter((file) => !isTable(file));
    if (/[A-Z]/.test(path[1] ?? '')) t.same(others, [], `${path.join('.')} is nowhere else`);
  }
});

t.test('a duration says its unit in the code, and not in the file', async (t) => {
  const at = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  const schema = settingsJsonSchema();
  const settings = settingsWith();
  let count = 0;
  for (const { path } of settingNames.filter(({ path }) => path.length === 2)) {
    const [group = '', name = ''] = path;
    // A group without a default.
    if (at(settings, group) === undefined) continue;
    const written = at(at(at(at(schema, 'properties'), group), 'properties'), name);
    if (at(written, 'properties') !== undefined) continue;
    if (!JSON.stringify(written ?? '').includes('(ms|s|m|h|d)')) continue;
    count += 1;
    const [value] = [at(at(settings, group), `${name}Ms`)].flat();
    t.equal(typeof value, 'number', `${path.join('.')} is ${name}Ms`);
  }
  t.ok(count > 15, `${count} durations`);
});
