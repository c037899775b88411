// API tokens for the operator: make, find, list, regenerate, revoke. Rights are not asked for here
// (token-commands.ts does); the rules that hold for everybody are.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { orgUnknown, userUnknown } from './accounts.ts';
import { createApiToken, type CreatedApiToken, type NewApiToken } from './create-api-token.ts';
import { createDerivedSecrets } from './idempotency.ts';
import { checkOrgId, checkTokenId, checkUserId, tokenUnknown } from './names.ts';
import { checkPage } from './page.ts';
import { type CommandError, commandError } from './command-error.ts';
import { regenerateApiToken, type Regeneration } from './regenerate.ts';

export interface ApiTokens {
  createApiToken(command: NewApiToken): Promise<CreatedApiToken | CommandError | Outage>;
  /** A new secret for the same token. */
  regenerateApiToken(command: Regeneration): Promise<CreatedApiToken | CommandError | Outage>;
  findApiToken(tokenId: string): Promise<ApiTokenRecord | CommandError | Outage>;
  /** Records hold neither secret nor digest. */
  listApiTokens(
    orgId: string,
    userId: string,
    page: PageRequest,
  ): Promise<Page<ApiTokenRecord> | CommandError | Outage>;
  /**
   * Ends the token and every session made from it. Repeating it is safe: the store is asked each time. The error
   * `token_unknown`: the store has no such token; sessions made from it, if there were any, have ended all the same.
   */
  revokeApiToken(tokenId: string): Promise<'revoked' | 'already_revoked' | CommandError | Outage>;
  /** Ends every token and session of a user; `userId` undefined: of the whole org. One write. */
  revokeAll(orgId: string, userId: string | undefined): Promise<'revoked' | CommandError | Outage>;
}

export interface ApiTokensDeps {
  readonly store: TokenStore;
  readonly settings: Pick<Settings, 'tokens' | 'keys'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export const createApiTokens = (deps: ApiTokensDeps): ApiTokens => {
  const { store, now } = deps;
  const making = { ...deps, openDerived: createDerivedSecrets(deps.settings) };
  return {
    createApiToken: (command) => createApiToken(making, command),
    regenerateApiToken: (command) => regenerateApiToken(making, command),
    findApiToken: async (tokenId) =>
      checkTokenId(tokenId) ?? (await store.findToken(tokenId)) ?? tokenUnknown(tokenId),
    listApiTokens: async (orgId, userId, page) => {
      const malformed = checkOrgId(orgId) ?? checkUserId(userId) ?? checkPage(page);
      if (malformed !== undefined) return malformed;
      const user = await store.findUser(orgId, userId);
      if (isOutage(user)) return user;
      return user === undefined ? userUnknown(orgId, userId) : store.listTokens(orgId, userId, page);
    },
    revokeApiToken: async (tokenId) => {
      const answer = checkTokenId(tokenId) ?? (await store.revokeToken(tokenId, now()));
      return answer === 'unknown' || answer === 'replaced' ? onlyIdRevoked(tokenId) : answer;
    },
    revokeAll: async (orgId, userId) => {
      const malformed = checkOrgId(orgId) ?? (userId === undefined ? undefined : checkUserId(userId));
      const answer = malformed ?? (await store.revokeAll(orgId, userId, now()));
      if (answer !== 'unknown') return answer;
      return userId === undefined ? orgUnknown(orgId) : userUnknown(orgId, userId);
    },
  };
};

const onlyIdRevoked = (tokenId: string): CommandError =>
  commandError(
    'token_unknown',
    `There is no API token ${tokenId} in the store. Sessions made from it, if there were any, have been ended. ` +
      "List the user's tokens to see their ids.",
  );
