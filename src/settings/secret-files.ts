// The files that the settings name for a secret, and a warning of each that every user of the machine can read or change.

import { statSync } from 'node:fs';
import { factsOf, innerOf, shapeOf } from './field.ts';
import type { Report } from './parse-fields.ts';
import type { Path } from './settings-issue.ts';

export interface SecretFile {
  readonly path: Path;
  readonly file: string;
}

/** Every `...File` twin of a secret in the tree, and every PEM key that is written as the path of a file. */
export const secretFilesOf = (value: unknown, schema: unknown, path: Path = []): readonly SecretFile[] => {
  const inner = innerOf(schema);
  if (Array.isArray(value))
    return value.flatMap((item, index) => secretFilesOf(item, inner ?? schema, [...path, index]));
  if (typeof value === 'string') return isSecret(schema) && isPath(value) ? [{ path, file: value }] : [];
  if (typeof value !== 'object' || value === null) return [];
  const shape = shapeOf(schema) ?? {};
  return Object.entries(value).flatMap(([key, part]) => {
    const at = [...path, key];
    const isTwin = key.endsWith('File') && isSecret(shape[key.slice(0, -'File'.length)]);
    if (isTwin) return typeof part === 'string' ? [{ path: at, file: part }] : [];
    return secretFilesOf(part, inner ?? shape[key], at);
  });
};

const isSecret = (schema: unknown): boolean => factsOf(schema)?.secret === true;

/** A secret written in place has no slash at its beginning, or is no path for its scheme or its PEM armour. */
const isPath = (value: string): boolean => /^\.{0,2}\//.test(value) && !value.includes('\n');

const othersMayRead = 0o004;
const othersMayWrite = 0o002;

/** Warns of files that are open to everybody; says nothing of one that cannot be looked at: reading it fails with its own message. */
export const checkSecretFiles = (files: readonly SecretFile[], warning: Report): void => {
  for (const { path, file } of files) {
    const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
    const what = mode & othersMayWrite ? 'change' : mode & othersMayRead ? 'read' : undefined;
    if (what !== undefined)
      warning(path, `every user of this machine can ${what} ${JSON.stringify(file)}; run: chmod o= ${file}`);
  }
};
