// The log at the end of the process, when whoever reads it has fallen behind.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { makeDirectory } from '../support/temporary-directory.ts';

const moduleUrl = new URL('../../src/observe/line-buffer.ts', import.meta.url).href;

/** Many times what a pipe holds. */
const lineCount = 10_000;
const lastCount = 2_000;
/** A thread writes so much at a time; the process cannot wait for it at its end. */
const linesInPiece = 100;
const lineOf = (number: number): string => `${number} ${'x'.repeat(200)}`;

const writer = `
  const { openSync, writeSync } = require('node:fs');
  const fd = openSync(process.argv[1], 'w');
  const lineOf = ${String(lineOf)};
  void import(${JSON.stringify(moduleUrl)}).then(async ({ createLineBuffer }) => {
    const buffer = createLineBuffer(fd, () => undefined);
    const write = (from, to) => {
      for (let number = from; number < to; number++) buffer.write(lineOf(number) + '\\n');
    };
    write(0, ${lineCount});
    // Nobody reads, so this is over when the pipe is full and a thread waits for room in it.
    await buffer.drain();
    write(${lineCount}, ${lineCount + lastCount});
    writeSync(2, 'ending');
    process.exit(0);
  });`;

t.test(
  'the last lines come behind those that a slow reader left waiting, but for one small piece',
  async (t) => {
    const pipe = join(makeDirectory(t), 'log');
    execFileSync('mkfifo', [pipe]);
    const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, '-e', writer, pipe], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const reader = await open(pipe, 'r');
    t.teardown(() => reader.close());
    await once(child.stderr, 'data');
    const lines = (await reader.readFile('latin1')).split('\n');
    t.equal(lines.length, lineCount + lastCount + 1, 'none is lost');
    const firstOfLast = lines.findIndex((line) => line.includes(lineOf(lineCount)));
    t.ok(firstOfLast > lineCount - linesInPiece, `after ${firstOfLast} lines`);
    const known = new Set(Array.from({ length: lineCount + lastCount }, (_, number) => lineOf(number)));
    t.ok(lines.filter((line) => !known.has(line)).length <= 5, 'and all but those at its two ends are whole');
  },
);
