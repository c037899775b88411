// The log: one JSON object a line on standard output. It must never hold a credential: fields named like secrets are
// redacted, errors are described by the few properties that are safe, and text that looks like a token is masked.

import { pino, stdTimeFunctions } from 'pino';
import { describeError, maskSecrets } from './describe-error.ts';
import { createLineBuffer } from './line-buffer.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Facts beside the message. An `err` is described by kind, message and causes; at level `error` also by its stack. */
export type LogFields = Readonly<Record<string, unknown>> & { readonly err?: unknown };

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** One finished line of JSON (access-line.ts), free of secrets; not written at level `silent`. */
  line(json: string): void;
  /** From here on. */
  setLevel(level: LogSettings['level']): void;
  /** Resolves when every line so far is written, or nobody has read for a quarter of a second. */
  drain(): Promise<void>;
}

export interface LogSettings {
  readonly level: LogLevel | 'silent';
  /** An open file descriptor; 1 is standard output. */
  readonly fd: number;
  /** Told how many lines nobody will see, because nobody reads the log fast enough. */
  readonly onDrop: (lines: number) => void;
}

/** Field names that hold secrets, in the first two levels of a line. */
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

const maskTexts = (fields: LogFields): LogFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? maskSecrets(value) : value,
    ]),
  );

export const createLog = (settings: LogSettings): Log => {
  const buffer = createLineBuffer(settings.fd, settings.onDrop);
  const logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      // Described below, by the level; pino's own serializer would write everything.
      serializers: { err: (described: unknown) => described },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    { write: (line: string) => buffer.write(line) },
  );
  const write =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      logger[level](
        { ...maskTexts(fields), err: describeError(fields.err, level === 'error') },
        maskSecrets(message),
      );
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    line: (json) => {
      if (logger.level !== 'silent') buffer.write(`${json}\n`);
    },
    setLevel: (level) => {
      logger.level = level;
    },
    drain: () => buffer.drain(),
  };
};
