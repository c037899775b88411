// A new secret for the same API token: the old one dies at once, or after an overlap in which both are good. The token keeps
// its expiry, or is given a new lifetime. With an idempotency key a retry gives the same secret and burns none. The secret is
// returned and kept nowhere.

import { isOutage, type Outage } from '../decision/outcome.ts';
import { isTokenDead } from '../store/api-token-state.ts';
import type { ApiTokenRecord, OrgRecord } from '../store/records.ts';
import { shardOfTokenId } from '../tokens/shard.ts';
import { createSecret, digestOf, type SecretLength } from '../tokens/api-token.ts';
import type { CreateApiTokenDeps, CreatedApiToken } from './create-api-token.ts';
import { derivationFor, type GivenBy } from './idempotency.ts';
import { grantLifetime } from './lifetime.ts';
import { checkTokenId, tokenUnknown } from './names.ts';
import { findActiveOwner } from './owner.ts';
import { isCommandError, type CommandError, commandError, isFailure } from './command-error.ts';

export interface Regeneration {
  readonly tokenId: string;
  /** How long the old secret stays good: 0 to seven days. */
  readonly overlapMs: number;
  /** Of the token from now on: ms, or null for "never". Undefined: it keeps its expiry. */
  readonly lifetimeMs?: number | null | undefined;
  readonly length: SecretLength;
  /** A retry with the same key gives the same secret, until the token gets another. */
  readonly idempotencyKey?: string | undefined;
  readonly givenBy?: GivenBy;
  /** Only while the token still has the secret of this number: of several such commands one is carried out. */
  readonly onlyFrom?: number | undefined;
}

export const overlapMsMax = 7 * 24 * 3600 * 1000;

/** Against others who regenerate the same token at the same time. */
const triesMax = 5;

export const regenerateApiToken = async (
  deps: CreateApiTokenDeps,
  command: Regeneration,
): Promise<CreatedApiToken | CommandError | Outage> => {
  const { tokenId, length } = command;
  const malformed = checkTokenId(tokenId) ?? checkOverlap(command.overlapMs);
  if (malformed !== undefined) return malformed;
  const derivation = await derivationFor(deps.openDerived, command.idempotencyKey, command.givenBy);
  if (isCommandError(derivation)) return derivation;
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const found = await findRegenerable(deps, tokenId);
    if (isFailure(found)) return found;
    const { token, org } = found;
    const lifetime = lifetimeOf(command, org);
    if (isCommandError(lifetime)) return lifetime;
    if (command.onlyFrom !== undefined && token.secretNumber !== command.onlyFrom) return secretReplaced;
    const secretOf = (number: number): string =>
      derivation?.derived.secret(tokenId, number, derivation.key, length) ??
      createSecret({ shard: shardOfTokenId(tokenId), length });
    // A retry: the present secret is the one this key gave.
    const numbers = derivation !== undefined && token.secretNumber > 0 ? [0, 1] : [1];
    for (const step of numbers) {
      const number = token.secretNumber + step;
      const secret = secretOf(number);
      const answer = await put(deps, command, token, { number, digest: digestOf(secret), lifetime });
      if (answer === 'unknown') return tokenUnknown(tokenId);
      if (answer === 'revoked') return tokenRevoked;
      if (answer === 'outdated' || answer === 'digest_taken') continue;
      if (isOutage(answer)) return answer;
      if (lifetime !== undefined && !hasLifetime(answer, lifetime)) return keyUsedOtherwise;
      const isRepeat = step === 0 && ({ isRepeat: true } as const);
      return { secret, record: answer, ...isRepeat, ...(lifetime !== undefined && { isRenewed: true }) };
    }
  }
  return commandError(
    'idempotency_conflict',
    'Others are regenerating this token at the same time. Find out which secret is wanted, then regenerate again.',
  );
};

interface Lifetime {
  /** Undefined: for ever. */
  readonly lifetimeMs: number | undefined;
}

/** Undefined: the token keeps its expiry. */
const lifetimeOf = (
  { lifetimeMs }: Regeneration,
  { tokenLifetimeMsMax }: OrgRecord,
): Lifetime | CommandError | undefined =>
  lifetimeMs === undefined ? undefined : grantLifetime(lifetimeMs, undefined, tokenLifetimeMsMax);

/** Whether a token has its expiry from a command with this lifetime: a repeated one changed nothing. */
const hasLifetime = ({ expiresAtMs, renewedAtMs }: ApiTokenRecord, { lifetimeMs }: Lifetime): boolean =>
  renewedAtMs !== undefined &&
  expiresAtMs === (lifetimeMs === undefined ? undefined : renewedAtMs + lifetimeMs);

const put = (
  { store, now }: CreateApiTokenDeps,
  { overlapMs }: Regeneration,
  { id, expiresAtMs, renewedAtMs }: ApiTokenRecord,
  next: { readonly number: number; readonly digest: string; readonly lifetime: Lifetime | undefined },
) => {
  const { lifetime, ...secret } = next;
  const nowMs = now();
  // Once it was renewed, every line of the feed says the expiry: the line of an earlier secret may be lost with it.
  const kept = renewedAtMs === undefined ? undefined : { expiresAtMs, renewedAtMs };
  const expiry = lifetime === undefined ? kept : expiryOf(lifetime, nowMs);
  // The old secret may be cached with an expiry that was later: its own end is what every replica hears of.
  const untilMs = nowMs + Math.min(overlapMs, lifetime?.lifetimeMs ?? Infinity);
  const previousUntilMs = overlapMs === 0 ? undefined : untilMs;
  return store.regenerateToken(id, { ...secret, previousUntilMs, expiry }, nowMs);
};

const expiryOf = ({ lifetimeMs }: Lifetime, nowMs: number) => ({
  expiresAtMs: lifetimeMs === undefined ? undefined : nowMs + lifetimeMs,
  renewedAtMs: nowMs,
});

/** The token and its org, if a new secret would be good for anything. */
const findRegenerable = async (
  { store, now }: CreateApiTokenDeps,
  tokenId: string,
): Promise<{ readonly token: ApiTokenRecord; readonly org: OrgRecord } | CommandError | Outage> => {
  const token = await store.findToken(tokenId);
  if (isOutage(token)) return token;
  if (token === undefined) return tokenUnknown(tokenId);
  const owner = await findActiveOwner(store, token.orgId, token.userId);
  if (isFailure(owner)) return owner;
  if (isTokenDead(token, owner.user, owner.org)) return tokenRevoked;
  if (token.expiresAtMs !== undefined && token.expiresAtMs <= now())
    return commandError('token_expired', 'This API token has expired. Make a new one.');
  return { token, org: owner.org };
};

const keyUsedOtherwise = commandError(
  'idempotency_conflict',
  'This idempotency key gave the token its secret with another lifetime. Use a new key for a new command.',
);

const secretReplaced = commandError(
  'secret_replaced',
  'This API token has been given another secret by now.',
);

const tokenRevoked = commandError('token_revoked', 'This API token is revoked, for good. Make a new one.');

const checkOverlap = (overlapMs: number): CommandError | undefined =>
  Number.isSafeInteger(overlapMs) && overlapMs >= 0 && overlapMs <= overlapMsMax
    ? undefined
    : commandError('overlap_malformed', 'An overlap is 0 milliseconds to seven days (604800000).');
