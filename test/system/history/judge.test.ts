// The judge can convict: for each rule a history made by hand that breaks it, and beside it the nearest one that does not.

import t, { type Test } from 'tap';
import type { Action, Credential, Fault, History, Operation, Outcome, Secret, Session } from './history.ts';
import { judge } from './judge.ts';
import type { Rule } from './rules.ts';

const bounds = { healthyMs: 100, cutOffMs: 1_000, settleMs: 200, clockMs: 50 };
const ok: Outcome = { kind: 'ok' };
const outage: Outcome = { kind: 'outage', status: 503, reason: undefined };
const lost: Outcome = { kind: 'unknown', cause: 'ECONNRESET' };
const no = (status: number, reason?: string): Outcome => ({ kind: 'refused', status, reason });

const secret: Secret = {
  kind: 'secret',
  id: 'secret',
  token: 'token',
  number: 0,
  account: 'acme/ann',
  canWrite: true,
  bornFromMs: 0,
  bornByMs: 10,
};
const next: Secret = { ...secret, id: 'next', number: 1, bornFromMs: 100, bornByMs: 110 };
const session: Session = {
  kind: 'session',
  id: 'session',
  parent: 'secret',
  account: 'acme/ann',
  canWrite: true,
  bornFromMs: 20,
  bornByMs: 30,
};
const root: Session = { ...session, id: 'root', parent: undefined, account: 'acme/root' };

type Place = Partial<Pick<Operation, 'replica' | 'incarnation' | 'actor'>>;

/** An operation from one moment to another; ten milliseconds long unless told. */
const did = (
  invokedMs: number,
  action: Action,
  outcome: Outcome = ok,
  place: Place & { untilMs?: number } = {},
): Operation => {
  const { untilMs = invokedMs + 10, replica = 'a', incarnation = 0, actor } = place;
  const id = `${action.kind}@${invokedMs}`;
  return { ...action, id, replica, incarnation, actor, invokedMs, completedMs: untilMs, outcome };
};

const use = (
  invokedMs: number,
  outcome: Outcome = ok,
  facts: Place & { of?: Credential; needs?: 'read' | 'write' } = {},
): Operation => {
  const { of = secret, needs = 'read', ...place } = facts;
  return did(invokedMs, { kind: 'use', credential: of.id, needs }, outcome, place);
};
const revoke = (invokedMs: number, outcome: Outcome = ok): Operation =>
  did(invokedMs, { kind: 'revoke-token', token: 'token' }, outcome);
const revokeBy = (credential: Credential, invokedMs: number): Operation =>
  did(invokedMs, { kind: 'revoke-credential', credential: credential.id });
const regenerate = (invokedMs: number, overlapMs: number, outcome: Outcome = ok): Operation =>
  did(
    invokedMs,
    { kind: 'regenerate', token: 'token', overlapMs, made: outcome === ok ? 'next' : undefined },
    outcome,
  );
const roles = (invokedMs: number, set: 'wide' | 'narrow', outcome: Outcome = ok): Operation =>
  did(invokedMs, { kind: 'set-roles', account: 'acme/ann', roles: set }, outcome);
const state = (invokedMs: number, to: 'active' | 'disabled', outcome: Outcome = ok): Operation =>
  did(invokedMs, { kind: 'set-state', account: 'acme/ann', state: to }, outcome);
const revokeAll = (invokedMs: number, user?: string): Operation =>
  did(invokedMs, { kind: 'revoke-all', org: 'acme', user });
const fault = (beganMs: number, healedMs: number, losesRecords = false): Fault => ({
  kind: 'cut',
  replicas: ['a'],
  beganMs,
  healedMs,
  losesRecords,
});

const historyOf = (
  operations: readonly Operation[],
  faults: readonly Fault[],
  sweepFromMs = Infinity,
): History => ({
  operations,
  credentials: new Map([secret, next, session, root].map((credential) => [credential.id, credential])),
  faults,
  bounds,
  sweepFromMs,
});

const guilty = (
  name: string,
  rule: Rule,
  operations: readonly Operation[],
  faults: readonly Fault[] = [],
  sweepFromMs?: number,
): void =>
  void t.test(`guilty: ${name}`, async (t: Test) => {
    t.strictSame(
      judge(historyOf(operations, faults, sweepFromMs)).map((violation) => violation.rule),
      [rule],
    );
  });

const innocent = (
  name: string,
  operations: readonly Operation[],
  faults: readonly Fault[] = [],
  sweepFromMs?: number,
): void =>
  void t.test(`innocent: ${name}`, async (t: Test) => {
    t.strictSame(judge(historyOf(operations, faults, sweepFromMs)), []);
  });

// -- accepted after its revocation
const late = 'accepted after its revocation';
guilty('a secret accepted later than the bound after its revocation', late, [revoke(100), use(211)]);
innocent('a secret accepted within the bound after its revocation', [revoke(100), use(205)]);
innocent('a secret accepted after a revocation that never succeeded', [revoke(100, no(403)), use(500)]);
guilty('a session accepted after its secret was revoked', late, [
  revokeBy(secret, 100),
  use(300, ok, { of: session }),
]);
guilty('a session accepted after it was ended', late, [
  revokeBy(session, 100),
  use(300, ok, { of: session }),
]);
innocent('a secret accepted after a session of it was ended', [revokeBy(session, 100), use(300)]);
guilty('a secret accepted after all of its user was revoked', late, [revokeAll(100, 'ann'), use(300)]);
guilty('a session accepted after all of its org was revoked', late, [
  revokeAll(100),
  use(300, ok, { of: session }),
]);
innocent('a secret accepted after all of another user was revoked', [revokeAll(100, 'bob'), use(300)]);
innocent('a secret made while all of its user was revoked', [
  did(5, { kind: 'revoke-all', org: 'acme', user: 'ann' }, ok, { untilMs: 20 }),
  use(300),
]);
guilty('a replaced secret accepted', late, [regenerate(100, 0), use(300)]);
guilty('a session of a replaced secret accepted', late, [regenerate(100, 0), use(300, ok, { of: session })]);
innocent('a replaced secret accepted in its overlap', [regenerate(100, 5_000), use(300)]);
guilty('a replaced secret accepted after its overlap', late, [regenerate(100, 5_000), use(5_300)]);
guilty('a secret of a disabled user accepted', late, [state(100, 'disabled'), use(300)]);
innocent('a secret of a user who is enabled again', [state(100, 'disabled'), state(200, 'active'), use(500)]);
guilty('a session accepted although its user was disabled and enabled', late, [
  state(100, 'disabled'),
  state(200, 'active'),
  use(500, ok, { of: session }),
]);
guilty('an administrator’s dead session that still gives commands', late, [
  revokeAll(100),
  did(300, { kind: 'revoke-all', org: 'acme', user: 'bob' }, ok, { actor: 'root' }),
]);
innocent('a replica that was cut off, within feed.maxStaleness', [revoke(100), use(900)], [fault(90, 950)]);
guilty('a replica that was cut off, later than that', late, [revoke(100), use(1_200)], [fault(90, 1_500)]);
guilty(
  'another replica, while one is cut off',
  late,
  [revoke(100), use(900, ok, { replica: 'b' })],
  [fault(90, 950)],
);

// -- acknowledged, but missing; refused although good, in an outage
const missing = 'acknowledged, but missing';
const inOutage = 'refused although good, in an outage';
guilty('a good secret refused as unknown', missing, [use(100, no(401, 'token_unknown'))]);
guilty('a good secret refused as unknown in an outage', inOutage, [use(100, no(401))], [fault(50, 150)]);
innocent('a good secret met by an outage', [use(100, outage), use(120, lost)], [fault(50, 150)]);
guilty('a good secret forbidden what its roles grant', missing, [use(100, no(403), { needs: 'write' })]);
guilty('a good secret that cannot be exchanged', missing, [
  did(100, { kind: 'exchange', credential: 'secret', made: undefined }, no(400, 'token_unknown')),
]);
innocent('a secret refused while it may have been revoked', [revoke(100, lost), use(300, no(401))]);
guilty('a secret refused before anybody revoked it', missing, [use(50, no(401)), revoke(100)]);
innocent(
  'a secret refused although the store was emptied',
  [use(300, no(401, 'token_unknown'))],
  [fault(50, 150, true)],
);
guilty('a secret of an active user refused as disabled', missing, [
  state(100, 'disabled'),
  state(200, 'active'),
  use(500, no(401, 'user_disabled')),
]);
innocent('a secret refused by a replica that has not heard that its user is enabled', [
  state(100, 'disabled'),
  state(200, 'active'),
  use(290, no(401, 'user_disabled')),
]);
innocent('the old secret refused at the end of its overlap, by another reading of the clock', [
  regenerate(100, 5_000),
  use(5_060, no(401)),
]);
guilty('the old secret refused in its overlap', missing, [regenerate(100, 5_000), use(300, no(401))]);
guilty('a token that is there not found by its id', missing, [
  did(100, { kind: 'revoke-token', token: 'token' }, no(404, 'token_unknown'), { actor: 'root' }),
]);
guilty('a good token that gets no new secret', missing, [
  did(100, { kind: 'regenerate', token: 'token', overlapMs: 0, made: undefined }, no(409, 'token_revoked'), {
    actor: 'root',
  }),
]);
guilty('a good secret that cannot be revoked', missing, [
  did(100, { kind: 'revoke-credential', credential: 'secret' }, no(400)),
]);
innocent('a secret that may be dead, and of which nothing is left to revoke', [
  revoke(100, lost),
  did(200, { kind: 'revoke-credential', credential: 'secret' }, no(400)),
]);
guilty('an administrator who cannot sign in', missing, [
  did(100, { kind: 'sign-in', account: 'acme/root', made: undefined }, no(401)),
]);
guilty('a replica that does not serve when all faults are healed', missing, [use(5_000, outage)], [], 4_000);

// -- wider than the roles
const wider = 'wider than the roles';
guilty('a secret that writes after its user may no more', wider, [
  roles(100, 'narrow'),
  use(300, ok, { needs: 'write' }),
]);
innocent('a secret that writes within the bound', [roles(100, 'narrow'), use(200, ok, { needs: 'write' })]);
innocent('a secret that writes when its user may again', [
  roles(100, 'narrow'),
  roles(200, 'wide'),
  use(500, ok, { needs: 'write' }),
]);
guilty('a session that writes although the roles were narrow in between', wider, [
  roles(100, 'narrow'),
  roles(200, 'wide'),
  use(500, ok, { of: session, needs: 'write' }),
]);
innocent('a secret refused as too narrow after that', [
  roles(100, 'narrow'),
  use(300, no(403), { needs: 'write' }),
]);
innocent('a secret that writes after a narrowing of unknown outcome, and one that does not', [
  roles(100, 'narrow', lost),
  use(500, ok, { needs: 'write' }),
  use(600, no(403), { needs: 'write' }),
]);

// -- revived
const revived = 'revived';
guilty('a secret accepted where it was refused as revoked', revived, [
  revoke(100, lost),
  use(200, no(401, 'token_revoked')),
  use(300),
]);
guilty('a secret accepted after it was revoked, acknowledged and refused, on any replica', revived, [
  revoke(100),
  use(200, no(401, 'token_revoked')),
  use(300, ok, { replica: 'b', incarnation: 1 }),
]);
innocent('a revocation of unknown outcome that one replica has heard of and another has not', [
  revoke(100, lost),
  use(200, no(401, 'token_revoked')),
  use(300, ok, { replica: 'b' }),
]);

// -- replicas disagree; unexpected answer
guilty(
  'replicas that disagree in the end',
  'replicas disagree',
  [revoke(100, lost), use(5_000, no(401)), use(5_000, ok, { replica: 'b' })],
  [],
  4_000,
);
innocent(
  'replicas that agree in the end',
  [revoke(100, lost), use(5_000, no(401)), use(5_000, no(401), { replica: 'b' })],
  [],
  4_000,
);
guilty('a bug', 'unexpected answer', [use(100, { kind: 'broken', status: 500, text: '' })]);

t.test('a command of unknown outcome may take effect until its fault is healed and settled', async (t) => {
  const operations = [
    state(100, 'disabled', outage),
    state(400, 'active'),
    use(1_500, no(401, 'user_disabled')),
  ];
  t.strictSame(judge(historyOf(operations, [fault(50, 1_400)])), [], 'it lay in a buffer all the while');
  t.equal(judge(historyOf(operations, [])).length, 1, 'without a fault it cannot have');
});
