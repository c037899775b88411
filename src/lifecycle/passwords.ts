// Setting and changing passwords. The operator sets any; a person changes their own by proving the old one, an org's
// owner those of the org, but for users who may do more than the owner: who sets a password can sign in with it.
// Every session of the user ends with it; the API tokens live on.

import { denial, isOutage, type Outage, type Refusal } from '../decision/outcome.ts';
import { mayManageUser } from '../decision/rights.ts';
import type { SignInLimit } from '../identity/sign-in-limit.ts';
import type { UserRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { userUnknown } from './account-checks.ts';
import type { Actor } from './actor.ts';
import { type CommandError, commandError, isCommandError, isFailure } from './command-error.ts';
import { checkOrgId, checkUserId } from './names.ts';
import { checkHeld, findOwner, grantedTo } from './owner.ts';
import type { PasswordHashes } from './password-hash.ts';
import { withRight, type WithRightDeps } from './with-right.ts';

export interface PasswordChange {
  readonly orgId: string;
  readonly userId: string;
  /** Asked for where it is the actor's own. */
  readonly current: string | undefined;
  readonly next: string;
}

export interface PasswordsDeps extends WithRightDeps {
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser' | 'changeUser'>;
  readonly passwords: PasswordHashes;
  readonly limit: SignInLimit;
  readonly now: () => number;
}

const charactersMin = 12;
const isLong = new RegExp(`^.{${charactersMin}}`, 'su');
const bytesMax = 1024;

/** NIST SP 800-63B section 3.1.1: length counts, mixtures of kinds of characters do not. */
const checkPassword = (password: string): CommandError | undefined =>
  isLong.test(password) && Buffer.byteLength(password) <= bytesMax && password.isWellFormed()
    ? undefined
    : commandError(
        'password_malformed',
        `A password has at least ${charactersMin} characters and at most ${bytesMax} bytes. Any characters will do.`,
      );

/** Of a user who is about to be made. */
export const hashNewPassword = async (
  passwords: Pick<PasswordHashes, 'hash'>,
  password: string,
): Promise<string | CommandError | Outage> => checkPassword(password) ?? passwords.hash(password);

export type Passwords = ReturnType<typeof createPasswords>;

export const createPasswords = (deps: PasswordsDeps) => {
  const { store, passwords, now } = deps;

  const set = async (
    orgId: string,
    userId: string,
    password: string | null,
  ): Promise<UserRecord | CommandError | Outage> => {
    const malformed =
      checkOrgId(orgId) ?? checkUserId(userId) ?? (password === null ? undefined : checkPassword(password));
    if (malformed !== undefined) return malformed;
    const passwordHash = password === null ? null : await passwords.hash(password);
    if (isOutage(passwordHash)) return passwordHash;
    return (await store.changeUser(orgId, userId, { passwordHash }, now())) ?? userUnknown(orgId, userId);
  };

  return {
    /** The operator's command; `null` takes the password away. */
    setPassword: set,
    /** A caller's. Denials: as `mayManageUser`, and `rate_limited`; the error `password_wrong` for a wrong old one. */
    changePassword: (actor: Actor, command: PasswordChange) => {
      const { orgId, userId, next } = command;
      const isOwn = actor.identity.org.id === orgId && actor.identity.user.id === userId;
      return withRight<'changed'>(deps, {
        actor,
        action: 'password.change',
        subject: () => ({ org: orgId, user: userId }),
        may: (identity) => mayManageUser(identity, command),
        work: async ({ scopes }) => {
          const refusal = isOwn
            ? await prove(deps, actor, command)
            : await checkWithin(store, command, scopes);
          if (refusal !== undefined) return refusal;
          const changed = await set(orgId, userId, next);
          return isFailure(changed) ? changed : 'changed';
        },
      });
    },
  };
};

/** Nobody gains by signing in as another: what the user may do, the actor must be able to do. */
const checkWithin = async (
  store: PasswordsDeps['store'],
  { orgId, userId }: PasswordChange,
  held: ReadonlySet<string>,
): Promise<CommandError | Outage | undefined> => {
  const malformed = checkOrgId(orgId) ?? checkUserId(userId);
  if (malformed !== undefined) return malformed;
  const owner = await findOwner(store, orgId, userId);
  if (isOutage(owner)) return owner;
  return isCommandError(owner)
    ? userUnknown(orgId, userId)
    : checkHeld(held, grantedTo(owner), 'set the password of a user who does');
};

/** Why the actor has not shown that they know the present password: a stolen session must not guess it. */
const prove = async (
  { store, passwords, limit }: PasswordsDeps,
  { clientAddress }: Actor,
  { orgId, userId, current }: PasswordChange,
): Promise<CommandError | Refusal | undefined> => {
  const account = `${orgId}/${userId}`;
  if (!limit.begin(clientAddress, account)) return denial('rate_limited', account);
  const user = await store.findUser(orgId, userId);
  const isRight = isOutage(user) ? user : await passwords.verify(current ?? '', user?.passwordHash);
  if (isOutage(isRight)) {
    limit.cancel(clientAddress, account);
    return isRight;
  }
  if (!isRight)
    return commandError(
      'password_wrong',
      'That is not the present password. Write it as it is, then the new one.',
    );
  limit.succeed(clientAddress, account);
  return undefined;
};
