import t from 'tap';
import { SingleFlight } from '../../src/identity/single-flight.ts';

t.test('askers of one key share one answer; the next asker starts anew', async (t) => {
  const flights = new SingleFlight<number>();
  let started = 0;
  const ask = (key: string) => flights.join(key, async () => ++started);
  t.same(await Promise.all([ask('a'), ask('a'), ask('b'), ask('a')]), [1, 1, 2, 1]);
  t.equal(await ask('a'), 3);
  t.equal(flights.size, 0);
});

t.test('a flight that fails fails for all who joined it, and is forgotten', async (t) => {
  const flights = new SingleFlight<number>();
  const fail = () => flights.join('a', () => Promise.reject(new Error('lost')));
  const both = [fail(), fail()];
  t.ok(flights.has('a'));
  for (const each of both) await t.rejects(each, { message: 'lost' });
  t.notOk(flights.has('a'));
  t.equal(await flights.join('a', async () => 7), 7);
});
