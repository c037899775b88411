// The commands of callers about API tokens. Another org's token is to a caller as one that does not exist; the audit
// has the true reason.

import type { Identity } from '../decision/identity.ts';
import { isDenial, isOutage, type Outage, type Refusal } from '../decision/outcome.ts';
import { mayManageTokens, type Whose } from '../decision/rights.ts';
import { effectiveScopes } from '../decision/scope.ts';
import { member } from '../decision/strict-json.ts';
import { isOfEarlierOwner } from '../store/api-token-state.ts';
import type { ApiTokenRecord, AuditParty } from '../store/records.ts';
import type { DayRange } from '../store/usage-store.ts';
import type { Actor } from './actor.ts';
import { ApiTokens, type ApiTokensDeps } from './api-tokens.ts';
import type { AuditAction } from './audit.ts';
import { type CommandError, isCommandError, isFailure } from './command-error.ts';
import type { CreatedApiToken, NewApiToken } from './create-api-token.ts';
import { type Grantable, grantableOf } from './grantable.ts';
import { checkTokenId, tokenUnknown } from './names.ts';
import { checkHeld, findActiveOwner, findOwner, type Owner } from './owner.ts';
import type { Regeneration } from './regenerate.ts';
import { listTokens, type TokenListing, type TokenQuery, type TokenView, viewOf } from './token-list.ts';
import { listTokensByUse, type UseQuery } from './token-list-by-use.ts';
import { readCreation, readUsageReport, type UsageReport } from './usage-report.ts';
import { payFor, withRight, type WithRightDeps } from './with-right.ts';

type Owned = Pick<ApiTokenRecord, 'orgId' | 'userId'>;

export type TokenCommandsDeps = ApiTokensDeps & WithRightDeps;

export type TokenCommands = ReturnType<typeof createTokenCommands>;

/**
 * Every command may be refused with a Denial: `session_kind_refused` for a session that no person signed in to,
 * `tenant_mismatch` for another org, `scope_missing` without the right, `rate_limited` after too many commands.
 */
export const createTokenCommands = (deps: TokenCommandsDeps) => {
  const { now, store } = deps;
  const apiTokens = new ApiTokens(deps);

  /** Every replica remembers the id for a while; the limit on commands keeps an account from filling them. */
  const revokeMissing = async (tokenId: string): Promise<CommandError | Refusal> => {
    const answer = await apiTokens.revokeApiToken(tokenId);
    return typeof answer === 'string' ? tokenUnknown(tokenId) : answer;
  };

  return {
    /** For oneself, or with the right to all tokens for another user, but never wider than the session or that user. */
    createApiToken: (actor: Actor, command: Omit<NewApiToken, 'within' | 'givenBy'>) =>
      withRightTo<CreatedApiToken>(deps, actor, 'token.create', command, ({ scopes }) =>
        apiTokens.createApiToken({ ...command, within: scopes, givenBy: own(actor) }),
      ),

    /** `of`: whose the token must be; another's is as one that does not exist. */
    findApiToken: (actor: Actor, tokenId: string, of?: Owned) =>
      withToken<TokenView>(deps, actor, 'token.see', { tokenId, of }, async (token) => {
        const owner = await findOwnerOf(store, token);
        return isFailure(owner) ? owner : viewOf(token, owner.user, owner.org, now());
      }),

    ...usageCommands(deps),

    /** Of a user, or with `userId` undefined of the whole org. */
    listApiTokens: (actor: Actor, query: TokenQuery) =>
      withRightTo<TokenListing>(deps, actor, 'token.list', query, () => listTokens(store, query, now())),

    /** The same in the order of their last use. */
    listApiTokensByUse: (actor: Actor, query: UseQuery) =>
      withRightTo<TokenListing>(deps, actor, 'token.list', query, () =>
        listTokensByUse(store, query, now(), () => payFor(deps, actor, 'token.list')),
      ),

    /** What may be chosen for a token of a user: what the roles grant, and the actor has. */
    findGrantable: (actor: Actor, whose: Owned) =>
      withRightTo<Grantable>(deps, actor, 'token.see', whose, async ({ scopes }) => {
        const owner = await findOwner(store, whose.orgId, whose.userId);
        return isFailure(owner) ? owner : grantableOf(owner, scopes, deps.settings.tokens);
      }),

    regenerateApiToken: (actor: Actor, command: Regeneration) =>
      withToken<CreatedApiToken>(deps, actor, 'token.regenerate', command, async (token, { scopes }) => {
        const wide = await checkWithin(deps, scopes, token);
        return wide ?? apiTokens.regenerateApiToken({ ...command, givenBy: own(actor) });
      }),

    /**
     * Ends the token and every session made from it. Repeating it is safe. `of` as with `findApiToken`. An id that the
     * store does not know is `token_unknown`, but its sessions end all the same: the store may have lost the token.
     */
    revokeApiToken: (actor: Actor, tokenId: string, of?: Owned) =>
      withToken<'revoked' | 'already_revoked'>(
        deps,
        actor,
        'token.revoke',
        { tokenId, of, ifMissing: () => revokeMissing(tokenId) },
        () => apiTokens.revokeApiToken(tokenId),
      ),

    /** Ends every token and session of a user, or of the whole org: the actor's own session too where it is among them. */
    revokeAll: (actor: Actor, whose: Whose) =>
      withRightTo<'revoked'>(deps, actor, 'token.revoke_all', whose, () =>
        apiTokens.revokeAll(whose.orgId, whose.userId),
      ),
  };
};

/** How much API tokens are used. */
const usageCommands = (deps: TokenCommandsDeps) => {
  const { store } = deps;
  return {
    findTokenUsage: (actor: Actor, tokenId: string, period: DayRange) =>
      withToken<UsageReport>(deps, actor, 'token.see', { tokenId }, async (token) => {
        const owner = await findOwnerOf(store, token);
        if (isFailure(owner)) return owner;
        return readUsageReport(store, { tokenId }, period, token.createdAtMs);
      }),

    /** Of all API tokens of a user, or with `userId` undefined of the whole org. */
    findUsage: (actor: Actor, whose: Whose, period: DayRange) =>
      withRightTo<UsageReport>(deps, actor, 'token.see', whose, async () => {
        const createdAtMs = await readCreation(store, whose);
        return isFailure(createdAtMs) ? createdAtMs : readUsageReport(store, whose, period, createdAtMs);
      }),
  };
};

/** Of a token that is somebody's still. */
const findOwnerOf = async (
  store: TokenCommandsDeps['store'],
  token: ApiTokenRecord,
): Promise<Owner | CommandError | Outage> => {
  const owner = await findOwner(store, token.orgId, token.userId);
  if (isOutage(owner)) return owner;
  const isAnybodys = !isCommandError(owner) && !isOfEarlierOwner(token, owner.user, owner.org);
  return isAnybodys ? owner : tokenUnknown(token.id);
};

/** A command about the tokens of a user or an org. */
const withRightTo = <T extends object | string>(
  deps: WithRightDeps,
  actor: Actor,
  action: AuditAction,
  whose: Whose,
  work: (identity: Identity) => Promise<T | CommandError | Refusal>,
): Promise<T | CommandError | Refusal> =>
  withRight<T>(deps, {
    actor,
    action,
    subject: (outcome) => ({ org: whose.orgId, user: whose.userId, tokenId: madeId(outcome) }),
    may: (identity) => mayManageTokens(identity, whose),
    work,
  });

interface NamedToken {
  readonly tokenId: string;
  readonly of?: Owned | undefined;
  /** What is done where the store has no such token, and answered; undefined: nothing. */
  readonly ifMissing?: () => Promise<CommandError | Refusal>;
}

/** A command about one token, which is found first. */
const withToken = async <T extends object | string>(
  deps: TokenCommandsDeps,
  actor: Actor,
  action: AuditAction,
  { tokenId, of, ifMissing }: NamedToken,
  work: (token: ApiTokenRecord, identity: Identity) => Promise<T | CommandError | Outage>,
): Promise<T | CommandError | Refusal> => {
  let subject: Partial<AuditParty> = { tokenId };
  const outcome = await withRight<T>(deps, {
    actor,
    action,
    subject: () => subject,
    may: (identity) => mayManageTokens(identity, of ?? own(actor)),
    work: async (identity) => {
      const malformed = checkTokenId(tokenId);
      if (malformed !== undefined) return malformed;
      const token = (await deps.store.findToken(tokenId)) ?? (await ifMissing?.()) ?? tokenUnknown(tokenId);
      if (isFailure(token)) return token;
      if (isAnothers(token, of)) return tokenUnknown(tokenId);
      subject = { org: token.orgId, user: token.userId, tokenId };
      return mayManageTokens(identity, token) ?? work(token, identity);
    },
  });
  const isHidden = subject.org !== undefined && isDenial(outcome) && outcome.reason === 'tenant_mismatch';
  return isHidden ? tokenUnknown(tokenId) : outcome;
};

const isAnothers = (token: ApiTokenRecord, of: Owned | undefined): boolean =>
  of !== undefined && (token.orgId !== of.orgId || token.userId !== of.userId);

const madeId = (outcome: object | string): string | undefined => {
  const id = typeof outcome === 'object' && 'record' in outcome ? member(outcome.record, 'id') : undefined;
  return typeof id === 'string' ? id : undefined;
};

const own = ({ identity }: Actor) => ({ orgId: identity.org.id, userId: identity.user.id });

/** A new secret is no gain for the actor: not of another user's token, nor of one's own in a session of fewer scopes. */
const checkWithin = async (
  { store }: TokenCommandsDeps,
  held: ReadonlySet<string>,
  token: ApiTokenRecord,
): Promise<CommandError | Outage | undefined> => {
  const owner = await findActiveOwner(store, token.orgId, token.userId);
  if (isFailure(owner)) return owner;
  const scopes = effectiveScopes(token.scopes, owner.user.roles, owner.org.roles);
  return checkHeld(held, scopes, 'have the secret of a token that does');
};
