// The log: one JSON object a line on standard output, buffered, written out at least every 100 ms and at the end.
// It must never hold a credential, never stop the process when nobody reads it, and never grow without bound.

import { pino, stdTimeFunctions } from 'pino';
import { describeError, maskSecrets } from './describe-error.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Facts beside the message. An `err` is described by kind, message, stack and causes. */
export type LogFields = Readonly<Record<string, unknown>> & { readonly err?: unknown };

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** One access line; flat facts only, already free of secrets. */
  access(line: Readonly<Record<string, string | number | undefined>>, level: LogLevel): void;
  /** Writes out what is buffered, at once. */
  flush(): void;
}

export interface LogSettings {
  readonly level: LogLevel | 'silent';
  /** A file descriptor (1 is standard output) or a file. */
  readonly destination: number | string;
  readonly onDrop: () => void;
}

/** Buffered bytes beyond which lines are dropped and counted. */
const bufferBytesMax = 8 * 1024 * 1024;
const flushEveryMs = 100;

/** Field names that hold secrets, wherever they stand in the first two levels. */
const secretFields = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'credential',
  'apiToken',
  'accessToken',
  'refresh_token',
  'access_token',
  'privateKey',
  'encryptionKey',
];

export const createLog = (settings: LogSettings): Log => {
  const destination = pino.destination({
    dest: settings.destination,
    sync: false,
    minLength: 8192,
    maxLength: bufferBytesMax,
    periodicFlush: flushEveryMs,
  });
  destination.on('drop', settings.onDrop);
  // A full disk or a closed pipe must not end the process; what cannot be written is dropped when the buffer is full.
  destination.on('error', () => undefined);
  const options = {
    level: settings.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (thrown: unknown) => describeError(thrown) },
  };
  const facts = pino(
    {
      ...options,
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    destination,
  );
  // Access lines are flat and made of known fields: they skip the redaction, which costs more than the line itself.
  const lines = pino({ ...options, ...(settings.level === 'silent' ? {} : { level: 'info' }) }, destination);
  const write =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      facts[level](fields, maskSecrets(message));
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    access: (line, level) => lines[level](line, 'request'),
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // Nowhere left to write to.
      }
    },
  };
};
