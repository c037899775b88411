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
  /** The piece that waits to be tried again. */
  let delayed: Buffer = noBytes;
  let isWriting = false;
  let timer: NodeJS.Timeout | undefined;
  let drained: (() => void)[] = [];

  const advance = (): void => {
    if (isWriting) return;
    if (waiting.length >= pieceLength || drained.length > 0) writePiece();
    else if (waiting !== '') timer ??= setTimeout(writePiece, writeEveryMs).unref();
  };
  const writePiece = (): void => {
    clearTimeout(timer);
    timer = undefined;
    isWriting = waiting !== '';
    if (isWriting) return writeOut(takeAll());
    for (const resolve of drained) resolve();
    drained = [];
  };
  const takeAll = (): Buffer => {
    const piece = Buffer.from(waiting);
    waiting = '';
    return piece;
  };
  const writeOut = (piece: Buffer): void => {
    delayed = noBytes;
    write(fd, piece, (error, written) => {
      if (error?.code === 'EAGAIN') {
        delayed = piece;
        return void setTimeout(writeOut, retryMs, piece).unref();
      }
      // A closed pipe or a full disk: these lines are lost, the process is not.
      if (error !== null) onDrop(linesIn(piece));
      else if (written < piece.length) return writeOut(piece.subarray(written));
      isWriting = false;
      advance();
    });
  };
  process.once('exit', () => writeLast(fd, Buffer.concat([delayed, takeAll()])));
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

/** A piece in flight is finished by the thread that writes it, before the process is gone. */
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
