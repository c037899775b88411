// A Lua script and how it is called: EVALSHA, with the text only when the server does not know it yet. A script declares every
// key it writes, so that a Cluster moving the slot refuses it whole (TRYAGAIN) and never half way. Field values are JSON
// texts. Below are the Lua functions that scripts share.

import type { Redis } from 'ioredis';
import { hash } from 'node:crypto';
import { recordRetentionMs } from '../api-token-state.ts';

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

/**
 * `retentionOf(stream, retentionMs)`: how long a stream is kept, by stream-reader.ts; nil while no replica has asked.
 * `appendLine(stream, retentionMs, line)` appends a line, trims older ones once that is known, and returns the line's id.
 * The key of the retention is computed and only read: where a Cluster refuses that, nothing is trimmed.
 * `hasLine(stream, id, line)`: whether the stream still has, under that id, a line about the same. `id` may be false. A stream that
 * was deleted gives an id again to another line when both are of one millisecond.
 */
export const appendLine = `
local function retentionOf(stream, retentionMs)
  local longest = redis.pcall('GET', string.sub(stream, 1, -8) .. 'retention')
  if type(longest) ~= 'string' then return nil end
  return math.max(tonumber(longest), tonumber(retentionMs))
end
local function appendLine(stream, retentionMs, line)
  local keptMs = retentionOf(stream, retentionMs)
  if not keptMs then return redis.call('XADD', stream, '*', unpack(line)) end
  local now = redis.call('TIME')
  local horizon = string.format('%.0f', math.max(0, now[1] * 1000 + math.floor(now[2] / 1000) - keptMs))
  return redis.call('XADD', stream, 'MINID', '~', horizon, '*', unpack(line))
end
local function aboutOf(line)
  local words = {}
  for i = 1, #line, 2 do words[line[i]] = line[i + 1] end
  local about = {}
  for i, name in ipairs({'kind', 'token', 'session', 'org', 'user'}) do about[i] = words[name] or '' end
  return table.concat(about, ' ')
end
local function hasLine(stream, id, line)
  local entry = id and redis.call('XRANGE', stream, id, id, 'COUNT', 1)[1]
  return entry and aboutOf(entry[2]) == aboutOf(line)
end
`;

/**
 * `endWithoutRecord(mark, stream, retentionMs, line)` writes the end of what has no record: a mark, which holds the id of the
 * line, and the line. Returns false when the stream has that line already. Needs `appendLine`.
 */
export const endWithoutRecord = `
local function endWithoutRecord(mark, stream, retentionMs, line)
  if hasLine(stream, redis.call('GET', mark), line) then return false end
  redis.call('SET', mark, appendLine(stream, retentionMs, line), 'PX', retentionOf(stream, retentionMs) or retentionMs)
  return true
end
`;

/**
 * `allowAtMaxmemory(stream)` lets a revocation succeed at maxmemory: Redis checks the memory only on the first write of a
 * script (6.2 to 8), and XDEL of a line that does not exist counts as freeing memory. (The flag `allow-oom` needs Redis 7,
 * and text that 6.2 cannot parse.) Only for writes that callers cannot repeat without end.
 */
export const allowAtMaxmemory = `
local function allowAtMaxmemory(stream) redis.call('XDEL', stream, '0-1') end
`;

/** `withGeneration(account, line)` adds the present generation, tokenGenerationMin and state of an account to a line. */
export const withGeneration = `
local function withGeneration(account, line)
  local now = redis.call('HMGET', account, 'generation', 'tokenGenerationMin', 'state')
  for i, name in ipairs({'generation', 'tokenGenerationMin', 'state'}) do
    line[#line + 1] = name
    line[#line + 1] = (string.gsub(now[i], '"', ''))
  end
  return line
end
`;

/**
 * `expireRecord(key)`: a revoked record and the digest that points to it expire after the record retention. A revoked
 * import is kept for ever, because the same import, run again, would revive it. The last step of a script: a digest that
 * cannot be reached now is only kept longer.
 */
export const expireRecord = `
local function expireRecord(key)
  local known = redis.call('HMGET', key, 'digest', 'doc')
  local digest = known[1]
  if string.find(known[2] or '', '"origin":"imported"', 1, true) then return end
  local base = string.sub(key, 1, string.find(key, '}:', 1, true) + 1)
  for _, each in ipairs({key, digest and base .. 'digest:' .. digest}) do
    local left = redis.pcall('PTTL', each)
    if left == -1 or (type(left) == 'number' and left > ${recordRetentionMs}) then
      redis.pcall('PEXPIRE', each, ${recordRetentionMs})
    end
  end
end
`;

/** `sameShard(id, digestKey)`: whether they lie together; an id names its shard in its last hex digit, a digest in its second. */
export const sameShard = `
local function sameShard(id, digestKey) return string.sub(id, -1) == string.sub(digestKey, -63, -63) end
`;

/**
 * `expiryIn(doc)`: the expiry in the document of a token, as JSON. `writeExpiry(key, doc, expiresAtMs, renewedAtMs,
 * keepUntilMs)`: gives a token another one, the document being `doc`; 'null' or '' for never. All else in the document stays as
 * it is, also what a later version wrote there. In JSON only a member's name stands in quotes before a colon. PERSIST comes
 * first: where the user of the store may not do that, nothing is written.
 */
export const writeExpiry = `
local function expiryIn(doc) return string.match(doc, '"expiresAtMs":([^,}]*)') or 'null' end
local function withMember(doc, name, value)
  local text = '"' .. name .. '":'
  local found, times = string.gsub(doc, text .. '[^,}]*', text .. value, 1)
  return times == 1 and found or string.sub(doc, 1, -2) .. ',' .. text .. value .. '}'
end
local function writeExpiry(key, doc, expiresAtMs, renewedAtMs, keepUntilMs)
  if keepUntilMs == '' then redis.call('PERSIST', key) else redis.call('PEXPIREAT', key, keepUntilMs) end
  doc = withMember(withMember(doc, 'expiresAtMs', expiresAtMs), 'renewedAtMs', renewedAtMs)
  redis.call('HSET', key, 'doc', doc)
end
`;
