// API tokens: make, list, revoke. The secret is returned once and kept nowhere; the store gets its digest.
// A token never carries a scope its user lacks, and never outlives what its org allows.

import { isOutage, type Outage } from '../decision/outcome.ts';
import { effectiveScopes } from '../decision/scope.ts';
import type { Settings } from '../settings/settings.ts';
import type { ApiTokenRecord, OrgRecord, UserRecord } from '../store/records.ts';
import { shardOfAccount } from '../store/shard.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import { createSecret, createTokenId, digestOf, type SecretLength } from '../tokens/api-token.ts';
import { orgUnknown, userUnknown } from './accounts.ts';
import { grantLifetime } from './lifetime.ts';
import { checkName, checkOrgId, checkScopes, checkTokenId, checkUserId, distinct } from './names.ts';
import { checkPage } from './page.ts';
import { isProblem, type Problem, problem } from './problem.ts';

export interface NewApiToken {
  readonly orgId: string;
  readonly userId: string;
  /** For people; need not be unique. */
  readonly name: string;
  /** `all`: whatever the user's roles grant at the time of use. */
  readonly scopes: readonly string[] | 'all';
  /** Undefined: the default of the settings, cut to the org's maximum; null: never expires. */
  readonly lifetimeMs: number | null | undefined;
  readonly length: SecretLength;
}

export interface ApiTokens {
  /** The only time the secret is ever seen. */
  createApiToken(
    order: NewApiToken,
  ): Promise<{ readonly secret: string; readonly record: ApiTokenRecord } | Problem | Outage>;
  findApiToken(tokenId: string): Promise<ApiTokenRecord | Problem | Outage>;
  /** Records hold neither secret nor digest. */
  listApiTokens(
    orgId: string,
    userId: string,
    page: PageRequest,
  ): Promise<Page<ApiTokenRecord> | Problem | Outage>;
  /** Ends the token and every session made from it. Repeating it is safe. */
  revokeApiToken(tokenId: string): Promise<'revoked' | 'already_revoked' | Problem | Outage>;
  /** Ends every token and session of a user; `userId` undefined: of the whole org. One write. */
  revokeAll(orgId: string, userId: string | undefined): Promise<'revoked' | Problem | Outage>;
}

export interface ApiTokensDeps {
  readonly store: TokenStore;
  readonly settings: Pick<Settings, 'tokens'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Two tokens with one digest would mean a broken random source; a few draws are plenty. */
const drawsMax = 4;

export const createApiTokens = (deps: ApiTokensDeps): ApiTokens => {
  const { store, now } = deps;
  return {
    createApiToken: async (order) => {
      const malformed = checkOrder(order);
      if (malformed !== undefined) return malformed;
      const owner = await findActiveOwner(store, order.orgId, order.userId);
      if (isOutage(owner) || isProblem(owner)) return owner;
      const lifetime = grantLifetime(
        order.lifetimeMs,
        deps.settings.tokens.apiTokenLifetimeMs,
        owner.org.tokenLifetimeMsMax,
      );
      if (isProblem(lifetime)) return lifetime;
      const wide = order.scopes === 'all' ? undefined : checkNotWider(order.scopes, owner);
      if (wide !== undefined) return wide;
      const record = recordOf(order, owner, lifetime.lifetimeMs, now());
      return drawAndStore(store, record, order.length);
    },
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
      return answer === 'unknown' ? tokenUnknown(tokenId) : answer;
    },
    revokeAll: async (orgId, userId) => {
      const malformed = checkOrgId(orgId) ?? (userId === undefined ? undefined : checkUserId(userId));
      const answer = malformed ?? (await store.revokeAll(orgId, userId, now()));
      if (answer !== 'unknown') return answer;
      return userId === undefined ? orgUnknown(orgId) : userUnknown(orgId, userId);
    },
  };
};

interface Owner {
  readonly org: OrgRecord;
  readonly user: UserRecord;
}

/** The org and the user, both active. Also used by imports. */
export const findActiveOwner = async (
  store: Pick<TokenStore, 'findOrg' | 'findUser'>,
  orgId: string,
  userId: string,
): Promise<Owner | Problem | Outage> => {
  const [org, user] = await Promise.all([store.findOrg(orgId), store.findUser(orgId, userId)]);
  if (isOutage(org)) return org;
  if (isOutage(user)) return user;
  if (org === undefined) return orgUnknown(orgId);
  if (user === undefined) return userUnknown(orgId, userId);
  if (org.state === 'disabled')
    return problem('org_disabled', `The org ${orgId} is disabled. Enable it first.`);
  if (user.state === 'disabled')
    return problem('user_disabled', `The user ${orgId}/${userId} is disabled. Enable it first.`);
  return { org, user };
};

const checkOrder = (order: NewApiToken): Problem | undefined =>
  checkOrgId(order.orgId) ??
  checkUserId(order.userId) ??
  checkName(order.name) ??
  (order.scopes === 'all' ? undefined : checkScopes(order.scopes));

/** RFC 6749 §3.3: what is granted is never more than the owner has. */
const checkNotWider = (scopes: readonly string[], { org, user }: Owner): Problem | undefined => {
  const granted = effectiveScopes('all', user.roles, org.roles);
  const beyond = scopes.filter((scope) => !granted.has(scope));
  if (beyond.length === 0) return undefined;
  return problem(
    'scope_too_wide',
    `The roles of ${org.id}/${user.id} do not grant ${beyond.slice(0, 10).join(' ')}. They grant: ${
      granted.size === 0 ? 'nothing' : [...granted].sort().slice(0, 20).join(' ')
    }.`,
  );
};

const recordOf = (
  order: NewApiToken,
  { org, user }: Owner,
  lifetimeMs: number | undefined,
  nowMs: number,
): ApiTokenRecord => ({
  id: createTokenId(shardOfAccount(org.id, user.id)),
  orgId: org.id,
  userId: user.id,
  name: order.name,
  scopes: order.scopes === 'all' ? 'all' : distinct(order.scopes),
  origin: 'created',
  state: 'active',
  createdAtMs: nowMs,
  expiresAtMs: lifetimeMs === undefined ? undefined : nowMs + lifetimeMs,
  revokedAtMs: undefined,
  // Read before the write: a revoke-all in between leaves the new token dead, never alive by accident.
  generation: { org: org.generation, user: user.generation },
  secretNumber: 0,
  previousSecretExpiresAtMs: undefined,
  lastUsedAtMs: undefined,
  openid: false,
  notifyBeforeExpiryMs: undefined,
  labels: [],
});

const drawAndStore = async (
  store: TokenStore,
  record: ApiTokenRecord,
  length: SecretLength,
): Promise<{ readonly secret: string; readonly record: ApiTokenRecord } | Problem | Outage> => {
  const shard = shardOfAccount(record.orgId, record.userId);
  for (let draw = 0; draw < drawsMax; draw++) {
    const secret = createSecret({ shard, length });
    const answer = await store.createToken(record, digestOf(secret));
    if (isOutage(answer)) return answer;
    if (answer === 'user_unknown') return userUnknown(record.orgId, record.userId);
    if (answer === 'created') return { secret, record };
  }
  throw new Error(`${drawsMax} new secrets in a row were taken already: the random source is broken`);
};

const tokenUnknown = (tokenId: string): Problem =>
  problem('token_unknown', `There is no API token ${tokenId}. List the user's tokens to see their ids.`);
