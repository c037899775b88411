// The look-ups of the request path. Reads only, on the connection that fails fast; nothing is cached here.

import type { TokenStore } from '../token-store.ts';
import { readHash, runOn } from './connections.ts';
import type { StoreContext } from './context.ts';
import { corrupt } from './fault.ts';
import { allShards, isStorableId } from './key-space.ts';
import { parseFound, parseOrg, parseUser } from './record-codec.ts';
import { findByDigest, findByToken } from './look-up-scripts.ts';

type Lookups = Pick<TokenStore, 'findApiToken' | 'findOrg' | 'findUser' | 'hasImports'>;

export const lookups = ({ keys, reads, attempt }: StoreContext): Lookups => ({
  findApiToken: (digest) =>
    attempt(async () => {
      let reply = await runOn(reads, findByDigest, [keys.digest(digest)], []);
      if (reply === null) return undefined;
      // An imported token's digest lies where it falls, and names a token in its user's shard: a second round trip.
      if (typeof reply === 'string' && !reply.startsWith('['))
        reply = await runOn(reads, findByToken, [keys.token(reply)], [reply, digest]);
      if (reply === null) return undefined;
      if (typeof reply !== 'string') throw corrupt('the reply to a look-up');
      return parseFound(reply);
    }),

  findOrg: (orgId) =>
    attempt(async () => {
      if (!isStorableId(orgId)) return undefined;
      const fields = await readHash(reads, keys.org(orgId));
      return fields && parseOrg(orgId, fields);
    }),

  findUser: (orgId, userId) =>
    attempt(async () => {
      if (!isStorableId(orgId) || !isStorableId(userId)) return undefined;
      const fields = await readHash(reads, keys.user(orgId, userId));
      return fields && parseUser(orgId, userId, fields);
    }),

  // A mark per shard, because a mark lost with one shard of a Cluster must not hide the imports of the others.
  hasImports: () =>
    attempt(async () => {
      const marks = await Promise.all(
        allShards.map((shard) =>
          reads.on(keys.imports(shard), (client) => client.exists(keys.imports(shard))),
        ),
      );
      return marks.some((mark) => mark > 0);
    }),
});
