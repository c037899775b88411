// Builds the console's pages where they are missing or older than their sources: `npm start` and the tests need no other step.

import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const sources = join(root, 'src/console');
const built = join(root, 'dist/console');

const isCurrent = (): boolean => {
  const madeAtMs = statSync(join(built, 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return globSync('**/*', { cwd: sources }).every(
    (file) => statSync(join(sources, file)).mtimeMs <= madeAtMs,
  );
};

/** Built aside, then put in place: another process that reads the pages meanwhile has those before, or these. */
export const buildConsole = async (): Promise<void> => {
  if (isCurrent()) return;
  const { build } = await import('vite');
  mkdirSync(dirname(built), { recursive: true });
  const aside = mkdtempSync(join(dirname(built), '.console-'));
  try {
    await build({
      configFile: join(sources, 'vite.config.ts'),
      build: { outDir: join(aside, 'new'), emptyOutDir: false },
    });
    // Two that build at once have built the same: whoever comes second finds it in place.
    if (isCurrent()) return;
    if (existsSync(built)) renameSync(built, join(aside, 'old'));
    renameSync(join(aside, 'new'), built);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
};
