// What this process has revoked or changed and not read back from the feed yet. If the server is lost before, these lines are
// lost too, and no replica has read them: this process writes them back with the rest.

import { isOutage, type Outage } from '../../decision/outcome.ts';
import { changeOfAccount, generationOf, subjectOf } from '../changes.ts';
import type { Change, OrgRecord, UserRecord } from '../records.ts';
import type { LookUps, TokenStore } from '../token-store.ts';
import { isStorableTokenId } from './key-space.ts';

/** The feed delivers a line within milliseconds, and a lost connection of it is back within seconds. */
const keptMs = 300_000;
const keptMax = 10_000;

type Writes = Pick<
  TokenStore,
  'revokeToken' | 'revokeAll' | 'endSession' | 'regenerateToken' | 'changeUser' | 'changeOrg'
>;

export class OwnWrites {
  readonly #unread = new Map<string, { readonly change: Change; readonly writtenMs: number }>();

  note(change: Change): void {
    const nowMs = performance.now();
    const subject = subjectOf(change);
    // Again at the end: the map is in the order of time.
    this.#unread.delete(subject);
    this.#unread.set(subject, { change, writtenMs: nowMs });
    for (const [oldest, { writtenMs }] of this.#unread) {
      if (this.#unread.size <= keptMax && nowMs - writtenMs < keptMs) break;
      this.#unread.delete(oldest);
    }
  }

  /** What the feed has delivered is known without us. */
  forget(changes: readonly Change[]): void {
    for (const change of changes) {
      const subject = subjectOf(change);
      const known = this.#unread.get(subject);
      if (known !== undefined && generationOf(known.change) <= generationOf(change))
        this.#unread.delete(subject);
    }
  }

  unread(): readonly Change[] {
    return [...this.#unread.values()].map(({ change }) => change);
  }
}

/** The same writes, noted once they are answered. */
export const noteOwnWrites = (
  store: Writes & Pick<LookUps, 'findUser' | 'findOrg'>,
  own: OwnWrites,
): Writes => ({
  revokeToken: async (tokenId, nowMs, digest) => {
    const answer = await store.revokeToken(tokenId, nowMs, digest);
    // Of an unknown one the id is revoked all the same.
    if (answer === 'revoked' || (answer === 'unknown' && isStorableTokenId(tokenId)))
      own.note({ kind: 'token', tokenId, atMs: nowMs });
    return answer;
  },
  endSession: async (sessionId, nowMs) => {
    const answer = await store.endSession(sessionId, nowMs);
    if (answer === 'ended') own.note({ kind: 'session', sessionId, atMs: nowMs });
    return answer;
  },
  regenerateToken: async (tokenId, secret, nowMs) => {
    const answer = await store.regenerateToken(tokenId, secret, nowMs);
    if (typeof answer === 'string' || isOutage(answer)) return answer;
    const { digest, number, previousUntilMs } = secret;
    own.note({ kind: 'secret', tokenId, secretNumber: number, digest, previousUntilMs, atMs: nowMs });
    return answer;
  },
  revokeAll: async (orgId, userId, nowMs) => {
    const answer = await store.revokeAll(orgId, userId, nowMs);
    // The answer does not say in which generation it was done. Nobody waits for that.
    if (answer === 'revoked')
      void (userId === undefined ? store.findOrg(orgId) : store.findUser(orgId, userId)).then((account) =>
        noteAccount(own, account, nowMs),
      );
    return answer;
  },
  changeUser: async (orgId, userId, change, nowMs) => {
    const user = await store.changeUser(orgId, userId, change, nowMs);
    if (change.state === 'disabled' || change.passwordHash !== undefined) noteAccount(own, user, nowMs);
    return user;
  },
  changeOrg: async (orgId, change, nowMs) => {
    const org = await store.changeOrg(orgId, change, nowMs);
    if (change.state === 'disabled') noteAccount(own, org, nowMs);
    return org;
  },
});

const noteAccount = (
  own: OwnWrites,
  account: OrgRecord | UserRecord | undefined | Outage,
  atMs: number,
): void => {
  if (account !== undefined && !isOutage(account)) own.note(changeOfAccount(account, atMs));
};
