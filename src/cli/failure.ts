// What a command that was not carried out prints, and its exit code: what was wrong, and what to do.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { CommandError } from '../lifecycle/command-error.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import type { Output } from './output.ts';

export const refuse = (output: Output, failure: CommandError | Outage): ExitCode =>
  isOutage(failure)
    ? fail(output, failure.reason, outageMessage(failure), exitCode.unavailable)
    : fail(output, failure.code, failure.message, exitCode.refused);

/** Prints a sentence of our own, for a script as JSON. */
export const fail = (output: Output, code: string, message: string, exit: ExitCode): ExitCode => {
  output.note(output.isJson ? JSON.stringify({ error: { code, message } }) : `tollgate: ${message}`);
  return exit;
};

const outageMessage = ({ reason, cause }: Outage): string => {
  const why = cause === undefined ? '' : `: ${unended(messageOf(cause))}`;
  if (reason === 'store_not_replicated')
    return `The store has it, but not enough replicas do${why}. Repeat the command: it is safe.`;
  if (reason === 'keys_unavailable') return messageOf(cause);
  if (isFull(cause)) return `The store is full${why}. Free space, then repeat the command: it is safe.`;
  return silenceMessage(cause);
};

/** The innermost cause is the one that can be mended. An adapter that knows how says so in `advice`. */
const silenceMessage = (cause: unknown): string => {
  let root = cause;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  const why = root === undefined ? '' : `: ${unended(messageOf(root))}`;
  const advice =
    root instanceof Error && 'advice' in root && typeof root.advice === 'string' ? root.advice : undefined;
  return `The store does not answer${why}. ${advice === undefined ? 'Repeat' : `${advice} Then repeat`} the command: it is safe.`;
};

/** Redis above its maxmemory (OOM), or SQLite on a full disk (SQLITE_FULL, 13; extended codes keep it in the low byte). */
const isFull = (cause: unknown): boolean => {
  if (!(cause instanceof Error)) return false;
  if ('code' in cause && cause.code === 'OOM') return true;
  if ('errcode' in cause && typeof cause.errcode === 'number' && (cause.errcode & 0xff) === 13) return true;
  return isFull(cause.cause);
};

/** A message that a sentence goes on after. */
const unended = (message: string): string => message.replace(/\.+$/, '');

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
