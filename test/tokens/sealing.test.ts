import { randomBytes } from 'node:crypto';
import t from 'tap';
import { seal, unseal } from '../../src/tokens/sealing.ts';

const sealingKey = randomBytes(32);
const plain = Buffer.from('a private key');

t.test('what is sealed is opened with the same sealing key and kid', async (t) => {
  t.same(unseal(seal(plain, sealingKey, 'kid'), sealingKey, 'kid'), plain);
  t.same(unseal(seal(Buffer.alloc(0), sealingKey, 'kid'), sealingKey, 'kid'), Buffer.alloc(0));
});

t.test('the same key sealed twice looks different, and shows nothing of itself', async (t) => {
  const [one, other] = [seal(plain, sealingKey, 'kid'), seal(plain, sealingKey, 'kid')];
  t.not(one, other);
  t.notOk(Buffer.from(one, 'base64url').includes(plain));
});

t.test('another sealing key is refused as a value, not by an exception', async (t) => {
  t.equal(unseal(seal(plain, sealingKey, 'kid'), randomBytes(32), 'kid'), 'refused');
});

t.test('a sealed key moved to another kid is refused', async (t) => {
  t.equal(unseal(seal(plain, sealingKey, 'kid'), sealingKey, 'kid2'), 'refused');
});

t.test('any flipped bit is noticed', async (t) => {
  const sealed = Buffer.from(seal(plain, sealingKey, 'kid'), 'base64url');
  for (let at = 0; at < sealed.length; at++) {
    const altered = Buffer.from(sealed);
    altered[at]! ^= 1;
    t.equal(typeof unseal(altered.toString('base64url'), sealingKey, 'kid'), 'string', `byte ${at}`);
  }
});

t.test('something that was never sealed here is malformed', async (t) => {
  for (const text of ['', 'AQ', 'not base64 at all!', 'A'.repeat(1000)])
    t.equal(unseal(text, sealingKey, 'kid'), 'malformed', JSON.stringify(text.slice(0, 20)));
});
