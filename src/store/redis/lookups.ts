// The look-ups of the request path. Reads only, on the connection that fails fast; nothing is cached here.

import { DamagedRecord } from '../record-reader.ts';
import type { LookUps } from '../token-store.ts';
import { readHash, runOn } from './connections.ts';
import { commandsOf, type Step, type StoreContext } from './context.ts';
import { allShards, isStorableId } from './key-space.ts';
import { findByDigest, findByToken } from './look-up-scripts.ts';
import { parseFound, parseOrg, parseUser } from './record-codec.ts';

const findApiToken: Step<'findApiToken'> = async ({ keys, reads }, digest) => {
  let reply = await runOn(reads, findByDigest, [keys.digest(digest)], []);
  if (reply === null) return undefined;
  // The digest of an imported token may lie in any shard; its token lies in the user's: a second round trip.
  if (typeof reply === 'string' && !reply.startsWith('['))
    reply = await runOn(reads, findByToken, [keys.token(reply)], [reply, digest]);
  if (reply === null) return undefined;
  if (typeof reply !== 'string') throw new DamagedRecord('the reply to a look-up');
  return parseFound(reply);
};

export const findOrg: Step<'findOrg'> = async ({ keys, reads }, orgId) => {
  if (!isStorableId(orgId)) return undefined;
  const fields = await readHash(reads, keys.org(orgId));
  return fields && parseOrg(orgId, fields);
};

export const findUser: Step<'findUser'> = async ({ keys, reads }, orgId, userId) => {
  if (!isStorableId(orgId) || !isStorableId(userId)) return undefined;
  const fields = await readHash(reads, keys.user(orgId, userId));
  return fields && parseUser(orgId, userId, fields);
};

/** A mark per shard, because a mark lost with one shard of a Cluster must not hide the imports of the others. */
const hasImports: Step<'hasImports'> = async ({ keys, reads }) => {
  const marks = await Promise.all(
    allShards.map((shard) => reads.on(keys.imports(shard), (client) => client.exists(keys.imports(shard)))),
  );
  return marks.some((mark) => mark > 0);
};

export const lookUps = (context: StoreContext): LookUps => {
  const command = commandsOf(context);
  return {
    findApiToken: command(findApiToken),
    findOrg: command(findOrg),
    findUser: command(findUser),
    hasImports: command(hasImports),
  };
};
