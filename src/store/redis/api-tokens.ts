// API-token records and ended sessions. Only digests reach the store. A record lies in its user's shard; the digest of
// a created token lies there too; that of an imported one may lie in any shard.

import { shardOfAccount, shardOfDigest, shardOfTokenId } from '../../tokens/shard.ts';
import { recordRetentionMs } from '../api-token-state.ts';
import { changeOfSecret } from '../changes.ts';
import { oneOf, text } from '../record-reader.ts';
import type { ApiTokenRecord } from '../records.ts';
import { sortKeyOf } from '../token-listing.ts';
import type { ApiTokenStore, TokenExpiry } from '../api-token-store.ts';
import { lineOf } from './change-codec.ts';
import { commandsOf, type MasterConnections, runOn, type Step, type StoreContext } from './context.ts';
import { isStorableId, isStorableTokenId, shardOfSession } from './key-space.ts';
import { parseToken, tokenDocument, tokenFieldNames } from './record-codec.ts';
import {
  afterTime,
  expiryText,
  indexKeysOf,
  indexToken,
  memberOf,
  membersOf,
  vanishingOf,
} from './token-sets.ts';
import {
  claimDigest,
  createToken,
  endOnce,
  recordUse,
  regenerateToken,
  revokeToken,
  withdrawToken,
} from './token-scripts.ts';

const aReply = 'the reply to a write';

/** `connections`: to read from; those for look-ups unless another sees a write of its own. */
export const loadToken = async (
  { keys, reads }: StoreContext,
  tokenId: string,
  connections: MasterConnections = reads,
): Promise<ApiTokenRecord | undefined> => {
  const key = keys.token(tokenId);
  return parseToken(tokenId, await connections.on(key, (client) => client.hmget(key, ...tokenFieldNames)));
};

/** Until when a record is kept, in ms; '' for ever. */
export const keepUntil = ({ expiresAtMs }: Pick<ApiTokenRecord, 'expiresAtMs'>): string =>
  expiresAtMs === undefined ? '' : `${expiresAtMs + recordRetentionMs}`;

const create: Step<'createToken'> = async (context, token, digest, perUserMax) => {
  if (!isStorableId(token.orgId) || !isStorableId(token.userId)) return 'user_unknown';
  const keepUntilMs = keepUntil(token);
  const made = await writeRecord(context, token, { digest, keepUntilMs, perUserMax });
  if (made !== 'created' || shardOfDigest(digest) === shardOfTokenId(token.id)) return made;
  // The record first, then the digest that leads to it: a digest in force always leads to a whole record.
  if (await claim(context, token.id, digest, keepUntilMs)) return 'created';
  const { keys, write } = context;
  const touched = [keys.token(token.id), keys.tokensOf(token.orgId, token.userId)];
  await write(withdrawToken, touched, [digest, token.id]);
  await indexToken(context, token);
  return 'digest_taken';
};

const writeRecord = async (
  { keys, write }: StoreContext,
  token: ApiTokenRecord,
  options: { readonly digest: string; readonly keepUntilMs: string; readonly perUserMax: number | undefined },
) => {
  const { digest, keepUntilMs, perUserMax } = options;
  const shard = shardOfTokenId(token.id);
  if (shard !== shardOfAccount(token.orgId, token.userId))
    throw new TypeError(`the API token ${token.id} does not carry the shard of its user`);
  const isLocal = shardOfDigest(digest) === shard;
  const isImport = token.origin === 'imported';
  const account = keys.account(token.orgId, token.userId);
  const touched = [
    keys.token(token.id),
    keys.user(token.orgId, token.userId),
    keys.tokensOf(token.orgId, token.userId),
    keys.vanishing(shard),
    ...indexKeysOf(keys, token, token.revokedAtMs === undefined ? 'live' : 'revoked'),
    keys.tokenIndex(shard, 'live', 'expiresAtMs', account),
    keys.looks(shard),
    ...(isImport ? [keys.imports(shard)] : []),
    ...(isLocal ? [keys.digest(digest)] : []),
  ];
  const flags = [isImport ? '1' : '0', isLocal ? '1' : '0', `${token.revokedAtMs ?? ''}`];
  const bound = [`${perUserMax ?? ''}`, afterTime(token.createdAtMs)];
  const reply = await write(createToken, touched, [
    token.id,
    digest,
    tokenDocument(token),
    account,
    keepUntilMs,
    ...flags,
    ...bound,
    vanishingOf(token),
    ...membersOf(token),
  ]);
  return oneOf(['created', 'digest_taken', 'user_unknown', 'too_many'])(reply, aReply);
};

/** Points a digest of another shard to a token, unless it leads to another token that still exists. */
const claim = async (
  { keys, reads, write }: StoreContext,
  tokenId: string,
  digest: string,
  keepUntilMs: string,
): Promise<boolean> => {
  const pointer = [keys.digest(digest)];
  const holder = text(await write(claimDigest, pointer, [tokenId, keepUntilMs, '']), aReply);
  if (holder === tokenId) return true;
  const held = keys.token(holder);
  if ((await reads.on(held, (client) => client.exists(held))) > 0) return false;
  return (await write(claimDigest, pointer, [tokenId, keepUntilMs, holder])) === tokenId;
};

const find: Step<'findToken'> = async (context, tokenId) =>
  isStorableTokenId(tokenId) ? loadToken(context, tokenId) : undefined;

const regenerate: Step<'regenerateToken'> = async (context, tokenId, secret, nowMs) => {
  const { keys, write, retentionMs, own } = context;
  const { digest, number, previousUntilMs } = secret;
  if (!isStorableTokenId(tokenId)) return 'unknown';
  const shard = shardOfTokenId(tokenId);
  if (shardOfDigest(digest) !== shard)
    throw new TypeError(`the new secret of ${tokenId} does not fall into the shard of its user`);
  const renewal = secret.expiry && (await renewalOf(context, tokenId, number, secret.expiry));
  if (typeof renewal === 'string') return renewal;
  const change = changeOfSecret(tokenId, secret, nowMs);
  const touched = [
    keys.token(tokenId),
    keys.digest(digest),
    keys.changes(shard),
    ...(renewal?.touched ?? []),
  ];
  const rememberedUntilMs = (previousUntilMs ?? nowMs) + recordRetentionMs;
  const facts = [tokenId, digest, number, `${previousUntilMs ?? ''}`, rememberedUntilMs];
  const expiry = renewal?.facts ?? keptExpiry;
  const reply = await write(regenerateToken, touched, [retentionMs, ...facts, ...expiry, ...lineOf(change)]);
  if (typeof reply === 'string')
    return oneOf(['unknown', 'revoked', 'outdated', 'digest_taken'])(reply, aReply);
  const token = parseToken(tokenId, reply);
  if (token === undefined) return 'unknown';
  own.note(change);
  return token;
};

/** What the script takes for no other expiry. */
const keptExpiry: readonly string[] = Array.from({ length: 7 }, () => '');

/** And for another one: the sets to which it belongs, and how they have the token before and then. */
const renewalOf = async (
  context: StoreContext,
  tokenId: string,
  number: number,
  expiry: TokenExpiry,
): Promise<'unknown' | 'outdated' | { readonly touched: string[]; readonly facts: string[] }> => {
  const { keys } = context;
  const before = await loadToken(context, tokenId);
  if (before === undefined) return 'unknown';
  // The script finds this number, or refuses: the expiry changes with it alone.
  if (before.secretNumber !== number - 1 && before.secretNumber !== number) return 'outdated';
  const now = { ...before, ...expiry };
  const shard = shardOfTokenId(tokenId);
  const byExpiry = (userId: string | undefined): string =>
    keys.tokenIndex(shard, 'live', 'expiresAtMs', keys.account(before.orgId, userId));
  return {
    touched: [keys.vanishing(shard), byExpiry(before.userId), byExpiry(undefined), keys.looks(shard)],
    facts: [
      expiryText(now),
      `${now.renewedAtMs ?? null}`,
      keepUntil(now),
      ...[before, now].map((each) => memberOf(sortKeyOf(each, 'expiresAtMs'), 'expiresAtMs')),
      ...[before, now].map(vanishingOf),
    ],
  };
};

/** How many uses are on their way at once. */
const usesAtOnce = 100;

const recordUses: Step<'recordUses'> = async ({ keys, unacknowledged }, uses) => {
  const known = uses.filter(({ tokenId }) => isStorableTokenId(tokenId));
  const record = ({ tokenId, atMs }: (typeof uses)[number]): Promise<unknown> =>
    runOn(unacknowledged('last_use'), recordUse, [keys.token(tokenId)], [atMs]);
  for (let start = 0; start < known.length; start += usesAtOnce)
    await Promise.all(known.slice(start, start + usesAtOnce).map(record));
  return 'done';
};

const revoke: Step<'revokeToken'> = async (context, tokenId, nowMs, digest) => {
  const { keys, write, retentionMs, attempt, own } = context;
  if (!isStorableTokenId(tokenId)) return 'unknown';
  const shard = shardOfTokenId(tokenId);
  const stream = keys.changes(shard);
  const change = { kind: 'token', tokenId, atMs: nowMs } as const;
  const line = lineOf(change);
  const tryRevoking = async () => {
    const args = [retentionMs, nowMs, digest ?? '', ...line];
    const reply = await write(revokeToken, [keys.token(tokenId), stream], args);
    return oneOf(['revoked', 'already_revoked', 'replaced', 'unknown'])(reply, aReply);
  };
  let made = await tryRevoking();
  if (made === 'unknown') {
    // A script of its own: a mark that is not there yet would keep Redis from revoking while the slot moves.
    await write(endOnce, [keys.ended(shard, `token:${tokenId}`), stream], [retentionMs, ...line]);
    // A record made before the mark was not born revoked.
    made = await tryRevoking();
  }
  // Of an unknown one the id is revoked all the same.
  if (made === 'revoked' || made === 'unknown') own.note(change);
  // The next listing does it where this fails.
  if (made === 'revoked')
    await attempt(async () => {
      const token = await loadToken(context, tokenId);
      if (token !== undefined) await indexToken(context, token);
    });
  return made;
};

/** Nothing of a session is kept but its end, for as long as its access tokens can live. */
const endSession: Step<'endSession'> = async (context, sessionId, nowMs) => {
  const { keys, write, retentionMs, own } = context;
  const change = { kind: 'session', sessionId, atMs: nowMs } as const;
  const shard = shardOfSession(sessionId);
  const touched = [keys.ended(shard, `session:${sessionId}`), keys.changes(shard)];
  await write(endOnce, touched, [retentionMs, ...lineOf(change)]);
  own.note(change);
  return 'ended';
};

export const apiTokens = (context: StoreContext): ApiTokenStore => {
  const command = commandsOf(context);
  return {
    createToken: command(create),
    findToken: command(find),
    regenerateToken: command(regenerate),
    recordUses: command(recordUses),
    revokeToken: command(revoke),
    endSession: command(endSession),
  };
};
