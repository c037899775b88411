// Who can vouch for a credential: one file each, one list of them, and nobody else who knows their names.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { authenticatorNames } from '../../src/identity/authenticators.ts';
import { createMetrics } from '../../src/observe/metrics.ts';

const src = join(import.meta.dirname, '../../src');
const list = 'identity/authenticators.ts';
const folder = 'identity/authenticators/';
const files = globSync('**/*.ts', { cwd: src }).toSorted();
const textOf = (file: string): string => readFileSync(join(src, file), 'utf8');

t.test('an authenticator is one file and one row of the list: nothing else imports it', async (t) => {
  const own = files.filter((file) => file.startsWith(folder));
  t.equal(own.length, authenticatorNames.length, 'each file is in the list');
  t.equal(new Set(authenticatorNames).size, own.length, 'each has a name of its own');
  for (const file of files.filter((file) => file !== list))
    t.notMatch(textOf(file), /from '[^']*\bauthenticators\/[^']*'/, `${file} asks the list`);
});

t.test('nothing compares the name of an authenticator, or spells it, but its own file', async (t) => {
  // The others are words of their own too: an API token, a session, an issuer, its introspection.
  const telling = authenticatorNames.filter((name) => name.startsWith('imported'));
  t.ok(telling.length > 0);
  for (const file of files.filter((file) => !file.startsWith(folder))) {
    const text = textOf(file);
    t.notMatch(text, /authenticator(?:\.name)? [!=]== (?!undefined)/, file);
    for (const name of telling) t.notOk(text.includes(`'${name}'`), `${file} does not spell ${name}`);
  }
});

t.test('metrics count each authenticator of the list, from zero', async (t) => {
  const metrics = createMetrics({
    version: '1',
    routes: [],
    extraRoutes: [],
    storeCommands: [],
    authenticators: authenticatorNames,
  });
  const lines = (await metrics.render()).split('\n');
  for (const name of authenticatorNames)
    t.ok(
      lines.includes(`tollgate_identified_requests_total{authenticator="${name}",result="permit"} 0`),
      name,
    );
});
