// What has been read of the change streams on one server, whether the server still has it, and the next read. Holds positions
// only; the follower connects, and decides what a gap means.

import type { Change } from '../records.ts';
import { parseLine } from './change-codec.ts';
import { RedisFault } from './fault.ts';
import { askFirst, type FeedSession, runInSession, script } from './script.ts';

/** Of each stream; small enough for a server that limits its clients' output buffers. */
const linesPerRead = 100;

/**
 * Whether the history that was read is still the server's. A failover may have lost its end, an operator may have flushed
 * it, and lines may have been trimmed during a long absence: each is reported as a loss.
 */
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

export interface LineEvents {
  changes(changes: readonly Change[]): void;
  unknownLine(stream: string, id: string): void;
}

export class StreamReader {
  readonly #streams: readonly string[];
  readonly #events: LineEvents;
  /** Stream -> where the next read goes on; empty: from the horizon. */
  readonly #positions = new Map<string, string>();
  /** Stream -> some of the lines read, the oldest first and always the last one; only lines, never the horizon. */
  readonly #seen = new Map<string, string[]>();
  /** Counts how often everything read was forgotten. */
  #beginnings = 0;

  constructor(streams: readonly string[], events: LineEvents) {
    this.#streams = streams;
    this.#events = events;
  }

  /** The next read begins at the horizon again; the reply of one under way counts for nothing. */
  forget(): void {
    this.#positions.clear();
    this.#seen.clear();
    this.#beginnings += 1;
  }

  /** Streams that have not been read yet are read from this time on, in ms of the server's clock. */
  beginAt(horizonMs: number): void {
    for (const stream of this.#streams)
      if (!this.#positions.has(stream)) this.#positions.set(stream, `${Math.max(0, horizonMs)}-0`);
  }

  /**
   * Whether the server still has the lines read that are younger than `horizonMs`, of the server's clock. Rejects with the
   * library's error when the connection is lost.
   */
  async continuity(session: FeedSession, horizonMs: number): Promise<Continuity> {
    for (const ids of this.#seen.values())
      while (ids.length > 1 && msOf(ids[0] ?? '') < horizonMs) ids.shift();
    const seen = [...this.#seen.values()];
    if (seen.length === 0) return 'whole';
    const last = seen.map((ids) => ids.at(-1) ?? '');
    // A line that is young enough to be kept still, where one is known.
    const early = seen.map(([first = '']) => (msOf(first) < horizonMs ? '' : first));
    const reply = await runInSession(session, checkContinuity, [...this.#seen.keys()], [...last, ...early]);
    if (reply === 'whole' || reply === 'trimmed' || reply === 'server_replaced') return reply;
    throw new RedisFault('CORRUPT', 'the reply to a continuity check makes no sense');
  }

  /** Reads one batch and delivers it; `blockMs` undefined: does not wait. Returns the number of lines. */
  async read(session: FeedSession, blockMs?: number): Promise<number> {
    const streams = [...this.#positions.keys()];
    const ids = [...this.#positions.values()];
    const beginning = this.#beginnings;
    const { client } = session;
    askFirst(session);
    const reply = await (blockMs === undefined
      ? client.xread('COUNT', linesPerRead, 'STREAMS', ...streams, ...ids)
      : client.xread('COUNT', linesPerRead, 'BLOCK', blockMs, 'STREAMS', ...streams, ...ids));
    if (beginning !== this.#beginnings) throw readAgain();
    let count = 0;
    for (const [stream, lines] of reply ?? []) {
      const changes: Change[] = [];
      for (const [id, words] of lines) {
        const change = parseLine(words);
        if (change === undefined) this.#events.unknownLine(stream, id);
        else changes.push(change);
      }
      const [first, last] = [lines[0]?.[0], lines.at(-1)?.[0]];
      if (first === undefined || last === undefined) continue;
      this.#positions.set(stream, last);
      this.#note(stream, first, last);
      count += lines.length;
      if (changes.length > 0) this.#events.changes(changes);
    }
    return count;
  }

  /** Of the lines before the last one, one a second is enough: streams are trimmed from their beginning. */
  #note(stream: string, first: string, last: string): void {
    const ids = this.#seen.get(stream) ?? [];
    this.#seen.set(stream, ids);
    const before = ids.at(-2);
    if (before !== undefined && msOf(ids.at(-1) ?? '') - msOf(before) < 1000) ids.pop();
    if (ids.length === 0) ids.push(first);
    if (ids.at(-1) !== last) ids.push(last);
  }
}

/** An id is `<ms>-<number>`. */
const msOf = (id: string): number => Number(id.slice(0, id.indexOf('-')));

export const readAgain = (): RedisFault => new RedisFault('HISTORY_LOST', 'reading the change feed again');

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
 * Asks for the streams to be kept for `retentionMs` and answers for how long they are: the longest that any replica has ever
 * asked for, so that no writer with a shorter one trims a line that another replica still needs. Undefined when the server
 * does not write now (full, or moving the slot), to be tried again. `keys`: retention and stream of each shard.
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
