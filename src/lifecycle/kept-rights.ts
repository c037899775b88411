// Rights that somebody must always have: an org needs an owner, the server an operator. Nobody takes such a right from
// themselves, and nobody who lacks it takes it from another, or gives it back. So one who takes such a right away still has it. Pure.

import { rights } from '../decision/rights.ts';
import { effectiveScopes } from '../decision/scope.ts';
import type { OrgRecord, UserRecord } from '../store/records.ts';
import { type CommandError, commandError } from './command-error.ts';

const kept = [rights.orgOwner, rights.operate] as const;

/** What a command changes: the scopes of somebody before it and after. */
interface Change {
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
  /** They are the actor's own. */
  readonly isOwn: boolean;
}

/** `held`: what the actor may do. */
export const checkKept = (
  held: ReadonlySet<string>,
  { before, after, isOwn }: Change,
): CommandError | undefined => {
  for (const right of kept) {
    if (before.has(right) === after.has(right)) continue;
    const isLost = before.has(right);
    if (isLost && isOwn) return lockedOut(right);
    if (!held.has(right))
      return commandError(
        'scope_too_wide',
        isLost
          ? `You do not have ${right} yourself, so you cannot take it from somebody who does.`
          : `You do not have ${right} yourself, so you cannot enable a user who would.`,
      );
  }
  return undefined;
};

/** Of one's own org, which is to be disabled or deleted. */
export const lockedOut = (right: string): CommandError =>
  commandError(
    'would_lock_out',
    `By this you would lose ${right} yourself, and perhaps nobody would be left who has it. Have somebody else do it who has that right.`,
  );

export const noScopes: ReadonlySet<string> = new Set();

/** What a user may do as things stand. */
export const scopesOf = (
  { state, roles }: Pick<UserRecord, 'state' | 'roles'>,
  org: Pick<OrgRecord, 'roles'>,
): ReadonlySet<string> => (state === 'active' ? effectiveScopes('all', roles, org.roles) : noScopes);
