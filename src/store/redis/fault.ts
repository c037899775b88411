// Redis and ioredis errors, translated once. What leaves this folder is a RedisFault: a stable code and a message
// without secrets. The library's own error is not kept as its cause: it carries the arguments of the failed command,
// and those of AUTH and HELLO are the password.

import { DamagedRecord } from '../record-reader.ts';
import type { StoreFacts, StoreLog } from '../store-options.ts';
import { adviceOn } from './advice.ts';

/** Where faults are reported. */
export interface FaultLog {
  readonly log: StoreLog;
  /** Never in a log line. */
  readonly secrets: readonly string[];
}

/** An error of the store with a stable code: a Redis error word (`OOM`, `READONLY`), a system code, or one of ours. */
export class RedisFault extends Error {
  override readonly name = 'RedisFault';
  readonly code: string;
  constructor(code: string, message: string, cause?: RedisFault) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** What the operator does about it; undefined where there is nothing to do but to wait. */
  get advice(): string | undefined {
    return adviceOn(this.code, this.message);
  }

  /** For a line of the log. */
  get facts(): StoreFacts {
    const { code, message, advice } = this;
    return { code, error: message, ...(advice === undefined ? {} : { advice }) };
  }
}

/** ioredis has no codes for its own errors; its messages are matched here and nowhere else (ioredis 6.0). */
const libraryMessages: readonly (readonly [start: string, code: string])[] = [
  ['Command timed out', 'TIMEOUT'],
  ['Socket timeout', 'TIMEOUT'],
  ["Stream isn't writeable", 'NOT_CONNECTED'],
  ['Connection is closed', 'NOT_CONNECTED'],
  ['Reached the max retries per request', 'NOT_CONNECTED'],
  ['Unknown RESP type', 'NOT_REDIS'],
];

/** The Redis error word at the start of a server's reply: `OOM command not allowed ...` -> `OOM`. */
const replyWord = /^([A-Z][A-Z0-9_]+)(?: |$)/;

/** Where in which script it happened, which Redis adds: ` script: 6f3a..., on @user_script:31.` */
const scriptTrace = /,? script: [0-9a-f]{40}, on @user_script:\d+\.?/;

/** Translates any error of the library. Bugs of our own (TypeError and the like) are thrown on. */
export const faultOf = (error: unknown, secrets: readonly string[]): RedisFault => {
  if (error instanceof RedisFault) return error;
  // Never a permit: the look-up becomes an outage that names the record.
  if (error instanceof DamagedRecord) return new RedisFault('CORRUPT', error.message);
  if (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError)
    throw error;
  if (!(error instanceof Error)) return new RedisFault('UNKNOWN', 'the store failed without an error');
  let message = error.message.trim();
  for (const secret of secrets) message = message.replaceAll(secret, '***');
  message = message.replace(scriptTrace, '');
  return new RedisFault(codeOf(error), message === '' ? error.name : message);
};

const codeOf = (error: Error): string => {
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error.name === 'ReplyError') return replyWord.exec(error.message)?.[1] ?? 'ERR';
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeOf(error.errors[0]);
  return libraryMessages.find(([start]) => error.message.startsWith(start))?.[1] ?? 'UNKNOWN';
};
