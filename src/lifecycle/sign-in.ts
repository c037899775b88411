// Sign-in by user name and password, and sign-out. An unknown user, a wrong password, a user without one and a disabled
// account are one answer and take the same time; which of them it was is for the log. Tries are limited.

import { randomUUID } from 'node:crypto';
import type { Identity } from '../decision/identity.ts';
import { type Denial, denial, isOutage, isRefusal, type Outage, type Refusal } from '../decision/outcome.ts';
import type { SignInLimit } from '../identity/sign-in-limit.ts';
import type { UserRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { Actor, Origin } from './actor.ts';
import { type AuditedDeps, recordBegin } from './audit.ts';
import { isCommandError } from './command-error.ts';
import { createIssue, type IssueDeps, type Issued, type IssueError, sessionIdentity } from './issue.ts';
import { checkOrgId, checkUserId } from './names.ts';
import { findOwner } from './owner.ts';
import type { PasswordHashes } from './password-hash.ts';
import { endSession } from './revoke.ts';

export interface SignInCommand {
  readonly orgId: string;
  readonly userId: string;
  readonly password: string;
  /** Shorter than the settings' life of an access token; longer is cut to it. */
  readonly validityMs?: number | undefined;
  /** The authenticated OAuth client, if any. */
  readonly clientId?: string | undefined;
  readonly origin: Origin;
}

export interface BeginSessionDeps extends Pick<IssueDeps, 'settings' | 'now'>, AuditedDeps {
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser' | 'renewPasswordHash'>;
  readonly passwords: PasswordHashes;
  readonly limit: SignInLimit;
}

export type SignInDeps = BeginSessionDeps & IssueDeps;

/** A new interactive session; its id is `identity.sessionId`. Denials: `password_wrong`, `rate_limited`. */
export type SignIn = (command: SignInCommand) => Promise<Issued | IssueError | Refusal>;

export const createSignIn = (deps: SignInDeps): SignIn => {
  const issue = createIssue(deps);
  return async (command) => {
    const identity = await prove(deps, command);
    const { validityMs, clientId } = command;
    const outcome = isRefusal(identity)
      ? identity
      : issue({ identity, validityMs, clientId, methods: ['pwd'] });
    recordBegin(deps, command, 'identity' in outcome ? outcome.identity : undefined, outcome);
    return outcome;
  };
};

/** The same without an access token: the caller keeps the session by itself. */
export type BeginSession = (command: SignInCommand) => Promise<Identity | Refusal>;

export const createBeginSession =
  (deps: BeginSessionDeps): BeginSession =>
  async (command) => {
    const outcome = await prove(deps, command);
    recordBegin(deps, command, isRefusal(outcome) ? undefined : outcome, outcome);
    return outcome;
  };

/** Who has the password, unless too many have been tried. */
const prove = async (deps: BeginSessionDeps, command: SignInCommand): Promise<Identity | Refusal> => {
  const account = isName(command) ? `${command.orgId}/${command.userId}` : nobody;
  const { clientAddress } = command.origin;
  if (!deps.limit.begin(clientAddress, account)) return denial('rate_limited', account);
  const identity = await checkPassword(deps, command);
  if (isOutage(identity)) deps.limit.cancel(clientAddress, account);
  if (isRefusal(identity)) return identity;
  deps.limit.succeed(clientAddress, account);
  return identity;
};

const checkPassword = async (deps: BeginSessionDeps, command: SignInCommand): Promise<Identity | Refusal> => {
  // Names that nobody can have are not looked up; the time a look-up takes is small against a password's.
  const found = isName(command) ? await findOwner(deps.store, command.orgId, command.userId) : undefined;
  if (isOutage(found)) return found;
  const owner = isCommandError(found) ? undefined : found;
  const isRight = await deps.passwords.verify(command.password, owner?.user.passwordHash);
  if (isOutage(isRight)) return isRight;
  if (owner === undefined) return denial('password_wrong', 'no such user');
  const { org, user } = owner;
  if (!isRight)
    return denial('password_wrong', user.passwordHash === undefined ? 'the user has no password' : undefined);
  if (org.state === 'disabled') return denial('password_wrong', 'the org is disabled');
  if (user.state === 'disabled') return denial('password_wrong', 'the user is disabled');
  await renewHash(deps, user, command.password);
  return sessionIdentity(owner, deps, { sessionKind: 'interactive', sessionId: randomUUID() });
};

/**
 * A hash of an earlier cost is made anew while the password is known. A store that cannot write is no reason to turn the
 * user away: the next sign-in tries again.
 */
const renewHash = async (
  { store, passwords }: BeginSessionDeps,
  { orgId, id, passwordHash: known }: UserRecord,
  password: string,
): Promise<void> => {
  if (known === undefined || !passwords.isOutdated(known)) return;
  const next = await passwords.hash(password);
  if (!isOutage(next)) await store.renewPasswordHash(orgId, id, { known, next });
};

/** The account for which impossible names are counted: they may be thousands of characters long, and new each time. */
const nobody = '(nobody)';

const isName = ({ orgId, userId }: Pick<SignInCommand, 'orgId' | 'userId'>): boolean =>
  checkOrgId(orgId) === undefined && checkUserId(userId) === undefined;

/** Ends the actor's session, never the API token behind it. `nothing`: an API token presented by itself has no session. */
export type SignOut = (actor: Actor) => Promise<'revoked' | 'nothing' | Denial | Outage>;

export const createSignOut =
  (deps: Parameters<typeof endSession>[0] & { readonly now: () => number }): SignOut =>
  async (actor) =>
    actor.identity.sessionId === undefined ? 'nothing' : endSession(deps, actor, deps.now());
