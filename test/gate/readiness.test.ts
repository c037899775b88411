import t from 'tap';
import { outage } from '../../src/decision/outcome.ts';
import { upstreamSettings } from '../support/forwarding.ts';
import { aRule } from '../support/route-rule.ts';
import { RedisFault } from '../../src/store/redis/fault.ts';
import {
  readinessOf,
  type ReadinessFacts,
  shadowWarningOf,
  upstreamFacts,
  watchReadiness,
} from '../../src/gate/readiness.ts';

const well: ReadinessFacts = {
  isShuttingDown: false,
  lookups: { is: 'answered' },
  isFeedRead: true,
  isFeedStale: false,
  isFeedBroken: false,
  feedFault: undefined,
  servesWhenStale: false,
  keys: 'ready',
  clockOffsetMs: undefined,
  shadowWarning: undefined,
  upstreams: { missing: [], warnings: [] },
  mode: 'enforce',
  clockLeewayMs: 30_000,
};

const reasonsWhen = (change: Partial<ReadinessFacts>): readonly string[] =>
  readinessOf({ ...well, ...change }).reasons;

t.test('a gate is ready when its feed has been read, is heard, and its keys can sign', async (t) => {
  t.strictSame(readinessOf(well), { ready: true, reasons: [], warnings: [] });
});

t.test('each thing that is missing is a reason a person understands', async (t) => {
  t.match(reasonsWhen({ isShuttingDown: true }), ['shutting down']);
  t.match(reasonsWhen({ isFeedRead: false }), [/change feed.*has not been read yet.*is the store up\?/]);
  t.match(reasonsWhen({ isFeedStale: true }), [/silent for longer than feed\.maxStaleness/]);
  t.match(reasonsWhen({ keys: outage('keys_unavailable', new Error('put the key back')) }), [
    'signing keys: put the key back',
  ]);
  t.match(reasonsWhen({ keys: outage('store_unavailable') }), ['signing keys: store_unavailable']);
});

t.test(
  '9: an upstream that is down is a reason where it is required, in shadow mode too; else a warning',
  async (t) => {
    const upstreams = (['up', 'down', 'unknown'] as const).map((health) => ({
      settings: upstreamSettings({ origin: 'http://api.internal' }, { name: `api-${health}` }),
      health: () => health,
      faults: () => '10.0.0.7:80 (refused)',
    }));
    const down = 'upstream api-down: no address is up: 10.0.0.7:80 (refused)';
    const unknown = 'upstream api-unknown: not known to be up yet: 10.0.0.7:80 (refused)';
    t.same(upstreamFacts(upstreams, []), { missing: [], warnings: [down] });
    const facts = upstreamFacts(upstreams, ['api-up', 'api-down', 'api-unknown']);
    t.same(facts, { missing: [down, unknown], warnings: [] });
    for (const mode of ['enforce', 'shadow'] as const)
      t.match(readinessOf({ ...well, mode, upstreams: facts }), { ready: false, reasons: [down, unknown] });
  },
);

t.test('a feed that lost its thread is not said to be silent', async (t) => {
  const [reason, ...more] = reasonsWhen({ isFeedStale: true, isFeedBroken: true });
  t.match(reason, /lost its thread \(the store was flushed, replaced or trimmed\)/);
  t.same(more, []);
});

const refused = new RedisFault('WRONGPASS', 'WRONGPASS invalid username-password');
const notConnected = outage(
  'store_unavailable',
  new RedisFault('NOT_CONNECTED', 'there is no connection', refused),
);
const told =
  /: WRONGPASS invalid username-password\. Redis refuses the user name or the password\. Check store\.username/;

t.test('the last fault of the feed or of the look-ups is named, with what to do about it', async (t) => {
  const silent = { is: 'silent', cause: notConnected } as const;
  const feedFault = notConnected;
  for (const change of [
    { isFeedRead: false, feedFault },
    { isFeedStale: true, feedFault },
    { isFeedRead: false, lookups: silent },
    { isFeedStale: true, lookups: silent },
    { lookups: silent },
    { lookups: { is: 'unread', cause: notConnected } as const },
    { keys: notConnected },
  ])
    t.match(reasonsWhen(change)[0], told, JSON.stringify(Object.keys(change)));
  const [feed] = reasonsWhen({
    isFeedStale: true,
    feedFault: outage('store_unavailable', new RedisFault('NOPERM', 'NOPERM no permissions to run info')),
    lookups: { is: 'silent', cause: outage('store_unavailable') },
  });
  t.match(
    feed,
    /change feed.*NOPERM no permissions to run info\. .*ACL SETUSER tollgate on >PASSWORD ~tollgate:\* /,
  );
});

t.test(
  'a fault without advice is named all the same, and the remedy of a store that is away once',
  async (t) => {
    const timeOut = outage('store_unavailable', new Error('the disk is slow'));
    t.match(reasonsWhen({ isFeedStale: true, feedFault: timeOut }), [/maxStaleness: the disk is slow$/]);
    const [first, keys] = reasonsWhen({ isFeedRead: false, feedFault: notConnected, keys: notConnected });
    t.match(first, told);
    t.equal(keys, 'signing keys: there is no connection');
  },
);

t.test('a gate whose store has answered no look-up is not ready, though everything else is', async (t) => {
  const cause = outage('store_unavailable', new RedisFault('NOPERM', 'NOPERM no permissions to run GET'));
  t.match(reasonsWhen({ lookups: { is: 'unread', cause } }), [/has not answered a look-up yet/]);
  t.match(reasonsWhen({ lookups: { is: 'silent', cause } }), [
    /answered no look-up for longer than feed\.maxStaleness/,
  ]);
  t.match(reasonsWhen({ lookups: { is: 'unproven', cause } }), [
    /since the change feed was lost: NOPERM no permissions to run GET/,
  ]);
  t.match(reasonsWhen({ lookups: { is: 'unproven', cause: outage('store_unavailable') } }), [
    /since the change feed was lost: one is on its way/,
  ]);
  for (const is of ['silent', 'unproven'] as const)
    t.same(reasonsWhen({ lookups: { is, cause }, servesWhenStale: true }), []);
  const silent = { lookups: { is: 'silent', cause }, isFeedStale: true } as const;
  t.equal(reasonsWhen(silent).length, 1, 'one store that is away is one reason');
});

t.test("a clock further from the store's than the leeway is a warning, and no reason", async (t) => {
  for (const clockOffsetMs of [undefined, 0, 30_000, -30_000])
    t.same(readinessOf({ ...well, clockOffsetMs }).warnings, [], `${clockOffsetMs}`);
  const ahead = readinessOf({ ...well, clockOffsetMs: 300_400 });
  t.ok(ahead.ready);
  t.match(ahead.warnings, [/300 s ahead of the store's.*tokens\.clockLeeway.*NTP/]);
  t.match(readinessOf({ ...well, clockOffsetMs: -61_000 }).warnings, [/61 s behind the store's/]);
});

t.test('a silent feed is no reason where the settings say to serve on', async (t) => {
  t.ok(readinessOf({ ...well, isFeedStale: true, servesWhenStale: true }).ready);
  t.notOk(readinessOf({ ...well, isFeedRead: false, servesWhenStale: true }).ready, 'one never read is');
});

t.test('a feed never read is told once, not as silent, too', async (t) => {
  t.equal(reasonsWhen({ isFeedRead: false, isFeedStale: true }).length, 1);
});

t.test('all reasons are told together', async (t) => {
  const reasons = reasonsWhen({
    isShuttingDown: true,
    isFeedStale: true,
    keys: outage('keys_unavailable', new Error('no key')),
  });
  t.equal(reasons.length, 3);
});

t.test('each change is told once, the first readiness included', async (t) => {
  const told: boolean[] = [];
  const changes = [false, true, true, false, false, true];
  await new Promise<void>((resolve) => {
    const held = setTimeout(() => undefined, 60_000);
    const unwatch = watchReadiness(
      () => readinessOf({ ...well, isFeedRead: changes.shift() ?? true }),
      ({ ready }) => {
        told.push(ready);
        if (changes.length > 0) return;
        unwatch();
        clearTimeout(held);
        resolve();
      },
    );
  });
  t.strictSame(told, [true, false, true]);
});

t.test(
  'where everything is in shadow mode, what is missing is a warning: every request goes on',
  async (t) => {
    const without = { isFeedRead: false, keys: outage('store_unavailable') } as const;
    t.match(readinessOf({ ...well, ...without, mode: 'shadow', shadowWarning: 'shadow mode' }), {
      ready: true,
      reasons: [],
      warnings: ['shadow mode', /change feed.*has not been read yet/, 'signing keys: store_unavailable'],
    });
    t.match(readinessOf({ ...well, mode: 'shadow', isShuttingDown: true }), {
      ready: false,
      reasons: ['shutting down'],
    });
    t.match(readinessOf({ ...well, ...without, shadowWarning: 'of one route' }), { ready: false });
  },
);

t.test('routes in shadow mode are named, and leave the gate ready', async (t) => {
  const warningOf = (mode: 'enforce' | 'shadow', ...modes: readonly ('enforce' | 'shadow')[]) =>
    shadowWarningOf({ mode, routes: modes.map((each, at) => aRule({ name: `r${at}`, mode: each })) });
  t.equal(warningOf('enforce', 'enforce', 'enforce'), undefined);
  t.match(
    warningOf('shadow', 'shadow'),
    /^shadow mode, on all routes and without a route: .*every request goes on/,
  );
  t.match(warningOf('enforce', 'enforce', 'shadow'), /^shadow mode, on the route r1: /);
  t.match(warningOf('enforce', 'shadow', 'shadow'), /^shadow mode, on the routes r0, r1: /);
  const many = Array.from({ length: 13 }, () => 'shadow' as const);
  t.match(warningOf('enforce', ...many), / r9 and 3 more: /);
  const shadowWarning = warningOf('shadow');
  t.match(readinessOf({ ...well, shadowWarning }), { ready: true, reasons: [], warnings: [shadowWarning] });
});
