// Debian's Chromium, driven through playwright-core: one process for a test file, closed with it. What no page of the
// console may do is collected from every page: errors, violations of the Content-Security-Policy, requests to other hosts.
//
//   const chromium = await startChromium(t);           // before a gate: it sees to it that the pages are built
//   const page = await chromium.open([gate.url]);      // a profile of its own: cookies, storage
//   t.same(chromium.complaints, []);

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';
import { buildConsole } from '../../config/example/build-console.ts';

export interface Chromium {
  /**
   * A page of a new profile, in English unless `options` say otherwise. `origins`: those of the console, where its
   * requests may go. Pages of others are not judged.
   */
  open(origins: readonly string[], options?: BrowserContextOptions): Promise<Page>;
  /** Of all pages so far; empty where everything is as it should be. */
  readonly complaints: readonly string[];
}

/** A busy machine takes its time; what never comes fails the test by its own time limit. */
const patienceMs = 60_000;

export const startChromium = async (t: Pick<Test, 'teardown'>): Promise<Chromium> => {
  await buildConsole();
  const browser = await chromium.launch({
    executablePath: findOnPath('chromium'),
    // Root has no sandbox.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-dev-shm-usage'],
    timeout: patienceMs,
  });
  t.teardown(() => browser.close());
  const complaints: string[] = [];
  return {
    complaints,
    open: async (origins, options = {}) => {
      const profile = await browser.newContext({
        locale: 'en-GB',
        timezoneId: 'Europe/Berlin',
        viewport: { width: 1280, height: 900 },
        reducedMotion: 'reduce',
        ...options,
      });
      profile.setDefaultTimeout(patienceMs);
      await collectComplaints(profile, origins, complaints);
      return profile.newPage();
    },
  };
};

/** Of a question that the server answers with an error, Chromium writes a line by itself; that is no error of the page. */
const ofAnAnswer = /^Failed to load resource: /;

const collectComplaints = async (
  profile: BrowserContext,
  origins: readonly string[],
  complaints: string[],
): Promise<void> => {
  const isOurs = (url: string): boolean => origins.some((origin) => url.startsWith(`${origin}/`));
  await profile.addInitScript(
    `addEventListener('securitypolicyviolation', (event) =>
       console.error('policy violated: ' + event.violatedDirective + ' by ' + event.blockedURI))`,
  );
  profile.on('console', (message) => {
    const url = message.page()?.url() ?? '';
    const isBad = message.type() === 'error' || message.type() === 'warning';
    if (isBad && isOurs(url) && !ofAnAnswer.test(message.text()))
      complaints.push(`${url}: ${message.text()}`);
  });
  profile.on('weberror', (error) => {
    if (isOurs(error.page()?.url() ?? '')) complaints.push(String(error.error().stack));
  });
  profile.on('request', (request) => {
    const isByOurs = !request.isNavigationRequest() && isOurs(request.frame().url());
    const isLocal = /^(?:blob|data):/.test(request.url());
    if (isByOurs && !isLocal && !isOurs(request.url())) complaints.push(`a request to ${request.url()}`);
  });
};

const findOnPath = (command: string): string => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, command);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // The next one.
    }
  }
  throw new Error(`${command} is not on the path; \`npm test\` says how to install it`);
};
