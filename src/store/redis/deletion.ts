// Deleting orgs and users. A user's record goes in one step with its line; that its name leaves the org's list, which lies in
// another shard, and that its API tokens are marked, comes after it: nothing rests on either.

import { shardOfAccount } from '../../tokens/shard.ts';
import { DamagedRecord } from '../record-reader.ts';
import type { AccountDeletions, Deletion } from '../token-store.ts';
import { changeAccount, deleteAccount, listUserInOrg, revokeAccount } from './account-scripts.ts';
import { accountLine } from './change-codec.ts';
import { commandsOf, listIndex, type Step, type StoreContext } from './context.ts';
import { accountKeys, isStorableAccount } from './key-space.ts';
import { buryTokens } from './token-scan.ts';

const atOnce = 50;
/** Somebody waits for the answer. */
const buryingMsMax = 2_000;

/** Puts a user into the list of its org; false: there is no such org. */
export const listUser = async (
  { keys, write }: StoreContext,
  orgId: string,
  userId: string,
): Promise<boolean> => (await write(listUserInOrg, [keys.org(orgId), keys.usersOf(orgId)], [userId])) === 1;

/** Takes a name without a record off the list of its org. A user made at this moment is put back. */
export const unlistUser = async (context: StoreContext, orgId: string, userId: string): Promise<void> => {
  const { keys, reads, unacknowledged } = context;
  const [list, record] = [keys.usersOf(orgId), keys.user(orgId, userId)];
  await unacknowledged('sweep').on(list, (client) => client.zrem(list, userId));
  if ((await reads.on(record, (client) => client.exists(record))) > 0) await listUser(context, orgId, userId);
};

/** `others`: the list of an org's users, which must be empty, and the list of orgs. */
const remove = async (
  { keys, write, own, retentionMs }: StoreContext,
  [orgId, userId]: readonly [orgId: string, userId?: string],
  nowMs: number,
  others: readonly string[] = [],
): Promise<Deletion | 'has_users'> => {
  const touched = [...accountKeys(keys, orgId, userId), keys.endedAccount(orgId, userId), ...others];
  const line = accountLine(orgId, userId, nowMs);
  const reply = await write(deleteAccount, touched, [retentionMs, userId ?? orgId, ...line]);
  if (reply === null) return 'unknown';
  if (reply === '') return 'already_deleted';
  if (reply === 0) return 'has_users';
  const generation = Number(reply);
  if (!Number.isSafeInteger(generation)) throw new DamagedRecord('the reply to a write');
  const facts = { orgId, generation, tokenGenerationMin: generation, state: 'deleted', atMs: nowMs } as const;
  own.note(userId === undefined ? { kind: 'org', ...facts } : { kind: 'user', userId, ...facts });
  return 'deleted';
};

export const deleteUser = async (
  context: StoreContext,
  orgId: string,
  userId: string,
  nowMs: number,
): Promise<Deletion> => {
  if (!isStorableAccount(orgId, userId)) return 'unknown';
  const answer = await remove(context, [orgId, userId], nowMs);
  if (answer === 'has_users') throw new DamagedRecord('the reply to a write');
  // The next listing does it where this fails.
  if (answer !== 'unknown')
    await context.attempt(async () => {
      await unlistUser(context, orgId, userId);
      await buryTokensOf(context, orgId, userId, nowMs);
    });
  return answer;
};

/** They are dead already: marking them keeps counts from meeting them among the live ones. A listing that meets one marks it too. */
const buryTokensOf = async (
  context: StoreContext,
  orgId: string,
  userId: string,
  nowMs: number,
): Promise<void> => {
  const { keys, reads } = context;
  const all = keys.tokensOf(orgId, userId);
  const shard = shardOfAccount(orgId, userId);
  const live = keys.tokenIndex(shard, 'live', 'createdAtMs', keys.account(orgId, userId));
  if ((await reads.on(live, (client) => client.zcard(live))) === 0) return;
  const untilMs = performance.now() + buryingMsMax;
  let last: string | undefined;
  do {
    const tokenIds = await listIndex(reads, all, last, atOnce);
    await buryTokens(context, tokenIds, nowMs);
    last = tokenIds.length < atOnce ? undefined : tokenIds.at(-1);
  } while (last !== undefined && performance.now() < untilMs);
};

const deleteUsers = async (context: StoreContext, orgId: string, nowMs: number): Promise<void> => {
  const list = context.keys.usersOf(orgId);
  let last: string | undefined;
  do {
    const userIds = await listIndex(context.reads, list, last, atOnce);
    await Promise.all(userIds.map((userId) => deleteUser(context, orgId, userId, nowMs)));
    await Promise.all(userIds.map((userId) => unlistUser(context, orgId, userId)));
    last = userIds.length < atOnce ? undefined : userIds.at(-1);
  } while (last !== undefined);
};

const deleteOrg: Step<'deleteOrg'> = async (context, orgId, nowMs) => {
  const { keys, write, retentionMs } = context;
  if (!isStorableAccount(orgId, undefined)) return 'unknown';
  const touched = accountKeys(keys, orgId, undefined);
  const line = accountLine(orgId, undefined, nowMs);
  const disabling = ['state', JSON.stringify('disabled'), 'state'];
  await write(changeAccount, touched, [retentionMs, line.length, ...line, ...disabling]);
  await write(revokeAccount, touched, [retentionMs, ...line]);
  const lists = [keys.usersOf(orgId), keys.orgs(shardOfAccount(orgId))];
  for (;;) {
    const answer = await remove(context, [orgId], nowMs, lists);
    // A user may have been made meanwhile.
    if (answer !== 'has_users') return answer;
    await deleteUsers(context, orgId, nowMs);
  }
};

export const deletions = (context: StoreContext): AccountDeletions => {
  const command = commandsOf(context);
  return { deleteUser: command(deleteUser), deleteOrg: command(deleteOrg) };
};
