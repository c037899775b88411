// The files that the settings name: the `...File` twins, which are read here so that validation sees every secret as if it
// had been written in place, and PEM files. Warns of a secret's file that every user of the machine can read or change.

import { statSync } from 'node:fs';
import { factsOf, innerOf, shapeOf } from './field.ts';
import type { Report } from './parse-fields.ts';
import { isPemPath, readTextFile } from './pem.ts';
import type { Path } from './settings-issue.ts';

export interface NamedFile {
  /** Of the setting that names it. */
  readonly path: Path;
  readonly file: string;
  readonly isSecret: boolean;
}

export type Tree = Record<string, unknown>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The tree with the content of each twin in its field's place, and every file that it names. */
export const readNamedFiles = (
  tree: unknown,
  schema: unknown,
  report: Report,
): { readonly tree: unknown; readonly files: readonly NamedFile[] } => {
  const files: NamedFile[] = [];

  const visit = (value: unknown, schema: unknown, path: Path): unknown => {
    const facts = factsOf(schema);
    if (typeof value === 'string' && facts?.pem === true && isPemPath(value))
      files.push({ path, file: value, isSecret: facts.secret });
    if (Array.isArray(value))
      return value.map((item, index) => visit(item, innerOf(schema) ?? schema, [...path, index]));
    return isTree(value) ? visitMapping(value, schema, path) : value;
  };

  const visitMapping = (mapping: Tree, schema: unknown, path: Path): Tree => {
    const shape = shapeOf(schema) ?? {};
    const result = new Map<string, unknown>();
    for (const [key, part] of Object.entries(mapping)) {
      const name = key.endsWith('File') && Object.hasOwn(shape, key) ? key.slice(0, -'File'.length) : key;
      const at = [...path, key];
      const facts = name === key ? undefined : factsOf(shape[name]);
      if (facts !== undefined && typeof part === 'string')
        files.push({ path: at, file: part, isSecret: facts.secret });
      if (facts?.twin !== true)
        result.set(
          key,
          visit(part, innerOf(schema) ?? (Object.hasOwn(shape, key) ? shape[key] : undefined), at),
        );
      else if (Object.hasOwn(mapping, name))
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
