import t from 'tap';
import { shardCount, shardOfAccount, shardOfDigest, shardOfTokenId } from '../../src/tokens/shard.ts';
import { createSecret, createTokenId, digestOf } from '../../src/tokens/api-token.ts';

t.test('a user, the digests of their tokens and the ids of those tokens name one shard', async (t) => {
  for (let number = 0; number < 50; number++) {
    const shard = shardOfAccount('acme', `user-${number}`);
    t.equal(shardOfTokenId(createTokenId(shard)), shard);
    t.equal(shardOfDigest(digestOf(createSecret({ shard, length: 65 }))), shard);
  }
});

t.test('shards are stable: they are where records lie', async (t) => {
  // SHA-256 of "acme/ada" begins with 0x3e, of "acme" with 0x82; mod 16.
  t.same([shardOfAccount('acme', 'ada'), shardOfAccount('acme')], [14, 2]);
});

t.test('users spread over all shards', async (t) => {
  const seen = new Set(Array.from({ length: 500 }, (_, number) => shardOfAccount('acme', `user-${number}`)));
  t.equal(seen.size, shardCount);
});

t.test('what is no token id names no shard', async (t) => {
  t.ok(Number.isNaN(shardOfTokenId('')));
  t.ok(Number.isNaN(shardOfTokenId('xyz')));
});
