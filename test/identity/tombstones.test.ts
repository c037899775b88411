// The feed may repeat lines and replay them from an earlier point; what is known must not depend on it.

import * as fc from 'fast-check';
import t from 'tap';
import { ownApiToken, ownSession } from '../../src/identity/authenticators.ts';
import { Tombstones } from '../../src/identity/tombstones.ts';
import type { Change } from '../../src/store/records.ts';
import { sessionIdentity } from './harness.ts';

const name = fc.constantFrom('a', 'b');
const atMs = fc.nat(10);
const generation = fc.nat(5);
const nowMs = 50;
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('token' as const), tokenId: name, atMs }),
  fc
    .record({
      tokenId: name,
      secretNumber: fc.nat(3),
      digest: fc.constant('00'),
      untilMs: fc.option(fc.nat(100), { nil: undefined }),
      atMs,
    })
    .map(({ untilMs, ...rest }) => ({
      kind: 'secret' as const,
      ...rest,
      ...(untilMs === undefined ? {} : { previousUntilMs: untilMs }),
    })),
  fc.record({ kind: fc.constant('session' as const), sessionId: name, atMs }),
  fc.record({ kind: fc.constant('user' as const), orgId: name, userId: name, generation, atMs }),
  fc.record({ kind: fc.constant('org' as const), orgId: name, generation, atMs }),
);
const ours = fc.record({
  tokenId: fc.option(name, { nil: undefined }),
  secretNumber: fc.nat(3),
  sessionId: fc.option(name, { nil: undefined }),
  org: fc.record({ id: name, name: fc.constant('') }),
  user: fc.record({ id: name, name: fc.constant(''), roles: fc.constant([]) }),
  generation: fc.record({ org: generation, user: generation }),
  authenticator: fc.constantFrom(ownApiToken, ownSession),
});

const known = (changes: readonly Change[]): Tombstones => {
  const tombstones = new Tombstones(0);
  for (const change of changes) tombstones.note(change, 0);
  return tombstones;
};

t.test('lines told again, late or in another order judge every identity the same', async (t) => {
  fc.assert(
    fc.property(fc.array(change), fc.infiniteStream(fc.nat()), ours, (changes, picks, over) => {
      const shuffled = [...changes, ...changes.slice(0, 3)].sort(() => ((picks.next().value ?? 0) % 2) - 0.5);
      const identity = sessionIdentity(over);
      return known(changes).standingOf(identity, nowMs) === known(shuffled).standingOf(identity, nowMs);
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
      const before = tombstones.standingOf(identity, nowMs);
      tombstones.note(next, 0);
      return badness[tombstones.standingOf(identity, nowMs)] >= badness[before];
    }),
  );
  t.pass();
});

t.test('the lines it gives back make another replica judge the same', async (t) => {
  fc.assert(
    fc.property(fc.array(change), ours, (changes, over) => {
      const identity = sessionIdentity(over);
      const one = known(changes);
      return known(one.lines()).standingOf(identity, nowMs) === one.standingOf(identity, nowMs);
    }),
  );
  t.pass();
});

t.test('a new secret ends what rests on older ones, at once or when the overlap is over', async (t) => {
  const standing = (changes: readonly Change[], secretNumber: number, atMs = nowMs): string =>
    known(changes).standingOf(sessionIdentity({ tokenId: 'a', secretNumber }), atMs);
  const line = { kind: 'secret', tokenId: 'a', digest: '00', atMs: 1 } as const;
  const atOnce: Change = { ...line, secretNumber: 2 };
  t.same(
    [0, 1, 2, 3].map((number) => standing([atOnce], number)),
    ['revoked', 'revoked', 'live', 'live'],
  );
  const overlapping: Change = { ...line, secretNumber: 2, previousUntilMs: 100 };
  t.same(
    [0, 1, 2].map((number) => standing([overlapping], number, 99)),
    ['revoked', 'live', 'live'],
  );
  t.same(
    [0, 1, 2].map((number) => standing([overlapping], number, 100)),
    ['revoked', 'revoked', 'live'],
  );
});

t.test(
  'an overlap is remembered until it is over, however long that is after the feed forgot it',
  async (t) => {
    const tombstones = new Tombstones(0);
    const line = { kind: 'secret', tokenId: 'a', digest: '00', atMs: 1 } as const;
    tombstones.note({ ...line, secretNumber: 1, previousUntilMs: 1_000_000 }, 0);
    const old = sessionIdentity({ tokenId: 'a', secretNumber: 0 });
    tombstones.prune(10, 1_000_000);
    t.equal(tombstones.standingOf(old, 1_000_001), 'revoked');
    tombstones.prune(10, 2_000_000);
    t.equal(tombstones.counts().secrets, 0);
  },
);

t.test('an org or user called like a property of every object is an ordinary one', async (t) => {
  const tombstones = known([]);
  for (const id of ['__proto__', 'constructor', 'toString']) {
    const identity = sessionIdentity({
      org: { id, name: '' },
      user: { id, name: '', roles: [] },
      tokenId: id,
      sessionId: id,
    });
    t.equal(tombstones.standingOf(identity, nowMs), 'live');
  }
});
