// Defaults < file < environment < flags: lays the layers over each other and remembers where each value came from. Reads the
// `...File` twins, so that validation sees every secret as if it had been written in place.

import { statSync } from 'node:fs';
import { childOf, partsOf, schemaAt } from './field.ts';
import type { Override } from './setting-names.ts';
import { fileFields } from './schema.ts';
import {
  dotted,
  issueInFile,
  issueOutside,
  type Path,
  type Report,
  type SettingsIssue,
} from './settings-issue.ts';
import { isPemPath, readTextFile } from './pem.ts';
import type { YamlFile } from './yaml-file.ts';

export interface NamedFile {
  /** Of the setting that names it. */
  readonly path: Path;
  readonly file: string;
  readonly isSecret: boolean;
}

export type Tree = Record<string, unknown>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Layers {
  /** The values as written, shorthands spelled out, twins read. */
  readonly tree: unknown;
  readonly files: readonly NamedFile[];
  readonly problems: readonly SettingsIssue[];
  /** A problem at a path, with where its value came from. */
  problem(path: Path, message: string): SettingsIssue;
}

/** Lays the overrides, weakest first, over the file's values. */
export const layered = (
  file: string | undefined,
  yaml: YamlFile | undefined,
  overrides: readonly Override[],
): Layers => {
  const problems: SettingsIssue[] = [];
  const sources = new Map<string, string>();
  const tree = spelledOut(yaml?.tree ?? {}, fileFields);
  if (isTree(tree))
    for (const override of overrides) {
      put(tree, override.path, spelledOut(override.value, schemaAt(fileFields, override.path)));
      sources.set(dotted(override.path), override.source);
    }
  const problem = (path: Path, message: string): SettingsIssue => {
    const source = sourceOf(sources, path);
    return source === undefined
      ? issueInFile(file, yaml?.locate(path), dotted(path), message)
      : issueOutside(source, dotted(path), message);
  };
  const report = (path: Path, message: string): void => void problems.push(problem(path, message));
  return { ...readNamedFiles(tree, fileFields, report), problems, problem };
};

/** Of the innermost mapping or value around it that came from outside the file. */
const sourceOf = (sources: ReadonlyMap<string, string>, path: Path): string | undefined =>
  path
    .map((_, index) => dotted(path.slice(0, index + 1)))
    .map((name) => sources.get(name) ?? sources.get(`${name}File`))
    .findLast((source) => source !== undefined);

/** `store: redis://...` becomes `store: { url: redis://... }`; an empty mapping or list counts as not written. */
const spelledOut = (value: unknown, schema: unknown): unknown => {
  const { shape, inner, shorthand } = partsOf(schema);
  if ((value === null || value === undefined) && (shape ?? inner) !== undefined) return undefined;
  if (shorthand !== undefined && !isTree(value)) return { [shorthand]: value };
  if (Array.isArray(value)) return value.map((item) => (isTree(item) ? spelledOut(item, inner) : item));
  if (!isTree(value)) return value;
  const entries = Object.entries(value).map(
    ([key, part]) => [key, spelledOut(part, childOf(schema, key))] as const,
  );
  return Object.fromEntries(entries.filter(([, part]) => part !== undefined));
};

/** Sets a value and takes its twin from a weaker layer away. */
const put = (tree: Tree, path: Path, value: unknown): void => {
  let at = tree;
  const keys = path.map(String);
  const last = keys.pop() ?? '';
  for (const key of keys) {
    const next = at[key];
    at = isTree(next) ? next : (at[key] = {});
  }
  at[last] = value;
  delete at[last.endsWith('File') ? last.slice(0, -'File'.length) : `${last}File`];
};

/** The tree with the content of each twin in its field's place, and every file that it names. */
const readNamedFiles = (
  tree: unknown,
  schema: unknown,
  report: Report,
): { readonly tree: unknown; readonly files: readonly NamedFile[] } => {
  const files: NamedFile[] = [];

  const visit = (value: unknown, schema: unknown, path: Path): unknown => {
    const { shape, inner, reader } = partsOf(schema);
    if (typeof value === 'string' && reader?.pem === true && isPemPath(value))
      files.push({ path, file: value, isSecret: reader.secret === true });
    if (Array.isArray(value))
      return value.map((item, index) => visit(item, inner ?? schema, [...path, index]));
    if (!isTree(value)) return value;
    const result = new Map<string, unknown>();
    for (const [key, part] of Object.entries(value)) {
      const at = [...path, key];
      const name =
        key.endsWith('File') && shape && Object.hasOwn(shape, key) ? key.slice(0, -'File'.length) : key;
      const read = name === key ? undefined : partsOf(shape?.[name]).reader;
      if (read !== undefined && typeof part === 'string')
        files.push({ path: at, file: part, isSecret: read.secret === true });
      if (read?.twin !== true) result.set(key, visit(part, childOf(schema, key), at));
      else if (Object.hasOwn(value, name))
        report(at, `${name} and ${key} are both written; keep one of them`);
      else {
        const content = readTwin(part, name, at, report);
        if (content !== undefined) result.set(name, content);
      }
    }
    return Object.fromEntries(result);
  };

  return { tree: visit(tree, schema, []), files };
};

const readTwin = (file: unknown, name: string, path: Path, report: Report): string | undefined => {
  if (typeof file !== 'string' || file === '') {
    report(path, `is not a path; write the path of a file that holds ${name}`);
    return undefined;
  }
  const read = readTextFile(file, name);
  const content = read.ok ? read.value.replace(/\r?\n$/, '') : '';
  if (!read.ok) report(path, read.message);
  else if (content === '') report(path, `the file ${JSON.stringify(file)} is empty; write ${name} into it`);
  return content === '' ? undefined : content;
};

const othersMayRead = 0o004;
const othersMayWrite = 0o002;

/** Says nothing of a file that cannot be looked at: reading it fails with its own message. */
export const checkSecretFiles = (files: readonly NamedFile[], warning: Report): void => {
  for (const { path, file } of files.filter(({ isSecret }) => isSecret)) {
    const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
    const what = mode & othersMayWrite ? 'change' : mode & othersMayRead ? 'read' : undefined;
    if (what !== undefined)
      warning(path, `every user of this machine can ${what} ${JSON.stringify(file)}; run: chmod o= ${file}`);
  }
};
