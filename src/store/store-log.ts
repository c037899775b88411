// Where a store reports trouble, and its end, to the operator: the gate's log. No secret goes there.

export interface StoreLog {
  info(message: string, fields: StoreFacts): void;
  warn(message: string, fields: StoreFacts): void;
  error(message: string, fields: StoreFacts): void;
}

/** Facts beside the message. */
export type StoreFacts = Readonly<Record<string, unknown>>;

export const silentLog: StoreLog = { info: () => undefined, warn: () => undefined, error: () => undefined };
