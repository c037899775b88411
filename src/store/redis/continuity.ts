// Whether the history this follower has seen is still the server's history. A failover may have lost its end, an
// operator may have flushed it, and a long absence may have been trimmed past: each must be noticed, not read over.

import type { Redis } from 'ioredis';
import { RedisFault } from './fault.ts';
import { infoField } from './info.ts';
import { runScript, script } from './script.ts';

/** What happened to a stream since the line we read last. */
export type Continuity = 'whole' | 'trimmed' | 'server_replaced';

/**
 * KEYS streams, ARGV the id last read of each, then of each an early id that must still be there, or ''. Replies the worst
 * of: whole (both are there, and everything after them can be read), trimmed, server_replaced (the stream is gone, ends
 * earlier, or never had that line).
 */
const checkContinuity = script(
  'check_continuity',
  `
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
`,
);

/** What is known of one stream, by ids of its lines. */
export interface StreamSpan {
  readonly stream: string;
  readonly last: string;
  /** A line that is young enough to be kept still; undefined where none is known. */
  readonly early: string | undefined;
}

/** `isAsking`: the server is taking the streams' slot over. */
export const continuityOf = async (
  client: Redis,
  spans: readonly StreamSpan[],
  isAsking: boolean,
): Promise<Continuity> => {
  if (spans.length === 0) return 'whole';
  const keys = spans.map(({ stream }) => stream);
  const ids = [...spans.map(({ last }) => last), ...spans.map(({ early }) => early ?? '')];
  const reply = isAsking
    ? (
        await Promise.all([client.asking(), client.eval(checkContinuity.lua, keys.length, ...keys, ...ids)])
      )[1]
    : await runScript(client, checkContinuity, keys, ids);
  if (reply === 'whole' || reply === 'trimmed' || reply === 'server_replaced') return reply;
  throw new RedisFault('CORRUPT', 'the reply to a continuity check makes no sense');
};

/** Who answers: the process and the history it serves. Both change when another server takes the address. */
export interface ServerIdentity {
  readonly role: string;
  readonly runId: string;
  /** `master_replid`. */
  readonly history: string;
  /** The server's clock, ms since the epoch: it, not ours, ages the streams. */
  readonly nowMs: number;
}

/** TIME: seconds and microseconds, as ms since the epoch. */
const msOf = ([seconds, micros]: readonly (string | number)[]): number =>
  Number(seconds) * 1000 + Number(micros) / 1000;

export const readServerIdentity = async (client: Redis): Promise<ServerIdentity> => {
  const [info, time] = await Promise.all([client.info(), client.time()]);
  return {
    role: infoField(info, 'role'),
    runId: infoField(info, 'run_id'),
    history: infoField(info, 'master_replid'),
    nowMs: Math.floor(msOf(time)),
  };
};

/** The server's clock, in ms since the epoch. */
export const readServerTime = async (client: Redis): Promise<number> => Math.floor(msOf(await client.time()));
