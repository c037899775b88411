import t from 'tap';
import * as fc from 'fast-check';
import { isOutage, outage, type Outage } from '../../src/decision/outcome.ts';
import { createStoreClock, readStoreClock } from '../../src/gate/store-clock.ts';

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
  const read = (storeMs: number, uncertaintyMs = 0): void =>
    clock.correct({ originMs: storeMs - machine.monotonicMs, uncertaintyMs });
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

t.test('a slow reading that agrees with what is known moves nothing', async (t) => {
  const { clock, read, pass } = onMachine();
  read(1_000_000, 1);
  for (let second = 1; second <= 20; second++) {
    pass(1_000);
    read(1_000_000 + second * 1_000 + 240, 250);
    t.equal(clock.now(), 1_000_000 + second * 1_000);
  }
});

t.test('a slow reading that contradicts what is known moves the clock as far as it must', async (t) => {
  const { clock, read, pass } = onMachine();
  read(1_000_000, 1);
  read(1_000_600, 250);
  pass(10_000);
  t.equal(clock.now(), 1_010_350, 'the nearest time that it allows');
  read(1_010_600, 1);
  pass(10_000);
  t.equal(clock.now(), 1_020_600, 'and a quick one says the rest');
});

t.test('a quick reading corrects a slow one before it', async (t) => {
  const { clock, read, pass } = onMachine();
  read(1_000_240, 250);
  read(1_000_000, 1);
  pass(1_000);
  t.equal(clock.now(), 1_001_000);
});

t.test('what is known grows less certain, so that a clock that drifts is followed', async (t) => {
  const { clock, read, pass } = onMachine();
  read(1_000_000, 1);
  pass(60_000);
  read(1_060_004, 5);
  t.equal(clock.now(), 1_060_000, 'after a minute it is better known than this');
  pass(9_940_000);
  read(11_000_004, 5);
  pass(1_000);
  t.equal(clock.now(), 11_001_004, 'after hours it is not');
});

t.test('readings that are as uncertain as they say never take the clock further from the store', async () => {
  const reading = fc.record({
    passMs: fc.nat(20_000),
    uncertaintyMs: fc.nat(500),
    error: fc.double({ min: -1, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(reading, fc.array(reading), (first, later) => {
      const { machine, clock, read, pass } = onMachine();
      const startMs = machine.monotonicMs;
      for (const { passMs, uncertaintyMs, error } of [first, ...later]) {
        pass(passMs);
        read(1_000_000 + machine.monotonicMs + error * uncertaintyMs, uncertaintyMs);
        const offMs = Math.abs(clock.now() - (1_000_000 + machine.monotonicMs));
        if (offMs > first.uncertaintyMs + (machine.monotonicMs - startMs) * 0.0005 + 1) return false;
      }
      return true;
    }),
  );
});

/** A store whose probes give these readings one after the other; answers how many it was asked for, too. */
const probes = (...readings: readonly (readonly [originMs: number, uncertaintyMs: number] | Outage)[]) => {
  const asked = { times: 0 };
  const probe = async () => {
    const next = readings[asked.times++] ?? outage('store_unavailable');
    if (isOutage(next)) return next;
    const [originMs, uncertaintyMs] = next;
    return { readings: [{ originMs, uncertaintyMs }] };
  };
  return { asked, probe };
};

t.test('the clock is first read up to three times, and the most certain reading counts', async (t) => {
  const cases = {
    'a certain one is enough': [[[5, 3]], 5, 1],
    'the second is certain': [
      [
        [7, 90],
        [5, 3],
      ],
      5,
      2,
    ],
    'none is certain: the best of three': [
      [
        [7, 90],
        [5, 30],
        [9, 200],
        [1, 0],
      ],
      5,
      3,
    ],
    'the store is gone after the first': [[[7, 90], outage('store_unavailable')], 7, 2],
  } as const;
  for (const [name, [readings, originMs, times]] of Object.entries(cases)) {
    const { asked, probe } = probes(...readings);
    t.match(await readStoreClock(probe), { originMs }, name);
    t.equal(asked.times, times, name);
  }
  t.ok(isOutage(await readStoreClock(probes().probe)));
});

t.test('of the servers of a Cluster the one in the middle is believed', async (t) => {
  const middleOf = (...originsMs: readonly number[]) =>
    readStoreClock(async () => ({ readings: originsMs.map((originMs) => ({ originMs, uncertaintyMs: 0 })) }));
  t.equal(await middleOf(), undefined);
  t.match(await middleOf(5), { originMs: 5 });
  t.match(await middleOf(3, 9_000_000, 2, -9_000_000, 4), { originMs: 3 });
  t.match(await middleOf(2, 9_000_000), { originMs: 2 });
});
