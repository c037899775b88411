// API tokens as the operator manages them: make, find, regenerate, revoke. Checks the rules that hold for
// everybody; rights are judged elsewhere (token-commands.ts).

import type { Outage } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { orgUnknown, userUnknown } from './account-checks.ts';
import { type CommandError, commandError } from './command-error.ts';
import { createApiToken, type CreateApiTokenDeps, type NewApiToken } from './create-api-token.ts';
import { createDerivedSecrets } from './idempotency.ts';
import { checkOrgId, checkTokenId, checkUserId, tokenUnknown } from './names.ts';
import { regenerateApiToken, type Regeneration } from './regenerate.ts';

export interface ApiTokensDeps {
  readonly store: TokenStore;
  readonly settings: Pick<Settings, 'tokens' | 'keys'>;
  readonly now: () => number;
}

export class ApiTokens {
  readonly #deps: CreateApiTokenDeps;

  constructor({ store, settings, now }: ApiTokensDeps) {
    this.#deps = { store, settings, now, openDerived: createDerivedSecrets(settings) };
  }

  createApiToken(command: NewApiToken) {
    return createApiToken(this.#deps, command);
  }

  regenerateApiToken(command: Regeneration) {
    return regenerateApiToken(this.#deps, command);
  }

  async findApiToken(tokenId: string): Promise<ApiTokenRecord | CommandError | Outage> {
    return checkTokenId(tokenId) ?? (await this.#deps.store.findToken(tokenId)) ?? tokenUnknown(tokenId);
  }

  /**
   * Ends the token and every session made from it. Repeating it is safe: the store is asked each time. The error
   * `token_unknown`: the store has no such token; sessions made from it, if there were any, have ended all the same.
   */
  async revokeApiToken(tokenId: string): Promise<'revoked' | 'already_revoked' | CommandError | Outage> {
    const { store, now } = this.#deps;
    const answer = checkTokenId(tokenId) ?? (await store.revokeToken(tokenId, now()));
    return answer === 'unknown' || answer === 'replaced' ? onlyIdRevoked(tokenId) : answer;
  }

  /** Ends every token and session of a user; `userId` undefined: of the whole org. One write. */
  async revokeAll(orgId: string, userId: string | undefined): Promise<'revoked' | CommandError | Outage> {
    const { store, now } = this.#deps;
    const malformed = checkOrgId(orgId) ?? (userId === undefined ? undefined : checkUserId(userId));
    const answer = malformed ?? (await store.revokeAll(orgId, userId, now()));
    if (answer !== 'unknown') return answer;
    return userId === undefined ? orgUnknown(orgId) : userUnknown(orgId, userId);
  }
}

const onlyIdRevoked = (tokenId: string): CommandError =>
  commandError(
    'token_unknown',
    `There is no API token ${tokenId} in the store. Sessions made from it, if there were any, have been ended. ` +
      "List the user's tokens to see their ids.",
  );
