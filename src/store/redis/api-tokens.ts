// API-token records and ended sessions. Only digests reach the store. A record lies in its user's shard; the digest of
// a created token lies there too, that of an imported one where it falls.

import { shardOfAccount, shardOfDigest, shardOfTokenId } from '../../tokens/shard.ts';
import type { ApiTokenRecord } from '../records.ts';
import type { TokenStore } from '../token-store.ts';
import { lineOf } from './change-codec.ts';
import { listIndex, runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { corrupt } from './fault.ts';
import { isStorableId, isStorableTokenId, shardOfSession } from './key-space.ts';
import { pageOf } from './paging.ts';
import { parseToken, tokenDocument, tokenFieldNames } from './record-codec.ts';
import { recordRetentionMs } from './script-parts.ts';
import { afterTime, indexKeysOf, membersOf, vanishingOf } from './token-index-keys.ts';
import { placeToken } from './place-token.ts';
import {
  claimDigest,
  createToken,
  endOnce,
  recordUse,
  regenerateToken,
  revokeToken,
  withdrawToken,
} from './token-scripts.ts';

type ApiTokens = Pick<
  TokenStore,
  'createToken' | 'findToken' | 'listTokens' | 'regenerateToken' | 'recordUses' | 'revokeToken' | 'endSession'
>;

/** How many uses are on their way at once. */
const usesAtOnce = 100;

export const apiTokens = (context: StoreContext): ApiTokens => {
  const { keys, reads, write, unacknowledged, attempt, retentionMs } = context;

  const read = async (tokenId: string): Promise<ApiTokenRecord | undefined> => {
    const key = keys.token(tokenId);
    return parseToken(tokenId, await reads.on(key, (client) => client.hmget(key, ...tokenFieldNames)));
  };

  /** Drops ids whose record has expired from the list they were in. Best effort: the next listing tries again. */
  const sweep = (index: string, ids: readonly string[]): void => {
    void attempt(() => unacknowledged('sweep').on(index, (client) => client.zrem(index, ...ids)));
  };

  const create = async (token: ApiTokenRecord, digest: string, perUserMax?: number): Promise<string> => {
    const shard = shardOfTokenId(token.id);
    if (shard !== shardOfAccount(token.orgId, token.userId))
      throw new TypeError(`the API token ${token.id} does not carry the shard of its user`);
    const keepUntilMs = token.expiresAtMs === undefined ? '' : `${token.expiresAtMs + recordRetentionMs}`;
    const isLocal = shardOfDigest(digest) === shard;
    const isImport = token.origin === 'imported';
    const record = keys.token(token.id);
    const index = keys.tokensOf(token.orgId, token.userId);
    const touched = [
      record,
      keys.user(token.orgId, token.userId),
      index,
      keys.vanishing(shard),
      ...indexKeysOf(keys, token, token.revokedAtMs === undefined ? 'live' : 'revoked'),
      keys.tokenIndex(shard, 'live', 'expiresAtMs', keys.account(token.orgId, token.userId)),
      ...(isImport ? [keys.imports(shard)] : []),
      ...(isLocal ? [keys.digest(digest)] : []),
    ];
    const account = keys.account(token.orgId, token.userId);
    const flags = [isImport ? '1' : '0', isLocal ? '1' : '0', `${token.revokedAtMs ?? ''}`];
    const bound = [`${perUserMax ?? ''}`, afterTime(token.createdAtMs)];
    const places = [vanishingOf(token), ...membersOf(token)];
    const args = [
      token.id,
      digest,
      tokenDocument(token),
      account,
      keepUntilMs,
      ...flags,
      ...bound,
      ...places,
    ];
    const made = answer(await write(createToken, touched, args));
    if (made !== 'created' || isLocal) return made;
    // The record first, then the digest that leads to it: a digest in force always leads to a whole record.
    if (await claim(token.id, digest, keepUntilMs)) return 'created';
    await write(withdrawToken, [record, index], [digest, token.id]);
    await placeToken(context, token);
    return 'digest_taken';
  };

  /** Points a digest of another shard to a token, unless it leads to another token that still exists. */
  const claim = async (tokenId: string, digest: string, keepUntilMs: string): Promise<boolean> => {
    const pointer = [keys.digest(digest)];
    const holder = answer(await write(claimDigest, pointer, [tokenId, keepUntilMs, '']));
    if (holder === tokenId) return true;
    const held = keys.token(holder);
    if ((await reads.on(held, (client) => client.exists(held))) > 0) return false;
    return answer(await write(claimDigest, pointer, [tokenId, keepUntilMs, holder])) === tokenId;
  };

  return {
    createToken: (token, digest, perUserMax) =>
      attempt(async () => {
        if (!isStorableId(token.orgId) || !isStorableId(token.userId)) return 'user_unknown';
        const made = await create(token, digest, perUserMax);
        switch (made) {
          case 'created':
          case 'digest_taken':
          case 'user_unknown':
          case 'too_many':
            return made;
          default:
            throw corrupt(`the answer ${made}`);
        }
      }),

    findToken: (tokenId) => attempt(async () => (isStorableTokenId(tokenId) ? read(tokenId) : undefined)),

    listTokens: (orgId, userId, page) =>
      attempt(async () => {
        if (!isStorableId(orgId) || !isStorableId(userId)) return { items: [], nextCursor: undefined };
        const index = keys.tokensOf(orgId, userId);
        return pageOf(
          page,
          (after, count) => listIndex(reads, index, after, count),
          read,
          (ids) => sweep(index, ids),
        );
      }),

    regenerateToken: (tokenId, { digest, number, previousUntilMs }, nowMs) =>
      attempt(async () => {
        if (!isStorableTokenId(tokenId)) return 'unknown';
        const shard = shardOfTokenId(tokenId);
        if (shardOfDigest(digest) !== shard)
          throw new TypeError(`the new secret of ${tokenId} does not fall into the shard of its user`);
        const line = lineOf({
          kind: 'secret',
          tokenId,
          secretNumber: number,
          digest,
          ...(previousUntilMs === undefined ? {} : { previousUntilMs }),
          atMs: nowMs,
        });
        const touched = [keys.token(tokenId), keys.digest(digest), keys.changes(shard)];
        const rememberedUntilMs = (previousUntilMs ?? nowMs) + recordRetentionMs;
        const facts = [tokenId, digest, number, `${previousUntilMs ?? ''}`, rememberedUntilMs];
        const reply = await write(regenerateToken, touched, [retentionMs, ...facts, ...line]);
        switch (reply) {
          case 'unknown':
          case 'revoked':
          case 'outdated':
          case 'digest_taken':
            return reply;
          default:
            return parseToken(tokenId, reply) ?? 'unknown';
        }
      }),

    recordUses: (uses) =>
      attempt(async (): Promise<'done'> => {
        const known = uses.filter(({ tokenId }) => isStorableTokenId(tokenId));
        for (let start = 0; start < known.length; start += usesAtOnce)
          await Promise.all(
            known
              .slice(start, start + usesAtOnce)
              .map(({ tokenId, atMs }) =>
                runOn(unacknowledged('last_use'), recordUse, [keys.token(tokenId)], [atMs]),
              ),
          );
        return 'done';
      }),

    revokeToken: (tokenId, nowMs, digest) =>
      attempt(async () => {
        if (!isStorableTokenId(tokenId)) return 'unknown';
        const shard = shardOfTokenId(tokenId);
        const stream = keys.changes(shard);
        const line = lineOf({ kind: 'token', tokenId, atMs: nowMs });
        const revoke = async (): Promise<string> =>
          answer(
            await write(
              revokeToken,
              [keys.token(tokenId), stream],
              [retentionMs, nowMs, digest ?? '', ...line],
            ),
          );
        let made = await revoke();
        if (made === 'unknown') {
          // A script of its own: a mark that is not there yet would keep Redis from revoking while the slot moves.
          await write(endOnce, [keys.ended(shard, `token:${tokenId}`), stream], [retentionMs, ...line]);
          // A record made before the mark was not born revoked.
          made = await revoke();
        }
        // The next listing does it where this fails.
        if (made === 'revoked')
          await attempt(async () => {
            const token = await read(tokenId);
            if (token !== undefined) await placeToken(context, token);
          });
        switch (made) {
          case 'revoked':
          case 'already_revoked':
          case 'replaced':
          case 'unknown':
            return made;
          default:
            throw corrupt(`the answer ${made}`);
        }
      }),

    // Nothing of a session is kept but its end, for as long as its access tokens can live.
    endSession: (sessionId, nowMs) =>
      attempt(async (): Promise<'ended'> => {
        const shard = shardOfSession(sessionId);
        const touched = [keys.ended(shard, `session:${sessionId}`), keys.changes(shard)];
        const line = lineOf({ kind: 'session', sessionId, atMs: nowMs });
        await write(endOnce, touched, [retentionMs, ...line]);
        return 'ended';
      }),
  };
};

const answer = (reply: unknown): string => {
  if (typeof reply !== 'string') throw corrupt('the reply to a write');
  return reply;
};
