// An edge over an API with few connections, for tests of who holds how many of them. Requests whose target holds `held` are
// answered when the test says so; all others at once.
//
//   const { edge, reached, release, ask, connect } = await startSharedUpstream(t, { connectionsMax: 8, callerShare: 0.25 });
//   const greedy = await connect('127.0.0.2');           // from another address of this machine
//   greedy.send(get('/public/held'));
//   await until(() => reached.length === 1);
//   (await ask('127.0.0.3', get('/public/x'))).status

import type { Test } from 'tap';
import type { UpstreamSettings } from '../../src/settings/settings.ts';
import { type Edge, type EdgeOptions, startEdge } from './edge.ts';
import { connectRaw, exchangeRaw } from './raw-client.ts';
import type { RawConnection, RawMessage } from './raw-connection.ts';
import { type RawUpstream, startRawUpstream } from './raw-upstream.ts';

export interface SharedUpstream {
  readonly edge: Edge;
  readonly upstream: RawUpstream;
  /** Whole requests the API has read, in order. */
  readonly reached: readonly RawMessage[];
  release(): void;
  connect(from: string): Promise<RawConnection>;
  ask(from: string, request: string): Promise<RawMessage>;
}

export const startSharedUpstream = async (
  t: Test,
  shares: Partial<UpstreamSettings>,
  options: EdgeOptions = {},
  /** Instead of the API described above. */
  serve?: (connection: RawConnection) => Promise<void>,
): Promise<SharedUpstream> => {
  const reached: RawMessage[] = [];
  const released = Promise.withResolvers<void>();
  const upstream = await startRawUpstream({
    serve:
      serve ??
      (async (connection) => {
        for (;;) {
          const request = await connection.readMessage();
          reached.push(request);
          if (request.startLine.includes('held')) await released.promise;
          connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        }
      }),
  });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, { ...options, upstream: shares });
  t.teardown(() => edge.close());
  return {
    edge,
    upstream,
    reached,
    release: () => released.resolve(),
    connect: async (from) => {
      const client = await connectRaw({ port: edge.port, from });
      t.teardown(() => client.socket.destroy());
      return client;
    },
    ask: (from, request) => exchangeRaw({ port: edge.port, from }, request),
  };
};

export const get = (path: string, ...lines: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: api', ...lines, '', ''].join('\r\n');

/** Turns the event loop until it is so; the test's own time-out is the bound. */
export const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(setImmediate);
};
