// Listings by last use read every token that matches: a caller pays for what that costs, and there is an end to it.

import t from 'tap';
import { denial } from '../../src/decision/outcome.ts';
import { listTokensByUse, readsByUseMax } from '../../src/lifecycle/token-list-by-use.ts';
import { exampleToken } from '../contract/examples.ts';
import { createWorld } from './world.ts';

t.test('each further thousand tokens is the price of one more command', { timeout: 120_000 }, async (t) => {
  const world = await createWorld(t);
  const { record } = await world.token();
  for (let index = 1; index < 1_050; index++) {
    const { token, digest } = exampleToken({ orgId: 'acme', id: 'ann' }, { generation: record.generation });
    await world.store.createToken(token, digest);
  }
  let paid = 0;
  const query = {
    orgId: 'acme',
    userId: undefined,
    limit: 10,
    after: undefined,
    isDescending: true,
  } as const;
  const list = (pay: Parameters<typeof listTokensByUse>[3]) =>
    listTokensByUse(world.store, query, world.now(), pay);
  t.match(await list(() => void paid++), { total: 1_050 });
  t.equal(paid, 1);
  t.match(await list(() => denial('rate_limited', 'x')), { kind: 'denial', reason: 'rate_limited' });
  t.equal(readsByUseMax, 10_000);
});
