// Where commands go: to the one master, or on a Cluster to the master that holds the key. What uses the store's
// connections sees only this.

import type { Redis } from 'ioredis';
import { type Script, runScript } from './script.ts';

/** `isAsking`: the server is only taking the key's slot over; it takes one command, and a script only as text. */
export type Work<T> = (client: Redis, isAsking: boolean) => Promise<T>;

export interface MasterConnections {
  /** Connects. Resolves when a server is usable, or at the first failure: it goes on trying in the background. */
  open(): Promise<void>;
  close(): void;
  /** Runs work on a connection to the master that holds `key`; rejects at once when there is none. */
  on<T>(key: string, work: Work<T>): Promise<T>;
  /** Asks the servers again whether they are masters. */
  recheck(): void;
  /** Drops a connection to another server than the one the feed found to be the master now. */
  renew(history: string): void;
}

/** Runs a script where its first key lives. */
export const runOn = (
  connections: MasterConnections,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> =>
  connections.on(keys[0] ?? '', (client, isAsking) => runScript(client, script, keys, args, isAsking));

/** All fields of a hash; undefined when there is none. */
export const readHash = async (
  connections: MasterConnections,
  key: string,
): Promise<ReadonlyMap<string, string> | undefined> => {
  const fields = Object.entries(await connections.on(key, (client) => client.hgetall(key)));
  return fields.length === 0 ? undefined : new Map(fields);
};

/** Members of an index in byte order, after one of them. */
export const listIndex = (
  connections: MasterConnections,
  key: string,
  after: string | undefined,
  count: number,
): Promise<string[]> => {
  const from = after === undefined ? '-' : `(${after}`;
  return connections.on(key, (client) => client.zrangebylex(key, from, '+', 'LIMIT', 0, count));
};
