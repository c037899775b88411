// What every command shares: the global options, the settings they lead to, the store behind them, and the exit code
// of an answer. Prints problems; decides nothing else.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { isOutage, type Outage } from '../decision/outcome.ts';
import { feedRetentionMs } from '../gate/retention.ts';
import { createStoreClock, middleReading } from '../gate/store-clock.ts';
import { type CommandError, isFailure } from '../lifecycle/command-error.ts';
import { loadSettings, type LoadResult } from '../settings/load-settings.ts';
import { issueLine } from '../settings/settings-issue.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore } from '../store/open-store.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { createOutput, type Output, type Streams } from './output.ts';
import { warningOfVisibleSecrets } from './visible-secrets.ts';

export interface World extends Streams {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: AsyncIterable<Uint8Array | string>;
}

type Flags = Readonly<Record<string, unknown>>;

/** Options that may stand before or after any command. */
interface GlobalOptions {
  readonly config?: string;
  readonly store?: string;
  readonly set?: readonly (readonly [name: string, value: string])[];
  readonly json?: boolean;
}

const defaultFile = 'tollgate.yaml';

const globalsOf = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

export const outputFor = (command: Command, world: World): Output =>
  createOutput(world, globalsOf(command).json === true);

/** `--config FILE`, else TOLLGATE_CONFIG, else ./tollgate.yaml where it exists. */
export const settingsFile = (command: Command, world: World): string | undefined => {
  const named = globalsOf(command).config ?? world.env['TOLLGATE_CONFIG'];
  if (named !== undefined && named !== '') return named;
  return existsSync(defaultFile) ? defaultFile : undefined;
};

/** Settings as file, environment and options give them, with a warning of secrets among the options; `flags` are the command's own options. */
export const loadFor = (
  command: Command,
  world: World,
  file: string | undefined,
  flags: Flags,
): LoadResult => {
  const { set, store } = globalsOf(command);
  const visible = warningOfVisibleSecrets([
    ...(set ?? []),
    ...(store === undefined ? [] : [['store', store] as const]),
  ]);
  if (visible !== undefined) outputFor(command, world).note(`warning: ${visible}`);
  return loadSettings({
    file,
    env: world.env,
    flags: { ...Object.fromEntries(set ?? []), ...given({ store, ...flags }) },
  });
};

/** An option of its own beats the same setting by `--set`; one that is not given must not hide it. */
const given = (flags: Flags): Flags =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));

/** Every problem and warning, one a line, on standard error. */
export const printProblems = (output: Output, loaded: LoadResult): void => {
  for (const warning of loaded.warnings) output.note(`warning: ${issueLine(warning)}`);
  if (loaded.ok) return;
  for (const problem of loaded.problems) output.note(issueLine(problem));
  const count = loaded.problems.length;
  output.note(`\n${count} ${count === 1 ? 'problem' : 'problems'} in the settings; nothing was started.`);
};

/** Runs with settings, or prints what is wrong with them. */
export const withSettings = async (
  command: Command,
  world: World,
  flags: Flags,
  work: (settings: Settings, output: Output) => Promise<ExitCode>,
): Promise<ExitCode> => {
  const output = outputFor(command, world);
  const loaded = loadFor(command, world, settingsFile(command, world), flags);
  printProblems(output, loaded);
  return loaded.ok ? work(loaded.settings, output) : exitCode.usage;
};

export interface Session {
  readonly store: TokenStore;
  readonly settings: Settings;
  readonly output: Output;
  /** Milliseconds since the epoch, by the store's clock: what is written now is judged by it. */
  readonly now: () => number;
}

/**
 * Runs with an open store, and closes it. A SQLite file that is not there is a mistake (another folder, another
 * `--config`), unless the command is one that begins a store: `mayCreate`.
 */
export const withStore = (
  command: Command,
  world: World,
  work: (session: Session) => Promise<ExitCode>,
  { mayCreate = false } = {},
): Promise<ExitCode> =>
  withSettings(command, world, {}, async (settings, output) => {
    const missing = missingFile(settings.store);
    if (missing !== undefined && !mayCreate)
      return fail(
        output,
        'store_missing',
        `There is no store at ${missing}. Run the command in the folder of tollgate.yaml, or say where: --config FILE or ` +
          '--store URL. To begin a new store there: tollgate org create ID.',
        exitCode.unavailable,
      );
    let store: TokenStore;
    try {
      store = await openStore(settings.store, { retentionMs: feedRetentionMs(settings) });
    } catch (error) {
      return fail(output, 'store_unavailable', messageOf(error), exitCode.unavailable);
    }
    if (missing !== undefined && !output.isJson) output.note(`Made a new store: ${missing}`);
    try {
      return await work({ store, settings, output, now: await readClock(store) });
    } finally {
      await store.close();
    }
  });

/** The absolute path of a SQLite file that does not exist. */
const missingFile = (store: Settings['store']): string | undefined =>
  store.kind === 'sqlite' && !existsSync(store.file) ? resolve(store.file) : undefined;

/** The store's clock; where the store does not say, this machine's: a revocation must not fail for want of the time. */
const readClock = async (store: TokenStore): Promise<() => number> => {
  const clock = createStoreClock();
  const probe = await store.probe();
  const reading = isOutage(probe) ? undefined : middleReading(probe.timeOriginsMs);
  if (reading !== undefined) clock.correct(reading);
  return clock.now;
};

/** Prints why not, and gives the exit code. */
export const refuse = (output: Output, refusal: CommandError | Outage): ExitCode => {
  if (!isOutage(refusal)) return fail(output, refusal.code, refusal.message, exitCode.refused);
  const cause = refusal.cause === undefined ? '' : `: ${unended(messageOf(refusal.cause))}`;
  const message =
    refusal.reason === 'store_not_replicated'
      ? `The store has it, but not enough replicas do${cause}. Repeat the command: it is safe.`
      : refusal.reason === 'keys_unavailable'
        ? messageOf(refusal.cause)
        : isFull(refusal.cause)
          ? `The store is full${cause}. Free space, then repeat the command: it is safe.`
          : silence(refusal.cause);
  return fail(output, refusal.reason, message, exitCode.unavailable);
};

/** The innermost cause is the one that can be mended. An adapter that knows how says so in `advice`. */
const silence = (cause: unknown): string => {
  let root = cause;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  const why = root === undefined ? '' : `: ${unended(messageOf(root))}`;
  const advice =
    root instanceof Error && 'advice' in root && typeof root.advice === 'string' ? root.advice : undefined;
  return `The store does not answer${why}. ${advice === undefined ? 'Repeat' : `${advice} Then repeat`} the command: it is safe.`;
};

/** Redis above its maxmemory (OOM), or SQLite on a full disk (SQLITE_FULL, 13; extended codes keep it in the low byte). */
const isFull = (cause: unknown): boolean => {
  if (!(cause instanceof Error)) return false;
  if ('code' in cause && cause.code === 'OOM') return true;
  if ('errcode' in cause && typeof cause.errcode === 'number' && (cause.errcode & 0xff) === 13) return true;
  return isFull(cause.cause);
};

const fail = (output: Output, code: string, message: string, exit: ExitCode): ExitCode => {
  output.note(output.isJson ? JSON.stringify({ error: { code, message } }) : `tollgate: ${message}`);
  return exit;
};

/** A message that a sentence goes on after. */
const unended = (message: string): string => message.replace(/\.+$/, '');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const pageLimit = 500;

/** Every item of a listing, page after page. */
export const readAll = async <T>(
  read: (page: PageRequest) => Promise<Page<T> | CommandError | Outage>,
): Promise<readonly T[] | CommandError | Outage> => {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await read({ limit: pageLimit, cursor });
    if (isFailure(page)) return page;
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
};
