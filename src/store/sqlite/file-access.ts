// How one process uses the SQLite file: opens it, runs steps on it one after the other, and deletes what is too old to be
// needed. Turns SQLite's errors into outages; never blocks on another process's lock.

import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import type { Outage } from '../../decision/outcome.ts';
import type { CommandAnswer, CommandInput, StoreCommand } from '../token-store.ts';
import { askRetention, pruneLines, readRetention } from './change-log.ts';
import { FileConnection } from './connection.ts';
import { isBusy, openError, outageOf } from './fault.ts';

const openPatienceMs = 5_000;
const commandPatienceMs = 2_000;
const tryAgainMs = 5;
const pruneEveryMs = 60_000;
const checkFileEveryMs = 1_000;
const notedAtOnce = 100;

export interface FileAccessOptions {
  readonly retentionMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Whether opening reads the whole file and refuses a damaged one. */
  readonly checksPages: boolean;
  /** Removes some of the records that ended long ago; inside a transaction. */
  readonly pruneRecords: (connection: FileConnection, nowMs: number) => void;
  /** Called after each commit of `write`, before its caller is answered. */
  readonly onWritten: () => void;
}

/** What a command of the port does on the open file. */
export type Step<Command extends StoreCommand> = (
  connection: FileConnection,
  ...input: CommandInput<Command>
) => CommandAnswer<Command>;

export class FileAccess {
  readonly #file: string;
  readonly #options: FileAccessOptions;
  #connection: FileConnection | undefined;
  #fileCheckedMs = -Infinity;
  #prunedMs = -Infinity;
  /** How long a line of the feed must be kept for this process; it may grow. */
  retentionMs: number;

  constructor(file: string, options: FileAccessOptions) {
    this.#file = file;
    this.#options = options;
    this.retentionMs = options.retentionMs;
  }

  /** Throws with the file and what to do when it cannot be used. */
  async open(): Promise<void> {
    const deadlineMs = performance.now() + openPatienceMs;
    for (;;)
      try {
        this.#connection ??= FileConnection.openWriter(this.#file, this.#options);
        this.#askRetention(this.#connection);
        return;
      } catch (error) {
        // A file that opens and then fails is an outage for each caller, and the process lives.
        if (!isBusy(error) && this.#connection !== undefined) return;
        if (!isBusy(error) || performance.now() >= deadlineMs) throw openError(this.#file, error);
        await delay(tryAgainMs);
      }
  }

  close(): void {
    this.#connection?.close();
  }

  /** Makes a command that reads. */
  reading<Input extends unknown[], T>(
    step: (connection: FileConnection, ...input: Input) => T,
  ): (...input: Input) => Promise<T | Outage> {
    return (...input) => this.#attempt(() => step(this.#current(checkFileEveryMs), ...input));
  }

  /** Makes a command that writes, in one transaction. The answer comes after the commit is on the disk. */
  writing<Input extends unknown[], T>(
    step: (connection: FileConnection, ...input: Input) => T,
  ): (...input: Input) => Promise<T | Outage> {
    return (...input) =>
      this.#attempt(() => {
        const connection = this.#current(0);
        const result = connection.transaction(() => {
          const answer = step(connection, ...input);
          this.#pruneSometimes(connection);
          return answer;
        });
        this.#options.onWritten();
        return result;
      });
  }

  /**
   * Makes a command that nobody is answered about: it may be lost with the machine's power. It writes a few items at a time,
   * waiting for no disk, so that requests are served in between.
   */
  noting<T, Rest extends unknown[]>(
    step: (connection: FileConnection, items: readonly T[], ...rest: Rest) => void,
  ): (items: readonly T[], ...rest: Rest) => Promise<'done' | Outage> {
    return async (items, ...rest) => {
      for (let start = 0; start < items.length; start += notedAtOnce) {
        const some = items.slice(start, start + notedAtOnce);
        const outage = await this.#attempt(() => {
          const connection = this.#current(0);
          connection.transaction(() => step(connection, some, ...rest), false);
        });
        if (outage !== undefined) return outage;
        await setImmediate();
      }
      return 'done';
    };
  }

  /** Makes a command that counts, in one transaction: it may be lost with the machine's power, and waits for no disk. */
  counting<Input extends unknown[], T>(
    step: (connection: FileConnection, ...input: Input) => T,
  ): (...input: Input) => Promise<T | Outage> {
    return (...input) =>
      this.#attempt(() => {
        const connection = this.#current(checkFileEveryMs);
        return connection.transaction(() => {
          const answer = step(connection, ...input);
          this.#pruneSometimes(connection);
          return answer;
        }, false);
      });
  }

  /** Waits out another process's lock by trying again, so that requests are served meanwhile. */
  async #attempt<T>(step: () => T): Promise<T | Outage> {
    const deadlineMs = performance.now() + commandPatienceMs;
    for (;;)
      try {
        return step();
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadlineMs) return outageOf(this.#file, error);
        await delay(tryAgainMs);
      }
  }

  /** The open connection, when the file still has its name; checked again after `checkedMs`. */
  #current(checkedMs: number): FileConnection {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('the token store is used before it is open');
    const nowMs = performance.now();
    if (nowMs - this.#fileCheckedMs >= checkedMs) {
      connection.assertCurrentFile();
      this.#fileCheckedMs = nowMs;
    }
    return connection;
  }

  /** Asks for the lines of the feed to be kept for that long at least. */
  keepLines(retentionMs: number): Promise<'done' | Outage> {
    this.retentionMs = Math.max(this.retentionMs, retentionMs);
    return this.#attempt(() => {
      this.#askRetention(this.#current(0));
      return 'done';
    });
  }

  #pruneSometimes(connection: FileConnection): void {
    const nowMs = performance.now();
    if (nowMs - this.#prunedMs < pruneEveryMs) return;
    this.#prunedMs = nowMs;
    // Again, should the file have been restored from before this process asked.
    askRetention(connection, this.retentionMs);
    pruneLines(connection, this.#options.now() - readRetention(connection));
    this.#options.pruneRecords(connection, this.#options.now());
  }

  /** Before anything is pruned by anybody: tokens of this process may need the lines for longer than they do. */
  #askRetention(connection: FileConnection): void {
    if (readRetention(connection) >= this.retentionMs) return;
    connection.transaction(() => askRetention(connection, this.retentionMs));
  }
}
