// What the process says with its exit code.

export const exitCode = {
  ok: 0,
  /** Refused, not found, or a fault in the command. */
  refused: 1,
  /** The command line or the settings are wrong. */
  usage: 2,
  /** A bug, printed with its stack (EX_SOFTWARE of sysexits.h). */
  bug: 70,
  /** A dependency cannot be reached: try again (EX_UNAVAILABLE of sysexits.h). */
  unavailable: 69,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
