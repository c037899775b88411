// Scripts that write back what a replica knows and a server has lost: in the record, in the stream, or in both. Many
// replicas do so at once, so each script is idempotent: the first that finds a line missing appends it.

import { script } from './script.ts';
import {
  withGeneration,
  endWithoutRecord,
  expireRecord,
  allowAtMaxmemory,
  appendLine,
} from './script-parts.ts';

/**
 * `appendAgain(stream, mark, retentionMs, generation, line)` appends a line unless one that was written back before, of that
 * generation or a later one, is still in the stream. The mark keeps `<generation> <id>` of it.
 */
const appendAgain = `
local function appendAgain(stream, mark, retentionMs, generation, line)
  local before, id = string.match(redis.call('GET', mark) or '', '^(%d+) (%S+)$')
  if hasLine(stream, id, line) and tonumber(before) >= tonumber(generation) then return end
  id = appendLine(stream, retentionMs, line)
  redis.call('SET', mark, generation .. ' ' .. id, 'PX', retentionOf(stream, retentionMs) or retentionMs)
end
`;

/**
 * Revokes a token again. KEYS token, mark of its end for the case that there is no record, stream. ARGV retentionMs, '1'
 * when the stream lacks the line, revokedAtMs, words of the line.
 */
export const reapplyToken = script(`${appendLine}${endWithoutRecord}${expireRecord}${allowAtMaxmemory}
allowAtMaxmemory(KEYS[3])
local isMissing, line = ARGV[2] == '1', {unpack(ARGV, 4)}
local found = redis.call('HMGET', KEYS[1], 'doc', 'revokedAtMs', 'revokedLine')
if not found[1] then
  if isMissing then endWithoutRecord(KEYS[2], KEYS[3], ARGV[1], line) end
  return 1
end
if not found[2] then redis.call('HSET', KEYS[1], 'revokedAtMs', ARGV[3]) end
if isMissing and not hasLine(KEYS[3], found[3], line) then
  redis.call('HSET', KEYS[1], 'revokedLine', appendLine(KEYS[3], ARGV[1], line))
end
if not found[2] then expireRecord(KEYS[1]) end
return 1
`);

/**
 * Gives a token its newest secret again: the one it replaced is dead, or good until it said. KEYS token, mark of the
 * number for the case that there is no record, digest of the secret, stream, mark of the line. ARGV retentionMs, '1' when
 * the stream lacks the line, id, digest, number, previousUntilMs or '', words of the line.
 */
export const reapplySecret = script(`${appendLine}${appendAgain}${allowAtMaxmemory}
allowAtMaxmemory(KEYS[4])
local id, digest, number, previousUntilMs = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local before = redis.call('HMGET', KEYS[1], 'doc', 'secretNumber', 'digest')
local present = tonumber(before[2] or '0')
if not before[1] then
  if tonumber(redis.call('GET', KEYS[2]) or '-1') < number then
    redis.call('SET', KEYS[2], ARGV[5], 'PX', retentionOf(KEYS[4], ARGV[1]) or ARGV[1])
  end
elseif present < number then
  redis.call('HSET', KEYS[1], 'digest', digest, 'secretNumber', ARGV[5])
  if present + 1 == number then redis.call('HSET', KEYS[1], 'previousDigest', before[3])
  else redis.call('HDEL', KEYS[1], 'previousDigest') end
  if previousUntilMs == '' then redis.call('HDEL', KEYS[1], 'previousUntilMs')
  else redis.call('HSET', KEYS[1], 'previousUntilMs', previousUntilMs) end
  if redis.call('EXISTS', KEYS[3]) == 0 then
    redis.call('SET', KEYS[3], id)
    local left = redis.call('PTTL', KEYS[1])
    if left > 0 then redis.call('PEXPIRE', KEYS[3], left) end
  end
end
if ARGV[2] == '1' then appendAgain(KEYS[4], KEYS[5], ARGV[1], number, {unpack(ARGV, 7)}) end
return 1
`);

/**
 * Raises the generations of an org or a user again; never lowers one. The line says what the record says then. KEYS
 * account, mark of the generation for the case that there is no record, stream, mark of the line. ARGV retentionMs, '1'
 * when the stream lacks the line, generation, tokenGenerationMin or '', state or '' (taken only by an older record), how
 * many words of the line come before the generation, the time of the line last, words of the line.
 *
 * The record may have been changed since the loss, in a generation not above a lost one. That change is the newer one, so it
 * stands: its line gets a generation above the lost ones, or sessions made in those would outlive it.
 */
export const reapplyAccount = script(`${appendLine}${appendAgain}${withGeneration}${allowAtMaxmemory}
allowAtMaxmemory(KEYS[3])
local account, generation, tokenGenerationMin = KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local line, isNewer = {unpack(ARGV, 7)}, false
if redis.call('EXISTS', account) == 1 then
  local present = tonumber(redis.call('HGET', account, 'generation'))
  if present <= generation then
    local atMs = ARGV[6 + tonumber(ARGV[6])]
    isNewer = tonumber(redis.call('HGET', account, 'changedAtMs') or '-1') > tonumber(atMs)
    if isNewer then
      generation = generation + 1
      if tonumber(redis.call('HGET', account, 'tokenGenerationMin')) == present then tokenGenerationMin = generation end
    elseif present < generation then
      redis.call('HSET', account, 'changedAtMs', atMs)
      if ARGV[5] ~= '' then redis.call('HSET', account, 'state', '"' .. ARGV[5] .. '"') end
    end
    redis.call('HSET', account, 'generation', generation)
  end
  if tokenGenerationMin and tonumber(redis.call('HGET', account, 'tokenGenerationMin')) < tokenGenerationMin then
    redis.call('HSET', account, 'tokenGenerationMin', tokenGenerationMin)
  end
  local head = {unpack(ARGV, 7, 6 + tonumber(ARGV[6]))}
  if isNewer then head[#head] = redis.call('HGET', account, 'changedAtMs') end
  line = withGeneration(account, head)
  generation = math.max(present, generation)
elseif tonumber(redis.call('GET', KEYS[2]) or '-1') < generation then
  redis.call('SET', KEYS[2], generation, 'PX', retentionOf(KEYS[3], ARGV[1]) or ARGV[1])
end
if ARGV[2] == '1' or isNewer then appendAgain(KEYS[3], KEYS[4], ARGV[1], string.format('%.0f', generation), line) end
return 1
`);
