import t from 'tap';
import { summarizeError } from '../../src/observe/describe-error.ts';

t.test('an error that ends in the words of its cause says them once', async (t) => {
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:1');
  const all = new Error(`connect ECONNREFUSED 127.0.0.1:2; ${refused.message}`, { cause: refused });
  t.equal(summarizeError(all), 'connect ECONNREFUSED 127.0.0.1:2; connect ECONNREFUSED 127.0.0.1:1');
  t.equal(
    summarizeError(new Error('no keys', { cause: refused })),
    'no keys: connect ECONNREFUSED 127.0.0.1:1',
  );
});
