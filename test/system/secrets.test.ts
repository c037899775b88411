// Invariant 6: no raw credential in the store, a log, a metric or an error. Credentials of every kind are sent in every
// place, good and bad, in peace and in trouble; then everything the gate leaves behind is searched for them.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { createSecret } from '../../src/tokens/api-token.ts';
import { startEchoApi } from '../support/echo-api.ts';
import { call, encryptionKey, exchange, type GateProcess, post, startGate } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

const client = { id: 'reports', secret: 'a-client-secret-of-some-length' };
const issuer = 'https://login.example.com';

interface Used {
  readonly gate: GateProcess;
  /** Every secret that was used, in every spelling that would give it away. */
  readonly secrets: readonly string[];
  /** Everything callers were told. */
  readonly answers: readonly string[];
}

/** Lets a gate meet credentials in every way there is. */
const useCredentials = async (t: Test, directory: string, store: object): Promise<Used> => {
  const api = await startEchoApi(t);
  const gate = await startGate(t, {
    directory,
    settings: {
      ...store,
      upstream: api.url,
      upstreams: { gone: 'http://127.0.0.1:9' },
      credential: { headers: ['X-Api-Key'], cookie: 'session' },
      issuers: [
        { issuer, jwks: 'http://127.0.0.1:9/jwks', audience: ['x'], algorithms: ['ES256'], fixedOrg: 'acme' },
      ],
      oauth: { clients: [client] },
      routes: [
        { name: 'gone', path: '/gone', scopes: [], upstream: 'gone' },
        { name: 'query', path: '/query', scopes: [], credentialQueryParameter: 'access_token' },
        { name: 'swap', path: '/swap', scopes: [], forwardCredential: 'access-token' },
        { name: 'admin', path: '/admin', scopes: ['admin'] },
        { name: 'things', path: '/things/*', scopes: [] },
      ],
      log: { level: 'debug', access: 'all' },
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  await gate.whenReady();
  const apiToken = (await operator.token()).secret;
  const revoked = (await operator.token()).secret;
  const unknown = createSecret({ shard: 3, length: 65 });
  const short = createSecret({ shard: 3, length: 32 });
  const foreign = `legacy-${randomBytes(24).toString('hex')}`;
  const accessToken = await exchange(gate, apiToken);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const external = `${part({ alg: 'ES256' })}.${part({ iss: issuer, sub: 'eve' })}.${randomBytes(64).toString('base64url')}`;
  const tokens = [apiToken, revoked, unknown, short, foreign, accessToken, external];

  const answers: string[] = [];
  const told = async (answer: Promise<{ text: string; headers: Headers }>): Promise<void> => {
    const { text, headers } = await answer;
    answers.push(text, JSON.stringify([...headers]));
  };
  await told(post(gate, '/oauth2/revoke', { token: revoked }));
  for (const token of tokens) {
    const basic = Buffer.from(`${client.id}:${client.secret}`).toString('base64');
    const headerSets: Record<string, string>[] = [
      { authorization: `Bearer ${token}` },
      { authorization: token },
      { authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` },
      { authorization: `Bearer ${token} ${token}` },
      { authorization: `Bearer ${token}`, 'csp-auth-token': `${token}x` },
      { 'x-vmware-vcloud-access-token': token },
      { 'x-api-key': token },
      { cookie: `session=${token}; other=${token}` },
      { 'user-agent': token, referer: `http://x/?t=${token}` },
      // A secret of another system has no shape to be known by where no credential belongs: here, and in a path.
      { 'x-request-id': token === foreign ? 'an id' : token },
    ];
    const segment = token === foreign ? 'x' : token;
    // What the API answers is the API's: these routes are not let through, or their answers are not kept.
    for (const headers of headerSets) {
      await told(call(gate, '/admin', undefined, { headers }));
      await told(call(gate, '/gone', undefined, { headers }));
      await call(gate, '/things/1', undefined, { headers });
      await call(gate, '/swap', undefined, { headers });
    }
    await call(gate, `/query?access_token=${token}`);
    await told(call(gate, `/nowhere/${segment}?access_token=${token}`));
    await call(gate, `/things/${segment}`);
    await told(post(gate, '/oauth2/token', { grant_type: 'refresh_token', refresh_token: `${token}x` }));
    await told(post(gate, '/oauth2/token', { grant_type: token, refresh_token: token, scope: token }));
    await told(
      post(gate, '/oauth2/introspect', { token: `${token}x`, client_id: client.id, client_secret: token }),
    );
    await told(
      call(gate, '/oauth2/introspect', undefined, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}` },
        body: new URLSearchParams({ token: unknown }),
      }),
    );
    await told(call(gate, `/oauth2/${segment}`, undefined, { method: 'POST', body: token }));
    for (const broken of [`GET /${segment} HTTP/9.9\r\n\r\n`, `${segment} / HTTP/1.1\r\nHost: a\r\n\r\n`])
      answers.push(await exchangeRaw(gate.port, broken).then(({ body }) => body, String));
  }
  const signature = accessToken.split('.')[2] ?? '';
  const encoded = [apiToken, foreign].map((token) =>
    Buffer.from(token).toString('base64').replace(/=+$/, ''),
  );
  return { gate, answers, secrets: [...tokens, signature, ...encoded, client.secret, encryptionKey] };
};

const holdsNone = (t: Test, what: string, text: string, secrets: readonly string[]): void => {
  t.ok(text.length > 0, `${what}: ${text.length} characters to search`);
  const found = secrets.filter((secret) => text.includes(secret));
  t.strictSame(
    found.map((secret) => whereIn(text, secret)),
    [],
    `${what} holds no credential`,
  );
};

const whereIn = (text: string, secret: string): string => {
  const at = text.indexOf(secret);
  return text.slice(Math.max(0, at - 200), at + secret.length + 50);
};

const searchWhatIsSeen = async (t: Test, { gate, secrets, answers }: Used): Promise<void> => {
  holdsNone(t, 'the metrics', await gate.metrics(), secrets);
  holdsNone(t, 'the answers', answers.join('\n'), secrets);
  gate.child.kill('SIGTERM');
  await gate.ended;
  t.match(gate.lines().at(-1), { msg: 'ended' }, 'the log is whole');
  holdsNone(t, 'the log', gate.output(), secrets);
  for (const line of gate.output().trim().split('\n'))
    if (!line.startsWith('{')) t.fail(`no line of the log: ${line}`);
};

t.test('on SQLite', async (t) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const used = await useCredentials(t, directory, {});
  const searchFiles = (): void => {
    for (const name of readdirSync(directory).filter((each) => each.startsWith('tollgate.db'))) {
      const bytes = readFileSync(join(directory, name), 'latin1');
      holdsNone(t, name, `${bytes} `, used.secrets);
      t.notMatch(bytes, 'PRIVATE KEY');
    }
  };
  searchFiles();
  const key = readFileSync(join(directory, 'tollgate.key'), 'utf8').trim();
  await searchWhatIsSeen(t, { ...used, secrets: [...used.secrets, key] });
  searchFiles();
});

t.test('on Redis, its append-only file included', async (t) => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const redis = await startRedis(['--appendonly', 'yes']);
  t.teardown(() => redis.close());
  const admin = new Redis({ path: redis.socketPath });
  t.teardown(() => admin.disconnect());
  await admin.config('SET', 'requirepass', 'the-redis-password');
  const store = { url: `redis+unix:${redis.socketPath}`, password: 'the-redis-password', readTimeout: '1s' };
  const used = await useCredentials(t, directory, { store, keys: { encryptionKey } });
  const secrets = [...used.secrets, 'the-redis-password'];
  holdsNone(t, 'the data', await dump(admin), secrets);
  const folder = join(redis.directory, 'appendonlydir');
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'latin1');
    if (text !== '') holdsNone(t, name, text, secrets);
    t.notMatch(text, 'PRIVATE KEY');
  }
  await searchWhatIsSeen(t, { ...used, secrets });
});

/** Every key with everything in it, as text. */
const dump = async (admin: Redis): Promise<string> => {
  const lines: string[] = [];
  for (const key of await admin.keys('*')) {
    const type = await admin.type(key);
    const commands: Readonly<Record<string, readonly string[]>> = {
      string: ['GET', key],
      hash: ['HGETALL', key],
      set: ['SMEMBERS', key],
      zset: ['ZRANGE', key, '0', '-1'],
      list: ['LRANGE', key, '0', '-1'],
      stream: ['XRANGE', key, '-', '+'],
    };
    const [command = '', ...args] = commands[type] ?? [];
    lines.push(`${key} ${JSON.stringify(await admin.call(command, args))}`);
  }
  return lines.join('\n');
};
