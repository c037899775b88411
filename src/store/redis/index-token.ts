// Which sets a token is in: one script puts it where its record belongs. Repeating it is safe, from any state before.

import { shardOfTokenId } from '../../tokens/shard.ts';
import { runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { script } from './script.ts';
import { expireRecord } from './script-parts.ts';
import { type IndexedToken, indexKeysOf, membersOf, vanishingOf } from './token-index-keys.ts';

/**
 * Puts a token into the sets it belongs to, and out of all others; out of every one when its record has vanished.
 * KEYS token, the user's ids, vanishing records, six sets of live ones, six of revoked ones. ARGV id, member of the vanishing
 * records, six members.
 */
const indexScript = script(`
local known = redis.call('HMGET', KEYS[1], 'doc', 'revokedAtMs')
local left = redis.call('PTTL', KEYS[1])
local to = known[1] and (known[2] and 9 or 3) or nil
if known[1] then redis.call('ZADD', KEYS[2], 0, ARGV[1]) else redis.call('ZREM', KEYS[2], ARGV[1]) end
for _, part in ipairs({3, 9}) do
  for i = 1, 6 do
    if part == to then redis.call('ZADD', KEYS[part + i], 0, ARGV[2 + i])
    else redis.call('ZREM', KEYS[part + i], ARGV[2 + i]) end
  end
end
if left >= 0 then
  local now = redis.call('TIME')
  redis.call('ZADD', KEYS[3], string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + left), ARGV[2])
else redis.call('ZREM', KEYS[3], ARGV[2]) end
return 1
`);

/** Marks a token as revoked by itself, unless it is. KEYS token. ARGV revokedAtMs. */
export const buryScript = script(`${expireRecord}
if redis.call('HEXISTS', KEYS[1], 'doc') == 0 then return 0 end
if redis.call('HSETNX', KEYS[1], 'revokedAtMs', ARGV[1]) == 1 then expireRecord(KEYS[1]) end
return 1
`);

export const indexToken = async (
  { keys, unacknowledged }: Pick<StoreContext, 'keys' | 'unacknowledged'>,
  token: IndexedToken,
): Promise<void> => {
  const touched = [
    keys.token(token.id),
    keys.tokensOf(token.orgId, token.userId),
    keys.vanishing(shardOfTokenId(token.id)),
    ...indexKeysOf(keys, token, 'live'),
    ...indexKeysOf(keys, token, 'revoked'),
  ];
  await runOn(unacknowledged('sweep'), indexScript, touched, [
    token.id,
    vanishingOf(token),
    ...membersOf(token),
  ]);
};
