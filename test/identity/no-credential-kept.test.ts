// Invariant 6, in memory: the cache, the memory of unknown tokens and the feed know a credential by its digest, so none
// can be read out of the heap of a process that has answered. A heap snapshot is searched.

import { getHeapSnapshot, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { createSecret, digestOf } from '../../src/tokens/api-token.ts';
import { exampleToken } from '../contract/examples.ts';
import { openHarness, sessionIdentity } from './harness.ts';

/** As bytes outside the heap's strings: what is searched for must not be what is found. */
const hidden = (secret: string): Uint8Array => Buffer.from(secret).map((byte) => byte ^ 0xff);
const shown = (bytes: Uint8Array): string => Buffer.from(bytes.map((byte) => byte ^ 0xff)).toString();

/** Every string of the heap, without what nobody holds any more. */
const heapText = async (): Promise<string> => {
  setFlagsFromString('--expose_gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no gc');
  await new Promise(setImmediate);
  collect();
  const pieces: Buffer[] = [];
  for await (const piece of getHeapSnapshot()) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString('latin1');
};

t.test('no credential is kept in memory, neither a good one nor one that was refused', async (t) => {
  const harness = await openHarness(t);
  const { identifier, store, user, ask, askWith, accessTokens, verified } = harness;
  const use = async (): Promise<Record<string, Uint8Array>> => {
    const { token, digest, secret } = exampleToken(user, { scopes: 'all' });
    await store.createToken(token, digest);
    t.match(await ask(secret), { identity: { tokenId: token.id } });
    const unknown = createSecret({ shard: 3, length: 65 });
    t.equal(await ask(unknown), 'token_unknown');
    const good = `eyJhbGciOiJFUzI1NiJ9.${digestOf('good').slice(0, 40)}.${digestOf('signed').slice(0, 40)}`;
    accessTokens.set(good, sessionIdentity());
    t.match(await askWith(good), { identity: { sessionId: 'session-1' } });
    const bad = `eyJhbGciOiJFUzI1NiJ9.${digestOf('bad').slice(0, 40)}.${digestOf('unsigned').slice(0, 40)}`;
    t.equal(await askWith(bad), 'token_invalid');
    // What the harness remembers of them for other tests.
    accessTokens.clear();
    verified.length = 0;
    return {
      'a good API token': hidden(secret),
      'an unknown API token': hidden(unknown),
      'a good access token': hidden(good),
      'a refused access token': hidden(bad),
    };
  };
  const used = await use();
  const control = new Map([[createSecret({ shard: 3, length: 65 }), 'a cache by credential']]);
  t.match(identifier.reading(), { identities: 2, unknowns: 2 }, 'all four are remembered');
  const text = await heapText();
  const [kept = ''] = control.keys();
  t.ok(text.includes(kept), 'what a map is keyed by would be found');
  for (const [name, bytes] of Object.entries(used)) t.notOk(text.includes(shown(bytes)), name);
});
