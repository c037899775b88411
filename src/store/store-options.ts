// Options of both adapters beside their settings. They report trouble, and its end, to `log`, and never a secret.

export interface StoreOptions {
  /**
   * How long a line of the change feed must be kept, in ms: the longest access-token life and a margin. The longest that
   * any process has ever asked for counts, so that none prunes what another's tokens still need.
   */
  readonly retentionMs: number;
  readonly log?: StoreLog | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  /** Whether opening a SQLite file reads all of it and refuses a damaged one. */
  readonly checksPages?: boolean | undefined;
  /** How often a SQLite file is looked at for lines that another process has written, in ms. */
  readonly pollMs?: number | undefined;
}

export interface StoreLog {
  info(message: string, fields: StoreFacts): void;
  warn(message: string, fields: StoreFacts): void;
  error(message: string, fields: StoreFacts): void;
}

/** Facts beside the message. */
export type StoreFacts = Readonly<Record<string, unknown>>;

export const silentLog: StoreLog = { info: () => undefined, warn: () => undefined, error: () => undefined };
