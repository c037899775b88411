// Settings from every source, or every problem at once: defaults < file < TOLLGATE_* environment < flags.
// Reads the settings file and the files it names, and nothing else.

import { checkBarePaths, checkClashes, checkRoutes } from './check-routes.ts';
import { checkHosts } from './check-hosts.ts';
import { checkRewrites } from './check-rewrites.ts';
import { checkSettings } from './check-settings.ts';
import { checkSecretFiles, isTree, layered } from './layers.ts';
import { readEnvironment, readFlags } from './setting-names.ts';
import { parseFields } from './parse-fields.ts';
import { readTextFile, sealingKey } from './pem.ts';
import { dotted, type Report, type SettingsIssue } from './settings-issue.ts';
import { resolveSettings } from './resolve-settings.ts';
import type { FileFields } from './schema.ts';
import type { Settings } from './settings.ts';
import { readYamlFile } from './yaml-file.ts';

export interface LoadInput {
  /** The settings file; undefined: none, everything has a default. */
  readonly file: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** By dotted name: `{ store: 'redis://...', 'log.level': 'debug' }`; undefined values count as not given. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Settings are in force already: an empty file is then one that somebody has begun to write. */
  readonly isReload?: boolean;
}

export type LoadResult = {
  readonly warnings: readonly SettingsIssue[];
  /** The settings file and those that it names, as far as it could be read. */
  readonly files: readonly string[];
} & (
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly SettingsIssue[] }
);

/** Loads, validates and freezes. No message holds a secret. */
export const loadSettings = ({ file, env, flags, isReload = false }: LoadInput): LoadResult => {
  const yaml = file === undefined ? undefined : readYamlFile(file, !isReload);
  if (yaml !== undefined && !('tree' in yaml))
    return { ok: false, warnings: [], files: [file ?? ''], problems: yaml };
  const environment = readEnvironment(env);
  const given = readFlags(flags);
  const layers = layered(file, yaml, [...environment.overrides, ...given.overrides]);
  const problems = [...environment.problems, ...given.problems, ...layers.problems];
  const warnings: SettingsIssue[] = [];
  const files = [...(file === undefined ? [] : [file]), ...layers.files.map(({ file: named }) => named)];
  /** One fault is told once, however many checks it fails. */
  const report: Report = (path, message) => {
    const name = dotted(path);
    if (!problems.some((known) => known.path === name || known.path === `${name}File`))
      problems.push(layers.problem(path, message));
  };
  const warn: Report = (path, message) => void warnings.push(layers.problem(path, message));

  const { fields, routes } = parseFields(layers.tree, report);
  const sealingKey = readSealingKey(fields, report);
  const faulty = new Set(problems.map(({ path }) => path.split(/[.[]/)[0]));
  const isFaulty = (group: string): boolean => faulty.has(group);
  checkSettings(fields, isFaulty, report, warn);
  checkRoutes(routes, upstreamNames(layers.tree), report);
  checkBarePaths(routes, warn);
  checkRewrites(routes, report);
  checkHosts(routes, warn);
  if (!isFaulty('oauth') && !isFaulty('surfaces') && !isFaulty('forwardAuth'))
    checkClashes(routes, fields, report, warn);
  if (problems.length > 0) return { ok: false, problems: inOrder(problems), warnings, files };
  const settings = deepFreeze(resolveSettings(fields, sealingKey));
  const { encryptionKeyFile } = settings.keys;
  // Where it is not written, it lies beside the embedded store.
  const beside =
    encryptionKeyFile === undefined || fields.keys.encryptionKeyFile !== undefined
      ? []
      : [{ path: ['keys', 'encryptionKeyFile'], file: encryptionKeyFile, isSecret: true }];
  checkSecretFiles([...layers.files, ...beside], warn);
  return { ok: true, settings, warnings, files };
};

/** Freezes in place, so that no room can change the settings of another. Bytes cannot be frozen by the language. */
const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
};

/** With Redis the sealing key is shared by replicas, so its file must be there; with SQLite it is made when missing. */
const readSealingKey = ({ keys, store }: FileFields, report: Report): Uint8Array | undefined => {
  const { encryptionKey, encryptionKeyFile } = keys;
  if (store.url.kind === 'sqlite' || encryptionKey !== undefined || encryptionKeyFile === undefined)
    return encryptionKey;
  const text = readTextFile(encryptionKeyFile, 'the sealing key');
  const key = text.ok ? sealingKey.read(text.value) : text;
  if (!key.ok) report(['keys', 'encryptionKeyFile'], key.message);
  return key.ok ? key.value : undefined;
};

const upstreamNames = (tree: unknown): readonly string[] => {
  const written = isTree(tree) ? tree['upstreams'] : undefined;
  return ['default', ...Object.keys(isTree(written) ? written : {})];
};

/** As they stand in the file, top to bottom; then what came from elsewhere. */
const inOrder = (problems: readonly SettingsIssue[]): readonly SettingsIssue[] =>
  problems.toSorted(
    (a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || (a.column ?? 0) - (b.column ?? 0) || 0,
  );
