// The layout of src/ is a few rooms with one-way doors; this test is their lock.

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '..');
const src = join(root, 'src');

/** Room -> rooms it may import from (besides itself). */
const doors: Record<string, readonly string[]> = {
  // The pages of the console run in a browser: they know the server by its API alone.
  console: [],
  decision: [],
  dialects: ['decision'],
  tokens: ['decision'],
  settings: ['decision', 'tokens'],
  observe: ['decision', 'settings'],
  store: ['decision', 'settings', 'tokens'],
  identity: ['decision', 'settings', 'tokens', 'store'],
  limits: ['decision', 'settings', 'store', 'identity'],
  lifecycle: ['decision', 'settings', 'tokens', 'store', 'identity', 'observe'],
  reminders: ['decision', 'settings', 'tokens', 'store', 'lifecycle', 'observe'],
  surfaces: ['decision', 'dialects', 'settings', 'tokens', 'store', 'identity', 'lifecycle', 'observe'],
  proxy: ['decision', 'dialects', 'settings', 'identity', 'limits', 'observe'],
  gate: [
    'decision',
    'settings',
    'tokens',
    'store',
    'identity',
    'limits',
    'lifecycle',
    'surfaces',
    'proxy',
    'observe',
    'reminders',
  ],
  cli: [
    'decision',
    'settings',
    'tokens',
    'store',
    'identity',
    'limits',
    'lifecycle',
    'proxy',
    'observe',
    'gate',
    'reminders',
  ],
  main: ['cli', 'settings', 'observe', 'gate'],
};

/** Package -> the file or folders that may import it. What is not listed, nobody may; modules of Node.js need no entry. */
const owners: Record<string, string | readonly string[]> = {
  'http-proxy': 'proxy/upstream/upgrade.ts',
  // For its tunnels through a proxy, which node:https cannot abort.
  undici: ['tokens/fetch-json.ts', 'reminders/webhook.ts'],
  ioredis: 'store/redis/',
  'node:sqlite': 'store/sqlite/',
  jose: 'tokens/',
  'openid-client': 'tokens/openid-provider.ts',
  'lru-cache': ['identity/', 'limits/'],
  'prom-client': 'observe/',
  pino: 'observe/',
  nodemailer: 'reminders/mail.ts',
  zod: ['settings/', 'surfaces/management/', 'surfaces/console/'],
  yaml: 'settings/',
  commander: 'cli/',
};

/** Packages that the build puts into the console's pages, or that build them: no dependencies of the server. */
const built: Record<string, string> = { preact: 'console/', vite: 'console/vite.config.ts' };

const files = globSync('**/*.{ts,tsx}', { cwd: src }).toSorted();
const importsOf = (file: string): string[] =>
  [
    ...readFileSync(join(src, file), 'utf8').matchAll(
      /^(?:import|export|\}) ?(?:[^']* from )?'([^']+)';$|\bimport\('([^']+)'\)/gm,
    ),
  ].map(([, ofStatement, ofCall]) => ofStatement ?? ofCall!);
const roomOf = (file: string): string => file.split('/')[0]!.replace(/\.tsx?$/, '');

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

/** Folder of the proxy -> what of the proxy its files may import besides each other. A folder that is not here may import all. */
const foldersOfProxy: Record<string, readonly string[]> = {
  // Moves bytes to the API, and knows nothing of the edge.
  'upstream/': [],
  // Opens connections, and knows nothing of what is sent on them.
  'upstream/addresses/': ['upstream/inheritance.ts', 'upstream/forward-failure.ts'],
  // Finds the rule of a request, pure.
  'routing/': [],
};

t.test('folders of the proxy import nothing of those above them', async (t) => {
  for (const [folder, others] of Object.entries(foldersOfProxy)) {
    const allowed = [folder, ...others].map((each) => `proxy/${each}`);
    const inside = files.filter((file) => file.startsWith(`proxy/${folder}`));
    t.ok(inside.length > 0, `proxy/${folder} exists`);
    for (const file of inside)
      for (const name of importsOf(file).filter((name) => name.startsWith('.'))) {
        const target = join(dirname(file), name);
        const isAllowed = !target.startsWith('proxy/') || allowed.some((each) => target.startsWith(each));
        t.ok(isAllowed, `${file} may import ${name}`);
      }
  }
});

/** Dialects that are made of another one. */
const builtOn: Readonly<Record<string, string>> = { navigator: 'csp', console: 'management' };

t.test(
  'a dialect imports no other, but for navigator, which answers with errors and tokens of csp, and console, which serves management',
  async (t) => {
    const dialects = files.flatMap((file) => /^surfaces\/(\w+)\//.exec(file)?.[1] ?? []);
    for (const file of files) {
      const own = dialects.find((dialect) => file.startsWith(`surfaces/${dialect}/`));
      if (own === undefined) continue;
      for (const name of importsOf(file)) {
        const other = dialects.find((dialect) => name.startsWith(`../${dialect}/`));
        t.ok(other === undefined || builtOn[own] === other, `${file} may import ${name}`);
      }
    }
  },
);

t.test('requests are judged in one place, and every door asks there', async (t) => {
  const importersOf = (name: string): readonly string[] =>
    files.filter((file) =>
      [...readFileSync(join(src, file), 'utf8').matchAll(/^import (?:type )?\{([^}]*)\}/gm)].some(
        ([, names]) => names!.split(',').some((each) => each.trim() === name),
      ),
    );
  const judging = {
    inspectHeaders: ['proxy/pipeline.ts'],
    parseTarget: ['proxy/pipeline.ts'],
    judge: ['proxy/admit.ts'],
    authorize: ['proxy/admission.ts'],
    authorizePublic: ['proxy/admission.ts'],
    authorizeShadow: ['proxy/conclude.ts'],
    decide: ['cli/explain.ts', 'proxy/forward-auth/forward-auth.ts', 'proxy/handler.ts'],
  };
  for (const [name, importers] of Object.entries(judging)) t.same(importersOf(name), importers, name);
});

t.test('each package has one owner, and what is in package.json is what src imports', async (t) => {
  const packages = new Set<string>();
  for (const file of files)
    for (const name of importsOf(file).filter((name) => !name.startsWith('.'))) {
      const owner = Object.entries({ ...owners, ...built }).find(
        ([pack]) => name === pack || name.startsWith(`${pack}/`),
      );
      if (owner === undefined && name.startsWith('node:')) continue;
      t.ok(
        [owner?.[1] ?? []].flat().some((folder) => file.startsWith(folder)),
        `${file} may import ${name}; its owners, listed here: ${[owner?.[1] ?? 'none'].flat().join(', ')}`,
      );
      packages.add(owner?.[0] ?? name);
    }
  const owned = Object.keys({ ...owners, ...built });
  t.same([...packages].toSorted(), owned.toSorted(), 'every owner owns something');
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const listed = Object.keys(owners).filter((name) => !name.startsWith('node:'));
  t.same(Object.keys(dependencies).toSorted(), listed.toSorted(), 'package.json has these and no other');
  for (const name of Object.keys(built)) t.ok(devDependencies[name], `${name} is needed to build alone`);
});

t.test('the pages of the console use no module of Node.js', async (t) => {
  for (const file of files.filter((file) => file.startsWith('console/') && file !== built['vite']))
    for (const name of importsOf(file)) t.match(name, /^(?:\.|preact)/, `${file} may import ${name}`);
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
    t.notMatch(file, /utils|helpers|common|manager|index\.tsx?/i, `${file} is named for what it does`);
  }
});

t.test('functions have at most 70 lines', async (t) => {
  const config = t.testdir({
    'lint.json': JSON.stringify({
      categories: { correctness: 'off' },
      rules: { 'eslint/max-lines-per-function': ['error', { max: 70 }] },
    }),
  });
  // The test runner would load itself into it by NODE_OPTIONS, and it does not bear that.
  const lint = ['-u', 'NODE_OPTIONS', join(root, 'node_modules/.bin/oxlint')];
  const options = ['-c', join(config, 'lint.json'), '--format=json', 'src'];
  const { stdout } = spawnSync('env', [...lint, ...options], { cwd: root, encoding: 'utf8' });
  const { diagnostics, number_of_files } = JSON.parse(stdout) as Linted;
  t.ok(number_of_files >= files.length, 'it has read every file');
  const found = diagnostics.map(
    ({ filename, labels, message }) => `${filename}:${labels[0]?.span.line}: ${message}`,
  );
  t.same(found, [], 'split each of these');
});

interface Linted {
  readonly number_of_files: number;
  readonly diagnostics: readonly {
    readonly filename: string;
    readonly message: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
}

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

t.test('a new reason to refuse touches one file: it stands in the list with its class', async (t) => {
  const { denialReasons, outageReasons } = await import('../src/decision/outcome.ts');
  const reasons = [...denialReasons, ...outageReasons];
  const naming = (file: string): readonly string[] => {
    const text = readFileSync(join(src, file), 'utf8');
    return reasons.filter((reason) => new RegExp(String.raw`'${reason}'|\b${reason}:`).test(text));
  };
  const complete = files.filter((file) => naming(file).length === reasons.length);
  t.same(complete, ['decision/refusal-class.ts']);
  for (const file of files.filter((file) => !complete.includes(file)))
    t.ok(
      naming(file).length * 2 < reasons.length,
      `${file} names only the reasons it gives or treats specially`,
    );
});
