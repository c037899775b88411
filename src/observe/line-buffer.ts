// Collects log lines and writes them out in pieces, off the event loop: a line costs one concatenation. It never stops the
// process, never grows without bound, and loses no line at the end of the process as long as somebody reads.

import { write, writeSync } from 'node:fs';

const pieceLength = 16_384;
const writeEveryMs = 100;
/** Characters waiting for a reader that is too slow; beyond it lines are dropped and counted. */
const waitingLengthMax = 8 * 1024 * 1024;
const retryMs = 50;
/** How long the end of the process waits for a reader. */
const lastWaitMs = 250;

export interface LineBuffer {
  /** `line` ends with a line feed. */
  write(line: string): void;
  /** Resolves when every line so far is written, or nobody has read for a moment. */
  drain(): Promise<void>;
}

/** `fd`: an open file descriptor. `onDrop` hears how many lines are lost. */
export const createLineBuffer = (fd: number, onDrop: (lines: number) => void): LineBuffer => {
  let waiting = '';
  /** What is being written; its first piece is in the hands of a thread, or waits to be tried again. */
  let rest: Buffer = noBytes;
  let inFlight = 0;
  let isWriting = false;
  let timer: NodeJS.Timeout | undefined;
  let drained: (() => void)[] = [];

  const advance = (): void => {
    if (isWriting) return;
    if (waiting.length >= pieceLength || drained.length > 0) writeAll();
    else if (waiting !== '') timer ??= setTimeout(writeAll, writeEveryMs).unref();
  };
  const writeAll = (): void => {
    clearTimeout(timer);
    timer = undefined;
    isWriting = waiting !== '';
    if (isWriting) {
      rest = takeAll();
      return writePiece();
    }
    for (const resolve of drained) resolve();
    drained = [];
  };
  const takeAll = (): Buffer => {
    const lines = Buffer.from(waiting);
    waiting = '';
    return lines;
  };
  const writePiece = (): void => {
    const piece = rest.subarray(0, pieceLength);
    inFlight = piece.length;
    write(fd, piece, (error, written) => {
      inFlight = 0;
      if (error?.code === 'EAGAIN') return void setTimeout(writePiece, retryMs).unref();
      // A closed pipe or a full disk: these lines are lost, the process is not.
      if (error !== null) onDrop(linesIn(piece));
      rest = rest.subarray(error === null ? written : piece.length);
      if (rest.length > 0) return writePiece();
      isWriting = false;
      advance();
    });
  };
  process.once('exit', () => writeLast(fd, Buffer.concat([rest.subarray(inFlight), takeAll()])));
  return {
    write: (line) => {
      if (waiting.length > waitingLengthMax) return onDrop(1);
      waiting += line;
      advance();
    },
    drain: () =>
      new Promise((resolve) => {
        drained.push(resolve);
        setTimeout(resolve, lastWaitMs).unref();
        advance();
      }),
  };
};

/**
 * A piece in flight is finished by the thread that writes it, before the process is gone. It is small: these lines could
 * come into the middle of one that waits for room several times.
 */
const writeLast = (fd: number, lines: Buffer): void => {
  const deadlineMs = performance.now() + lastWaitMs;
  let rest = lines;
  while (rest.length > 0 && performance.now() < deadlineMs)
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (!isBusy(error)) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
};

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EAGAIN';

const linesIn = (piece: Buffer): number => piece.toString('latin1').split('\n').length - 1;

const noBytes = Buffer.alloc(0);
