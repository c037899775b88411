// Collects log lines and writes them out in pieces, off the event loop: on the request path a line costs one
// concatenation. It must never stop the process when nobody reads, never grow without bound, and never lose lines at
// the end of the process as long as somebody reads them.

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
  const queue: Buffer[] = [];
  let queuedLength = 0;
  let inFlight: Buffer | undefined;
  let pending = '';
  let timer: NodeJS.Timeout | undefined;
  let drained: (() => void)[] = [];

  const enqueue = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (pending === '') return;
    const piece = Buffer.from(pending);
    pending = '';
    if (queuedLength + piece.length > waitingLengthMax) return onDrop(linesIn(piece));
    queue.push(piece);
    queuedLength += piece.length;
    advance();
  };
  const advance = (): void => {
    if (inFlight !== undefined) return;
    inFlight = queue.shift();
    if (inFlight !== undefined) return writeOut(inFlight);
    for (const resolve of drained) resolve();
    drained = [];
  };
  const writeOut = (piece: Buffer): void =>
    write(fd, piece, (error, written) => {
      if (error?.code === 'EAGAIN') return void setTimeout(writeOut, retryMs, piece).unref();
      // A closed pipe or a full disk: these lines are lost, the process is not.
      if (error !== null) onDrop(linesIn(piece));
      const rest = error === null ? piece.subarray(written) : undefined;
      queuedLength -= error === null ? written : piece.length;
      inFlight = undefined;
      if (rest !== undefined && rest.length > 0) queue.unshift(rest);
      advance();
    });
  process.once('exit', () => {
    queue.push(Buffer.from(pending));
    pending = '';
    writeLast(fd, queue);
  });
  return {
    write: (line) => {
      pending += line;
      if (pending.length >= pieceLength) enqueue();
      else timer ??= setTimeout(enqueue, writeEveryMs).unref();
    },
    drain: () => {
      enqueue();
      return new Promise((resolve) => {
        drained.push(resolve);
        setTimeout(resolve, lastWaitMs).unref();
        advance();
      });
    },
  };
};

/** A piece in flight is finished by the thread that writes it, before the process is gone. */
const writeLast = (fd: number, queue: readonly Buffer[]): void => {
  const deadlineMs = performance.now() + lastWaitMs;
  let rest = Buffer.concat(queue);
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

const linesIn = (piece: Buffer): number => {
  let lines = 0;
  for (const byte of piece) if (byte === 0x0a) lines += 1;
  return lines;
};
