// A client whose time limit for a command measures the server, not this process. ioredis fails a command when its timer
// fires; on a process that was busy meanwhile (one that has just started, above all), timers run before replies are read,
// and commands failed that had been answered in time.

import { type Command, Redis } from 'ioredis';

export class TimedRedis extends Redis {
  override sendCommand(
    command: Command,
    stream?: Parameters<Redis['sendCommand']>[1],
  ): ReturnType<Redis['sendCommand']> {
    command.setTimeout = (limitMs) => limitTime(command, limitMs);
    return super.sendCommand(command, stream);
  }
}

/** Fails the command after `limitMs`, once all that has arrived by then has been read: one turn of the event loop. */
const limitTime = (command: Command, limitMs: number): void => {
  const timer = setTimeout(() => setImmediate(() => command.reject(new Error('Command timed out'))), limitMs);
  const forget = (): void => clearTimeout(timer);
  command.promise.then(forget, forget);
};
