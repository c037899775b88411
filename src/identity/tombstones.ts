// What this replica has seen revoked or passed, in memory, for judging a cached identity without a look-up. Does no
// I/O and never forgets before its time: entries leave by age since they were *received* here, on a monotonic clock,
// so no replica's wall clock can revive anything.
//
// Memory: one entry of roughly 200 bytes a revocation, ended session or changed account within the retention window
// (the longest access-token life and a margin). 1,000 revocations a minute and 40 minutes: 8 MB.

import { type Generation, type Identity, isByAccessToken, type Standing } from '../decision/identity.ts';
import type { AccountState, Change } from '../store/records.ts';

type Line<Kind extends Change['kind']> = Extract<Change, { kind: Kind }>;

interface Received {
  readonly receivedMs: number;
}

type Mark<Kind extends Change['kind']> = Line<Kind> & Received;

interface AccountMark extends Received, Pick<Line<'org'>, 'atMs' | 'generation'> {
  readonly tokenGenerationMin: number | undefined;
  readonly state: AccountState | 'deleted' | undefined;
  /** When it was last disabled, or everything of it revoked; -Infinity: never, as far as is known. */
  readonly endedAtMs: number;
}

interface OrgMarks {
  own: AccountMark;
  readonly users: Map<string, AccountMark>;
}

const unmarked: AccountMark = {
  atMs: -Infinity,
  receivedMs: -Infinity,
  generation: -1,
  tokenGenerationMin: undefined,
  state: undefined,
  endedAtMs: -Infinity,
};

export class Tombstones {
  readonly #tokens = new Map<string, Mark<'token'>>();
  /** The newest secret of each token: what rests on an older one is dead, or dies when the overlap ends. */
  readonly #secrets = new Map<string, Mark<'secret'>>();
  readonly #sessions = new Map<string, Mark<'session'>>();
  /** Users lie under their org, so judging builds no key. */
  readonly #orgs = new Map<string, OrgMarks>();
  /** How far ahead the clocks of other issuers may be. */
  clockLeewayMs: number;

  constructor(clockLeewayMs: number) {
    this.clockLeewayMs = clockLeewayMs;
  }

  /** Remembers one line of the feed; a line seen before, or an older one of the same account, changes nothing. */
  note(change: Change, receivedMs: number): void {
    switch (change.kind) {
      case 'token':
        if (!this.#tokens.has(change.tokenId)) this.#tokens.set(change.tokenId, { ...change, receivedMs });
        return;
      case 'secret':
        this.#secrets.set(
          change.tokenId,
          newest(this.#secrets.get(change.tokenId), { ...change, receivedMs }),
        );
        return;
      case 'session':
        if (!this.#sessions.has(change.sessionId))
          this.#sessions.set(change.sessionId, { ...change, receivedMs });
        return;
      case 'user': {
        const { users } = this.#orgMarks(change.orgId);
        users.set(change.userId, newer(users.get(change.userId) ?? unmarked, change, receivedMs));
        return;
      }
      case 'org': {
        const marks = this.#orgMarks(change.orgId);
        marks.own = newer(marks.own, change, receivedMs);
        return;
      }
      case 'keys':
        return;
    }
  }

  /** A few map look-ups, no allocation: called on every request. `nowMs` is compared with the end of overlaps alone. */
  standingOf(identity: Identity, nowMs: number): Exclude<Standing, 'unknown' | 'unread'> {
    if (identity.tokenId !== undefined) {
      if (this.#tokens.has(identity.tokenId)) return 'revoked';
      const secret = this.#secrets.get(identity.tokenId);
      if (secret !== undefined && isReplaced(identity.secretNumber ?? 0, secret, nowMs)) return 'revoked';
    }
    if (identity.sessionId !== undefined && this.#sessions.has(identity.sessionId)) return 'ended';
    const marks = this.#orgs.get(identity.org.id);
    if (marks === undefined) return 'live';
    const user = marks.users.get(identity.user.id) ?? unmarked;
    const { generation } = identity;
    const hasPassed =
      generation === undefined
        ? this.#isIssuedBefore(identity.issuedAtMs, marks.own) ||
          this.#isIssuedBefore(identity.issuedAtMs, user)
        : generation.org < marks.own.generation || generation.user < user.generation;
    if (!hasPassed) return 'live';
    return isByAccessToken(identity) ? 'ended' : 'outdated';
  }

  generationOf(orgId: string, userId: string): Generation {
    const marks = this.#orgs.get(orgId);
    return {
      org: marks?.own.generation ?? -1,
      user: marks?.users.get(userId)?.generation ?? -1,
    };
  }

  /** Everything known, as feed lines, to be written back to a server that lost it. */
  lines(): readonly Change[] {
    const lines: Change[] = [];
    const marks = [...this.#tokens.values(), ...this.#secrets.values(), ...this.#sessions.values()];
    for (const { receivedMs: _, ...line } of marks) lines.push(line);
    for (const [orgId, { own, users }] of this.#orgs) {
      if (own !== unmarked) lines.push({ kind: 'org', orgId, ...fieldsOf(own) });
      for (const [userId, mark] of users) lines.push({ kind: 'user', orgId, userId, ...fieldsOf(mark) });
    }
    return lines;
  }

  /**
   * Forgets what was received before a moment of the monotonic clock; of an overlap, once it has been over for a minute by
   * the wall clock too: a tunnel that the old secret opened lives until then.
   */
  prune(receivedBeforeMs: number, nowMs: number): void {
    pruneMarks(this.#tokens, receivedBeforeMs);
    for (const [tokenId, { receivedMs, previousUntilMs = -Infinity }] of this.#secrets)
      if (receivedMs < receivedBeforeMs && previousUntilMs + overlapMarginMs < nowMs)
        this.#secrets.delete(tokenId);
    pruneMarks(this.#sessions, receivedBeforeMs);
    for (const [orgId, marks] of this.#orgs) {
      pruneMarks(marks.users, receivedBeforeMs);
      if (marks.own.receivedMs < receivedBeforeMs) marks.own = unmarked;
      if (marks.own === unmarked && marks.users.size === 0) this.#orgs.delete(orgId);
    }
  }

  counts() {
    let users = 0;
    for (const marks of this.#orgs.values()) users += marks.users.size;
    return {
      tokens: this.#tokens.size,
      secrets: this.#secrets.size,
      sessions: this.#sessions.size,
      users,
      orgs: this.#orgs.size,
    };
  }

  /**
   * A clock ahead must not carry a session past its end: what may have been issued before is taken for it. Other changes
   * (of roles) get no leeway, or each would refuse even new tokens for as long.
   */
  #isIssuedBefore(issuedAtMs: number, { atMs, endedAtMs }: AccountMark): boolean {
    return issuedAtMs <= atMs || issuedAtMs <= endedAtMs + this.clockLeewayMs;
  }

  #orgMarks(orgId: string): OrgMarks {
    const known = this.#orgs.get(orgId);
    if (known !== undefined) return known;
    const marks: OrgMarks = { own: unmarked, users: new Map() };
    this.#orgs.set(orgId, marks);
    return marks;
  }
}

/** Live connections are looked at once a second; a minute is plenty to have seen an overlap end. */
const overlapMarginMs = 60_000;

const newest = (known: Mark<'secret'> | undefined, mark: Mark<'secret'>): Mark<'secret'> => {
  if (known === undefined || mark.secretNumber > known.secretNumber) return mark;
  const { secretNumber, previousUntilMs } = mark;
  // One number has one line; were there two, the stricter holds.
  if (secretNumber < known.secretNumber || !isEarlier(previousUntilMs, known.previousUntilMs)) return known;
  return { ...known, previousUntilMs };
};

const isEarlier = (untilMs: number | undefined, knownMs: number | undefined): boolean =>
  knownMs !== undefined && (untilMs === undefined || untilMs < knownMs);

const isReplaced = (secretNumber: number, newest: Line<'secret'>, nowMs: number): boolean => {
  if (secretNumber >= newest.secretNumber) return false;
  const isInOverlap = secretNumber === newest.secretNumber - 1 && newest.previousUntilMs !== undefined;
  return !isInOverlap || nowMs >= newest.previousUntilMs;
};

const newer = (known: AccountMark, change: Line<'user' | 'org'>, receivedMs: number): AccountMark => {
  if (change.generation <= known.generation) return known;
  return {
    generation: change.generation,
    tokenGenerationMin: change.tokenGenerationMin ?? known.tokenGenerationMin,
    state: change.state ?? known.state,
    atMs: Math.max(known.atMs, change.atMs),
    endedAtMs: endsAll(change) ? Math.max(known.endedAtMs, change.atMs) : known.endedAtMs,
    receivedMs,
  };
};

const endsAll = ({ generation, tokenGenerationMin, state }: Line<'user' | 'org'>): boolean =>
  state === 'disabled' || tokenGenerationMin === generation;

const fieldsOf = (mark: AccountMark) => {
  const { receivedMs: _, endedAtMs: __, ...fields } = mark;
  return fields;
};

const pruneMarks = (marks: Map<string, Received>, receivedBeforeMs: number): void => {
  for (const [id, mark] of marks) if (mark.receivedMs < receivedBeforeMs) marks.delete(id);
};
