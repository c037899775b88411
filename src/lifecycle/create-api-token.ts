// Makes an API token: checks the command, draws a secret whose digest lies with its user, stores the record. With an
// idempotency key nothing is drawn: a retry gives the same token. The secret is returned and kept nowhere.

import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import { isOfEarlierOwner } from '../store/api-token-state.ts';
import type { ApiTokenRecord, Label } from '../store/records.ts';
import { shardOfAccount } from '../tokens/shard.ts';
import type { TokenStore } from '../store/token-store.ts';
import { createSecret, createTokenId, digestOf, type SecretLength } from '../tokens/api-token.ts';
import { derivationFor, type DerivedSecrets, type OpenDerivedSecrets, type GivenBy } from './idempotency.ts';
import { checkNotifyBefore, grantLifetime } from './lifetime.ts';
import {
  canonicalNetworks,
  checkAllowFrom,
  checkLabels,
  checkName,
  checkOrgId,
  checkScopes,
  checkUserId,
  distinct,
} from './names.ts';
import { checkHeld, checkNotWider, findActiveOwner, grantedTo, type Owner } from './owner.ts';
import { isCommandError, type CommandError, commandError, isFailure } from './command-error.ts';
import { type Room, storeWithin } from './token-room.ts';

export interface NewApiToken {
  readonly orgId: string;
  readonly userId: string;
  /** For people; need not be unique. */
  readonly name: string;
  /** `all`: whatever the user's roles grant at the time of use. */
  readonly scopes: readonly string[] | 'all';
  /** Undefined: the default, cut to the org's maximum; null: never expires. */
  readonly lifetimeMs: number | null | undefined;
  /** The default of a surface whose clients cannot ask for a lifetime; without it, that of the settings. */
  readonly defaultLifetime?: { readonly ms: number | undefined };
  readonly length: SecretLength;
  /** An ID token comes with each exchange. */
  readonly openid?: boolean | undefined;
  /** How long before its expiry the owner wants to be reminded. */
  readonly notifyBeforeExpiryMs?: number | undefined;
  readonly labels?: readonly Label[] | undefined;
  /** Networks from which it may be used; undefined: from anywhere. */
  readonly allowFrom?: readonly string[] | undefined;
  /** A retry with the same key gives the same token and secret. */
  readonly idempotencyKey?: string | undefined;
  readonly givenBy?: GivenBy;
  /** Most live tokens of the user, where a surface asks for fewer than the settings. */
  readonly perUserMax?: number | undefined;
  /** What the maker's session may do: the token may do no more. Undefined: the operator makes it. */
  readonly within?: ReadonlySet<string> | undefined;
}

/** The only time the secret is ever seen. */
export interface CreatedApiToken {
  readonly secret: string;
  readonly record: ApiTokenRecord;
  /** An earlier command with the same idempotency key did it: this one changed nothing. */
  readonly isRepeat?: true;
  /** The token has its expiry from this command, which gave it a new lifetime. */
  readonly isRenewed?: true;
}

export interface CreateApiTokenDeps {
  readonly store: TokenStore;
  readonly settings: Pick<Settings, 'tokens'>;
  readonly now: () => number;
  readonly openDerived: OpenDerivedSecrets;
}

/** Two tokens with one digest would mean a broken random source; a few draws are plenty. */
const drawsMax = 4;

export const createApiToken = async (
  deps: CreateApiTokenDeps,
  command: NewApiToken,
): Promise<CreatedApiToken | CommandError | Outage> => {
  const { store, settings } = deps;
  const nowMs = deps.now();
  const malformed = checkCommand(command);
  if (malformed !== undefined) return malformed;
  const owner = await findActiveOwner(store, command.orgId, command.userId);
  if (isFailure(owner)) return owner;
  // Before what a key gave earlier is looked for: a narrower session must not be given it again.
  const wide = checkScopesOf(command, owner);
  if (wide !== undefined) return wide;
  const derivation = await derivationFor(deps.openDerived, command.idempotencyKey, command.givenBy);
  if (isCommandError(derivation)) return derivation;
  const ids = derivation?.derived.tokenIds(command.orgId, command.userId, derivation.key, nowMs);
  if (derivation !== undefined && ids !== undefined) {
    const before = await findMadeBefore(store, ids.known, command, owner, derivation);
    if (before !== undefined) return before;
  }
  const { ms: defaultMs } = command.defaultLifetime ?? { ms: settings.tokens.apiTokenLifetimeMs };
  const lifetime = grantLifetime(command.lifetimeMs, defaultMs, owner.org.tokenLifetimeMsMax);
  if (isCommandError(lifetime)) return lifetime;
  const id = ids?.fresh ?? createTokenId(shardOfAccount(command.orgId, command.userId));
  const record = newRecord(id, command, owner, lifetime.lifetimeMs, nowMs);
  const secret = derivation?.derived.secret(id, 0, derivation.key, command.length);
  const perUserMax = Math.min(command.perUserMax ?? Infinity, settings.tokens.perUserMax);
  const room = { store, owner, perUserMax };
  return secret === undefined
    ? drawAndStore(room, record, command.length)
    : storeDerived(room, record, secret);
};

const checkCommand = (command: NewApiToken): CommandError | undefined =>
  checkOrgId(command.orgId) ??
  checkUserId(command.userId) ??
  checkName(command.name) ??
  (command.scopes === 'all' ? undefined : checkScopes(command.scopes)) ??
  checkNotifyBefore(command.notifyBeforeExpiryMs) ??
  checkLabels(command.labels ?? []) ??
  checkAllowFrom(command.allowFrom);

const checkScopesOf = (command: NewApiToken, owner: Owner): CommandError | undefined => {
  const { scopes, within } = command;
  const wide = scopes === 'all' ? undefined : checkNotWider(scopes, owner);
  if (wide !== undefined || within === undefined) return wide;
  return checkHeld(within, scopes === 'all' ? grantedTo(owner) : scopes, 'make a token that does');
};

/** The record of a token that nobody has used yet. */
export const newRecord = (
  id: string,
  command: Pick<NewApiToken, 'name' | 'scopes' | 'openid' | 'notifyBeforeExpiryMs' | 'labels' | 'allowFrom'>,
  { org, user }: Owner,
  lifetimeMs: number | undefined,
  nowMs: number,
): ApiTokenRecord => ({
  id,
  orgId: org.id,
  userId: user.id,
  name: command.name,
  scopes: command.scopes === 'all' ? 'all' : distinct(command.scopes),
  origin: 'created',
  state: 'active',
  createdAtMs: nowMs,
  expiresAtMs: lifetimeMs === undefined ? undefined : nowMs + lifetimeMs,
  renewedAtMs: undefined,
  revokedAtMs: undefined,
  // Read before the write: a revoke-all in between leaves the new token dead, never alive by accident.
  generation: { org: org.generation, user: user.generation },
  secretNumber: 0,
  previousSecretExpiresAtMs: undefined,
  lastUsedAtMs: undefined,
  openid: command.openid ?? false,
  notifyBeforeExpiryMs: command.notifyBeforeExpiryMs,
  labels: command.labels ?? [],
  allowFrom: command.allowFrom && canonicalNetworks(command.allowFrom),
});

const drawAndStore = async (
  room: Room,
  record: ApiTokenRecord,
  length: SecretLength,
): Promise<CreatedApiToken | CommandError | Outage> => {
  const shard = shardOfAccount(record.orgId, record.userId);
  for (let draw = 0; draw < drawsMax; draw++) {
    const secret = createSecret({ shard, length });
    const answer = await storeWithin(room, record, digestOf(secret));
    if (isFailure(answer)) return answer;
    if (answer === 'created') return { secret, record };
  }
  throw new Error(`${drawsMax} new secrets in a row were taken already: the random source is broken`);
};

const storeDerived = async (
  room: Room,
  record: ApiTokenRecord,
  secret: string,
): Promise<CreatedApiToken | CommandError | Outage> => {
  const answer = await storeWithin(room, record, digestOf(secret));
  if (isFailure(answer)) return answer;
  // The same command may have been carried out elsewhere at this moment: the record is that one's.
  const stored = await room.store.findToken(record.id);
  if (isOutage(stored)) return stored;
  return answer === 'created' && stored !== undefined ? { secret, record: stored } : keyUsedOtherwise;
};

/** What an earlier command with the same key made, if this is that command. */
const findMadeBefore = async (
  store: TokenStore,
  ids: readonly string[],
  command: NewApiToken,
  { org, user }: Owner,
  { key, derived }: { readonly key: string; readonly derived: DerivedSecrets },
): Promise<CreatedApiToken | CommandError | Outage | undefined> => {
  const records = await Promise.all(ids.map((id) => store.findToken(id)));
  for (const record of records) {
    if (isOutage(record)) return record;
    if (record === undefined) continue;
    const secret = derived.secret(record.id, 0, key, command.length);
    const found = await store.findApiToken(digestOf(secret));
    if (isOutage(found)) return found;
    const isItsSecret = found?.token.id === record.id && found.secretNumber === record.secretNumber;
    const isSame = isSameCommand(command, record) && !isOfEarlierOwner(record, user, org);
    if (!isItsSecret || !isSame) return keyUsedOtherwise;
    // The earlier attempt may have been answered with an outage: the store says again that the token is made.
    const confirmed = await store.createToken(record, digestOf(secret));
    if (isOutage(confirmed)) return confirmed;
    return confirmed === 'created' ? { secret, record, isRepeat: true } : keyUsedOtherwise;
  }
  return undefined;
};

const isSameCommand = (command: NewApiToken, record: ApiTokenRecord): boolean => {
  const scopes = command.scopes === 'all' ? 'all' : distinct(command.scopes).join(' ');
  const { lifetimeMs } = command;
  const expiresAtMs = typeof lifetimeMs === 'number' ? record.createdAtMs + lifetimeMs : undefined;
  return (
    command.name === record.name &&
    scopes === (record.scopes === 'all' ? 'all' : record.scopes.join(' ')) &&
    (command.openid ?? false) === record.openid &&
    command.notifyBeforeExpiryMs === record.notifyBeforeExpiryMs &&
    JSON.stringify(command.labels ?? []) === JSON.stringify(record.labels) &&
    canonicalNetworks(command.allowFrom ?? []).join(' ') === (record.allowFrom ?? []).join(' ') &&
    (lifetimeMs === undefined || expiresAtMs === record.expiresAtMs)
  );
};

const keyUsedOtherwise = commandError(
  'idempotency_conflict',
  'Another command was given with this idempotency key, or its token has a new secret by now. Use a new key for a new command.',
);
