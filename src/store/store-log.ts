// Where a store tells its operator of trouble, and of its end. The gate's log fits. Never told a secret.

export interface StoreLog {
  info(message: string, fields: StoreFacts): void;
  warn(message: string, fields: StoreFacts): void;
  error(message: string, fields: StoreFacts): void;
}

/** Facts beside the message. */
export type StoreFacts = Readonly<Record<string, unknown>>;

export const silentLog: StoreLog = { info: () => undefined, warn: () => undefined, error: () => undefined };
