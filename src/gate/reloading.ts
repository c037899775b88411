// Reads the settings again while the gate runs: on request (SIGHUP), and when a file they come from has changed. Good ones
// are put in force as a whole; with any fault the old ones stay, and the log, a metric and /readyz say so.

import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { LoadResult } from '../settings/load-settings.ts';
import { issueLine } from '../settings/settings-issue.ts';
import type { Settings } from '../settings/settings.ts';

/** Where settings come from. */
export interface SettingsSource {
  /** Reads settings, secrets and certificates anew, as at the start. */
  readonly load: () => LoadResult;
  /** The files that the settings of the start came from. */
  readonly files: readonly string[];
}

export interface ReloadingDeps extends SettingsSource {
  readonly inForce: () => Settings;
  /** Puts settings in force as a whole, or changes nothing and says why. */
  readonly put: (settings: Settings) => Promise<'done' | readonly string[]>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly metrics: Pick<Metrics, 'configReload'>;
}

export interface Reloading {
  /** Reads everything again. Calls while one is under way share one more after it. Never rejects. */
  reload(): Promise<void>;
  /** What is to be said of a last reload that failed. */
  warnings(): readonly string[];
  close(): void;
}

type Cause = 'asked' | 'files';

export const startReloading = (deps: ReloadingDeps): Reloading => {
  const { log, metrics } = deps;
  let { files } = deps;
  let warnings: readonly string[] = [];
  let wanted: Cause | undefined;
  let working: Promise<void> | undefined;
  let isClosed = false;

  const refuse = (problems: readonly string[]): void => {
    metrics.configReload('failure');
    log.error('the settings were read again and refused; the old ones stay in force', { problems });
    const [first = '', ...more] = problems;
    warnings = [
      `the settings were read again at ${new Date().toISOString()} and refused, so the old ones are in force: ${first}` +
        (more.length === 0 ? '' : ` (and ${more.length} more; see the log)`),
    ];
  };

  const run = async (cause: Cause): Promise<void> => {
    const loaded = deps.load();
    // While the file cannot be read it is not known what it names: what it named before may be what is wrong.
    files = loaded.ok ? loaded.files : [...new Set([...files, ...loaded.files])];
    if (!loaded.ok) return refuse(loaded.problems.map(issueLine));
    const changed = changedGroups(deps.inForce(), loaded.settings);
    if (cause === 'files' && changed.length === 0 && warnings.length === 0) return;
    for (const warning of loaded.warnings) log.warn(`settings: ${issueLine(warning)}`);
    const done = await deps.put(loaded.settings);
    if (done !== 'done') return refuse(done);
    warnings = [];
    metrics.configReload('success');
    log.info('the settings were read again and are in force', { changed });
  };

  const work = async (): Promise<void> => {
    for (let cause = wanted; cause !== undefined; cause = wanted) {
      wanted = undefined;
      await run(cause).catch((err: unknown) => {
        refuse(['a bug: see the log']);
        log.error('a bug broke a reload of the settings', { err });
      });
    }
    working = undefined;
  };

  /** One after the other: two at once could each build on what the other replaces. */
  const ask = async (cause: Cause): Promise<void> => {
    if (isClosed) return log.warn('the settings are not read again: the process is ending');
    if (wanted !== 'asked') wanted = cause;
    await (working ??= work());
  };

  const watch = watchFiles(
    () => (deps.inForce().reload.watch ? files : []),
    () => ask('files'),
  );
  return {
    reload: () => ask('asked'),
    warnings: () => warnings,
    close: () => {
      isClosed = true;
      watch.close();
    },
  };
};

/** Names of the groups that differ. */
const changedGroups = (before: Settings, after: Settings): readonly string[] => {
  const old = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after)
    .filter(([group, value]) => !isDeepStrictEqual(old.get(group), value))
    .map(([group]) => group);
};

const lookEveryMs = 1_000;

/**
 * Calls `onChange` when a file was written, replaced, made or removed, once nothing more has changed for a second. The first look
 * counts as a change: the files may have changed since they were read. Looking works on every file system and follows symlinks,
 * so it sees the swap of `..data` by which Kubernetes replaces a mounted ConfigMap or Secret.
 */
export const watchFiles = (
  files: () => readonly string[],
  onChange: () => Promise<void>,
  everyMs = lookEveryMs,
): { close(): void } => {
  let seen = '';
  let reported = '';
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const look = async (): Promise<void> => {
    const now = await markOf(files());
    if (now === seen && now !== reported) {
      reported = now;
      await onChange();
    }
    seen = now;
  };
  const plan = (): void => {
    if (isClosed) return;
    timer = setTimeout(() => void look().finally(plan), everyMs);
    timer.unref();
  };
  plan();
  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
};

/** Differs when a file was written, or another one is in its place. */
const markOf = async (files: readonly string[]): Promise<string> => {
  const marks = files.map(async (file) => {
    const found = await stat(file, { bigint: true }).catch(() => undefined);
    return found === undefined
      ? `${file}: none`
      : `${file}: ${[found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')}`;
  });
  return (await Promise.all(marks)).join('\n');
};
