// A Lua script and how it is called: EVALSHA, with the text only when the server does not know it yet.

import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';

export interface Script {
  /** For metrics and logs. */
  readonly name: string;
  readonly lua: string;
  readonly sha: string;
}

export const script = (name: string, lua: string): Script => ({ name, lua, sha: hash('sha1', lua) });

export const isNoScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT');

/** Runs a script. Rejects with the library's error. */
export const runScript = async (
  client: Redis,
  { lua, sha }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> => {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return client.eval(lua, keys.length, ...keys, ...args);
  }
};
