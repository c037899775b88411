// SQLite's errors -> outages, by result code, with what to do about each in one line. A broken statement is a bug and is
// thrown again.

import { type Outage, outage } from '../../decision/outcome.ts';
import { DamagedRecord } from '../record-reader.ts';
import { MovedFile, UnusableFile } from './connection.ts';

/** Primary result codes, https://sqlite.org/rescode.html */
const advice: Readonly<Record<number, string>> = {
  1: 'does not have the tables of this version of Tollgate; was it replaced?', // SQLITE_ERROR
  3: 'may not be read by this process; check its permissions', // SQLITE_PERM
  5: 'is locked by another process', // SQLITE_BUSY
  6: 'is locked by another process', // SQLITE_LOCKED
  7: 'needs more memory than there is', // SQLITE_NOMEM
  8: 'is read-only for this process; check its permissions and its folder', // SQLITE_READONLY
  10: 'cannot be read or written: the disk or file system fails', // SQLITE_IOERR
  11: 'is damaged; stop every process that uses it and restore a backup', // SQLITE_CORRUPT
  13: 'cannot grow: the disk is full', // SQLITE_FULL
  14: 'cannot be opened; check that its folder exists and may be written', // SQLITE_CANTOPEN
  15: 'is locked by another process', // SQLITE_PROTOCOL
  23: 'may not be read by this process; check its permissions', // SQLITE_AUTH
  26: 'is not an SQLite database; name another file or restore a backup', // SQLITE_NOTADB
};

/** The file is held by another process for a moment: worth another try. */
export const isBusy = (error: unknown): boolean => {
  const code = resultCodeOf(error);
  return code === 5 || code === 6 || code === 15;
};

/** The outage an error amounts to; throws it on when it is a bug. */
export const outageOf = (file: string, error: unknown): Outage => {
  const problem = problemOf(error);
  if (problem === undefined) throw error;
  return outage('store_unavailable', new Error(`the token store ${file} ${problem}`, { cause: error }));
};

/** The error that start-up ends with: which file, and what to do. */
export const openError = (file: string, error: unknown): Error =>
  new Error(
    `cannot open the token store: ${file} ${problemOf(error) ?? `cannot be used: ${messageOf(error)}`}`,
    { cause: error },
  );

const problemOf = (error: unknown): string | undefined => {
  if (error instanceof DamagedRecord) return `is damaged (${error.message}); restore a backup`;
  if (error instanceof MovedFile)
    return 'was moved, deleted or replaced while in use; stop every process that uses it, put the right file there without its -wal and -shm, and start again';
  if (error instanceof UnusableFile) return error.message;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if (error.code === 'ENOENT')
    return 'is in a folder that does not exist; make the folder or name another file';
  if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS')
    return 'may not be written by this process; check the permissions of the file and its folder';
  if (error.code === 'EISDIR') return 'is a folder; name a file';
  if (error.code === 'ERR_INVALID_STATE') return 'is closed';
  const resultCode = resultCodeOf(error);
  return resultCode === undefined ? undefined : advice[resultCode];
};

/** Extended codes keep the primary one in their low byte. */
const resultCodeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
