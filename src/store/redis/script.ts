// A Lua script and how it is called: EVALSHA, with the text only when the server does not know it yet.

import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';

export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export const script = (lua: string): Script => ({ lua, sha: hash('sha1', lua) });

export const isNoScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT');

/**
 * Runs a script. Rejects with the library's error. `isAsking`: the server is only taking the keys' slot over; it takes one
 * command after ASKING, and a script only as text.
 */
export const runScript = async (
  client: Redis,
  { lua, sha }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
  isAsking = false,
): Promise<unknown> => {
  if (isAsking) return client.eval(lua, keys.length, ...keys, ...args);
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return client.eval(lua, keys.length, ...keys, ...args);
  }
};

/** A connection of the feed. `isAsking`: its server is only taking the streams' slot over. */
export interface FeedSession {
  readonly client: Redis;
  readonly isAsking: boolean;
}

/** Before each command: on a server that is only taking the slot over, ASKING goes ahead on the same connection. */
export const askFirst = ({ client, isAsking }: FeedSession): void => {
  if (isAsking) client.asking().catch(() => undefined);
};

export const runInSession = (
  session: FeedSession,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> => {
  askFirst(session);
  return runScript(session.client, script, keys, args, session.isAsking);
};
