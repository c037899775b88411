// The documents are held to the code: links and paths exist, settings, metrics and stripped headers are complete, and each
// fault of the README's table has a test.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import { believedFamilies } from '../src/decision/believed-headers.ts';
import { foldName } from '../src/decision/identity-headers.ts';
import { denial, denialReasons, outage, outageReasons } from '../src/decision/outcome.ts';
import { wireOf } from '../src/decision/refusal.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import { settingsJsonSchema } from '../src/settings/json-schema.ts';
import { aclCommand } from '../src/store/redis/acl.ts';
import { faultTests } from './support/fault-tests.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const documents = [
  ...globSync('*.md', { cwd: root }),
  ...globSync('{docs,test}/**/*.md', { cwd: root }),
].toSorted();
/** Without code blocks, where `#` begins no heading and `[` no link. */
const prose = (file: string): string => read(file).replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
const codeSpans = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);

/** The anchor of a heading, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (file: string): string[] =>
  [...prose(file).matchAll(/^#+ (.+)$/gm)].map((match) => anchorOf(match[1]!));

t.test('every link of a document leads to a file and a heading that exist', async (t) => {
  for (const file of documents) {
    const links = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
    for (const link of links.filter((link) => !/^[a-z]+:/.test(link))) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : normalize(join(dirname(file), path));
      t.ok(existsSync(join(root, target)), `${file}: ${link}`);
      if (anchor !== undefined) t.ok(anchorsOf(target).includes(anchor), `${file}: ${link} is a heading`);
    }
  }
});

t.test('every path that a document names exists', async (t) => {
  const sources = globSync('{src,test}/**/*.ts', { cwd: root });
  for (const file of documents)
    for (const span of codeSpans(prose(file))) {
      const [path = ''] = span.split(/[ :#]/);
      if (/^(?:src|test|config|docs|\.ci)\/[\w./*-]+$/.test(path))
        t.ok(globSync(path, { cwd: root }).length > 0, `${file}: ${path}`);
      else if (/^[\w/-]+\.(?:test\.)?ts$/.test(path))
        t.ok(
          sources.some((source) => source.endsWith(`/${path}`)),
          `${file}: ${path}`,
        );
    }
});

t.test('every folder of src/ is on the code map', async (t) => {
  const map = read('ARCHITECTURE.md');
  for (const folder of globSync('src/*/', { cwd: root }))
    t.match(map, `\`${folder.replace(/\/?$/, '/')}\``, folder);
});

t.test('the README has at most 200 lines', async (t) => {
  t.ok(read('README.md').split('\n').length <= 201);
});

t.test('every family of stripped headers is in the documents, and no other', async (t) => {
  const section = /## What is removed\n([\s\S]*?)\n\*\*Hop-by-hop/.exec(
    read('docs/identity-headers.md'),
  )![1]!;
  const lines = section.replaceAll(/\n {2}/g, ' ').split('\n');
  const listed = lines
    .filter((line) => line.startsWith('- ') && !line.includes('identity.headers'))
    .flatMap(codeSpans)
    .map(foldName);
  const families = Object.values(believedFamilies).flat();
  t.strictSame(listed.toSorted(), families.toSorted());
});

t.test('every metric is in the documents, and no other', async (t) => {
  const metrics = createMetrics({
    version: '1',
    routes: [],
    extraRoutes: [],
    storeCommands: [],
    authenticators: ['api_token', 'session'],
  });
  const existing = [...(await metrics.render()).matchAll(/^# TYPE (tollgate_\w+)/gm)].map(
    (match) => match[1]!,
  );
  const named = documents.flatMap((file) => prose(file).match(/\btollgate_\w+/g) ?? []);
  t.ok(existing.length > 25);
  t.strictSame([...new Set(named)].toSorted(), existing.toSorted());
});

/** What of a JSON Schema lists the keys of a mapping. */
interface Node {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
}

/** `routes[].name` for a key of a list's items. */
const settingKeys = (node: Node, path: string): string[] => {
  const mapping = node.properties ?? node.anyOf?.find(({ properties }) => properties)?.properties;
  if (mapping !== undefined)
    return Object.entries(mapping).flatMap(([key, inner]) =>
      settingKeys(inner, path === '' ? key : `${path}.${key}`),
    );
  return node.items?.properties === undefined ? [path] : settingKeys(node.items, `${path}[]`);
};

t.test('every setting is explained, and no other', async (t) => {
  const text = read('docs/settings.md');
  const explained = new Set([...text.matchAll(/^- `([\w.[\]]+)` \(/gm)].map((match) => match[1]!));
  const keys = settingKeys(settingsJsonSchema(), '');
  for (const key of explained) t.ok(keys.includes(key), `${key} is a setting`);
  for (const key of keys) {
    const setting = key.replace(/File$/, '');
    const isFileTwin = setting !== key && keys.includes(setting);
    t.ok(explained.has(setting), `${key} is explained`);
    if (isFileTwin) t.match(text, `Or \`${key.slice(key.lastIndexOf('.') + 1)}\`.`, `${key} is named`);
  }
});

/** The default of a key, where it is one value that is written out. */
const defaultOf = (node: Node, key: string): string | undefined => {
  const [first = '', ...rest] = key.split('.');
  const mapping = node.properties ?? node.anyOf?.find(({ properties }) => properties)?.properties;
  const inner = mapping?.[first.replace('[]', '')];
  if (inner === undefined) return undefined;
  if (rest.length > 0) return defaultOf(first.endsWith('[]') ? (inner.items ?? {}) : inner, rest.join('.'));
  const value = inner.default;
  return (typeof value === 'string' && value !== '') ||
    typeof value === 'number' ||
    typeof value === 'boolean'
    ? String(value)
    : undefined;
};

t.test('every default is the one in the code', async (t) => {
  const schema = settingsJsonSchema();
  for (const [, key = '', shown = ''] of read('docs/settings.md').matchAll(
    /^- `([\w.[\]]+)` \(([^)]*)\)/gm,
  )) {
    const written = defaultOf(schema, key);
    if (written !== undefined)
      t.equal(shown.replaceAll('`', '').replace(/(\d)B$/, '$1'), written.replace(/(\d)B$/, '$1'), key);
  }
});

t.test('every setting that a document names exists', async (t) => {
  const keys = settingKeys(settingsJsonSchema(), '').map((key) => key.replaceAll('[]', ''));
  /** `credential.kind` is a field of the identity. */
  const isKnown = (name: string): boolean =>
    name === 'credential.kind' ||
    keys.some((key) => key === name || key.startsWith(`${name}.`) || name.startsWith(`${key}.`));
  const groups = new Set(keys.map((key) => key.split('.')[0]!));
  for (const file of documents)
    for (const span of codeSpans(prose(file))) {
      const name = /^([a-z]\w*(?:\[\])?(?:\.[a-zA-Z]+(?:\[\])?)+)(?=$|[:{ ])/
        .exec(span)?.[1]
        ?.replaceAll('[]', '');
      if (name !== undefined && groups.has(name.split('.')[0]!) && !/\.(?:ts|md|yaml|json)$/.test(name))
        t.ok(isKnown(name), `${file}: ${name}`);
    }
});

t.test('every reason for a refusal is in the documents, with its status', async (t) => {
  const listed = [...read('docs/operations.md').matchAll(/^- ((?:`[a-z_]+`(?:, )?)+) \((\d{3})\):/gm)];
  const statuses = new Map(
    listed.flatMap(([, names = '', status = '']) => codeSpans(names).map((name) => [name, Number(status)])),
  );
  const refusals = [
    ...denialReasons.map((reason) => denial(reason)),
    ...outageReasons.map((reason) => outage(reason)),
  ];
  t.equal(statuses.size, refusals.length);
  for (const refusal of refusals)
    t.equal(statuses.get(refusal.reason), wireOf(refusal).status, refusal.reason);
});

t.test('the rights of the Redis user are those that the store is tested with', async (t) => {
  const block = /```text\n(ACL SETUSER [\s\S]*?)\n```/.exec(read('docs/operations.md'))?.[1] ?? '';
  t.equal(block.replaceAll(/\s+/g, ' '), aclCommand);
});

t.test('every fault of the README and of the operations page has a test, by its title', async (t) => {
  const table = /## When something is down\n\n([\s\S]*?)\n\n/.exec(read('README.md'))![1]!;
  const more = /## More faults\n\n.*\n\n([\s\S]*?)\n\n/.exec(read('docs/operations.md'))![1]!;
  const faults = [table, more].flatMap((rows) =>
    rows
      .split('\n')
      .slice(2)
      .map((row) => row.split('|')[1]!.trim()),
  );
  t.ok(faults.length > 20);
  t.strictSame(
    Object.keys(faultTests).toSorted(),
    faults.toSorted(),
    'the table of tests has the same faults',
  );
  for (const [fault, tests] of Object.entries(faultTests))
    for (const [file, title] of tests)
      t.ok(read(file).includes(title), `${fault}: ${file} has the test '${title}'`);
});
