// The commands that callers of the surfaces give about API tokens: rights first, then the command, then the audit. Another
// org's token is to a caller as one that does not exist; the audit knows better.

import type { Identity } from '../decision/identity.ts';
import { type Denial, isDenial, isOutage, type Outage, type Refusal } from '../decision/outcome.ts';
import { mayManageTokens, type Whose } from '../decision/rights.ts';
import { effectiveScopes } from '../decision/scope.ts';
import { type CommandKind, type CommandLimit, tooManyCommands } from '../identity/command-limit.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import type { Actor } from './actor.ts';
import { type ApiTokensDeps, ApiTokens } from './api-tokens.ts';
import type { Audit, AuditAction } from './audit.ts';
import type { CreatedApiToken, NewApiToken } from './create-api-token.ts';
import { checkTokenId, tokenUnknown } from './names.ts';
import { findActiveOwner } from './owner.ts';
import { withOwnRights } from './own-rights.ts';
import { type CommandError, commandError, isFailure } from './command-error.ts';
import type { Regeneration } from './regenerate.ts';
import { listTokens, type TokenListing, type TokenQuery, type TokenView, viewOf } from './token-list.ts';

/**
 * Every command may be refused with a Denial: `session_kind_refused` for a session that no person signed in to,
 * `tenant_mismatch` for another org, `scope_missing` without the right, `rate_limited` after too many commands.
 */
export interface TokenCommands {
  /** For oneself, or with the right to all tokens for another user, but never wider than the session or that user. */
  createApiToken(actor: Actor, command: NewApiToken): Promise<CreatedApiToken | CommandError | Refusal>;
  /** `of`: whose the token must be; another's is as one that does not exist. */
  findApiToken(actor: Actor, tokenId: string, of?: TokenOwner): Promise<TokenView | CommandError | Refusal>;
  /** Of a user, or with `userId` undefined of the whole org. */
  listApiTokens(actor: Actor, query: TokenQuery): Promise<TokenListing | CommandError | Refusal>;
  regenerateApiToken(actor: Actor, command: Regeneration): Promise<CreatedApiToken | CommandError | Refusal>;
  /**
   * Ends the token and every session made from it. Repeating it is safe. `of` as with `findApiToken`. An id that the store
   * does not know is `token_unknown`, but its sessions end all the same: the store may have lost the token.
   */
  revokeApiToken(
    actor: Actor,
    tokenId: string,
    of?: TokenOwner,
  ): Promise<'revoked' | 'already_revoked' | CommandError | Refusal>;
  /** Ends every token and session of a user, or of the whole org: the actor's own session too where it is among them. */
  revokeAll(actor: Actor, whose: Whose): Promise<'revoked' | CommandError | Refusal>;
}

type TokenOwner = Pick<ApiTokenRecord, 'orgId' | 'userId'>;

export interface TokenCommandsDeps extends ApiTokensDeps {
  /** Undefined: an account may give any number of commands. */
  readonly commandLimit?: CommandLimit | undefined;
  readonly audit: Audit | undefined;
}

export const createTokenCommands = (deps: TokenCommandsDeps): TokenCommands => {
  const { now, store } = deps;
  const apiTokens = new ApiTokens(deps);
  const withRight = createWithRight(deps);
  const withToken = createWithToken(deps);

  /** Every replica remembers the id for a while; the limit on commands keeps an account from filling them. */
  const revokeMissing = async (tokenId: string): Promise<CommandError | Refusal> => {
    const answer = await apiTokens.revokeApiToken(tokenId);
    return typeof answer === 'string' ? tokenUnknown(tokenId) : answer;
  };

  return {
    createApiToken: (actor, command) =>
      withRight<CreatedApiToken>(actor, 'token.create', command, ({ scopes }) =>
        apiTokens.createApiToken({ ...command, within: scopes, givenBy: own(actor) }),
      ),

    findApiToken: (actor, tokenId, of) =>
      withToken<TokenView>(actor, 'token.see', { tokenId, of }, async (token) => {
        const [org, user] = await Promise.all([
          store.findOrg(token.orgId),
          store.findUser(token.orgId, token.userId),
        ]);
        if (isOutage(org)) return org;
        if (isOutage(user)) return user;
        return org === undefined || user === undefined
          ? tokenUnknown(tokenId)
          : viewOf(token, user, org, now());
      }),

    listApiTokens: (actor, query) =>
      withRight<TokenListing>(actor, 'token.list', query, () => listTokens(store, query, now())),

    regenerateApiToken: (actor, command) =>
      withToken<CreatedApiToken>(actor, 'token.regenerate', command, async (token, { scopes }) => {
        const wide = await checkWithin(deps, scopes, token);
        return wide ?? apiTokens.regenerateApiToken({ ...command, givenBy: own(actor) });
      }),

    revokeApiToken: (actor, tokenId, of) =>
      withToken<'revoked' | 'already_revoked'>(
        actor,
        'token.revoke',
        { tokenId, of, ifMissing: () => revokeMissing(tokenId) },
        () => apiTokens.revokeApiToken(tokenId),
      ),

    revokeAll: (actor, whose) =>
      withRight<'revoked'>(actor, 'token.revoke_all', whose, () =>
        apiTokens.revokeAll(whose.orgId, whose.userId),
      ),
  };
};

/** Looking is worth a line only when it was refused. */
const isLook = (action: AuditAction): boolean => action === 'token.list' || action === 'token.see';

const kindOf = (action: AuditAction): CommandKind =>
  action === 'token.revoke' || action === 'token.revoke_all' ? 'revocation' : 'other';

/** Carries out a command about a user's or an org's tokens, if the actor may. */
const createWithRight =
  ({ store, audit, commandLimit }: TokenCommandsDeps) =>
  async <T extends object | string>(
    actor: Actor,
    action: AuditAction,
    whose: Whose,
    work: (identity: Identity) => Promise<T | CommandError | Outage>,
  ): Promise<T | CommandError | Refusal> => {
    const identity = await withOwnRights(store, actor.identity);
    const refusal = isOutage(identity) ? identity : mayManageTokens(identity, whose);
    if (refusal === undefined && commandLimit?.(actor.identity, kindOf(action)) === false)
      return tooManyCommands(actor.identity);
    const outcome = refusal ?? (isOutage(identity) ? identity : await work(identity));
    const subject = { org: whose.orgId, user: whose.userId, tokenId: madeId(outcome) };
    if (!isLook(action) || isDenial(outcome))
      audit?.record({ action, identity: actor.identity, origin: actor, subject, outcome });
    return outcome;
  };

interface NamedToken {
  readonly tokenId: string;
  readonly of?: TokenOwner | undefined;
  /** What is done where the store has no such token, and answered; undefined: nothing. */
  readonly ifMissing?: () => Promise<CommandError | Refusal>;
}

/** Finds the token a command names and carries the command out, if the actor may. */
const createWithToken =
  ({ store, audit, commandLimit }: TokenCommandsDeps) =>
  async <T extends object | string>(
    actor: Actor,
    action: AuditAction,
    { tokenId, of, ifMissing }: NamedToken,
    work: (token: ApiTokenRecord, identity: Identity) => Promise<T | CommandError | Outage>,
  ): Promise<T | CommandError | Refusal> => {
    const event = { action, identity: actor.identity, origin: actor };
    const identity = await withOwnRights(store, actor.identity);
    if (isOutage(identity)) return identity;
    // What is no id may be a secret in the wrong place: it is not written down.
    const malformed = checkTokenId(tokenId);
    const early = mayManageTokens(identity, of ?? own(actor)) ?? malformed;
    if (early === undefined && commandLimit?.(actor.identity, kindOf(action)) === false)
      return tooManyCommands(actor.identity);
    const found = early ?? (await store.findToken(tokenId)) ?? (await ifMissing?.()) ?? tokenUnknown(tokenId);
    const token = isAnothers(found, of) ? tokenUnknown(tokenId) : found;
    if (isFailure(token)) {
      audit?.record({ ...event, subject: malformed === undefined ? { tokenId } : {}, outcome: token });
      return token;
    }
    const subject = { org: token.orgId, user: token.userId, tokenId };
    const refusal: Denial | undefined = mayManageTokens(identity, token);
    if (refusal !== undefined) {
      audit?.record({ ...event, subject, outcome: refusal });
      return refusal.reason === 'tenant_mismatch' ? tokenUnknown(tokenId) : refusal;
    }
    const outcome = await work(token, identity);
    if (!isLook(action)) audit?.record({ ...event, subject, outcome });
    return outcome;
  };

const isAnothers = (found: ApiTokenRecord | CommandError | Refusal, of: TokenOwner | undefined): boolean =>
  of !== undefined && 'orgId' in found && (found.orgId !== of.orgId || found.userId !== of.userId);

const madeId = (outcome: object | string): string | undefined =>
  typeof outcome === 'object' && 'record' in outcome ? recordId(outcome.record) : undefined;

const recordId = (record: unknown): string | undefined =>
  typeof record === 'object' && record !== null && 'id' in record ? String(record.id) : undefined;

const own = ({ identity }: Actor) => ({ orgId: identity.org.id, userId: identity.user.id });

/** Whoever is given a secret may not gain by it: not by another user's, nor by one's own in a session of fewer scopes. */
const checkWithin = async (
  { store }: TokenCommandsDeps,
  held: ReadonlySet<string>,
  token: ApiTokenRecord,
): Promise<CommandError | Outage | undefined> => {
  const owner = await findActiveOwner(store, token.orgId, token.userId);
  if (isFailure(owner)) return owner;
  const scopes = effectiveScopes(token.scopes, owner.user.roles, owner.org.roles);
  const beyond = [...scopes].filter((scope) => !held.has(scope));
  return beyond.length === 0
    ? undefined
    : commandError(
        'scope_too_wide',
        `You do not have ${beyond.sort().slice(0, 10).join(' ')} yourself, so you cannot have the secret of a token that does.`,
      );
};
