// The layout of src/ is a few rooms with one-way doors; this test is their lock.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import t from 'tap';

const src = join(import.meta.dirname, '../src');

/** Room -> rooms it may import from (besides itself). */
const doors: Record<string, readonly string[]> = {
  decision: [],
  dialects: ['decision'],
  tokens: ['decision'],
  settings: ['decision', 'tokens'],
  observe: ['decision', 'settings'],
  store: ['decision', 'settings', 'tokens'],
  identity: ['decision', 'settings', 'tokens', 'store'],
  lifecycle: ['decision', 'settings', 'tokens', 'store', 'identity', 'observe'],
  surfaces: ['decision', 'dialects', 'settings', 'tokens', 'store', 'identity', 'lifecycle', 'observe'],
  proxy: ['decision', 'dialects', 'settings', 'identity', 'observe'],
  gate: ['decision', 'settings', 'tokens', 'store', 'identity', 'lifecycle', 'surfaces', 'proxy', 'observe'],
  cli: ['decision', 'settings', 'tokens', 'store', 'identity', 'lifecycle', 'proxy', 'observe', 'gate'],
  main: ['cli', 'settings', 'observe', 'gate'],
};

/** Heavy package -> the file or folders that may import it. */
const owners: Record<string, string | readonly string[]> = {
  'http-proxy': 'proxy/upstream/upgrade.ts',
  // Of upstream/ for its speed; of fetch-json.ts for its tunnels through a proxy, which node:https cannot abort.
  undici: ['proxy/upstream/', 'tokens/fetch-json.ts'],
  ioredis: 'store/redis/',
  'node:sqlite': 'store/sqlite/',
  jose: 'tokens/',
  'lru-cache': 'identity/',
  'prom-client': 'observe/',
  pino: 'observe/',
  zod: ['settings/', 'surfaces/management/'],
  yaml: 'settings/',
  commander: 'cli/',
};

const files = globSync('**/*.ts', { cwd: src }).toSorted();
const importsOf = (file: string): string[] =>
  [...readFileSync(join(src, file), 'utf8').matchAll(/(?:\bfrom|^import|\bimport\() ?'([^']+)'/gm)].map(
    (match) => match[1]!,
  );
const roomOf = (file: string): string => file.split('/')[0]!.replace(/\.ts$/, '');

t.test('rooms import only from the rooms below them', async (t) => {
  for (const file of files) {
    const room = roomOf(file);
    const allowed = doors[room];
    t.ok(allowed, `${file} stands in a known room`);
    for (const name of importsOf(file).filter((name) => name.startsWith('.'))) {
      const target = roomOf(relative(src, join(src, dirname(file), name)));
      t.ok(target === room || allowed?.includes(target), `${file} may import ${name}`);
    }
  }
});

t.test('what moves bytes to the API knows nothing of the edge', async (t) => {
  for (const file of files.filter((file) => file.startsWith('proxy/upstream/')))
    for (const name of importsOf(file))
      t.notMatch(name, /^\.\.\/[^.]/, `${file} imports its neighbours and lower rooms, not ${name}`);
});

t.test(
  'a dialect imports no other; navigator, which answers with errors and tokens of csp, imports csp',
  async (t) => {
    const dialects = ['oauth', 'csp', 'navigator', 'vcd', 'astra', 'management'];
    for (const file of files) {
      const own = dialects.find((dialect) => file.startsWith(`surfaces/${dialect}/`));
      if (own === undefined) continue;
      for (const name of importsOf(file)) {
        const other = dialects.find((dialect) => name.startsWith(`../${dialect}/`));
        t.ok(other === undefined || (own === 'navigator' && other === 'csp'), `${file} may import ${name}`);
      }
    }
  },
);

t.test('each heavy package has one owner', async (t) => {
  for (const file of files)
    for (const name of importsOf(file)) {
      const found = Object.entries(owners).find(([pack]) => name === pack || name.startsWith(`${pack}/`));
      const allowed = found === undefined ? [''] : [found[1]].flat();
      t.ok(
        allowed.some((owner) => file.startsWith(owner)),
        `${file} may import ${name}; it belongs to ${allowed.join(', ')}`,
      );
    }
});

t.test('the decision room does no I/O and reads no clock', async (t) => {
  for (const file of files.filter((file) => file.startsWith('decision/'))) {
    const text = readFileSync(join(src, file), 'utf8');
    t.notMatch(text, /Date\.now|performance\.now|new Date\(\)|process\.|setTimeout|\bawait\b/, file);
    for (const name of importsOf(file))
      t.match(name, /^\.\//, `${file} imports only its neighbours, not ${name}`);
  }
});

t.test('every file opens by saying what it is, and is small enough to read', async (t) => {
  for (const file of files) {
    const text = readFileSync(join(src, file), 'utf8');
    t.match(text.replace(/^#!.*\n/, ''), /^\/\/ /, `${file} opens with a comment`);
    t.ok(text.split('\n').length <= 320, `${file} has at most 320 lines`);
    t.notMatch(file, /utils|helpers|common|manager|index\.ts/i, `${file} is named for what it does`);
  }
});

t.test('secrets are compared in constant time: never with ===', async (t) => {
  const secret = String.raw`[\w.?]*(?:[sS]ecret|[pP]assword|[pP]asscode|[pP]hc)\b`;
  const nothing = String.raw`(?:undefined|null|true|false|'')`;
  const compared = new RegExp(
    String.raw`(?<!typeof )\b${secret} [!=]== (?!${nothing}|[A-Z])|(?<!${nothing}) [!=]== (?!typeof )${secret}(?![.\w]| [!=]==)`,
  );
  for (const file of files)
    t.notMatch(readFileSync(join(src, file), 'utf8'), compared, `${file} compares no secret with ===`);
  for (const bad of ['client.secret === secret', 'if (password !== given)', 'given === user.password'])
    t.match(bad, compared, `it would see: ${bad}`);
  for (const fine of [
    'secret === undefined',
    "password === ''",
    "typeof secret === 'string'",
    'a === secret.id',
  ])
    t.notMatch(fine, compared, `it lets be: ${fine}`);
  for (const file of ['surfaces/client-authentication.ts', 'lifecycle/password-hash.ts'])
    t.match(readFileSync(join(src, file), 'utf8'), /timingSafeEqual\(/, `${file} does it right`);
});
