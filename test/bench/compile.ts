// Tollgate as the image has it, for a bench: compiled, and with the image's options of node. Running TypeScript directly
// costs memory that production does not pay.

import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execForm, lastOf, parseDockerfile } from '../support/dockerfile.ts';
import { root } from '../support/process.ts';

/** Compiles into `dist` of this folder, with what it needs beside it; returns the path of its entry. */
export const compile = (directory: string): string => {
  const { stdout, status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      join(root, 'src'),
      '--outDir',
      join(directory, 'dist'),
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) process.stderr.write(`tsc: ${stdout.split('\n')[0]}\n`);
  cpSync(join(root, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return join(directory, 'dist/main.js');
};

/** Options of node in the image. */
export const imageNodeArgs =
  execForm(
    lastOf(parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8')).at(-1), 'ENTRYPOINT'),
  )?.slice(1, -1) ?? [];
