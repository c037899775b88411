// A short path of its own for one run (a socket's path may have 107 bytes), gone with the test.

import { mkdtempSync, rmSync } from 'node:fs';
import type { Test } from 'tap';

export const makeDirectory = (t: Test): string => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};
