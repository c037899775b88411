// Collects log lines and hands them to the file in pieces: on the request path a line costs one concatenation.
// It must never hold lines for long, never lose them at the end of the process, and never grow without bound.

import { pino } from 'pino';

const pieceLength = 16_384;
const flushEveryMs = 100;
/** Bytes waiting for a reader that is too slow; beyond it pieces are dropped and counted. */
const waitingBytesMax = 8 * 1024 * 1024;

export interface LineBuffer {
  /** `line` ends with a line feed. */
  write(line: string): void;
  /** Writes out everything, at once. */
  flush(): void;
}

/** `destination`: a file descriptor or a file. `onDrop` is told how many lines nobody will see. */
export const createLineBuffer = (
  destination: number | string,
  onDrop: (lines: number) => void,
): LineBuffer => {
  const file = pino.destination({ dest: destination, sync: false, maxLength: waitingBytesMax });
  file.on('drop', (piece: string) => onDrop(piece.split('\n').length - 1));
  // A full disk or a closed pipe must not end the process; what cannot be written waits, then is dropped.
  file.on('error', () => undefined);
  let pending = '';
  let timer: NodeJS.Timeout | undefined;
  const handOver = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const piece = pending;
    pending = '';
    if (piece !== '') file.write(piece);
  };
  const flush = (): void => {
    try {
      handOver();
      file.flushSync();
    } catch {
      // Nowhere left to write to.
    }
  };
  process.once('exit', flush);
  return {
    write: (line) => {
      pending += line;
      if (pending.length >= pieceLength) handOver();
      else timer ??= setTimeout(handOver, flushEveryMs).unref();
    },
    flush,
  };
};
