import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { isFailure } from '../../src/lifecycle/command-error.ts';
import { loadSealingKey } from '../../src/lifecycle/sealing-key.ts';
import { SigningKeys, type SigningKeysOptions } from '../../src/lifecycle/signing-keys.ts';
import type { StoreSettings } from '../../src/settings/settings.ts';
import { createStore } from '../../src/store/open-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { signAccessToken } from '../../src/tokens/sign.ts';
import { createAccessTokenVerifier } from '../support/access-tokens.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { startRedis } from '../support/redis.ts';
import { keyPairs, minuteMs, nowMs, ownClaims, ownKeys, pemOf, verifierOptions } from '../tokens/samples.ts';

type TestSettings = SigningKeysOptions['settings'];

const leadMs = 10 * minuteMs;

const folder = (t: Test): string => {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-keys-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const openStore = async (t: Test, settings: StoreSettings): Promise<TokenStore> => {
  const store = createStore(settings, { retentionMs: 60 * minuteMs });
  t.teardown(() => store.close());
  await store.open();
  return store;
};

const settingsFor = (
  store: StoreSettings,
  keys: Partial<TestSettings['keys']>,
  algorithm: TestSettings['tokens']['algorithm'] = 'ES256',
): TestSettings => ({
  store,
  keys: {
    encryptionKey: undefined,
    encryptionKeyFile: undefined,
    signingKeys: [],
    publishLeadMs: leadMs,
    ...keys,
  },
  tokens: {
    algorithm,
    accessTokenLifetimeMs: 30 * minuteMs,
    apiTokenLifetimeMs: undefined,
    perUserMax: 1_000,
    clockLeewayMs: minuteMs,
  },
  identity: { headers: {}, strip: [], keep: [], jwtLifetimeMs: 5 * minuteMs },
});

interface Replica {
  readonly keys: SigningKeys;
  readonly store: TokenStore;
  readonly clock: { nowMs: number };
  readonly lines: string[];
}

/** One process's signing keys on a store of its own connection; `start` is the test's to call. */
const replica = async (
  t: Test,
  settings: TestSettings,
  over?: TokenStore,
  onRevoked?: () => void,
): Promise<Replica> => {
  const store = over ?? (await openStore(t, settings.store));
  const clock = { nowMs };
  const lines: string[] = [];
  const keep = (message: string): void => void lines.push(message);
  const keys = new SigningKeys({
    store,
    settings,
    now: () => clock.nowMs,
    log: { info: keep, warn: keep },
    onRevoked,
  });
  t.teardown(() => keys.close());
  return { keys, store, clock, lines };
};

/** Settings of an embedded store in a folder of its own, sealed under `tollgate.key` beside it. */
const embedded = (t: Test, keys: Partial<TestSettings['keys']> = {}): TestSettings => {
  const directory = folder(t);
  const encryptionKeyFile = join(directory, 'tollgate.key');
  return settingsFor({ kind: 'sqlite', file: join(directory, 'store.db') }, { encryptionKeyFile, ...keys });
};

const started = async (t: Test, settings: TestSettings): Promise<Replica> => {
  const made = await replica(t, settings);
  t.equal(await made.keys.start(), 'ready');
  return made;
};

const kidOf = ({ keys, clock }: Replica): string | undefined =>
  keys.ring.signingKey('ES256', clock.nowMs)?.kid;

const publishedBy = ({ keys, clock }: Replica): readonly string[] =>
  keys.ring.jwks(clock.nowMs).keys.map(({ kid }) => kid);

const messageOf = (outcome: unknown): string =>
  isOutage(outcome) && outcome.cause instanceof Error
    ? `${outcome.reason}: ${outcome.cause.message}`
    : 'no outage';

const eventually = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await delay(10);
};

t.test('the first start makes a key, and every later start finds it', async (t) => {
  const settings = embedded(t);
  const first = await started(t, settings);
  const kid = kidOf(first);
  t.strictSame(publishedBy(first), [kid]);
  const second = await started(t, settings);
  t.equal(kidOf(second), kid);
});

t.test('each algorithm can be the one that signs', async (t) => {
  for (const algorithm of ['RS256', 'EdDSA'] as const) {
    const embeddedSettings = embedded(t);
    const settings = settingsFor(embeddedSettings.store, embeddedSettings.keys, algorithm);
    const { keys } = await started(t, settings);
    t.match(keys.ring.signingKey(algorithm, nowMs), { algorithm });
    t.equal(keys.ring.signingKey('ES256', nowMs), undefined);
  }
});

t.test('no private key reaches the disk unsealed', async (t) => {
  const settings = embedded(t);
  const { keys, store } = await started(t, settings);
  const jwk = keys.ring.signingKey('ES256', nowMs)?.privateKey.export({ format: 'jwk' });
  const d = String(jwk?.d);
  t.equal(d.length, 43);
  await store.close();
  const directory = join(settings.keys.encryptionKeyFile!, '..');
  for (const name of readdirSync(directory)) {
    const bytes = readFileSync(join(directory, name));
    t.notOk(bytes.includes(d), `${name} as text`);
    t.notOk(bytes.includes(Buffer.from(d, 'base64url')), `${name} as bytes`);
  }
});

t.test('two replicas that start at once on an empty store end with the same key', async (t) => {
  const settings = embedded(t);
  const replicas = await Promise.all([1, 2, 3, 4].map(() => replica(t, settings)));
  t.strictSame(await Promise.all(replicas.map(({ keys }) => keys.start())), Array(4).fill('ready'));
  t.equal(new Set(replicas.map(kidOf)).size, 1);
  const listed = await replicas[0]!.store.listKeys();
  t.equal(isOutage(listed) ? -1 : listed.length, 1);
});

t.test('two replicas on one empty Redis end with the same key', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const redis = redisSettings({ socketPath: server.socketPath });
  const settings = settingsFor(redis, { encryptionKey: randomBytes(32) });
  const replicas = await Promise.all([1, 2, 3, 4].map(() => replica(t, settings)));
  await Promise.all(replicas.map(({ keys }) => keys.start()));
  t.equal(new Set(replicas.map(kidOf)).size, 1);
  t.type(kidOf(replicas[0]!), 'string');
});

t.test('the sealing key file is made for its owner alone, whole, and never over another', async (t) => {
  const file = join(folder(t), 'tollgate.key');
  const load = () => loadSealingKey({ encryptionKey: undefined, encryptionKeyFile: file }, true);
  const made = await Promise.all(Array.from({ length: 8 }, load));
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(new Set(made.map((key) => Buffer.from(key as Uint8Array).toString('hex'))).size, 1);
  t.same(await load(), made[0]);
  t.strictSame(readdirSync(join(file, '..')), ['tollgate.key'], 'nothing else is left behind');
});

t.test('a sealing key in the settings comes before any file, and none is made', async (t) => {
  const settings = embedded(t, { encryptionKey: randomBytes(32) });
  await started(t, settings);
  t.notOk(existsSync(settings.keys.encryptionKeyFile!));
});

t.test(
  'a sealing key file that cannot be used is refused by name, with what to do, and left alone',
  async (t) => {
    const directory = folder(t);
    const at = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const secret = 'c2hvcnQ=';
    const table: Record<string, readonly [string, RegExp]> = {
      'too short': [at('short', secret), /short does not hold 32 bytes in base64: put the right file back/],
      empty: [at('empty', ''), /empty does not hold 32 bytes/],
      'a folder': [directory, /cannot be read \(EISDIR\)/],
      'in a folder that is not there': [
        join(directory, 'no/such/file'),
        /cannot be made \(ENOENT\): let this process write its folder, or set keys\.encryptionKey/,
      ],
    };
    for (const [name, [file, expected]] of Object.entries(table)) {
      const fault = await loadSealingKey({ encryptionKey: undefined, encryptionKeyFile: file }, true);
      t.match(fault, { kind: 'key_fault', message: expected }, name);
      t.notMatch(JSON.stringify(fault), secret);
    }
    t.equal(readFileSync(join(directory, 'short'), 'utf8'), secret);
  },
);

t.test('without a sealing key a shared store is refused with the words to set one', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const redis = redisSettings({ socketPath: server.socketPath });
  const { keys } = await replica(t, settingsFor(redis, {}));
  t.match(messageOf(await keys.start()), /keys_unavailable: .*TOLLGATE_KEYS_ENCRYPTION_KEY.*openssl rand/);
  const file = join(folder(t), 'k');
  const withFile = await replica(t, settingsFor(redis, { encryptionKeyFile: file }));
  t.match(messageOf(await withFile.keys.start()), /is missing/);
  t.notOk(existsSync(file), 'one replica alone must not make up a sealing key');
});

t.test('a lost sealing key file is not made anew while keys are sealed under it', async (t) => {
  const settings = embedded(t);
  const before = await started(t, settings);
  rmSync(settings.keys.encryptionKeyFile!);
  const after = await replica(t, settings);
  t.match(messageOf(await after.keys.start()), /tollgate\.key is missing.*put it back.*--abandon-old/);
  t.notOk(existsSync(settings.keys.encryptionKeyFile!));
  t.strictSame(publishedBy(after), publishedBy(before), 'what was signed can still be verified');
});

t.test(
  'a wrong sealing key is a clear refusal; good tokens still verify; abandoning the old key mends it',
  async (t) => {
    const settings = embedded(t);
    const before = await started(t, settings);
    const token = signAccessToken(before.keys.ring.signingKey('ES256', nowMs)!, ownClaims);
    writeFileSync(settings.keys.encryptionKeyFile!, randomBytes(32).toString('base64'));
    const after = await replica(t, settings);
    const refused = await after.keys.start();
    t.match(messageOf(refused), /sealed under another sealing key.*keys\.encryptionKey/);
    t.strictSame(after.keys.state(), refused);
    t.match(after.lines, [/^signing keys: .*another sealing key/]);
    const verify = createAccessTokenVerifier({ ...verifierOptions, keyRing: after.keys.ring });
    t.match(await verify(token, nowMs), { sessionId: /./ });

    t.match(await after.keys.rotate('ES256'), { kind: 'command_error', code: 'key_sealed' });
    t.match(await after.keys.rotate('ES256', { abandonsOld: true }), { algorithm: 'ES256' });
    t.equal(
      after.keys.state(),
      'ready',
      'the only key that can be opened signs, though it is not active yet',
    );
  },
);

t.test(
  'a rotated key is published at once, signs after the lead, and the old one outlives its last token',
  async (t) => {
    const one = await started(t, embedded(t));
    const oldKid = kidOf(one)!;
    const rotated = await one.keys.rotate('ES256');
    if (isFailure(rotated)) throw new Error('no rotation');
    t.equal(rotated.activeFromMs, nowMs + leadMs);
    t.strictSame(publishedBy(one).toSorted(), [oldKid, rotated.kid].toSorted());
    t.equal(kidOf(one), oldKid, 'not signing yet');

    one.clock.nowMs = rotated.activeFromMs - 1;
    const lastKey = one.keys.ring.signingKey('ES256', one.clock.nowMs)!;
    t.equal(lastKey.kid, oldKid);
    const lastTokenEndsMs = one.clock.nowMs + 30 * minuteMs;
    one.clock.nowMs = rotated.activeFromMs;
    t.equal(kidOf(one), rotated.kid);
    t.ok(rotated.retireOthersAtMs >= lastTokenEndsMs + minuteMs, 'the last token and the leeway');
    t.ok(one.keys.ring.verificationKey(oldKid, lastTokenEndsMs));
    one.clock.nowMs = rotated.retireOthersAtMs;
    t.strictSame(publishedBy(one), [rotated.kid]);
    await one.keys.reload();
    t.equal(kidOf(one), rotated.kid);
  },
);

t.test('another replica learns of a rotation from the change feed, before the new key signs', async (t) => {
  const settings = embedded(t);
  const [one, other] = [await started(t, settings), await started(t, settings)];
  const subscription = other.store.follow({
    changes: (changes) => {
      if (changes.some(({ kind }) => kind === 'keys')) void other.keys.reload();
    },
    heard: () => undefined,
    caughtUp: () => undefined,
    reset: () => undefined,
    connected: () => undefined,
  });
  t.teardown(() => subscription.close());
  const rotated = await one.keys.rotate('ES256');
  await eventually(() => publishedBy(other).length === 2);
  t.match(rotated, { kid: publishedBy(other).find((kid) => kid !== kidOf(other)) });
});

t.test('rotating twice in a row leaves one key to come after the other, and all verify', async (t) => {
  const one = await started(t, embedded(t));
  await one.keys.rotate('ES256');
  one.clock.nowMs += minuteMs;
  const second = await one.keys.rotate('ES256');
  t.equal(publishedBy(one).length, 3);
  one.clock.nowMs += leadMs;
  t.match(second, { kid: kidOf(one) });
});

t.test('a revoked key is gone at once, here and elsewhere; another signs in its place', async (t) => {
  const settings = embedded(t);
  const dropped: string[] = [];
  const one = await replica(t, settings, undefined, () => void dropped.push('one'));
  t.equal(await one.keys.start(), 'ready');
  const two = await started(t, settings);
  const leaked = kidOf(one)!;
  const revoked = await one.keys.revoke(leaked);
  t.match(revoked, { kid: leaked, algorithm: 'ES256', replacedBy: { activeFromMs: nowMs } });
  t.not(kidOf(one), leaked);
  t.strictSame(publishedBy(one), [kidOf(one)], 'no longer published');
  t.equal(one.keys.ring.verificationKey(leaked, 0), undefined, 'whatever the clock says');
  t.ok(one.keys.isRevoked(leaked));
  t.strictSame(dropped, ['one'], 'what rests on it is dropped, once');
  t.strictSame(publishedBy(two), [leaked], 'not heard yet');
  await two.keys.reload();
  t.strictSame(publishedBy(two), publishedBy(one));
  t.equal(kidOf(two), kidOf(one));
  t.match(await two.keys.revoke(leaked), { kid: leaked, replacedBy: undefined }, 'again is safe');
  t.strictSame(publishedBy(two).length, 1, 'and makes no further key');
  t.match(await two.keys.revoke('nobody'), { kind: 'command_error', code: 'key_unknown' });
  const late = await replica(t, settings, undefined, () => void dropped.push('late'));
  t.equal(await late.keys.start(), 'ready');
  t.strictSame(publishedBy(late), publishedBy(one));
  t.strictSame(dropped, ['one'], 'a replica that never believed it has nothing to drop');
});

t.test('while a rotation is under way: the old key revoked, the next one signs at once', async (t) => {
  const one = await started(t, embedded(t));
  const leaked = kidOf(one)!;
  await one.keys.rotate('ES256');
  const next = publishedBy(one).find((kid) => kid !== leaked);
  t.match(await one.keys.revoke(leaked), { kid: leaked, replacedBy: undefined });
  t.equal(kidOf(one), next);
  t.strictSame(publishedBy(one), [next]);
});

t.test('a replica that has seen a key revoked tells a store that lost it', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const settings = settingsFor(redisSettings({ socketPath: server.socketPath }), {
    encryptionKey: randomBytes(32),
  });
  const one = await started(t, settings);
  const leaked = kidOf(one)!;
  await one.keys.revoke(leaked);
  const [next] = publishedBy(one);
  // What a failover to a replica that lagged behind leaves: the key without its revocation.
  const undo = ['-s', server.socketPath];
  execFileSync('redis-cli', [...undo, 'hdel', 'tollgate:{0}:keys', `retire:${leaked}`]);
  await one.keys.reload();
  t.strictSame(publishedBy(one), [next], 'not believed again');
  const fresh = await started(t, settings);
  t.strictSame(publishedBy(fresh), [next], 'nor by those who never saw it');
  t.equal(
    execFileSync('redis-cli', [...undo, 'hget', 'tollgate:{0}:keys', `retire:${leaked}`], {
      encoding: 'utf8',
    }).trim(),
    '0',
  );
});

t.test('a mounted key is revoked where it is mounted', async (t) => {
  const one = await started(t, embedded(t, { signingKeys: [pemOf(keyPairs.ES256.privateKey)] }));
  t.match(await one.keys.revoke(kidOf(one)!), { kind: 'command_error', code: 'key_mounted' });
});

t.test('a key of another algorithm can be added beside the one that signs', async (t) => {
  const one = await started(t, embedded(t));
  const before = kidOf(one);
  t.match(await one.keys.rotate('RS256'), { algorithm: 'RS256' });
  t.match(one.keys.ring.signingKey('RS256', nowMs), { algorithm: 'RS256' }, 'usable at once');
  t.equal(kidOf(one), before);
});

t.test('Redis down at the start: not ready, and ready by itself once it answers', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  await server.kill();
  const redis = redisSettings({ socketPath: server.socketPath });
  const one = await replica(t, settingsFor(redis, { encryptionKey: randomBytes(32) }));
  t.match(await one.keys.start(), { kind: 'outage', reason: 'store_unavailable' });
  t.match(one.keys.state(), { reason: 'store_unavailable' });
  t.equal(kidOf(one), undefined);
  await server.restart();
  await eventually(() => one.keys.state() === 'ready');
  t.type(kidOf(one), 'string');
  t.equal(one.lines.length, 2, 'one line for the trouble, one for its end, however often it was tried');
});

t.test('Redis dies while we sign: what is known signs on; emptied, it gets the same key back', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  const redis = redisSettings({ socketPath: server.socketPath });
  const one = await started(t, settingsFor(redis, { encryptionKey: randomBytes(32) }));
  const kid = kidOf(one);
  await server.kill();
  await one.keys.reload();
  t.equal(one.keys.state(), 'ready');
  t.equal(kidOf(one), kid);
  t.match(await one.keys.rotate('ES256'), { kind: 'outage' });

  await server.restart();
  const kept = async (): Promise<readonly { kid: string }[]> => {
    const listed = await one.store.listKeys();
    return isOutage(listed) ? [] : listed;
  };
  while ((await kept()).length === 0) {
    await one.keys.reload();
    await delay(10);
  }
  t.match(await kept(), [{ kid }], 'tokens handed out before go on');
});

t.test('keys mounted as files sign, whatever the store does', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.close());
  await server.kill();
  const redis = redisSettings({ socketPath: server.socketPath });
  const pem = pemOf(keyPairs.ES256.privateKey);
  const one = await replica(t, settingsFor(redis, { signingKeys: [pem] }));
  t.equal(await one.keys.start(), 'ready');
  t.equal(kidOf(one), ownKeys.ES256.kid);
});

t.test('mounting a file takes over signing; keys of the store still verify', async (t) => {
  const settings = embedded(t);
  const before = await started(t, settings);
  const token = signAccessToken(before.keys.ring.signingKey('ES256', nowMs)!, ownClaims);
  const pem = pemOf(keyPairs.ES256.privateKey);
  const after = await started(t, { ...settings, keys: { ...settings.keys, signingKeys: [pem] } });
  t.equal(kidOf(after), ownKeys.ES256.kid);
  const verify = createAccessTokenVerifier({ ...verifierOptions, keyRing: after.keys.ring });
  t.match(await verify(token, nowMs), { sessionId: /./ });
  t.match(await after.keys.rotate('ES256'), { kind: 'command_error', code: 'key_mounted' });
});

t.test('a bad key file is a clear refusal at the start, and stays one', async (t) => {
  const good = pemOf(keyPairs.ES256.privateKey);
  const one = await replica(t, embedded(t, { signingKeys: [good, '-----BEGIN NONSENSE-----'] }));
  t.match(
    messageOf(await one.keys.start()),
    /keys_unavailable: item 2 of keys\.signingKeys is not a private key in PEM.*openssl genpkey/,
  );
  await one.keys.reload();
  t.match(one.keys.state(), { reason: 'keys_unavailable' });
});

t.test('reloads asked for while one runs share one more read after it', async (t) => {
  const settings = embedded(t);
  const store = await openStore(t, settings.store);
  let reads = 0;
  const counted: TokenStore = Object.assign(Object.create(store), {
    listKeys: () => {
      reads += 1;
      return store.listKeys();
    },
  });
  const one = await replica(t, settings, counted);
  await one.keys.start();
  reads = 0;
  await Promise.all(Array.from({ length: 50 }, () => one.keys.reload()));
  t.equal(reads, 2);
});

t.test('a sealing key file that others may read is used all the same', async (t) => {
  const settings = embedded(t);
  const before = await started(t, settings);
  chmodSync(settings.keys.encryptionKeyFile!, 0o644);
  const after = await started(t, settings);
  t.equal(kidOf(after), kidOf(before), 'a mounted Kubernetes secret is world-readable inside its pod');
});
