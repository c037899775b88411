// The API behind each proxy: a raw TCP server that writes down the bytes of every request and plays back what the case at hand
// says, byte for byte.

import type { Test } from 'tap';
import type { RawConnection, RawHead } from '../../support/raw-connection.ts';
import { startRawUpstream } from '../../support/raw-upstream.ts';

export interface SeenRequest {
  readonly head: RawHead;
  framing: 'none' | 'length' | 'chunked';
  body: string;
  trailers: string;
}

/** What the API does about a request whose head has come; `index`: it is the first (0), second, ... of the case. */
export type Script = (connection: RawConnection, request: SeenRequest, index: number) => Promise<void>;

export interface ScriptedApi {
  readonly port: number;
  /** Of the present case, in the order they came. */
  readonly seen: readonly SeenRequest[];
  /** Begins a case. */
  play(script: Script): void;
  /** Resolves when the head of a request has come; rejects with the test. */
  head(): Promise<SeenRequest>;
}

export const startScriptedApi = async (t: Test): Promise<ScriptedApi> => {
  let script: Script = answering(ok);
  let seen: SeenRequest[] = [];
  let wake: (() => void) | undefined;
  const serve = async (connection: RawConnection): Promise<void> => {
    for (;;) {
      const request: SeenRequest = {
        head: await connection.readHead(),
        framing: 'none',
        body: '',
        trailers: '',
      };
      seen.push(request);
      wake?.();
      await script(connection, request, seen.length - 1);
    }
  };
  const upstream = await startRawUpstream({
    serve: (connection) => serve(connection).catch(() => undefined),
  });
  t.teardown(() => upstream.close());
  return {
    port: upstream.port,
    get seen() {
      return seen;
    },
    play: (next) => {
      script = next;
      seen = [];
    },
    head: async () => {
      while (seen.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return seen[0]!;
    },
  };
};

/** A small answer with a length, on a connection that may be kept. */
export const ok = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok';

/** Reads the body and sends these bytes; `ends`: then no more comes on the connection. */
export const answering =
  (bytes: string, { ends = false }: { readonly ends?: boolean } = {}): Script =>
  async (connection, request) => {
    await readBody(connection, request);
    connection.send(bytes);
    if (ends) connection.end();
  };

/** By the framing of the head, chunk by chunk; it is written down once it is whole. */
export const readBody = async (connection: RawConnection, request: SeenRequest): Promise<void> => {
  const { head } = request;
  if (head.header('transfer-encoding') !== undefined) {
    request.framing = 'chunked';
    let body = '';
    for (;;) {
      const size = Number.parseInt(await connection.readUntil('\r\n'), 16);
      if (size === 0) break;
      body += await connection.readBytes(size);
      await connection.readUntil('\r\n');
    }
    for (let line = ''; line !== '\r\n'; request.trailers += line) line = await connection.readUntil('\r\n');
    request.body = body;
    request.trailers = request.trailers.trim().replaceAll('\r\n', ', ');
  } else if (head.header('content-length') !== undefined) {
    request.framing = 'length';
    request.body = await connection.readBytes(Number(head.header('content-length')));
  }
};
