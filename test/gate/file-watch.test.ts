// When the change of a file is reported: once it is over, and through symlinks.

import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { watchFiles } from '../../src/gate/reloading.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

/** Looks every 20 ms; `next` waits for the next change that is reported. */
const startWatch = (t: Test, files: readonly string[], onChange = () => undefined) => {
  let reports = 0;
  let wake = (): void => undefined;
  const watch = watchFiles(
    () => files,
    async () => {
      reports += 1;
      onChange();
      wake();
    },
    20,
  );
  // The watch itself keeps no process alive.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => {
    clearInterval(alive);
    watch.close();
  });
  return {
    reports: () => reports,
    next: () => new Promise<void>((resolve) => (wake = resolve)),
  };
};

t.test('the first look counts, for the files may have changed since they were read', async (t) => {
  const file = join(makeDirectory(t), 'a');
  writeFileSync(file, 'one');
  const watch = startWatch(t, [file]);
  await watch.next();
  t.equal(watch.reports(), 1);
});

t.test('a file that is written, replaced, removed or made is reported, also behind a symlink', async (t) => {
  const directory = makeDirectory(t);
  const file = join(directory, 'file');
  const link = join(directory, 'link');
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(directory, version));
    writeFileSync(join(directory, version, 'file'), 'the same text');
  }
  symlinkSync('v1', join(directory, 'current'));
  symlinkSync('current/file', link);
  const watch = startWatch(t, [file, link]);
  await watch.next();
  for (const [sentence, act] of [
    ['made', () => writeFileSync(file, 'one')],
    ['written', () => writeFileSync(file, 'another')],
    [
      'replaced',
      () => {
        writeFileSync(`${file}.new`, 'another');
        renameSync(`${file}.new`, file);
      },
    ],
    ['removed', () => unlinkSync(file)],
    [
      'swapped',
      () => {
        symlinkSync('v2', join(directory, 'next'));
        renameSync(join(directory, 'next'), join(directory, 'current'));
      },
    ],
  ] as const) {
    const before = watch.reports();
    const reported = watch.next();
    act();
    await reported;
    t.equal(watch.reports(), before + 1, sentence);
  }
});

t.test('while a file is still being written nothing is reported', async (t) => {
  const file = join(makeDirectory(t), 'a');
  writeFileSync(file, '');
  let size = 0;
  const sizes: number[] = [];
  const watch = startWatch(t, [file], () => void sizes.push(size));
  await watch.next();
  const reported = watch.next();
  // Faster than it looks, so that no two looks see the same.
  const writer = setInterval(() => {
    size += 1;
    writeFileSync(file, 'x'.repeat(size));
    if (size === 50) clearInterval(writer);
  }, 2);
  t.teardown(() => clearInterval(writer));
  await reported;
  t.equal(sizes.at(-1), 50, 'reported when it was whole');
});
