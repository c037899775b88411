import t from 'tap';
import { SharedValues } from '../../src/identity/shared-values.ts';
import { sessionIdentity } from './harness.ts';

t.test('equal values become one object, different ones stay apart', async (t) => {
  const shared = new SharedValues();
  const scopes = (...scopes: string[]) =>
    shared.identity(sessionIdentity({ scopes: new Set(scopes) })).scopes;
  t.equal(scopes('a', 'b'), scopes('a', 'b'));
  t.not(scopes('a'), scopes('a', 'b'));
  t.same(scopes('ab'), new Set(['ab']));
  const roles = (...roles: string[]) =>
    shared.identity(sessionIdentity({ user: { id: 'ada', name: 'Ada', roles } })).user.roles;
  t.equal(roles('x', 'y'), roles('x', 'y'));
  t.not(roles('x', 'y'), roles('x,y'));
  t.not(roles('x","y'), roles('x', 'y'), 'whatever a role is called');
  const org = (id: string, name: string) => shared.identity(sessionIdentity({ org: { id, name } })).org;
  t.equal(org('a', 'b'), org('a', 'b'));
  t.not(org('a', 'b'), org('a', 'c'), 'a renamed org is another');
});
