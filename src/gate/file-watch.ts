// Notices when files change, by looking at them again and again. A look follows symlinks, so it sees the swap of `..data`
// by which Kubernetes replaces a mounted ConfigMap or Secret, which a watch on the file itself does not; and it works on
// every file system. Reads no content.

import { stat } from 'node:fs/promises';

const lookEveryMs = 1_000;

/**
 * Calls `onChange` when a file was written, replaced, made or removed, once nothing more has changed for a second: who
 * writes a file in pieces, or several files that belong together, is not interrupted. The first look counts as a change,
 * because the files may have changed since they were read. `files` is asked at each look.
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
