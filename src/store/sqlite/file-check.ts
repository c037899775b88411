// Whether a file may be opened as the store, before SQLite touches it: SQLite takes an empty or missing file for a new
// database and deletes the write-ahead log beside it, which may be all that is left of the old one.

import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

/** The file cannot be the store; the message goes on after its name and says what to do. */
export class UnusableFile extends Error {
  override readonly name = 'UnusableFile';
}

/**
 * Throws `UnusableFile`, or answers whether the file is one that has been a database: it stands beside a sealing key,
 * which is made after the tables.
 */
export const checkFile = (file: string): { readonly mustHaveTables: boolean } => {
  const found = statSync(file, { throwIfNoEntry: false });
  // A folder is refused by the system when the file is opened.
  if (found !== undefined && !found.isFile() && !found.isDirectory())
    throw new UnusableFile('is neither a file nor a folder; name a file');
  const isEmpty = (found?.size ?? 0) === 0;
  if (isEmpty && sizeOf(`${file}-wal`) > 0)
    throw new UnusableFile(
      `is ${found === undefined ? 'missing' : 'empty'}, but its write-ahead log ${file}-wal is there: put the database or a ` +
        'backup of it back. Only to begin anew without it, remove the -wal and -shm files',
    );
  return { mustHaveTables: found !== undefined && existsSync(join(dirname(file), 'tollgate.key')) };
};

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** Throws `UnusableFile` when an open database is empty. */
export const checkTables = (database: DatabaseSync): void => {
  if (database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined)
    throw new UnusableFile(
      'holds no tables, but tollgate.key beside it says that it did: put the database or a backup of it back. Only to ' +
        'begin anew without it, remove the empty file',
    );
};

/** Reading more takes too long for a start; damage there is found by the look-ups it breaks. */
const checkedBytesMax = 512 * 1024 * 1024;

/** Throws `UnusableFile` when pages are damaged (https://sqlite.org/pragma.html#pragma_quick_check). Reads the whole file. */
export const checkPages = (database: DatabaseSync, file: string): void => {
  if (sizeOf(file) > checkedBytesMax) return;
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (verdict !== 'ok')
    throw new UnusableFile(
      `is damaged (${String(verdict).split('\n').at(-1)}); stop every process that uses it and restore a backup`,
    );
};
