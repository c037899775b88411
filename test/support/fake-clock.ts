// A wall clock of its own for one process, by libfaketime: minutes fast or slow, or set anew while it runs. Its
// monotonic clock stays right, so timers and time-outs last as long as they should. redis-server cannot run under it
// (its allocator reads the clock before libfaketime is ready): give the gates other clocks and leave the store's alone.
//
//   await startGate(t, { directory, settings, env: clockOff(+300) });
//   const clock = movableClock(directory); await startGate(t, { ..., env: clock.env }); clock.set(-300);

import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The environment of a process whose wall clock is this many seconds fast (or, below 0, slow). */
export const clockOff = (seconds: number): NodeJS.ProcessEnv => ({
  ...preloaded(),
  FAKETIME: offsetText(seconds),
});

export interface MovableClock {
  readonly env: NodeJS.ProcessEnv;
  /** From now on (within a second) the clock is this many seconds fast. */
  set(seconds: number): void;
}

/** A clock that is right until it is set; `directory` holds its file. */
export const movableClock = (directory: string, name = 'clock'): MovableClock => {
  const file = join(directory, name);
  const set = (seconds: number): void => {
    // Replaced whole: a half-written file would be read as another time.
    writeFileSync(`${file}.new`, `${offsetText(seconds)}\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  return { env: { ...preloaded(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: '1' }, set };
};

const offsetText = (seconds: number): string => `${seconds < 0 ? '' : '+'}${seconds}s`;

/**
 * Not the command `faketime`: it stays between as a parent process, and signals would reach it alone. It is only asked
 * which library it loads.
 */
const preloaded = (): NodeJS.ProcessEnv => {
  const library = askForLibrary();
  return { LD_PRELOAD: library, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
};

/** The command names its semaphore by its process id, and meets one that a killed process of the same id has left. */
const askForLibrary = (triesLeft = 20): string => {
  try {
    return execFileSync('faketime', ['-f', '+0s', 'sh', '-c', 'printf %s "$LD_PRELOAD"'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    if (triesLeft === 0) throw error;
    return askForLibrary(triesLeft - 1);
  }
};
