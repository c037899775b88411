// Passwords as slow hashes.

import { scryptSync } from 'node:crypto';
import t from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { createPasswordHashes, isPasswordHash } from '../../src/lifecycle/password-hash.ts';

const cheap = createPasswordHashes({ ln: 4 });

t.test('a password is kept as a PHC string of OWASP strength, with a salt of its own', async (t) => {
  const hashes = createPasswordHashes();
  const [one, other] = [await hashes.hash('correct horse battery'), await cheap.hash('x')];
  if (isOutage(one)) throw new Error('turned away');
  t.match(one, /^\$scrypt\$ln=17,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  t.not(await cheap.hash('x'), other);
  t.equal(await hashes.verify('correct horse battery', one), true);
  t.equal(await hashes.verify('correct horse batterz', one), false);
});

t.test('a hash of another program is compared as it says', async (t) => {
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync('pässword', salt, 32, { N: 1024, r: 4, p: 2 });
  const phc = `$scrypt$ln=10,r=4,p=2$${salt.toString('base64').slice(0, 22)}$${hash.toString('base64').slice(0, 43)}`;
  t.equal(isPasswordHash(phc), true);
  t.equal(await cheap.verify('pässword', phc), true);
  t.equal(await cheap.verify('pa\u0308ssword', phc), true, 'typed as two characters');
});

t.test('what is no hash, or too dear, compares with nothing', async (t) => {
  for (const phc of [
    '',
    'password',
    '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA',
    `$scrypt$ln=30,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$scrypt$ln=0,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$scrypt$ln=4,r=8,p=1$${'A'.repeat(22)}$`,
    undefined,
  ]) {
    t.equal(phc !== undefined && isPasswordHash(phc), false);
    t.equal(await cheap.verify('', phc), false);
  }
});

t.test('few are at work at once, some wait, the rest are turned away with an outage', async (t) => {
  const hashes = createPasswordHashes({ ln: 12, concurrency: 2, waitingMax: 3 });
  const answers = await Promise.all(Array.from({ length: 8 }, () => hashes.hash('x')));
  t.equal(answers.filter((answer) => isOutage(answer) && answer.reason === 'overloaded').length, 3);
  t.equal(isOutage(await hashes.hash('x')), false, 'and then it goes on');
});
