// Whether the history that a follower has read is still the server's history. A failover may have lost its end, an operator
// may have flushed it, and lines may have been trimmed during a long absence: each is reported as a loss.

import { RedisFault } from './fault.ts';
import { runInSession, script, type FeedSession } from './script.ts';

/** What happened to a stream since the line we read last. */
export type Continuity = 'whole' | 'trimmed' | 'server_replaced';

/**
 * KEYS streams, ARGV the id last read of each, then of each an early id that must still be there, or ''. Replies the worst
 * of: whole (both are there, and everything after them can be read), trimmed, server_replaced (the stream is gone, ends
 * earlier, or never had that line).
 */
const checkContinuity = script(`
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function before(a, b)
  local aMs, aSeq = parts(a)
  local bMs, bSeq = parts(b)
  return aMs < bMs or (aMs == bMs and aSeq < bSeq)
end
local worst = 'whole'
local function has(key, id) return #redis.call('XRANGE', key, id, id, 'COUNT', 1) == 1 end
for i, key in ipairs(KEYS) do
  local id, early = ARGV[i], ARGV[#KEYS + i]
  if early ~= '' and not has(key, early) then worst = 'trimmed' end
  if not has(key, id) then
    local info = redis.pcall('XINFO', 'STREAM', key)
    if info.err then return 'server_replaced' end
    local facts = {}
    for j = 1, #info, 2 do facts[info[j]] = info[j + 1] end
    if before(facts['last-generated-id'], id) then return 'server_replaced' end
    local first = facts['first-entry']
    if first and before(first[1], id) then return 'server_replaced' end
    worst = 'trimmed'
  end
end
return worst
`);

/** What is known of one stream, by ids of its lines. */
export interface StreamSpan {
  readonly stream: string;
  readonly last: string;
  /** A line that is young enough to be kept still; undefined where none is known. */
  readonly early: string | undefined;
}

/** Rejects with the library's error when the connection is lost. */
export const continuityOf = async (
  session: FeedSession,
  spans: readonly StreamSpan[],
): Promise<Continuity> => {
  if (spans.length === 0) return 'whole';
  const keys = spans.map(({ stream }) => stream);
  const ids = [...spans.map(({ last }) => last), ...spans.map(({ early }) => early ?? '')];
  const reply = await runInSession(session, checkContinuity, keys, ids);
  if (reply === 'whole' || reply === 'trimmed' || reply === 'server_replaced') return reply;
  throw new RedisFault('CORRUPT', 'the reply to a continuity check makes no sense');
};
