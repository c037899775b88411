import { createHash } from 'node:crypto';
import t from 'tap';
import {
  createSecret,
  createTokenId,
  deriveSecret,
  deriveTokenId,
  digestOf,
  isOwnShape,
} from '../../src/tokens/api-token.ts';
import { shardOfDigest, shardOfTokenId } from '../../src/tokens/shard.ts';

t.test('a secret has its length, its prefix and only letters and digits', async (t) => {
  t.match(createSecret({ shard: 3, length: 65 }), /^tg[0-9A-Za-z]{63}$/);
  t.match(createSecret({ shard: 3, length: 32 }), /^tg[0-9A-Za-z]{30}$/);
});

t.test("a secret's digest falls into the shard asked for, as the store counts shards", async (t) => {
  for (let shard = 0; shard < 16; shard++)
    for (const length of [65, 32] as const) {
      const secret = createSecret({ shard, length });
      t.equal(shardOfDigest(digestOf(secret)), shard);
      t.equal(isOwnShape(secret), true);
    }
});

t.test("a token's id is a UUID that names its shard", async (t) => {
  for (let shard = 0; shard < 16; shard++) {
    const id = createTokenId(shard);
    t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    t.equal(shardOfTokenId(id), shard);
  }
  t.not(createTokenId(1), createTokenId(1));
});

t.test('a shard that does not exist is a bug, not an endless search', async (t) => {
  for (const shard of [-1, 16, 1.5, Number.NaN]) {
    t.throws(() => createSecret({ shard, length: 65 }), RangeError);
    t.throws(() => createTokenId(shard), RangeError);
  }
});

t.test('a digest is SHA-256 in lower-case hex', async (t) => {
  t.equal(digestOf('abc'), createHash('sha256').update('abc').digest('hex'));
});

t.test('changing any one character of a secret is noticed without a look-up', async (t) => {
  for (const length of [65, 32] as const) {
    const secret = createSecret({ shard: 9, length });
    for (let at = 0; at < length; at++) {
      const other = secret[at] === 'a' ? 'b' : 'a';
      t.equal(isOwnShape(secret.slice(0, at) + other + secret.slice(at + 1)), false, `character ${at}`);
    }
  }
});

t.test('strings that are no token of ours are refused by shape', async (t) => {
  const secret = createSecret({ shard: 0, length: 65 });
  const table: Record<string, string> = {
    'an empty string': '',
    'a secret cut by one': secret.slice(0, -1),
    'a secret with a line feed after it': `${secret}\n`,
    'a secret whose last character is a line feed': `${secret.slice(0, -1)}\n`,
    'a secret with its prefix in capitals': `TG${secret.slice(2)}`,
    'a secret with a NUL inside': `${secret.slice(0, 30)}\0${secret.slice(31)}`,
    'wide digits that look like ASCII': `tg${'１'.repeat(63)}`,
    'a JWT': 'eyJhbGciOiJub25lIn0.e30.',
    'sixty-five letters': 'a'.repeat(65),
    'a megabyte of letters': `tg${'a'.repeat(1_000_000)}`,
  };
  for (const [name, value] of Object.entries(table)) t.equal(isOwnShape(value), false, name);
});

t.test('characters are drawn evenly', async (t) => {
  const counts = new Map<string, number>();
  const draws = 1_600;
  for (let draw = 0; draw < draws; draw++)
    for (const character of createSecret({ shard: draw % 16, length: 65 }).slice(2, -6))
      counts.set(character, (counts.get(character) ?? 0) + 1);
  t.equal(counts.size, 62, 'every character of the alphabet occurs');
  const expected = (draws * 57) / 62;
  // Six standard deviations (230 of 1471). A biased modulo would put 309 too many on each of eight characters.
  const worst = Math.max(...[...counts.values()].map((count) => Math.abs(count - expected)));
  t.ok(worst < 6 * Math.sqrt(expected), `the worst is off by ${worst}`);
});

t.test('two thousand secrets are all different', async (t) => {
  const seen = new Set<string>();
  for (let draw = 0; draw < 2_000; draw++) seen.add(createSecret({ shard: 5, length: 32 }));
  t.equal(seen.size, 2_000);
});

t.test('a derived secret is the same for the same key and purpose, and unlike any other', async (t) => {
  const key = Buffer.alloc(32, 1);
  const shard = 5;
  const all = new Set<string>();
  for (const length of [65, 32] as const)
    for (const purpose of [['a'], ['b'], ['a', 1], ['a', '1'], ['a', 'b'], ['a b'], ['a","b']])
      for (const each of [key, Buffer.alloc(32, 2)]) {
        const secret = deriveSecret({ shard, length }, each, purpose);
        t.equal(deriveSecret({ shard, length }, each, purpose), secret);
        t.equal(secret.length, length);
        t.equal(isOwnShape(secret), true);
        t.equal(shardOfDigest(digestOf(secret)), shard);
        all.add(secret.slice(2, 20));
      }
  t.equal(all.size, 28, 'not even a part of one is in another');
});

t.test('a derived id is a UUID that names its shard', async (t) => {
  const key = Buffer.alloc(32, 1);
  for (let shard = 0; shard < 16; shard++) {
    const id = deriveTokenId(shard, key, ['a', 1]);
    t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    t.equal(shardOfTokenId(id), shard);
    t.equal(deriveTokenId(shard, key, ['a', 1]), id);
    t.not(deriveTokenId(shard, key, ['a', 2]), id);
  }
});
