// `npm run console:report`: how big the console's pages are, file by file, and how soon they are on the screen: on this
// machine as it is, and as on a telephone (a processor four times slower, 1.6 Mbit/s, 150 ms there and back). Judges nothing;
// the first load is bounded by test/console/built.test.ts.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { at, fillSignIn, says } from '../support/console-walk.ts';
import { root } from '../support/process.ts';
import { type ConsoleWorld, person, withConsole } from './console-world.ts';

const built = join(root, 'dist/console');
const rounds = 5;

interface Size {
  readonly name: string;
  readonly raw: number;
  readonly gzip: number;
  readonly brotli: number;
}

const sizes = (): readonly Size[] =>
  ['index.html', ...globSync('assets/*.{js,css,svg}', { cwd: built })].map((name) => {
    const bytes = readFileSync(join(built, name));
    return {
      name,
      raw: bytes.length,
      gzip: gzipSync(bytes, { level: 9 }).length,
      brotli: brotliCompressSync(bytes).length,
    };
  });

const kilobytes = (bytes: number): string => (bytes / 1024).toFixed(1).padStart(9);

const printSizes = (files: readonly Size[]): void => {
  console.log(`${'file'.padEnd(44)}${'raw KB'.padStart(9)}${'gzip'.padStart(9)}${'brotli'.padStart(9)}`);
  const total = { name: 'together', raw: 0, gzip: 0, brotli: 0 };
  for (const { name, raw, gzip, brotli } of files.toSorted((a, b) => b.raw - a.raw)) {
    console.log(`${name.padEnd(44)}${kilobytes(raw)}${kilobytes(gzip)}${kilobytes(brotli)}`);
    total.raw += raw;
    total.gzip += gzip;
    total.brotli += brotli;
  }
  console.log(
    `${total.name.padEnd(44)}${kilobytes(total.raw)}${kilobytes(total.gzip)}${kilobytes(total.brotli)}`,
  );
};

/** Milliseconds, but for the layout's shift and the bytes that were transferred. */
interface Load {
  readonly firstPaint: number;
  readonly largestPaint: number;
  readonly loaded: number;
  readonly blocked: number;
  readonly shift: number;
  readonly bytes: number;
}

/** Runs in the page, which has been there for a moment: what the browser has noted of its load. */
const readLoad = `new Promise((resolve) => {
  const seen = {};
  const kinds = ['paint', 'largest-contentful-paint', 'layout-shift', 'longtask', 'navigation', 'resource'];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) (seen[entry.entryType] ??= []).push(entry);
  });
  for (const type of kinds) observer.observe({ type, buffered: true });
  setTimeout(() => resolve({
    firstPaint: seen.paint?.find(({ name }) => name === 'first-contentful-paint')?.startTime ?? NaN,
    largestPaint: seen['largest-contentful-paint']?.at(-1)?.startTime ?? NaN,
    loaded: seen.navigation?.[0]?.loadEventEnd ?? NaN,
    blocked: (seen.longtask ?? []).reduce((sum, { duration }) => sum + duration - 50, 0),
    shift: (seen['layout-shift'] ?? []).reduce((sum, { value }) => sum + value, 0),
    bytes: [...(seen.navigation ?? []), ...(seen.resource ?? [])].reduce((sum, { transferSize }) => sum + transferSize, 0),
  }), 500);
})`;

const throttle = async (page: Page): Promise<void> => {
  const devtools = await page.context().newCDPSession(page);
  const bytesPerSecond = (1.6 * 1024 * 1024) / 8;
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await devtools.send('Network.enable');
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 150,
    downloadThroughput: bytesPerSecond,
    uploadThroughput: bytesPerSecond / 2,
  });
};

/** Each round in a new profile, so with nothing in the browser's cache. */
const measure = async (world: ConsoleWorld, isSlow: boolean): Promise<readonly [Load[], Load[]]> => {
  const first: Load[] = [];
  const list: Load[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const page = await world.chromium.open([world.url]);
    if (isSlow) await throttle(page);
    await page.goto(at(world));
    await page.getByLabel('Password').waitFor();
    first.push((await page.evaluate(readLoad)) as Load);
    await fillSignIn(page, person);
    await says(page, 'Terraform');
    await page.reload();
    await says(page, 'Terraform');
    list.push((await page.evaluate(readLoad)) as Load);
    await page.context().close();
  }
  return [first, list];
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const printLoads = (what: string, loads: readonly Load[]): void => {
  const of = (name: keyof Load): number => median(loads.map((load) => load[name]));
  const ms = (name: keyof Load): string => `${of(name).toFixed(0)} ms`.padStart(9);
  console.log(
    `${what.padEnd(44)}${ms('firstPaint')}${ms('largestPaint')}${ms('loaded')}${ms('blocked')}` +
      `${of('shift').toFixed(3).padStart(9)}${kilobytes(of('bytes'))}`,
  );
};

await withConsole(async (world) => {
  printSizes(sizes());
  console.log(
    `\nmedian of ${rounds} loads`.padEnd(45) + '    first  largest   loaded  blocked    shift       KB',
  );
  for (const [machine, isSlow] of [
    ['this machine', false],
    ['a telephone', true],
  ] as const) {
    const [first, list] = await measure(world, isSlow);
    printLoads(`first page, ${machine}`, first);
    printLoads(`the list again, ${machine}`, list);
  }
});
