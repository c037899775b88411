// A process of its own that writes to a store until it is done or killed. It prints one line a write, after the store
// has answered: what was printed was acknowledged.
//
// usage: writer-process.ts <file> <org> <user> create <count>
//        writer-process.ts <file> <org> <user> revoke <token id>...

import { writeSync } from 'node:fs';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { exampleToken } from '../../contract/examples.ts';

const [file = '', orgId = '', id = '', order, ...words] = process.argv.slice(2);
const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
await store.open();
writeSync(1, 'open\n');

if (order === 'create')
  for (let left = Number(words[0]); left > 0; left--) {
    const { token, digest } = exampleToken({ orgId, id });
    const answer = await store.createToken(token, digest);
    if (answer !== 'created') throw new Error(`not created: ${JSON.stringify(answer)}`);
    writeSync(1, `${token.id} ${digest}\n`);
  }
else
  for (const tokenId of words) {
    const answer = await store.revokeToken(tokenId, Date.now());
    if (answer !== 'revoked') throw new Error(`not revoked: ${JSON.stringify(answer)}`);
    writeSync(1, `${tokenId}\n`);
  }

await store.close();
