// Timing a port from outside: the caller notices nothing, the numbers do.

import { setTimeout as delay } from 'node:timers/promises';
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

  /** Takes 50 ms at the least; a timer may be a millisecond early. */
  async wait(): Promise<void> {
    await delay(51);
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
    const durationsMs: number[] = [];
    const counter = measureCalls(new Counter(), (name, durationMs, failed) => {
      durationsMs.push(durationMs);
      reports.push([name, failed]);
    });
    t.equal(await counter.add(2), 2);
    t.equal(await counter.add(3), 5, 'private state works behind it');
    t.equal(counter.current(), 5, 'a plain answer stays plain');
    t.equal(counter.name, 'counter');
    t.match(await counter.fail(), { kind: 'outage' });
    await t.rejects(counter.crash(), { message: 'bug' });
    const startedMs = performance.now();
    await counter.wait();
    const waitedMs = durationsMs.at(-1) ?? 0;
    t.ok(waitedMs >= 50 && waitedMs <= performance.now() - startedMs, `the time of the call: ${waitedMs} ms`);
    t.strictSame(reports, [
      ['add', false],
      ['add', false],
      ['fail', true],
      ['crash', true],
      ['wait', false],
    ]);
  },
);
