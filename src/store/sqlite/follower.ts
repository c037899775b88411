// Follows the change feed of the file for one listener: polls `PRAGMA data_version` on its own connection (it moves when
// any other connection, of this process or another, has written), reads the new lines, and says when continuity is lost
// (a backup was restored into the file). Never opens another file that took the name.

import { type Outage, outage } from '../../decision/outcome.ts';
import type { ChangeListener, Subscription } from '../token-store.ts';
import { readBounds, readLines } from './change-log.ts';
import { FileConnection, MovedFile } from './connection.ts';
import { isBusy, openError } from './fault.ts';
import { integerOf } from './rows.ts';

/** How often the file is checked for having been replaced, and a failed connection tried again. */
const checkFileEveryMs = 1_000;

export class FileFollower implements Subscription {
  readonly #file: string;
  readonly #listener: ChangeListener;
  readonly #failed: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #connection: FileConnection | undefined;
  #fault: Outage | undefined;
  #fileIdentity: string | undefined;
  #fileCheckedMs = -Infinity;
  #dataVersion: number | undefined;
  /** The last line delivered; undefined: begin where the feed begins. */
  #position: number | undefined;
  #isCaughtUp = false;
  #isPolling = false;
  #isClosed = false;

  constructor(
    file: string,
    listener: ChangeListener,
    options: { readonly pollMs: number; readonly fault: (error: unknown) => void },
  ) {
    this.#file = file;
    this.#listener = listener;
    this.#failed = options.fault;
    this.#timer = setInterval(() => this.poll(), options.pollMs).unref();
    this.poll();
  }

  fault(): Outage | undefined {
    return this.#fault;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#connection?.close();
    this.#connection = undefined;
    return Promise.resolve();
  }

  /** Delivers new lines, if there are any; called by the timer, and at once after a write of this process. */
  poll(): void {
    if (this.#isPolling || this.#isClosed) return;
    this.#isPolling = true;
    try {
      const connection = this.#connected();
      if (connection !== undefined) this.#deliver(connection);
    } catch (error) {
      if (!isBusy(error)) this.#disconnect(error);
    } finally {
      this.#isPolling = false;
    }
  }

  #deliver(connection: FileConnection): void {
    const row = connection.get('PRAGMA data_version');
    // Read before the lines: what is written in between shows at the next poll.
    const dataVersion = row && integerOf(row, 'data_version');
    if (dataVersion === this.#dataVersion && this.#isCaughtUp) return this.#listener.heard();
    const lines = readLines(connection, this.#continue(connection));
    this.#position = lines.position;
    if (lines.changes.length > 0) this.#listener.changes(lines.changes);
    this.#listener.heard();
    // A long feed is delivered in pieces, so that requests are served in between.
    if (lines.hasMore) return void setImmediate(() => this.poll());
    this.#dataVersion = dataVersion;
    if (!this.#isCaughtUp) this.#listener.caughtUp();
    this.#isCaughtUp = true;
  }

  /** Where to read on, after making sure that the feed still holds what follows. */
  #continue(connection: FileConnection): number {
    const { pruned, end } = readBounds(connection);
    if (this.#position !== undefined && this.#position > end) this.#reset('server_replaced');
    if (this.#position !== undefined && this.#position < pruned) this.#reset('trimmed');
    return this.#position ?? pruned;
  }

  #reset(reason: 'trimmed' | 'server_replaced'): void {
    this.#position = undefined;
    this.#isCaughtUp = false;
    this.#listener.reset(reason);
  }

  #connected(): FileConnection | undefined {
    const nowMs = performance.now();
    if (nowMs - this.#fileCheckedMs < checkFileEveryMs) return this.#connection;
    this.#fileCheckedMs = nowMs;
    if (this.#connection === undefined) {
      this.#connection = FileConnection.openReader(this.#file);
      this.#dataVersion = undefined;
      this.#fileIdentity ??= this.#connection.fileIdentity;
      if (this.#fileIdentity !== this.#connection.fileIdentity) throw new MovedFile();
      this.#fault = undefined;
      this.#listener.connected(true);
    }
    this.#connection.assertCurrentFile();
    return this.#connection;
  }

  #disconnect(error: unknown): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#fault = outage('store_unavailable', openError(this.#file, error));
    this.#listener.connected(false);
    this.#failed(error);
  }
}
