// The subject of a change, its generation, and the lines that say how an account or a secret stands. Pure.

import type { Change, OrgRecord, UserRecord } from './records.ts';
import { neverMs } from './token-listing.ts';
import type { NextSecret } from './api-token-store.ts';

type AccountLine = Extract<Change, { generation: number }>;

/** What a change is about: a later change with the same name says the same or more. */
export const subjectOf = (change: Change): string => {
  switch (change.kind) {
    case 'token':
    case 'secret':
      return `${change.kind}:${change.tokenId}`;
    case 'session':
      return `session:${change.sessionId}`;
    case 'user':
      return `user:${JSON.stringify([change.orgId, change.userId])}`;
    case 'org':
      return `org:${change.orgId}`;
    case 'keys':
      return 'keys';
  }
};

/** The generation of an account, or the number of a secret; 0 for what happens once. */
export const generationOf = (change: Change): number => {
  if (change.kind === 'user' || change.kind === 'org') return change.generation;
  return change.kind === 'secret' ? change.secretNumber : 0;
};

/**
 * The generation that a change at this time begins: at least the time. Numbers that a lost record has given are passed even
 * where nobody knows them any more, so a change after a loss ends what was made before it.
 */
export const nextGeneration = ({ generation }: OrgRecord | UserRecord, atMs: number): number =>
  Math.max(generation + 1, atMs);

/** The line of a deletion, in a generation of its own. */
export const changeOfDeletion = (account: OrgRecord | UserRecord, atMs: number): AccountLine => {
  const generation = nextGeneration(account, atMs);
  return {
    ...changeOfAccount(account, atMs),
    generation,
    tokenGenerationMin: generation,
    state: 'deleted',
  };
};

/** The line that says how an org or a user stands now. */
export const changeOfAccount = (account: OrgRecord | UserRecord, atMs: number): AccountLine => {
  const { generation, tokenGenerationMin, state } = account;
  const facts = { generation, tokenGenerationMin, state, atMs };
  return 'orgId' in account
    ? { kind: 'user', orgId: account.orgId, userId: account.id, ...facts }
    : { kind: 'org', orgId: account.id, ...facts };
};

/** The line of a token's next secret. */
export const changeOfSecret = (
  tokenId: string,
  { number, digest, previousUntilMs, expiry }: NextSecret,
  atMs: number,
): Extract<Change, { kind: 'secret' }> => ({
  kind: 'secret',
  tokenId,
  secretNumber: number,
  digest,
  previousUntilMs,
  endsAtMs: expiry && (expiry.expiresAtMs ?? neverMs),
  atMs,
});
