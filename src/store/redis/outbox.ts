// The commands of one connection that leave together: those of a turn of the event loop go out in one write. Look-ups come
// in crowds, and a write for each costs more than the look-up. Each command keeps its own answer and its own time limit,
// which begins when it leaves. Replies come in the order of commands, so nothing may be written past this.

import type { Command, Redis } from 'ioredis';

type Socket = Redis['stream'];

/** A crowd larger than this leaves before the turn ends. */
const textLengthMax = 65_536;

export class Outbox {
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
