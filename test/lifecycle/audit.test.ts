// The audit: a line at once, the store a moment later, bounded, and never in the way.

import t from 'tap';
import { denial, outage } from '../../src/decision/outcome.ts';
import { type AuditEvent, createAudit } from '../../src/lifecycle/audit.ts';
import { commandError } from '../../src/lifecycle/command-error.ts';
import type { AuditEntry } from '../../src/store/records.ts';
import { anIdentity } from '../support/identity.ts';

const openAudit = (over: { readonly exchangeSampling?: number; readonly random?: () => number } = {}) => {
  const lines: string[] = [];
  const warnings: object[] = [];
  const notices: string[] = [];
  const stored: AuditEntry[] = [];
  const state = { isOut: false, nowMs: 1_800_000_000_000 };
  const audit = createAudit({
    store: {
      appendAudit: async (entries) => {
        if (state.isOut) return outage('store_unavailable');
        stored.push(...entries);
        return 'done';
      },
    },
    log: {
      line: (json) => void lines.push(json),
      info: (message) => void notices.push(message),
      warn: (message, fields) => void warnings.push({ message, ...fields }),
    },
    exchangeSampling: 1,
    now: () => state.nowMs,
    ...over,
  });
  return { audit, lines, warnings, notices, stored, state };
};

const event = (over: Partial<AuditEvent> = {}): AuditEvent => ({
  action: 'token.create',
  identity: anIdentity({}),
  origin: { clientAddress: '192.0.2.1', requestId: 'r1' },
  subject: { org: 'acme' },
  outcome: 'done',
  ...over,
});

t.test('what was done and what was refused, with its reason, are told apart', async (t) => {
  const { audit, stored } = openAudit();
  for (const outcome of [
    'revoked',
    { secret: 'x' },
    denial('scope_missing', 'evidence is for the log of requests'),
    commandError('too_many_tokens', 'a sentence'),
    outage('store_unavailable', new Error('inner')),
  ])
    audit.record(event({ outcome }));
  await audit.close();
  t.same(
    stored.map(({ result, reason }) => [result, reason]),
    [
      ['done', undefined],
      ['done', undefined],
      ['refused', 'scope_missing'],
      ['refused', 'too_many_tokens'],
      ['refused', 'store_unavailable'],
    ],
  );
});

t.test('an entry says that it came by the console, and of an API it says nothing', async (t) => {
  const { audit, lines, stored } = openAudit();
  const origin = { clientAddress: '192.0.2.1', requestId: 'r1' };
  audit.record(event({ origin: { ...origin, via: 'console' } }));
  audit.record(event({ origin }));
  await audit.close();
  t.same(
    stored.map(({ via }) => via),
    ['console', undefined],
  );
  t.match(lines[0], '"via":"console"');
  t.notMatch(lines[1], 'via');
});

t.test('a line of the log is one JSON object, whatever names are in it', async (t) => {
  const { audit, lines } = openAudit();
  audit.record(event({ subject: { org: 'a\n{"level":"error"}', user: '\u001b[31m"\u2028' } }));
  await audit.close();
  t.equal(lines.length, 1);
  t.notMatch(lines[0], '\n');
  t.match(JSON.parse(lines[0]!), {
    level: 'info',
    msg: 'audit',
    time: '2027-01-15T08:00:00.000Z',
    result: 'done',
  });
});

t.test('exchanges are sampled, refused ones never', async (t) => {
  const draws = [0.005, 0.5, 0.009, 0.01];
  const { audit, stored } = openAudit({ exchangeSampling: 0.01, random: () => draws.shift() ?? 1 });
  for (let count = 0; count < 4; count++) audit.record(event({ action: 'token.exchange' }));
  for (let count = 0; count < 3; count++)
    audit.record(event({ action: 'token.exchange', outcome: denial('token_expired') }));
  await audit.close();
  t.same(
    stored.map(({ result }) => result),
    ['done', 'done', 'refused', 'refused', 'refused'],
  );
});

t.test('a flood of strangers does not push everything else out', async (t) => {
  const { audit, stored, state, warnings } = openAudit();
  const stranger = event({
    action: 'token.exchange',
    identity: undefined,
    outcome: denial('token_unknown'),
  });
  for (let count = 0; count < 1_000; count++) audit.record(stranger);
  audit.record(event());
  state.nowMs += 1_000;
  audit.record(stranger);
  await audit.close();
  t.equal(stored.length, 22);
  t.match(warnings, [{ count: 980 }]);
  t.equal(stored.filter(({ result }) => result === 'done').length, 1);
});

t.test('nor does a flood of one account: what it did, and what others were refused, is there', async (t) => {
  const { audit, stored, state, warnings } = openAudit();
  const refused = event({ outcome: denial('session_kind_refused') });
  for (let count = 0; count < 1_000; count++) audit.record(refused);
  audit.record(event());
  const bob = anIdentity({ user: { id: 'bob', name: 'Bob', roles: [] } });
  audit.record({ ...refused, identity: bob });
  state.nowMs += 60_000;
  audit.record(refused);
  await audit.close();
  t.equal(stored.length, 63);
  t.match(warnings, [{ count: 940 }]);
  t.equal(stored.filter(({ actor }) => actor.user === 'bob').length, 1);
  t.equal(stored.filter(({ result }) => result === 'done').length, 1);
});

t.test('what cannot be an id is not written down: it may be a secret in the wrong place', async (t) => {
  const { audit, stored, lines } = openAudit();
  const tokenId = '0f8fad5b-d9cb-469f-a165-70867728950e';
  audit.record(event({ subject: { org: 'my secret', user: 'x'.repeat(8_000), tokenId: 'my secret' } }));
  audit.record(event({ subject: { org: 'acme', user: 'ann@acme.example', tokenId } }));
  await audit.close();
  t.match(stored, [
    { subject: { org: undefined, user: undefined, tokenId: undefined } },
    { subject: { org: 'acme', user: 'ann@acme.example', tokenId } },
  ]);
  t.notMatch(lines.join(''), 'my secret');
});

t.test('while the store is out entries wait, so many; the log has them all', async (t) => {
  const { audit, lines, stored, state, warnings, notices } = openAudit();
  state.isOut = true;
  for (let count = 0; count < 10_500; count++) audit.record(event());
  await audit.close();
  t.equal(stored.length, 0);
  state.isOut = false;
  audit.record(event());
  await audit.close();
  t.equal(stored.length, 10_000);
  t.equal(new Set(stored.map(({ id }) => id)).size, 10_000);
  t.equal(lines.length, 10_501);
  t.match(warnings, [{ message: /does not take the audit/, error: 'store_unavailable' }, { count: 501 }]);
  t.same(notices, ['the store takes the audit again']);
});

t.test('entries reach the store by themselves', async (t) => {
  const { audit, stored } = openAudit();
  audit.record(event());
  t.equal(stored.length, 0, 'recording waits for nothing');
  const alive = setInterval(() => undefined, 1_000);
  while (stored.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  clearInterval(alive);
  t.equal(stored.length, 1);
  await audit.close();
});
