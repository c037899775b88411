import t from 'tap';
import { SharedValues } from '../../src/identity/shared-values.ts';

t.test('equal values become one object, different ones stay apart', async (t) => {
  const shared = new SharedValues();
  const scopes = shared.scopes(new Set(['a', 'b']));
  t.equal(shared.scopes(new Set(['a', 'b'])), scopes);
  t.not(shared.scopes(new Set(['a'])), scopes);
  t.same(shared.scopes(new Set(['ab'])), new Set(['ab']));
  t.equal(shared.roles(['x', 'y']), shared.roles(['x', 'y']));
  t.not(shared.roles(['x', 'y']), shared.roles(['x,y']));
  t.not(shared.roles(['x","y']), shared.roles(['x', 'y']), 'whatever a role is called');
  t.equal(shared.org({ id: 'a', name: 'b' }), shared.org({ id: 'a', name: 'b' }));
  t.not(shared.org({ id: 'a', name: 'b' }), shared.org({ id: 'a', name: 'c' }), 'a renamed org is another');
});
