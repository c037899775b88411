// The files that the settings name: the `...File` twins, which are read here so that validation sees every secret as if it
// had been written in place, and PEM files. Warns of a secret's file that every user of the machine can read or change.

import { statSync } from 'node:fs';
import { childOf, partsOf } from './field.ts';
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
