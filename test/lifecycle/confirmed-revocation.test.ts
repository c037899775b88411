// What is revoked is confirmed by the store each time it is asked, whatever this replica remembers: after an outage, and
// after the store has lost what it knew. On real servers: a Redis master, its replica, and replicas of ours.

import t, { type Test } from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { createRedisStore } from '../../src/store/redis/redis-store.ts';
import { createSecret, digestOf } from '../../src/tokens/api-token.ts';
import { shardOfDigest, shardOfTokenId } from '../../src/tokens/shard.ts';
import { done } from '../support/operator.ts';
import { startRedisPair } from '../support/redis-pair.ts';
import type { RedisTcpServer } from '../support/redis-tcp.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { openReplica, type Replica, retentionMs } from './replica.ts';
import { anywhere, dayMs } from './world.ts';

t.setTimeout(180_000);

const waiting = { replicasMin: 1, writeTimeoutMs: 1_500 } as const;
const clock = { nowMs: Date.now() };

const openOn = async (t: Test, server: RedisTcpServer, over: object = waiting): Promise<Replica> => {
  const replica = await openReplica(async () => {
    const store = createRedisStore(redisSettings({ nodes: [server], ...over }), { retentionMs });
    await store.open();
    return store;
  }, clock);
  t.teardown(() => replica.close());
  return replica;
};

const openWorld = async (t: Test) => {
  const pair = await startRedisPair(t);
  const [here, there] = [await openOn(t, pair.master), await openOn(t, pair.master)];
  const roles = { reader: ['things:read'] };
  done(await here.accounts.createOrg({ id: 'acme', name: undefined, roles, tokenLifetimeMsMax: undefined }));
  for (const id of ['ann', 'bob'])
    done(await here.accounts.createUser({ orgId: 'acme', id, name: undefined, roles: ['reader'] }));
  const order = { orgId: 'acme', name: 'ci', scopes: 'all', lifetimeMs: dayMs, length: 65 } as const;
  const token = async (userId = 'ann', over: object = {}) => {
    const { secret, record } = done(await here.apiTokens.createApiToken({ ...order, userId, ...over }));
    const accessToken = await there.session(secret);
    t.equal(await there.look(accessToken, 'jwt'), 'live');
    return { secret, id: record.id, accessToken };
  };
  /** As an older backup, or a failover, leaves it. */
  const lose = async ({ secret, id }: { readonly secret: string; readonly id: string }): Promise<void> => {
    const digest = digestOf(secret);
    const digestKey = `tollgate:{${shardOfDigest(digest)}}:digest:${digest}`;
    const lost = await pair.operator.del(`tollgate:{${shardOfTokenId(id)}}:token:${id}`, digestKey);
    t.equal(lost, 2);
  };
  return { ...pair, here, there, token, lose, order };
};

const apiToken = (value: string) => ({ form: 'opaque', value }) as const;
const accessToken = (value: string) => ({ form: 'jwt', value }) as const;

t.test(
  'a revocation that reached no replica is an outage each time it is asked, until one has it',
  async (t) => {
    const { master, replica, cutOff, mend, failOver, here, there, token } = await openWorld(t);
    const [bySecret, byId, bySession, byAll] = [
      await token(),
      await token(),
      await token(),
      await token('bob'),
    ];
    const secretsAndSessions = [bySecret, byId, byAll].flatMap(({ secret, accessToken }) => [
      { value: secret, form: 'opaque' as const },
      { value: accessToken, form: 'jwt' as const },
    ]);
    const dead = [...secretsAndSessions, { value: bySession.accessToken, form: 'jwt' as const }];
    const commands: Readonly<Record<string, () => Promise<unknown>>> = {
      'by the secret': () => here.revoke(apiToken(bySecret.secret), anywhere),
      'by the id': () => here.apiTokens.revokeApiToken(byId.id),
      'one session': () => here.revoke(accessToken(bySession.accessToken), anywhere),
      'all of a user': () => here.apiTokens.revokeAll('acme', 'bob'),
    };
    // Known here, so that memory could answer.
    for (const { value, form } of dead) t.equal(await here.look(value, form), 'live');
    await cutOff();
    for (const attempt of ['first', 'second', 'third']) {
      const answers = await Promise.all(Object.values(commands).map((command) => command()));
      for (const [index, name] of Object.keys(commands).entries())
        t.match(answers[index], { reason: 'store_not_replicated' }, `${name}, the ${attempt} time`);
      // The feed has told of it meanwhile: from now on this replica knows better than it may say.
      for (const { value, form } of dead)
        await here.until(async () => (await here.look(value, form)) !== 'live');
    }
    await mend();
    for (const [name, command] of Object.entries(commands)) t.notOk(isOutage(await command()), name);
    await failOver();
    const restarted = await openOn(t, replica, {});
    for (const { value, form } of dead) t.not(await restarted.look(value, form), 'live', 'dead for good');
    t.equal(await restarted.look(bySession.secret), 'live');
    t.ok(master.port !== replica.port && there !== here);
  },
);

t.test('a secret replaced by a regeneration that reached no replica is not called revoked', async (t) => {
  const { cutOff, mend, here, token } = await openWorld(t);
  const { secret, id } = await token();
  await cutOff();
  t.match(await here.apiTokens.regenerateApiToken({ tokenId: id, overlapMs: 0, length: 65 }), {
    kind: 'outage',
  });
  t.match(await here.revoke(apiToken(secret), anywhere), { reason: 'store_not_replicated' });
  await mend();
  t.equal(await here.revoke(apiToken(secret), anywhere), 'nothing');
  t.match(await here.apiTokens.findApiToken(id), { state: 'active' }, 'the new secret is good');
});

t.test('a create with an idempotency key is answered the same, and only once a replica has it', async (t) => {
  const { cutOff, mend, here, order } = await openWorld(t);
  const create = () =>
    here.apiTokens.createApiToken({ ...order, userId: 'ann', idempotencyKey: 'one order' });
  await cutOff();
  for (const attempt of ['first', 'second'])
    t.match(await create(), { reason: 'store_not_replicated' }, `the ${attempt} time`);
  await mend();
  const made = done(await create());
  t.same(done(await create()).secret, made.secret);
  t.equal(await here.look(made.secret), 'live');
});

t.test(
  'every change of an account is an outage until a replica has it, also where it is done already',
  async (t) => {
    const { cutOff, mend, here } = await openWorld(t);
    done(await here.accounts.defineRole('acme', 'extra', ['things:write']));
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      'a role is taken away': () => here.accounts.setRoles('acme', 'ann', []),
      'a user is disabled': () => here.accounts.setUserState('acme', 'bob', 'disabled'),
      'an org is renamed': () => here.accounts.changeOrg('acme', { name: 'Acme Inc.' }),
      'a role is redefined': () => here.accounts.defineRole('acme', 'reader', []),
      'a role is deleted': () => here.accounts.deleteRole('acme', 'extra'),
    };
    await cutOff();
    for (const attempt of ['first', 'second'])
      for (const [name, change] of Object.entries(changes))
        t.match(await change(), { reason: 'store_not_replicated' }, `${name}, the ${attempt} time`);
    await mend();
    for (const [name, change] of Object.entries(changes)) t.notOk(isOutage(await change()), name);
  },
);

t.test('of a token the store has lost', async (t) => {
  const { master, here, there, token, lose, order } = await openWorld(t);

  t.test('the secret revokes it by its id where it is still known', async (t) => {
    const made = await token();
    t.equal(await here.look(made.secret), 'live');
    await lose(made);
    t.equal(await here.revoke(apiToken(made.secret), anywhere), 'revoked');
    await there.until(async () => (await there.look(made.accessToken, 'jwt')) === 'token_revoked');
    const restarted = await openOn(t, master);
    t.equal(await restarted.look(made.accessToken, 'jwt'), 'token_revoked');
  });

  t.test('the secret alone revokes nothing, and the answer says so', async (t) => {
    const made = await token();
    await lose(made);
    t.match(await here.revoke(apiToken(made.secret), anywhere), {
      code: 'token_unknown',
      message: /^Nothing was revoked/,
    });
    t.equal(await there.look(made.accessToken, 'jwt'), 'live');
    t.equal(await here.apiTokens.revokeAll('acme', 'ann'), 'revoked');
    await there.until(async () => (await there.look(made.accessToken, 'jwt')) !== 'live');
  });

  t.test('the id ends its sessions on every replica, and a record that comes back is revoked', async (t) => {
    const made = await token('ann', { idempotencyKey: 'a lost order' });
    await lose(made);
    t.match(await here.apiTokens.revokeApiToken(made.id), {
      code: 'token_unknown',
      message: /have been ended/,
    });
    await there.until(async () => (await there.look(made.accessToken, 'jwt')) !== 'live');
    const again = await here.apiTokens.createApiToken({
      ...order,
      userId: 'ann',
      idempotencyKey: 'a lost order',
    });
    t.match(again, { record: { id: made.id, state: 'revoked' } });
    t.equal(await here.look(made.secret), 'token_revoked');
  });

  t.test('one of its sessions can be ended', async (t) => {
    const made = await token();
    await lose(made);
    t.equal(await here.revoke(accessToken(made.accessToken), anywhere), 'revoked');
    await there.until(async () => (await there.look(made.accessToken, 'jwt')) === 'session_ended');
  });
});

t.test('a revocation whose line the feed has lost is told again when it is repeated, once', async (t) => {
  const { master, operator, here, token } = await openWorld(t);
  const made = await token();
  const session = await here.session((await token()).secret);
  const stream = `tollgate:{${shardOfTokenId(made.id)}}:changes`;
  const revokeBoth = async (): Promise<unknown> => [
    await here.apiTokens.revokeApiToken(made.id),
    await here.revoke(accessToken(session), anywhere),
  ];
  await revokeBoth();
  const streams = await operator.keys('tollgate:*:changes');
  await operator.del(...streams);
  t.same(await revokeBoth(), ['already_revoked', 'nothing']);
  const late = await openOn(t, master);
  t.equal(await late.look(made.accessToken, 'jwt'), 'token_revoked');
  t.equal(await late.look(session, 'jwt'), 'session_ended');
  const lines = await operator.xlen(stream);
  for (let each = 0; each < 5; each += 1) await revokeBoth();
  t.equal(await operator.xlen(stream), lines, 'repetitions do not fill the feed');
});

t.test('a revocation whose line gave its id to another line is told again as well', async (t) => {
  const { operator, here, token } = await openWorld(t);
  const made = await token();
  const session = await here.session((await token()).secret);
  await here.apiTokens.revokeApiToken(made.id);
  await here.revoke(accessToken(session), anywhere);
  const about = ['token', 'session'] as const;
  const lost = new Map<string, string>();
  for (const stream of await operator.keys('tollgate:*:changes')) {
    for (const [id] of await operator.xrange(stream, '-', '+')) lost.set(stream, id);
    await operator.del(stream);
  }
  // As Redis does by itself where a stream is deleted and written again within a millisecond.
  for (const [stream, id] of lost)
    await operator.xadd(stream, id, 'kind', 'session', 'session', 'other', 'at', '1');
  await here.apiTokens.revokeApiToken(made.id);
  await here.revoke(accessToken(session), anywhere);
  const lines = await Promise.all([...lost.keys()].map((stream) => operator.xrange(stream, '-', '+')));
  const kinds = lines.flat().flatMap(([, words]) => (words.includes('other') ? [] : [words[1]]));
  for (const kind of about) t.ok(kinds.includes(kind), `the line of the ${kind} is there again`);
});

t.test('strangers who invent secrets fill neither the store nor the feed', async (t) => {
  const { operator, here } = await openWorld(t);
  await here.revoke(apiToken('garbage'), anywhere);
  // The store's own upkeep, which begins some time after the start, keeps one key that says so.
  const keysOf = async (): Promise<readonly string[]> =>
    (await operator.keys('*')).filter((key) => !key.endsWith(':reminder-looks-planned')).toSorted();
  const before = await keysOf();
  const linesOf = async (): Promise<number> => {
    const streams = await operator.keys('tollgate:*:changes');
    return (await Promise.all(streams.map((stream) => operator.xlen(stream)))).reduce(
      (sum, one) => sum + one,
      0,
    );
  };
  const lines = await linesOf();
  for (let each = 0; each < 50; each += 1) {
    const answer = await here.revoke(apiToken(createSecret({ shard: each % 16, length: 65 })), anywhere);
    t.match(answer, { code: 'token_unknown' });
  }
  t.equal(await here.revoke(apiToken(`${'x'.repeat(64)}1`), anywhere), 'nothing', 'not of our form');
  t.strictSame(await keysOf(), before);
  t.equal(await linesOf(), lines);
});
