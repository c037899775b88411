// Timing a port from outside: the caller notices nothing, the numbers do.

import t from 'tap';
import { outage } from '../../src/decision/outcome.ts';
import { measureCalls } from '../../src/observe/measure-calls.ts';

class Counter {
  #count = 0;
  readonly name = 'counter';

  async add(by: number): Promise<number> {
    this.#count += by;
    return this.#count;
  }

  async fail(): Promise<unknown> {
    return outage('store_unavailable');
  }

  async crash(): Promise<never> {
    throw new Error('bug');
  }

  current(): number {
    return this.#count;
  }
}

t.test(
  'every call that answers a promise is reported once, with its outcome; results pass through',
  async (t) => {
    const reports: [string, boolean][] = [];
    const counter = measureCalls(new Counter(), (name, durationMs, failed) => {
      t.ok(durationMs >= 0);
      reports.push([name, failed]);
    });
    t.equal(await counter.add(2), 2);
    t.equal(await counter.add(3), 5, 'private state works behind it');
    t.equal(counter.current(), 5, 'a plain answer stays plain');
    t.equal(counter.name, 'counter');
    t.match(await counter.fail(), { kind: 'outage' });
    await t.rejects(counter.crash(), { message: 'bug' });
    t.strictSame(reports, [
      ['add', false],
      ['add', false],
      ['fail', true],
      ['crash', true],
    ]);
  },
);
