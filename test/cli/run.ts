// Runs the command line: as a process of its own, as a person does, or in this one, where many runs must be quick.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runCommandLine } from '../../src/cli/command-line.ts';

export const root = join(import.meta.dirname, '../..');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of the tests, without settings and without what the test runner puts into every Node.js. */
export const cleanEnvironment = (env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:TOLLGATE_|NODE_OPTIONS$|_?TAP)/.test(name)),
  ),
  ...env,
});

/** `tollgate ...` as a process in `cwd`. */
export const runProcess = async (
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly stdin?: string },
): Promise<Ran> => {
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), ...args], {
    cwd: options.cwd,
    env: cleanEnvironment(options.env),
  });
  child.stdin.on('error', () => undefined).end(options.stdin ?? '');
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    child.exitCode === null && once(child, 'close'),
  ]);
  return { code: child.exitCode, stdout, stderr };
};

/** `tollgate ...` in this process, on standard streams of its own. */
export const run = async (
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly stdin?: string } = {},
): Promise<Ran> => {
  let stdout = '';
  let stderr = '';
  const code = await runCommandLine(args, {
    stdout: { write: (piece) => ((stdout += String(piece)), true) },
    stderr: { write: (piece) => ((stderr += String(piece)), true) },
    stdin: (async function* () {
      yield options.stdin ?? '';
    })(),
    env: options.env ?? {},
  });
  return { code, stdout, stderr };
};

/** A run that must give JSON. */
export const runJson = async (
  args: readonly string[],
  options: Parameters<typeof run>[1] = {},
): Promise<unknown> => {
  const ran = await run([...args, '--json'], options);
  if (ran.code !== 0) throw new Error(`exit code ${ran.code}: ${ran.stderr}`);
  return JSON.parse(ran.stdout);
};
