// How long the change streams are kept: the longest that any replica has ever asked for. Each replica asks before it reads
// them, so that no writer with a shorter retention (a command line without the settings, a replica with newer ones) trims a
// line that another replica still needs. It only grows.

import { runInSession, script, type FeedSession } from './script.ts';

/**
 * KEYS retention and stream of each shard: the stream only so that a moving slot refuses the script whole. ARGV ms.
 * Replies the longest in ms, or nil when it could not be written down everywhere.
 */
const keepRetention = script(`
local longest = tonumber(ARGV[1])
for i = 1, #KEYS, 2 do longest = math.max(longest, tonumber(redis.call('GET', KEYS[i]) or '0')) end
for i = 1, #KEYS, 2 do
  if tonumber(redis.call('GET', KEYS[i]) or '0') < longest then
    if redis.pcall('SET', KEYS[i], string.format('%.0f', longest)).err then return false end
  end
end
return longest
`);

/**
 * Asks for streams to be kept for `retentionMs` and answers for how long they are; undefined when the server does not
 * write now (full, or moving the slot), to be tried again. `keys`: retention and stream of each shard. Rejects when the
 * connection is lost.
 */
export const askRetention = async (
  session: FeedSession,
  keys: readonly string[],
  retentionMs: number,
): Promise<number | undefined> => {
  try {
    const reply = await runInSession(session, keepRetention, keys, [retentionMs]);
    return typeof reply === 'number' ? reply : undefined;
  } catch (error) {
    if (isTryAgain(error)) return undefined;
    throw error;
  }
};

const isTryAgain = (error: unknown): boolean =>
  error instanceof Error && /^(?:TRYAGAIN|OOM|MISCONF|NOREPLICAS) /.test(error.message);
