// The settings that only a restart changes: what the process is bound to, and where its records are. Pure.

import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../settings/settings.ts';

const bound: Readonly<Record<string, (settings: Settings) => unknown>> = {
  listen: ({ listen }) => listen,
  'tls (whether there is one)': ({ tls }) => tls !== undefined,
  ops: ({ ops }) => ops,
  store: ({ store }) => store,
  'forwardAuth.listen': ({ forwardAuth }) => forwardAuth.listen,
  'forwardAuth.path': ({ forwardAuth }) => forwardAuth.path,
};

/** Those of them that differ, by name. */
export const needRestart = (before: Settings, after: Settings): readonly string[] =>
  Object.entries(bound)
    .filter(([, read]) => !isDeepStrictEqual(read(before), read(after)))
    .map(([name]) => name);
