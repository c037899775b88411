// Issue 9, number 15: requests, refusals and bytes per token and day, in batches and never in the way.

import t, { type Test } from 'tap';
import { outage } from '../../src/decision/outcome.ts';
import { createUsage } from '../../src/lifecycle/usage.ts';
import type { RequestOutcome } from '../../src/observe/request-outcome.ts';
import type { UsageBatch } from '../../src/store/usage-store.ts';
import { anIdentity } from '../support/identity.ts';

const dayMs = 24 * 3_600_000;
const noonMs = Date.parse('2026-11-27T12:00:00Z');

const openUsage = (t: Test) => {
  const sent: UsageBatch[] = [];
  const said: string[] = [];
  const state = { isOut: false, nowMs: noonMs, takes: Infinity };
  const usage = createUsage({
    store: {
      addUsage: async (batch) => {
        sent.push(batch);
        state.takes -= 1;
        return state.isOut || state.takes < 0 ? outage('store_unavailable', new Error('down')) : 'done';
      },
    },
    now: () => state.nowMs,
    settings: () => ({ enabled: true, flushIntervalMs: 1_000, keepMs: 36 * 3_600_000 }),
    log: { warn: (message) => void said.push(message), info: (message) => void said.push(message) },
  });
  t.teardown(() => {
    state.isOut = false;
    state.takes = Infinity;
    return usage.close();
  });
  const recorded: RequestOutcome[] = [];
  const record = usage.noting((outcome) => void recorded.push(outcome));
  const use = (tokenId: string | undefined, more: Partial<RequestOutcome> = {}): void =>
    record({ ...outcome, identity: anIdentity({ tokenId }), ...more });
  return { usage, sent, said, state, recorded, record, use };
};

const outcome: RequestOutcome = {
  route: '/things',
  method: 'GET',
  path: '/things',
  status: 200,
  result: 'permit',
  reason: undefined,
  evidence: undefined,
  cause: undefined,
  credentialKind: 'api_token',
  identity: undefined,
  durationMs: 1,
  clientAddress: '192.0.2.1',
  requestId: 'r',
};

const sumsOf = ({ sums }: UsageBatch): readonly object[] =>
  sums.map(({ tokenId, requests, refused, bytesIn, bytesOut }) => ({
    tokenId,
    sums: [requests, refused, bytesIn, bytesOut],
  }));

t.test('requests, refusals and bytes of each token are summed and written in one batch', async (t) => {
  const { usage, sent, recorded, use } = openUsage(t);
  use('a', { bytesIn: 3, bytesOut: 100 });
  use('a', { bytesOut: 50 });
  use('a', { result: 'denial', reason: 'scope_missing', status: 403 });
  use('b', { result: 'outage', reason: 'upstream_unreachable', status: 502, bytesIn: 7 });
  t.equal(recorded.length, 4, 'each is recorded as before');
  t.equal(sent.length, 0, 'nothing is written while a request waits');
  await usage.close();
  t.match(sent, [{ day: '2026-11-27', number: 1, keepDays: 2 }]);
  t.same(sumsOf(sent[0]!), [
    { tokenId: 'a', sums: [3, 1, 3, 150] },
    { tokenId: 'b', sums: [1, 0, 7, 0] },
  ]);
  await usage.close();
  t.equal(sent.length, 1, 'what was written is not written again');
});

t.test('a caller without an API token is nobody’s use', async (t) => {
  const { usage, sent, record, use } = openUsage(t);
  record(outcome);
  use(undefined);
  await usage.close();
  t.same(sent, []);
});

t.test('each day of UTC has a batch of its own', async (t) => {
  const { usage, sent, state, use } = openUsage(t);
  state.nowMs = Date.parse('2026-11-27T23:59:59.999Z');
  use('a');
  state.nowMs += 1;
  use('a');
  use('b');
  state.nowMs += 3 * dayMs;
  use('a');
  await usage.close();
  t.same(
    sent.map(({ day, number, sums }) => [day, number, sums.length]),
    [
      ['2026-11-27', 1, 1],
      ['2026-11-28', 2, 2],
      ['2026-12-01', 3, 1],
    ],
  );
});

t.test('a batch that the store did not take is sent again as it was, before anything newer', async (t) => {
  const { usage, sent, said, state, use } = openUsage(t);
  state.isOut = true;
  use('a');
  await usage.close();
  use('a');
  await usage.close();
  use('a');
  state.isOut = false;
  await usage.close();
  t.same(
    sent.map(({ number, sums }) => [number, sums[0]?.requests]),
    [
      [1, 1],
      [1, 1],
      [1, 1],
      [2, 2],
    ],
    'the same number with the same sums, until it is taken',
  );
  t.equal(new Set(sent.map(({ writer }) => writer)).size, 1);
  t.equal(sent[0], sent[2], 'unchanged');
  t.same(said, ['the store does not take usage; trying again', 'the store takes usage again']);
  t.equal(usage.uncounted(), 0);
});

t.test('what waits is bounded, and what there is no room for is counted', async (t) => {
  const { usage, sent, state, use } = openUsage(t);
  state.isOut = true;
  const tokensMax = 201 * 500;
  for (let index = 0; index < tokensMax + 7; index++) use(`token ${index}`);
  t.equal(usage.uncounted(), 7);
  use(`token ${tokensMax - 1}`);
  t.equal(usage.uncounted(), 7, 'a token of the batch that is being filled is still counted');
  state.nowMs += dayMs;
  use('another day');
  t.equal(usage.uncounted(), 8);
  state.isOut = false;
  sent.length = 0;
  await usage.close();
  t.equal(sent.length, 201);
  t.ok(sent.every(({ sums }) => sums.length === 500));
  t.same(
    sent.map(({ number }) => number),
    Array.from({ length: 201 }, (_, index) => index + 1),
    'in order',
  );
  use('another day');
  t.equal(usage.uncounted(), 8, 'there is room again');
});

t.test('a store that fails half way is asked for the rest later', async (t) => {
  const { usage, sent, state, use } = openUsage(t);
  for (let index = 0; index < 1_200; index++) use(`token ${index}`);
  state.takes = 1;
  await usage.close();
  t.same(
    sent.map(({ number }) => number),
    [1, 2],
  );
  state.takes = Infinity;
  await usage.close();
  t.same(
    sent.map(({ number }) => number),
    [1, 2, 2, 3],
  );
});

t.test('uses are written by themselves after the interval of the settings', async (t) => {
  const { sent, use } = openUsage(t);
  use('a');
  const alive = setInterval(() => undefined, 1_000);
  while (sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  clearInterval(alive);
  t.match(sent, [{ number: 1 }]);
});
