import t from 'tap';
import { IdleTrust } from '../../../src/proxy/upstream/idle-trust.ts';

t.test('every age is trusted until the upstream has closed an idle connection', async (t) => {
  const trust = new IdleTrust();
  t.ok(trust.trusts(3_600_000, 0));
  trust.learn(5_000, 0);
  t.notOk(trust.trusts(5_000, 0));
  t.notOk(trust.trusts(2_500, 0), 'half of it is the margin');
  t.ok(trust.trusts(2_499, 0));
});

t.test('the shortest age counts, and is believed half as much every ten seconds', async (t) => {
  const trust = new IdleTrust();
  trust.learn(5_000, 0);
  trust.learn(1_000, 0);
  trust.learn(3_000, 0);
  t.notOk(trust.trusts(500, 0));
  t.ok(trust.trusts(500, 1_000));
  t.notOk(trust.trusts(1_000, 10_000));
  t.ok(trust.trusts(1_000, 11_000));
  trust.learn(1_500, 11_000);
  t.notOk(trust.trusts(800, 11_000), 'seen again');
});

t.test('an age of nothing, as a clock may give, is not believed for ever', async (t) => {
  const trust = new IdleTrust();
  trust.learn(0, 0);
  t.notOk(trust.trusts(1, 0));
  t.ok(trust.trusts(1_000, 600_000));
});
