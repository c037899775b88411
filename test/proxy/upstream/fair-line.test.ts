// Who waits for a connection, and whose turn comes next.

import t from 'tap';
import { CallerShares, type ShareClaim } from '../../../src/proxy/upstream/caller-shares.ts';
import { FairLine } from '../../../src/proxy/upstream/fair-line.ts';
import { anIdentity } from '../../support/identity.ts';

class Member {
  readonly name: string;
  refusal: string | undefined;

  constructor(name: string) {
    this.name = name;
  }

  onRefused({ reason }: { readonly reason: string }): void {
    this.refusal = reason;
  }
}

const setUp = (connectionsMax: number, callerShare = 1, addressShare = 1) => {
  const shares = new CallerShares({ connectionsMax, callerShare, addressShare });
  const line = new FairLine<Member>(connectionsMax, 60_000);
  return {
    shares,
    line,
    stranger: (addressBlock: string): ShareClaim =>
      shares.claimOf({ permit: { identity: undefined }, addressBlock }),
    user: (id: string, addressBlock: string): ShareClaim =>
      shares.claimOf({
        permit: { identity: anIdentity({ user: { id, name: id, roles: [] } }) },
        addressBlock,
      }),
    wait: (name: string, claim: ShareClaim): Member => {
      const member = new Member(name);
      line.add(member, claim);
      return member;
    },
    /** Names in the order of their turns, each giving its connection back at once. */
    drain: (): string[] => {
      const names = [];
      for (let turn = line.next(); turn !== undefined; turn = line.next()) names.push(turn.member.name);
      return names;
    },
  };
};

t.test('callers take turns, a request each; the requests of one stay in order', async (t) => {
  const { stranger, wait, drain, line } = setUp(64);
  for (let n = 1; n <= 4; n += 1) wait(`a${n}`, stranger('a'));
  for (let n = 1; n <= 2; n += 1) wait(`b${n}`, stranger('b'));
  wait('c1', stranger('c'));
  t.same(drain(), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  t.equal(line.length, 0);
});

t.test('a caller at its share is passed over until it gives a connection back', async (t) => {
  const { stranger, wait, line } = setUp(8, 0.25);
  const claim = stranger('a');
  claim.take();
  claim.take();
  t.ok(stranger('a').isAtShare);
  wait('a', stranger('a'));
  wait('b', stranger('b'));
  t.equal(line.next()?.member.name, 'b');
  t.equal(line.next(), undefined);
  claim.giveBack();
  t.equal(line.next()?.member.name, 'a');
});

t.test('the users of one address share its share, and a user has one wherever it calls from', async (t) => {
  const { user, shares } = setUp(8, 0.25, 0.5);
  for (const id of ['ann', 'bob']) for (let n = 0; n < 2; n += 1) user(id, 'a').take();
  t.equal(user('carol', 'a').usedUp, 'addressShare', 'the address is used up');
  t.equal(user('carol', 'b').usedUp, undefined);
  t.equal(user('ann', 'b').usedUp, 'callerShare', 'the user is');
  t.equal(shares.countAtShare(), 2);
  const { user: local } = setUp(8, 0.5, 0.25);
  for (const id of ['ann', 'bob', 'carol', 'dan']) local(id, 'unknown').take();
  t.notOk(local('eve', 'unknown').isAtShare, 'nothing tells the callers on a unix socket apart by address');
});

t.test(
  'in a full line whoever has most loses the newest; one that has as many as anybody is refused',
  async (t) => {
    const { stranger, wait, line, drain } = setUp(4);
    const greedy = [1, 2, 3, 4].map((n) => wait(`a${n}`, stranger('a')));
    const refused = wait('a5', stranger('a'));
    t.equal(refused.refusal, 'overloaded');
    t.equal(wait('b1', stranger('b')).refusal, undefined);
    t.equal(greedy[3]?.refusal, 'overloaded');
    t.equal(wait('b2', stranger('b')).refusal, undefined);
    t.equal(greedy[2]?.refusal, 'overloaded');
    t.equal(wait('b3', stranger('b')).refusal, 'overloaded');
    t.equal(line.length, 4);
    t.same(drain(), ['a1', 'b1', 'a2', 'b2']);
  },
);

t.test('who leaves or is refused is counted no longer', async (t) => {
  const { stranger, wait, line } = setUp(4);
  const claim = stranger('a');
  const members = [1, 2].map((n) => wait(`a${n}`, claim));
  t.equal(claim.caller.waiting, 2);
  t.ok(line.remove(members[0]!));
  t.notOk(line.remove(members[0]!));
  line.disperse({ kind: 'outage', reason: 'shutting_down', cause: undefined });
  t.equal(members[1]?.refusal, 'shutting_down');
  t.equal(members[0]?.refusal, undefined);
  t.match(claim.caller, { waiting: 0, held: 0 });
});

t.test('callers that come and go leave nothing behind; those that hold or wait are remembered', async (t) => {
  const { stranger, shares, wait, line } = setUp(4, 0.25);
  stranger('holds').take();
  wait('w', stranger('waits'));
  const waiting = stranger('waits').caller;
  for (let n = 0; n < 100_000; n += 1) stranger(`address ${n}`);
  t.ok(stranger('holds').isAtShare);
  t.equal(stranger('waits').caller, waiting);
  t.equal(shares.countAtShare(), 1);
  t.ok(shares.size <= 3 * 4_096, `${shares.size} parties are remembered`);
  line.disperse({ kind: 'outage', reason: 'shutting_down', cause: undefined });
});
