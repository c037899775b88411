// Wherever a caller writes a secret, and however: no line of the log has it. Access lines, audit lines, and the fields of
// every other line.

import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import t from 'tap';
import { createAudit } from '../../src/lifecycle/audit.ts';
import { vcdRequestId } from '../../src/dialects/vcd-error.ts';
import { accessLine } from '../../src/observe/access-line.ts';
import { createLog } from '../../src/observe/log.ts';
import { requestIdOf } from '../../src/proxy/correlation.ts';
import { createSecret } from '../../src/tokens/api-token.ts';
import { sampleOutcome } from './request-outcome-samples.ts';

const encode = (text: string): string =>
  text.replace(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
const spellings: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => secret.toUpperCase(),
  (secret) => secret.toLowerCase(),
  (secret) => encode(secret),
  (secret) => encode(encode(secret)),
  (secret) => `%74%67${secret.slice(2)}`,
  (secret) => `${encode(secret.slice(0, 20))}${secret.slice(20)}`,
];
const secrets = fc
  .record({ shard: fc.nat(15), length: fc.constantFrom(32 as const, 65 as const) })
  .map((wanted) => createSecret(wanted));
const jwts = fc
  .uint8Array({ minLength: 60, maxLength: 90 })
  .map((bytes) => `eyJhbGciOiJFUzI1NiJ9.${Buffer.from(bytes).toString('base64url')}.AAAA`);
const around = fc.constantFrom('', 'x', 'X9', 'Bearer%20', 'a.', '=', '-', '_', ':', '~', '/v1/', '%2F');

/** A text with a secret in it, and what of the secret must not be seen. */
const texts = fc
  .tuple(around, fc.oneof(secrets, jwts), fc.constantFrom(...spellings), around)
  .map(([before, secret, spell, after]) => {
    const isToken = secret.startsWith('tg');
    // A JWT in another case is none, and nobody could use it.
    const spelt = isToken ? spell(secret) : secret;
    return { text: `${before}${spelt}${after}`, trace: secret.slice(isToken ? 2 : 21, 26).toLowerCase() };
  });

const plain = (text: string): string => {
  const once = text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return once === text ? once.toLowerCase() : plain(once);
};

const isHidden = (line: string, trace: string): boolean => !plain(line).includes(trace);

t.test('an access line shows no secret of any field a caller can write', async () => {
  fc.assert(
    fc.property(texts, ({ text, trace }) => {
      const outcome = {
        ...sampleOutcome(),
        requestId: requestIdOf(text),
        path: `/things/${text}?q=${text}`,
        evidence: text,
      };
      return (
        isHidden(accessLine(outcome, 0), trace) &&
        isHidden(vcdRequestId({ requestId: 'ours', headerLines: () => [text] }), trace)
      );
    }),
    { numRuns: 1_000 },
  );
});

t.test('the audit shows none that stands where a name should', async () => {
  fc.assert(
    fc.property(texts, ({ text, trace }) => {
      const lines: string[] = [];
      const audit = createAudit({
        store: { appendAudit: async () => 'done' },
        log: { line: (line) => void lines.push(line), info: () => undefined, warn: () => undefined },
        exchangeSampling: 1,
        now: () => 0,
      });
      const origin = { clientAddress: '127.0.0.1', requestId: requestIdOf(text) };
      const subject = { org: text, user: text, tokenId: text };
      audit.record({ action: 'session.begin', identity: undefined, origin, subject, outcome: 'done' });
      void audit.close();
      return lines.length === 1 && lines.every((line) => isHidden(line, trace));
    }),
  );
});

t.test('no other line shows one that is whole, in its message, a field or an error', async (t) => {
  const file = join(t.testdir(), 'log');
  const fd = openSync(file, 'w');
  const log = createLog({ level: 'info', fd, onDrop: () => undefined });
  const used: string[] = [];
  fc.assert(
    fc.property(around, fc.oneof(secrets, jwts), around, (before, secret, after) => {
      used.push(secret);
      const text = `${before}${secret}${after}`;
      log.warn(`refused: ${text}`, { name: text, err: new Error(text, { cause: new Error(text) }) });
    }),
  );
  await log.drain();
  closeSync(fd);
  const written = readFileSync(file, 'utf8');
  t.ok(written.split('\n').length > used.length);
  for (const secret of used) t.notOk(written.includes(secret.slice(0, 30)));
});
