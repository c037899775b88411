// One connection to the store's file: whether that may be opened as the store, its prepared statements, its transactions.
// Blocks the process for a read or a commit, never while another process holds the lock.

import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { migrate } from './schema.ts';
import type { TableRow } from './rows.ts';

/** The longest SQLite itself may wait for a lock; longer waits are taken asynchronously, by trying again. */
const busyTimeoutMs = 10;

/** The file was moved, deleted or replaced under a running process. */
export class MovedFile extends Error {
  override readonly name = 'MovedFile';
}

/** The file cannot be the store; the message goes on after its name and says what to do. */
export class UnusableFile extends Error {
  override readonly name = 'UnusableFile';
}

export class FileConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #file: string;
  /** Device and inode of the file that was opened. */
  readonly fileIdentity: string | undefined;

  private constructor(file: string, database: DatabaseSync) {
    this.#file = file;
    this.#database = database;
    this.fileIdentity = identityOf(file);
  }

  /**
   * For reading and writing; makes the file (mode 0600) if it is missing, and brings its tables up to date. Throws
   * `UnusableFile` rather than take a damaged database for a new one; `checksPages`: reads all of it to find out.
   */
  static openWriter(file: string, { checksPages = false } = {}): FileConnection {
    const { mustHaveTables } = checkFile(file);
    closeSync(openSync(file, 'a', 0o600));
    const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
    try {
      // Before anything that writes: even the journal mode does.
      if (mustHaveTables) checkTables(database);
      // FULL: a commit is on the disk before it is acknowledged, also in WAL mode.
      const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'];
      if (mode !== 'wal')
        throw new Error('its file system does not allow SQLite write-ahead logging; use a local disk');
      database.exec('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF');
      migrate(database);
      if (checksPages) checkPages(database, file);
      return new FileConnection(file, database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  static openReader(file: string): FileConnection {
    return new FileConnection(file, new DatabaseSync(file, { timeout: busyTimeoutMs, readOnly: true }));
  }

  get isOpen(): boolean {
    return this.#database.isOpen;
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  /**
   * Throws `MovedFile` unless the name still leads to the file that was opened. What is written to a file without its
   * name is lost, and a file put in its place meets the write-ahead log of the old one (https://sqlite.org/howtocorrupt.html).
   */
  assertCurrentFile(): void {
    if (this.fileIdentity !== identityOf(this.#file)) throw new MovedFile();
  }

  get(sql: string, ...values: SQLInputValue[]): TableRow | undefined {
    return this.#statement(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): TableRow[] {
    return this.#statement(sql).all(...values);
  }

  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /**
   * All or nothing; what `step` returns is returned after the commit. What is not `durable` a power cut may take with it,
   * and the commit waits for no disk; the next durable one brings it there.
   */
  transaction<T>(step: () => T, durable = true): T {
    if (durable) return this.#commit(step);
    this.#database.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.#commit(step);
    } finally {
      this.#database.exec('PRAGMA synchronous = FULL');
    }
  }

  #commit<T>(step: () => T): T {
    this.run('BEGIN IMMEDIATE');
    try {
      const result = step();
      this.run('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.run('ROLLBACK');
      throw error;
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

const identityOf = (file: string): string | undefined => {
  const found = statSync(file, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
};

/**
 * Before SQLite touches the file: it takes an empty or missing one for a new database and deletes the write-ahead log beside
 * it, which may be all that is left of the old one. Throws `UnusableFile`, or answers whether the file is one that has been a
 * database: it stands beside a sealing key, which is made after the tables.
 */
const checkFile = (file: string): { readonly mustHaveTables: boolean } => {
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
const checkTables = (database: DatabaseSync): void => {
  if (database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined)
    throw new UnusableFile(
      'holds no tables, but tollgate.key beside it says that it did: put the database or a backup of it back. Only to ' +
        'begin anew without it, remove the empty file',
    );
};

/** Reading more takes too long for a start; damage there is found by the look-ups it breaks. */
const checkedBytesMax = 512 * 1024 * 1024;

/** Throws `UnusableFile` when pages are damaged (https://sqlite.org/pragma.html#pragma_quick_check). Reads the whole file. */
const checkPages = (database: DatabaseSync, file: string): void => {
  if (sizeOf(file) > checkedBytesMax) return;
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (verdict !== 'ok')
    throw new UnusableFile(
      `is damaged (${String(verdict).split('\n').at(-1)}); stop every process that uses it and restore a backup`,
    );
};
