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
    putInPlace(join(aside, 'new'), join(aside, 'old'));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
};

/** Where two build at once, both have built the same, and whoever comes second leaves it as it is. */
const putInPlace = (made: string, before: string): void => {
  if (isCurrent()) return;
  try {
    if (existsSync(built)) renameSync(built, before);
    renameSync(made, built);
  } catch (error) {
    if (!isCurrent()) throw error;
  }
};
