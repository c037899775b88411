// What the global options of a command lead to: its output, and the settings it works with.

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { loadSettings, type LoadResult } from '../settings/load-settings.ts';
import { findOption } from '../settings/setting-names.ts';
import { issueLine } from '../settings/settings-issue.ts';
import type { Settings } from '../settings/settings.ts';
import type { Invocation, World } from './command.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { createOutput, type Output } from './output.ts';

type Flags = Readonly<Record<string, unknown>>;

interface GlobalOptions {
  readonly config?: string;
  readonly store?: string;
  readonly set?: readonly (readonly [name: string, value: string])[];
  readonly json?: boolean;
}

const defaultFile = 'tollgate.yaml';

const globalsOf = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

export const invocationOf = (command: Command, world: World): Invocation => ({
  command,
  world,
  output: createOutput(world, globalsOf(command).json === true),
});

/** `--config FILE`, else TOLLGATE_CONFIG, else ./tollgate.yaml where it exists. */
export const settingsFile = ({ command, world }: Invocation): string | undefined => {
  const named = globalsOf(command).config ?? world.env['TOLLGATE_CONFIG'];
  if (named !== undefined && named !== '') return named;
  return existsSync(defaultFile) ? defaultFile : undefined;
};

/** Settings of file, environment and options, with a warning of secrets among the options; `flags`: the command's own options. */
export const loadFor = (
  { command, world, output }: Invocation,
  file: string | undefined,
  flags: Flags = {},
  isReload = false,
): LoadResult => {
  const { set, store } = globalsOf(command);
  const visible = warningOfVisibleSecrets([
    ...(set ?? []),
    ...(store === undefined ? [] : [['store', store] as const]),
  ]);
  if (visible !== undefined && !isReload) output.note(`warning: ${visible}`);
  return loadSettings({
    file,
    env: world.env,
    flags: { ...Object.fromEntries(set ?? []), ...withoutMissing({ store, ...flags }) },
    isReload,
  });
};

/** An option of its own beats the same setting by `--set`; one that is not given must not hide it. */
const withoutMissing = (flags: Flags): Flags =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));

/** Every problem and warning, one a line, on standard error. */
export const printProblems = (output: Output, loaded: LoadResult): void => {
  for (const warning of loaded.warnings) output.note(`warning: ${issueLine(warning)}`);
  if (loaded.ok) return;
  for (const problem of loaded.problems) output.note(issueLine(problem));
  const count = loaded.problems.length;
  output.note(`\n${count} ${count === 1 ? 'problem' : 'problems'} in the settings; nothing was started.`);
};

export const withSettings = async (
  invocation: Invocation,
  work: (settings: Settings) => Promise<ExitCode>,
  flags?: Flags,
): Promise<ExitCode> => {
  const loaded = loadFor(invocation, settingsFile(invocation), flags);
  printProblems(invocation.output, loaded);
  return loaded.ok ? work(loaded.settings) : exitCode.usage;
};

/** `redis://:password@host`. */
const holdsPassword = /:\/\/[^/@]*:[^@]+@/;
/** A list or mapping of settings with a secret in it, such as `oauth.clients=[{ id: a, secret: b }]`. */
const namesSecret = /\bsecret["']?\s*:/;

/** On what stands in `--set` and `--store` for every user of the machine to read, and where it belongs; undefined: nothing. */
const warningOfVisibleSecrets = (
  given: readonly (readonly [name: string, value: string])[],
): string | undefined => {
  const found = given.flatMap(([name, value]) => {
    const setting = findOption(name);
    if (setting === undefined) return [];
    if (holdsPassword.test(value)) return [{ name, instead: 'TOLLGATE_STORE_PASSWORD_FILE' }];
    // The path of a key is no secret, and the URL of the store only for the password it may hold.
    if (setting.pem && !value.includes('-----BEGIN ')) return [];
    if (setting.secret && setting.path.join('.') !== 'store.url')
      return [{ name, instead: `${setting.variable}_FILE` }];
    return namesSecret.test(value) ? [{ name, instead: 'secretFile in the settings file' }] : [];
  });
  const names = [...new Set(found.map(({ name }) => name))].join(', ');
  const instead = [...new Set(found.map(({ instead }) => instead))].join(', ');
  return found.length === 0
    ? undefined
    : `every user of this machine can read the arguments of a command, and there is a secret in ${names}; ` +
        `write it into a file instead, and name that with ${instead}`;
};
