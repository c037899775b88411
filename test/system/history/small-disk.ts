// A file system of a few megabytes that can be full: a tmpfs, which only root may mount.

import { mkdirSync, rmSync, writeSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { runToEnd } from '../../support/process.ts';

export interface SmallDisk {
  readonly path: string;
  /** From now on nothing more can be written. */
  fill(): void;
  free(): void;
}

/** Undefined where nothing may be mounted. Gone with the test. */
export const mountSmallDisk = async (t: Test, directory: string): Promise<SmallDisk | undefined> => {
  const path = join(directory, 'disk');
  mkdirSync(path);
  try {
    await runToEnd('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=755', 'tmpfs', path]);
  } catch {
    return undefined;
  }
  t.teardown(() => runToEnd('umount', ['-l', path]));
  const ballast = join(path, 'ballast');
  return {
    path,
    fill: () => {
      const file = openSync(ballast, 'w');
      const piece = Buffer.alloc(4096, 1);
      try {
        while (writeSync(file, piece) > 0);
      } catch {
        // ENOSPC: it is full.
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
  };
};
