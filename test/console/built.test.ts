import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import t from 'tap';
import { buildConsole } from '../../config/example/build-console.ts';

const root = join(import.meta.dirname, '../..');
const built = join(root, 'dist/console');
const sources = join(root, 'src/console');

await buildConsole();
const index = readFileSync(join(built, 'index.html'), 'utf8');
const assets = globSync('assets/*.{js,css,svg}', { cwd: built });
const sizeOf = (file: string): number => brotliCompressSync(readFileSync(join(built, file))).length;

t.test('the first load is at most 60 KB compressed, in the longest language', async (t) => {
  const named = [...index.matchAll(/"\.\/(assets\/[^"]+)"/g)].map(([, file]) => file!);
  t.ok(named.length >= 3, 'a script, a style sheet, an icon');
  const languages = assets.filter((file) => file.startsWith('assets/catalogue-'));
  t.equal(languages.length, 4, 'each language is a file of its own');
  const first = named.reduce((sum, file) => sum + sizeOf(file), brotliCompressSync(index).length);
  const bytes = first + Math.max(...languages.map(sizeOf));
  t.ok(bytes <= 60 * 1024, `${bytes} bytes`);
  t.comment(`first load: ${(bytes / 1024).toFixed(1)} KB compressed`);
});

t.test('each script and style sheet lies beside its compressed forms', async (t) => {
  for (const file of assets.filter((file) => readFileSync(join(built, file)).length >= 512)) {
    t.same(globSync(`${file}.{br,gz}`, { cwd: built }).toSorted(), [`${file}.br`, `${file}.gz`]);
    t.match(file, /-[\w-]{8}\.\w+$/, 'its name has a hash');
  }
});

t.test('the page has nothing inline, and asks no other host', async (t) => {
  t.notMatch(index, /<style|style=|<script(?![^>]* src=)|\son\w+=|<base/i);
  for (const file of ['index.html', ...assets]) {
    const hosts = [...readFileSync(join(built, file), 'utf8').matchAll(/https?:\/\/([\w.-]+)/g)].map(
      ([, host]) => host,
    );
    t.same(
      hosts.filter((host) => host !== 'www.w3.org'),
      [],
      `${file} names XML's namespaces alone`,
    );
  }
});

t.test('no page writes markup or code, and only the choices of appearance are stored', async (t) => {
  const files = globSync('**/*.{ts,tsx}', { cwd: sources });
  t.ok(files.length > 60);
  for (const file of files) {
    const text = readFileSync(join(sources, file), 'utf8');
    t.notMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|\bstyle=/i,
      file,
    );
    t.notMatch(text, /sessionStorage|indexedDB|document\.cookie|console\.(?:log|error)/, file);
    if (file !== 'session/preferences.tsx') t.notMatch(text, /localStorage/, file);
  }
});
