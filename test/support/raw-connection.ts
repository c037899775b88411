// One TCP, unix or TLS connection seen as bytes, for tests about framing: no HTTP library between the test and the wire.
// Both raw-upstream.ts (the server side) and raw-client.ts (the client side) hand these out.
//
//   connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');   // strings are Latin-1: one character, one byte
//   const head = await connection.readHead();                          // start line and raw header pairs
//   const message = await connection.readMessage();                    // head, body by its framing, trailers
//   await connection.readUntil('\r\n');  await connection.readBytes(5);  connection.received  // every byte so far
//   connection.end();  connection.reset();  connection.pause();  connection.resume();
//   connection.discard();
//   await connection.closed;                                           // 'end' (FIN) or 'reset' (RST or an error)
//
// A read that gets nothing for 15 s fails and says what had been received, so no test hangs.

import type { Socket } from 'node:net';

export interface RawHead {
  /** Request line or status line. */
  readonly startLine: string;
  /** In the order and spelling of the wire. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** First value of a header, by name in any case. */
  header(name: string): string | undefined;
  /** Every value of a header, by name in any case. */
  all(name: string): readonly string[];
}

export interface RawMessage extends RawHead {
  /** Chunked framing already removed. */
  readonly body: string;
  readonly framing: 'none' | 'content-length' | 'chunked' | 'close';
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** Of a response; NaN for a request. */
  readonly status: number;
}

/** The other side sent nothing for too long, and is still there. */
export class Silence extends Error {}

export class RawConnection {
  readonly socket: Socket;
  /** How the other side went: FIN, or RST (or any socket error). */
  readonly closed: Promise<'end' | 'reset'>;
  #received: Buffer[] = [];
  #unread = Buffer.alloc(0);
  #ended = false;
  #isDiscarding = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#isDiscarding) return;
      this.#received.push(chunk);
      this.#unread = Buffer.concat([this.#unread, chunk]);
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      const over = (how: 'end' | 'reset') => {
        this.#ended = true;
        this.#wake?.();
        resolve(how);
      };
      socket.once('end', () => over('end'));
      socket.on('error', (error) => {
        this.#error = error;
        over('reset');
      });
      socket.once('close', () => over('end'));
    });
  }

  /** Every byte received so far, as Latin-1. */
  get received(): string {
    return Buffer.concat(this.#received).toString('latin1');
  }

  /** Received and not yet taken by a read. */
  get unread(): string {
    return this.#unread.toString('latin1');
  }

  /** Writes Latin-1 text or bytes; false when the other side is not reading fast enough. */
  send(bytes: string | Buffer): boolean {
    return this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Sends FIN; still reads. */
  end(): void {
    this.socket.end();
  }

  /** Sends RST where the socket can (TCP); otherwise closes hard. */
  reset(): void {
    try {
      this.socket.resetAndDestroy();
    } catch {
      this.socket.destroy();
    }
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** From now on what arrives is read and thrown away. */
  discard(): void {
    this.#isDiscarding = true;
    this.socket.resume();
  }

  async readUntil(marker: string): Promise<string> {
    for (;;) {
      const at = this.#unread.indexOf(marker, 0, 'latin1');
      if (at >= 0) return this.#take(at + marker.length);
      await this.#more(`"${JSON.stringify(marker)}"`);
    }
  }

  async readBytes(count: number): Promise<string> {
    while (this.#unread.length < count) await this.#more(`${count} bytes`);
    return this.#take(count);
  }

  async readToEnd(): Promise<string> {
    while (!this.#ended) await this.#more('the end');
    return this.#take(this.#unread.length);
  }

  async readHead(): Promise<RawHead> {
    return parseHead(await this.readUntil('\r\n\r\n'));
  }

  /** Reads a whole message; `bodiless` for the answer to a HEAD. */
  async readMessage(options: { readonly bodiless?: boolean } = {}): Promise<RawMessage> {
    const head = await this.readHead();
    const status = head.startLine.startsWith('HTTP/') ? Number(head.startLine.split(' ')[1]) : Number.NaN;
    const bodiless = options.bodiless === true || status === 204 || status === 304 || status < 200;
    const length = head.header('content-length');
    const chunked = head.header('transfer-encoding')?.toLowerCase() === 'chunked';
    const whole = { ...head, status, trailers: [] };
    if (bodiless) return { ...whole, framing: 'none', body: '' };
    if (chunked) return { ...whole, framing: 'chunked', ...(await this.#readChunked()) };
    if (length !== undefined)
      return { ...whole, framing: 'content-length', body: await this.readBytes(Number(length)) };
    if (Number.isNaN(status)) return { ...whole, framing: 'none', body: '' };
    return { ...whole, framing: 'close', body: await this.readToEnd() };
  }

  async #readChunked(): Promise<Pick<RawMessage, 'body' | 'trailers'>> {
    let body = '';
    for (;;) {
      const size = Number.parseInt(await this.readUntil('\r\n'), 16);
      if (size === 0) break;
      body += await this.readBytes(size);
      await this.readUntil('\r\n');
    }
    const trailers: [string, string][] = [];
    for (;;) {
      const line = (await this.readUntil('\r\n')).slice(0, -2);
      if (line === '') return { body, trailers };
      trailers.push(splitHeader(line));
    }
  }

  #take(count: number): string {
    const taken = this.#unread.toString('latin1', 0, count);
    this.#unread = this.#unread.subarray(count);
    return taken;
  }

  async #more(what: string): Promise<void> {
    if (this.#ended) throw this.#lost(`the connection ended before ${what}`);
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Silence(this.#lost(`nothing for 15 s while waiting for ${what}`).message)),
        15_000,
      );
    });
    await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), silence]);
    clearTimeout(timer);
  }

  #lost(what: string): Error {
    return new Error(`${what}; received ${JSON.stringify(this.received.slice(-500))}`, {
      cause: this.#error,
    });
  }
}

const splitHeader = (line: string): [string, string] => {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
};

const parseHead = (text: string): RawHead => {
  const [startLine = '', ...lines] = text.slice(0, -4).split('\r\n');
  const headers = lines.map(splitHeader);
  const all = (name: string): string[] =>
    headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return { startLine, headers, all, header: (name) => all(name)[0] };
};
