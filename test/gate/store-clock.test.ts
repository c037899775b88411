import t from 'tap';
import * as fc from 'fast-check';
import { createStoreClock, middleReading } from '../../src/gate/store-clock.ts';

/** A machine whose clocks stand still until they are moved; its wall clock may be anything. */
const onMachine = (wallMs = 1_000_000) => {
  const machine = { wallMs, monotonicMs: 500 };
  const clock = createStoreClock({
    wallMs: () => machine.wallMs,
    monotonicMs: () => machine.monotonicMs,
  });
  const pass = (ms: number): void => {
    machine.wallMs += ms;
    machine.monotonicMs += ms;
  };
  /** The store says what time it is. */
  const read = (storeMs: number): void => clock.correct(storeMs - machine.monotonicMs);
  return { machine, clock, pass, read };
};

t.test("the first reading is the time, whatever this machine's clock says", async (t) => {
  const { clock, read, pass } = onMachine(1_300_000);
  t.equal(clock.now(), 1_300_000, 'before it there is only the clock of the machine');
  t.equal(clock.offsetMs(), undefined);
  read(1_000_000);
  t.equal(clock.now(), 1_000_000);
  pass(10_000);
  t.equal(clock.now(), 1_010_000);
  t.equal(clock.offsetMs(), 300_000);
});

t.test("a machine's clock that is set anew moves no time, and shows in the offset", async (t) => {
  const { machine, clock, read, pass } = onMachine();
  read(1_000_000);
  machine.wallMs += 3_600_000;
  pass(1_000);
  t.equal(clock.now(), 1_001_000);
  t.equal(clock.offsetMs(), 3_600_000);
});

t.test('a machine that slept catches up with the first reading', async (t) => {
  const { machine, clock, read, pass } = onMachine();
  read(1_000_000);
  pass(1_000);
  // An hour in which the monotonic clock stood still.
  machine.wallMs += 3_600_000;
  t.equal(clock.now(), 1_001_000, 'until then it knows nothing of it');
  read(1_001_000 + 3_600_000);
  t.equal(clock.now(), 1_001_000 + 3_600_000);
});

t.test("a machine's clock set anew makes no jump of the store's believed that is larger", async (t) => {
  const { machine, clock, read, pass } = onMachine();
  read(1_000_000);
  pass(1_000);
  machine.wallMs += 60_000;
  read(1_001_000 + 3_600_000);
  t.equal(clock.now(), 1_001_000);
  machine.wallMs -= 60_000;
  read(1_001_000 - 60_000);
  t.equal(clock.now(), 1_001_000, 'and none back');
});

t.test('one wild reading moves the clock by a fraction of the time until the next', async (t) => {
  const { clock, read, pass } = onMachine();
  read(1_000_000);
  pass(1_000);
  read(99_000_000);
  t.equal(clock.now(), 1_001_000, 'not at once');
  pass(1_000);
  t.ok(Math.abs(clock.now() - 1_002_000) <= 250);
  read(1_002_000);
  pass(1_000);
  t.equal(clock.now(), 1_003_000, 'and the next right one mends it');
});

t.test('replicas stay together while they drift to a server with another clock', async (t) => {
  const [one, other] = [onMachine(0), onMachine(9_000_000)];
  for (const { read } of [one, other]) read(1_000_000);
  const apart = [];
  for (let second = 0; second < 1_300; second++) {
    for (const { pass } of [one, other]) pass(1_000);
    // The one hears of it three seconds after the other.
    const trueMs = 1_000_000 + (second + 1) * 1_000;
    other.read(trueMs + 300_000);
    one.read(second < 3 ? trueMs : trueMs + 300_000);
    apart.push(Math.abs(one.clock.now() - other.clock.now()));
  }
  t.ok(Math.max(...apart) <= 1_000, 'never apart by more than a second');
  t.equal(
    one.clock.now(),
    1_000_000 + 1_300_000 + 300_000,
    'and both have the time of the new server in the end',
  );
});

t.test('the clock never goes back, whatever the store says', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ passMs: fc.nat(20_000), readMs: fc.option(fc.maxSafeNat()) }), { minLength: 2 }),
      (steps) => {
        const { clock, read, pass } = onMachine();
        read(1_000_000);
        let beforeMs = clock.now();
        for (const { passMs, readMs } of steps) {
          pass(passMs);
          if (readMs !== null) read(readMs);
          const nowMs = clock.now();
          if (nowMs < beforeMs || nowMs > beforeMs + passMs * 1.25 + 1) return false;
          beforeMs = nowMs;
        }
        return true;
      },
    ),
  );
});

t.test('of the servers of a Cluster the one in the middle is believed', async (t) => {
  t.equal(middleReading([]), undefined);
  t.equal(middleReading([5]), 5);
  t.equal(middleReading([3, 9_000_000, 2, -9_000_000, 4]), 3);
  t.equal(middleReading([2, 9_000_000]), 2);
});
