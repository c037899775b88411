// The sealing key beside a SQLite database: one that is gone or damaged is never replaced by a new one in silence. The
// gate lives, is not ready, says what to do, and is ready by itself once the right file is back.

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startGate } from '../support/gate-process.ts';

t.setTimeout(120_000);

const directory = t.testdir();
const file = join(directory, 'tollgate.key');
const settings = { upstream: 'http://127.0.0.1:9', routes: [{ name: 'all', path: '/*', scopes: [] }] };
let key = '';

t.before(async () => {
  const gate = await startGate(t, { directory, settings });
  await gate.whenReady();
  await gate.stop();
  key = readFileSync(file, 'utf8');
});

const damages: Record<string, readonly [damage: () => void, said: RegExp]> = {
  'a file that is gone': [
    () => undefined,
    /sealing key file .* is missing, but signing keys .* sealed under it/,
  ],
  'an empty file': [
    () => writeFileSync(file, ''),
    /does not hold 32 bytes in base64: put the right file back/,
  ],
  'a file cut off': [() => writeFileSync(file, key.slice(0, 20)), /does not hold 32 bytes in base64/],
  'a folder': [() => mkdirSync(file), /cannot be read \(EISDIR\)/],
  'the key of another database': [
    () => writeFileSync(file, Buffer.alloc(32, 9).toString('base64')),
    /signing keys: .*(?:sealing key|encryptionKey)/,
  ],
};

const held = (): string =>
  !existsSync(file) ? 'nothing' : statSync(file).isDirectory() ? 'a folder' : readFileSync(file, 'utf8');

for (const [what, [damage, said]] of Object.entries(damages))
  t.test(`${what} is not replaced`, async (t) => {
    rmSync(file, { recursive: true, force: true });
    damage();
    const before = held();
    const gate = await startGate(t, { directory, settings });
    await gate.logged(({ msg }) => msg.startsWith('signing keys:'));
    const readiness = await gate.readiness();
    t.equal(readiness.status, 503);
    t.match(readiness.reasons.join('\n'), said);
    t.equal((await fetch(`${gate.opsUrl}/livez`)).status, 200);
    t.equal(held(), before, 'what is there is left as it is');
    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, key, { mode: 0o600 });
    await gate.whenReady();
    await gate.stop();
  });
