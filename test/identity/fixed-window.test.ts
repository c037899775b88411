import t from 'tap';
import { FixedWindow } from '../../src/identity/fixed-window.ts';

t.test('a window runs from the first of a key, however many follow, and ends on time', async (t) => {
  let nowMs = 5_000;
  const window = new FixedWindow({ windowMs: 1_000, monotonicMs: () => nowMs });
  t.equal(window.add('a'), 1);
  nowMs = 5_999;
  t.equal(window.add('a'), 2);
  t.equal(window.add('b'), 1, 'each key has its own');
  t.equal(window.used('a'), 2);
  nowMs = 6_000;
  t.equal(window.used('a'), 0);
  t.equal(window.add('a'), 1);
  t.equal(window.used('b'), 1);
});

t.test('what is taken back counts no more, and nothing is counted below nothing', async (t) => {
  const window = new FixedWindow({ windowMs: 1_000, monotonicMs: () => 0 });
  window.takeBack('a');
  t.equal(window.add('a'), 1);
  t.equal(window.add('a'), 2);
  window.takeBack('a');
  t.equal(window.used('a'), 1);
  window.forget('a');
  t.equal(window.used('a'), 0);
});

t.test('memory is bounded: the key that did something longest ago is forgotten', async (t) => {
  const window = new FixedWindow({ windowMs: 1_000, keysMax: 2, monotonicMs: () => 0 });
  for (const key of ['a', 'b', 'a', 'c']) window.add(key);
  t.same([window.used('a'), window.used('b'), window.used('c')], [2, 0, 1]);
});
