// A surface is one descriptor and one folder. What else there is to know of it follows from the list.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { surfaceList } from '../../src/settings/surface-list.ts';
import { surfaceRouteNames } from '../../src/settings/surface-paths.ts';

const src = join(import.meta.dirname, '../../src');
const files = globSync('**/*.ts', { cwd: src }).map((file) => ({
  file,
  text: readFileSync(join(src, file), 'utf8').replaceAll(/^ *(?:\/\/|\/?\*).*$/gm, ''),
}));

/** What only these surfaces have. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // Its group of settings stands beside `surfaces`.
  oauth: ['settings/schema.ts'],
  // Navigator answers with errors and tokens of csp.
  csp: ['surfaces/navigator/navigator.ts'],
  // Its cookie, listener and providers are judged with other settings, and reminders lead to it.
  console: [
    'gate/in-force.ts',
    'reminders/round.ts',
    'settings/check-console.ts',
    'settings/check-loops.ts',
    'settings/check-proxy-protocol.ts',
    'settings/check-reminders.ts',
    'settings/place-fields.ts',
  ],
  // The console serves its operations to another credential.
  management: ['surfaces/console/console.ts'],
};

t.test(
  'a surface is known to its descriptor, its folder, the list and the loader, and to nobody else',
  async (t) => {
    for (const { name } of surfaceList) {
      const mention = new RegExp(
        `\\bsurfaces[./]${name}\\b|/surfaces/${name}[./]|^  ${name}: \\(\\) =>`,
        'm',
      );
      const others = files
        .filter(
          ({ file }) => file !== `settings/surfaces/${name}.ts` && !file.startsWith(`surfaces/${name}/`),
        )
        .filter(({ text }) => mention.test(text))
        .map(({ file }) => file);
      t.same(
        others.toSorted(),
        ['settings/surface-list.ts', 'surfaces/surfaces.ts', ...(exceptions[name] ?? [])].toSorted(),
        name,
      );
    }
  },
);

t.test('each path of each surface has a name for metrics and log, and no other name is known', async (t) => {
  const names = surfaceList.flatMap(({ name, paths, labels = {} }) => {
    const keys = Object.keys(paths('/prefix'));
    for (const labelled of Object.keys(labels))
      t.ok(keys.includes(labelled), `${name} has the path ${labelled}`);
    return keys.map((key) => `${name}:${new Map<string, string>(Object.entries(labels)).get(key) ?? key}`);
  });
  t.same(new Set(surfaceRouteNames), new Set(names));
  for (const name of surfaceRouteNames) t.match(name, /^[a-z]+:[a-zA-Z-]+$/);
});
