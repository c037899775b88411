// Scripts about reminders. Each is atomic and safe to repeat. A reminder is a field `<threshold>:<channel>` of a hash of its
// token, `<state> <attempts> <time> <holder>`.

import { script } from './script.ts';

const partsOf = `
local function partsOf(value)
  if not value then return nil end
  return string.match(value, '^(%S+) (%d+) (%d+) (%S+)$')
end
`;

/** KEYS lease. ARGV holder, for how many ms; 0: lets go. Replies 1 when the holder has it, or has let go. */
export const takeLease = script(`
local known = redis.call('GET', KEYS[1])
if known and known ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
`);

/**
 * KEYS reminders of a token. ARGV field, holder, now, from when on another's `sending` still counts, until when the hash is
 * kept, what was written before which time counts no more. Replies 'claimed', 'repeated', 'busy' or 'settled'.
 */
export const claimReminder = script(`${partsOf}
local state, attempts, at, holder = partsOf(redis.call('HGET', KEYS[1], ARGV[1]))
if at and tonumber(at) < tonumber(ARGV[6]) then state, attempts = nil, nil end
if state == 'sent' or state == 'given_up' then return 'settled' end
local isBegun = state == 'sending'
if isBegun and holder ~= ARGV[2] and tonumber(at) > tonumber(ARGV[4]) then return 'busy' end
local next = string.format('%.0f', tonumber(attempts or '0') + 1)
redis.call('HSET', KEYS[1], ARGV[1], 'sending ' .. next .. ' ' .. ARGV[3] .. ' ' .. ARGV[2])
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
return isBegun and 'repeated' or 'claimed'
`);

/** KEYS reminders of a token. ARGV field, holder, state, now. Replies 1. */
export const settleReminder = script(`${partsOf}
local state, attempts, _, holder = partsOf(redis.call('HGET', KEYS[1], ARGV[1]))
if not state or state == 'sent' then return 1 end
if ARGV[3] ~= 'sent' and (holder ~= ARGV[2] or state ~= 'sending') then return 1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. attempts .. ' ' .. ARGV[4] .. ' ' .. holder)
return 1
`);
