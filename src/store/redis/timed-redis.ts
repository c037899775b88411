// A client whose time limits measure the server, not this process. ioredis fails a command, or drops a socket, when its
// timer fires; in a process that was busy or paused meanwhile, timers run before replies are read, and commands failed
// that had been answered in time. Here a timer that fires lets the event loop read once more before it decides.

import { type Command, Redis } from 'ioredis';
import type { NodeOptions } from './connection-options.ts';

type Socket = Redis['stream'];

/** A crowd larger than this leaves before the turn ends. */
const textLengthMax = 65_536;

/**
 * The commands of one connection that leave together: those of a turn of the event loop go out in one write. Look-ups come
 * in crowds, and a write for each costs more than the look-up. Each command keeps its own answer and its own time limit,
 * which begins when it leaves. Replies come in the order of commands, so nothing may be written past this.
 */
class Outbox {
  readonly isPipeline = true;
  readonly destination: { readonly redis: { readonly stream: Socket } };
  readonly #socket: Socket;
  readonly #limitTime: (command: Command, limitMs: number) => void;
  #text = '';
  #waiting: (readonly [command: Command, limitMs: number])[] = [];

  /** `limitTime`: begins the time limit of a command. */
  constructor(socket: Socket, limitTime: (command: Command, limitMs: number) => void) {
    this.#socket = socket;
    this.#limitTime = limitTime;
    this.destination = { redis: { stream: socket } };
  }

  isFor(socket: Socket): boolean {
    return this.#socket === socket;
  }

  /** Begins the limit of a command when it leaves: it is written right after this. */
  limit(command: Command, limitMs: number): void {
    this.#waiting.push([command, limitMs]);
  }

  write(data: string | Buffer): void {
    if (typeof data !== 'string') {
      this.flush();
      this.#socket.write(data);
      return;
    }
    if (this.#text === '') setImmediate(() => this.flush());
    this.#text += data;
    if (this.#text.length >= textLengthMax) this.flush();
  }

  flush(): void {
    const [text, waiting] = [this.#text, this.#waiting];
    this.#text = '';
    this.#waiting = [];
    if (text !== '' && this.#socket.writable) this.#socket.write(text);
    for (const [command, limitMs] of waiting) this.#limitTime(command, limitMs);
  }
}

export class TimedRedis extends Redis {
  readonly #silenceMsMax: number | undefined;
  /** The socket whose silence is measured at the moment. */
  #watched: Socket | undefined;

  #lastError: unknown;
  #outbox: Outbox | undefined;

  /** `socketTimeout`, in ms, is kept by this class, not by the library. */
  constructor({ socketTimeout, ...options }: NodeOptions) {
    super(options);
    this.#silenceMsMax = socketTimeout;
    this.on('connect', () => (this.#lastError = undefined));
    this.on('error', (error: unknown) => (this.#lastError = error));
  }

  /** Why something failed: when a connection is lost, the library rejects with less than it says in an event before. */
  reasonOf(error: unknown): unknown {
    const isBare = error instanceof Error && error.message.startsWith('Connection is closed');
    return isBare ? (this.#lastError ?? error) : error;
  }

  override sendCommand(
    command: Command,
    stream?: Parameters<Redis['sendCommand']>[1],
  ): ReturnType<Redis['sendCommand']> {
    const outbox = stream === undefined && this.status === 'ready' ? this.#outboxOf(this.stream) : undefined;
    command.setTimeout = (limitMs) =>
      outbox === undefined ? limitTime(command, limitMs) : outbox.limit(command, limitMs);
    // What is written past the outbox comes after what is in it.
    if (outbox === undefined) this.#outbox?.flush();
    const sent = super.sendCommand(command, stream ?? outbox);
    if (this.#silenceMsMax !== undefined) this.#watchSilence(this.stream, this.#silenceMsMax);
    return sent;
  }

  #outboxOf(socket: Socket): Outbox {
    if (this.#outbox?.isFor(socket) !== true) this.#outbox = new Outbox(socket, limitTime);
    return this.#outbox;
  }

  /** Drops a socket on which nothing came back for so long although commands wait for a reply. */
  #watchSilence(socket: Socket | undefined, silenceMsMax: number): void {
    if (socket === undefined || socket === this.#watched || this.commandQueue.length === 0) return;
    this.#watched = socket;
    let bytesBefore = socket.bytesRead;
    let silentLooks = 0;
    const look = (): void => {
      if (socket.destroyed || this.stream !== socket || this.commandQueue.length === 0) {
        if (this.#watched === socket) this.#watched = undefined;
        return;
      }
      silentLooks = socket.bytesRead === bytesBefore ? silentLooks + 1 : 0;
      bytesBefore = socket.bytesRead;
      if (silentLooks < looksPerSilence) afterReading(silenceMsMax / looksPerSilence, look);
      else socket.destroy(new Error(`Socket timeout: Redis sent nothing for ${silenceMsMax} ms`));
    };
    afterReading(silenceMsMax / looksPerSilence, look);
  }
}

/** How often a socket is looked at before it is dropped: silence is noticed a fourth of its limit late at most. */
const looksPerSilence = 4;

const limitTime = (command: Command, limitMs: number): void => {
  const forget = afterReading(limitMs, () => command.reject(new Error('Command timed out')));
  command.promise.then(forget, forget);
};

/**
 * Acts after `delayMs`, once all that had arrived by then was read: Node reads sockets after it has run the timers that
 * are due, and before the immediates that they set. Returns how to call it off.
 */
const afterReading = (delayMs: number, act: () => void): (() => void) => {
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => (immediate = setImmediate(act)), delayMs).unref();
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
};
