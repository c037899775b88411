import t from 'tap';
import { permitted } from '../../src/surfaces/answer.ts';
import { faultOf, withinTime } from '../../src/surfaces/faults.ts';

const answer = { status: 200, headers: {}, body: undefined, note: permitted(undefined) };

t.test('an endpoint that does not answer in time is 503, and one that fails is 500', async (t) => {
  const never = new Promise<never>(() => undefined);
  const late = await withinTime(never, 1).catch(faultOf);
  t.match(late, { status: 503, note: { reason: 'overloaded' } });
  const failed = await withinTime(Promise.reject(new Error('a bug')), 10_000).catch(faultOf);
  t.match(failed, { status: 500, note: { result: 'bug' } });
  t.equal(await withinTime(Promise.resolve(answer), 10_000), answer);
  t.equal(await withinTime(answer, 10_000), answer);
});
