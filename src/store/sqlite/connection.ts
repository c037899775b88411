// One connection to the store's file: how it is opened, its prepared statements, its transactions. Blocks the process
// for a read or a commit, never while another process holds the lock.

import { closeSync, openSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { checkFile, checkPages, checkTables } from './file-check.ts';
import { migrate } from './schema.ts';
import type { TableRow } from './rows.ts';

/** The longest SQLite itself may wait for a lock; longer waits are taken asynchronously, by trying again. */
const busyTimeoutMs = 10;

/** The file was moved, deleted or replaced under a running process. */
export class MovedFile extends Error {
  override readonly name = 'MovedFile';
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
