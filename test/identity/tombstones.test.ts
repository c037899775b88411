// The feed may repeat lines and replay them from an earlier point; what is known must not depend on it.

import * as fc from 'fast-check';
import t from 'tap';
import { Tombstones } from '../../src/identity/tombstones.ts';
import type { Change } from '../../src/store/records.ts';
import { sessionIdentity } from './harness.ts';

const name = fc.constantFrom('a', 'b');
const atMs = fc.nat(10);
const generation = fc.nat(5);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('token' as const), tokenId: name, atMs }),
  fc.record({ kind: fc.constant('session' as const), sessionId: name, atMs }),
  fc.record({ kind: fc.constant('user' as const), orgId: name, userId: name, generation, atMs }),
  fc.record({ kind: fc.constant('org' as const), orgId: name, generation, atMs }),
);
const ours = fc.record({
  tokenId: fc.option(name, { nil: undefined }),
  sessionId: fc.option(name, { nil: undefined }),
  org: fc.record({ id: name, name: fc.constant('') }),
  user: fc.record({ id: name, name: fc.constant(''), roles: fc.constant([]) }),
  generation: fc.record({ org: generation, user: generation }),
  credentialKind: fc.constantFrom('api_token' as const, 'access_token' as const),
});

const known = (changes: readonly Change[]): Tombstones => {
  const tombstones = new Tombstones();
  for (const change of changes) tombstones.note(change, 0);
  return tombstones;
};

t.test('lines told again, late or in another order judge every identity the same', async (t) => {
  fc.assert(
    fc.property(fc.array(change), fc.infiniteStream(fc.nat()), ours, (changes, picks, over) => {
      const shuffled = [...changes, ...changes.slice(0, 3)].sort(() => ((picks.next().value ?? 0) % 2) - 0.5);
      const identity = sessionIdentity(over);
      return known(changes).standingOf(identity) === known(shuffled).standingOf(identity);
    }),
  );
  t.pass();
});

t.test('no line ever makes an identity better off', async (t) => {
  const badness = { live: 0, outdated: 1, ended: 1, revoked: 2 };
  fc.assert(
    fc.property(fc.array(change), change, ours, (changes, next, over) => {
      const identity = sessionIdentity(over);
      const tombstones = known(changes);
      const before = tombstones.standingOf(identity);
      tombstones.note(next, 0);
      return badness[tombstones.standingOf(identity)] >= badness[before];
    }),
  );
  t.pass();
});

t.test('the lines it gives back make another replica judge the same', async (t) => {
  fc.assert(
    fc.property(fc.array(change), ours, (changes, over) => {
      const identity = sessionIdentity(over);
      const one = known(changes);
      return known(one.lines()).standingOf(identity) === one.standingOf(identity);
    }),
  );
  t.pass();
});

t.test('an org or user called like a property of every object is an ordinary one', async (t) => {
  const tombstones = known([]);
  for (const id of ['__proto__', 'constructor', 'toString']) {
    const identity = sessionIdentity({
      org: { id, name: '' },
      user: { id, name: '', roles: [] },
      tokenId: id,
      sessionId: id,
    });
    t.equal(tombstones.standingOf(identity), 'live');
  }
});
