// Defaults < file < environment < flags: lays the layers over each other and remembers where each value came from.

import { childOf, partsOf, schemaAt } from './field.ts';
import { isTree, type NamedFile, readNamedFiles, type Tree } from './named-files.ts';
import type { Override } from './overrides.ts';
import { fileFields } from './schema.ts';
import { dotted, issueInFile, issueOutside, type Path, type SettingsIssue } from './settings-issue.ts';
import type { YamlFile } from './yaml-file.ts';

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

const sourceOf = (sources: ReadonlyMap<string, string>, path: Path): string | undefined => {
  for (let length = path.length; length > 0; length--) {
    const prefix = path.slice(0, length);
    const source = sources.get(dotted(prefix)) ?? sources.get(`${dotted(prefix)}File`);
    if (source !== undefined) return source;
  }
  return undefined;
};

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
