// Passwords as slow hashes.

import { execFile } from 'node:child_process';
import { scryptSync } from 'node:crypto';
import { promisify } from 'node:util';
import t from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';

const moduleUrl = new URL('../../src/lifecycle/password-hash.ts', import.meta.url).href;
const cheap = createPasswordHashes({ ln: 4 });

t.test('a password is kept as a PHC string of OWASP strength, with a salt of its own', async (t) => {
  const hashes = createPasswordHashes();
  const [one, other] = [await hashes.hash('correct horse battery'), await cheap.hash('x')];
  if (isOutage(one)) throw new Error('turned away');
  t.match(one, /^\$scrypt\$ln=15,r=8,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  t.not(await cheap.hash('x'), other);
  t.equal(await hashes.verify('correct horse battery', one), true);
  t.equal(await hashes.verify('correct horse batterz', one), false);
});

t.test('a hash of another program is compared as it says', async (t) => {
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync('pässword', salt, 32, { N: 1024, r: 4, p: 2 });
  const phc = `$scrypt$ln=10,r=4,p=2$${salt.toString('base64').slice(0, 22)}$${hash.toString('base64').slice(0, 43)}`;
  t.equal(await cheap.verify('pässword', phc), true);
  t.equal(await cheap.verify('pa\u0308ssword', phc), true, 'typed as two characters');
});

t.test('what is no hash, or too dear, compares with nothing', async (t) => {
  for (const phc of [
    '',
    'password',
    '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA',
    `$scrypt$ln=18,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$scrypt$ln=15,r=8,p=99$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$scrypt$ln=30,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$scrypt$ln=0,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `$scrypt$ln=4,r=8,p=1$${'A'.repeat(22)}$`,
    undefined,
  ])
    t.equal(await cheap.verify('', phc), false);
});

t.test(
  'a hash of an earlier version is still the password, and its account takes no less time',
  async (t) => {
    const salt = Buffer.from('0123456789abcdef');
    const hash = scryptSync('the old password', salt, 32, { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 });
    const phc = `$scrypt$ln=17,r=8,p=1$${salt.toString('base64').slice(0, 22)}$${hash.toString('base64').slice(0, 43)}`;
    const hashes = createPasswordHashes();
    t.strictSame(
      await Promise.all([hashes.verify('the old password', phc), hashes.verify('another one', phc)]),
      [true, false],
    );
    const workOf = (text: string): number => {
      const [, ln = '', r = '', p = ''] = /ln=(\d+),r=(\d+),p=(\d+)/.exec(text) ?? [];
      return 2 ** Number(ln) * Number(r) * Number(p);
    };
    t.equal(workOf(JSON.stringify(await hashes.hash('x'))), workOf(phc), 'N r p is the same');
  },
);

t.test('however many are asked for at once, all hashes together take 64 MiB', async (t) => {
  const script = `
    const { createPasswordHashes } = await import(${JSON.stringify(moduleUrl)});
    const peak = () => process.resourceUsage().maxRSS;
    const hashes = createPasswordHashes();
    const before = peak();
    await Promise.all(Array.from({ length: 6 }, (_, n) => hashes.verify('guess ' + n, undefined)));
    console.log(Math.round((peak() - before) / 1024));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const mebibytes = Number(stdout);
  t.ok(mebibytes > 30 && mebibytes < 96, `${mebibytes} MiB more at the peak`);
});

t.test('what alone is too large runs by itself, in its turn, and what waits runs after it', async (t) => {
  const hashes = createPasswordHashes({ ln: 10, memoryBytesMax: 1 });
  const done: string[] = [];
  const note = async (name: string): Promise<void> => {
    await hashes.hash('x');
    done.push(name);
  };
  await Promise.all(['first', 'second', 'third'].map(note));
  t.strictSame(done, ['first', 'second', 'third']);
});

t.test('few are at work at once, some wait, the rest are turned away with an outage', async (t) => {
  const twoAtWork = 2 * 128 * 8 * (2 ** 12 + 4);
  const hashes = createPasswordHashes({ ln: 12, memoryBytesMax: twoAtWork, waitingMax: 3 });
  const answers = await Promise.all(Array.from({ length: 8 }, () => hashes.hash('x')));
  t.equal(answers.filter((answer) => isOutage(answer) && answer.reason === 'overloaded').length, 3);
  t.equal(isOutage(await hashes.hash('x')), false, 'and then it goes on');
});
