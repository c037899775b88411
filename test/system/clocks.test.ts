// Replicas whose clocks are five minutes apart agree on every token: they make and judge by the store's clock. Real
// processes, each with a wall clock of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { clockOff, movableClock } from '../support/fake-clock.ts';
import {
  call,
  encryptionKey,
  exchange,
  type GateProcess,
  revoke,
  startGate,
  until,
} from '../support/gate-process.ts';
import { openOperator, type Operator } from '../support/operator.ts';
import { cleanEnvironment, root, runToEnd } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(240_000);

const offsets = { fast: 300, right: 0, slow: -300 } as const;
type Name = keyof typeof offsets;
const names = Object.keys(offsets) as readonly Name[];

const directory = mkdtempSync('/tmp/tg-');
const moving = movableClock(directory);
let settings: Readonly<Record<string, unknown>>;
let gates: Readonly<Record<Name, GateProcess>>;
let operator: Operator;

const startThree = async (more: Readonly<Record<string, unknown>> = {}): Promise<typeof gates> => {
  const start = (name: Name): Promise<GateProcess> =>
    startGate(t, {
      directory,
      name: `${name}-${Object.keys(more).join('-')}`,
      settings: { ...settings, ...more },
      env: clockOff(offsets[name]),
    });
  const [fast, right, slow] = await Promise.all([start('fast'), start('right'), start('slow')]);
  return { fast, right, slow };
};

t.before(async () => {
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  settings = {
    upstream: api.url,
    store: { url: `redis+unix:${redis.socketPath}`, readTimeout: '5s', writeTimeout: '10s' },
    keys: { encryptionKey },
    routes: [{ name: 'things', path: '/*', scopes: ['things:read'] }],
    limits: { exchangesPerMinute: 0, commandsPerMinute: 0 },
  };
  gates = await startThree();
  operator = await openOperator(t, gates.right.settingsFile);
  await operator.furnish();
  await Promise.all(names.map((name) => gates[name].whenReady()));
});

const claimsOf = (jwt: string): { readonly iat: number; readonly exp: number } =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as { iat: number; exp: number };

const secondsApart = (one: number, other: number): number => Math.abs(one - other);

t.test('an access token made by any replica is good at each, and ends when the others say so', async (t) => {
  const { secret } = await operator.token();
  for (const maker of names) {
    const token = await exchange(gates[maker], secret);
    const { iat, exp } = claimsOf(token);
    t.ok(secondsApart(iat, Date.now() / 1000) < 15, `${maker}: made now, by the store's clock`);
    t.equal(exp - iat, 1800);
    for (const judge of names)
      t.equal((await call(gates[judge], '/things', token)).status, 200, `${maker}'s token at ${judge}`);
  }
});

t.test('it dies at the same moment everywhere', async (t) => {
  const brief = await startThree({ tokens: { accessTokenLifetime: '10s' }, cache: { identityTtl: '0s' } });
  await Promise.all(names.map((name) => brief[name].whenReady()));
  const { secret } = await operator.token();
  const diesEverywhere = async (maker: Name): Promise<void> => {
    const token = await exchange(brief[maker], secret);
    const { exp } = claimsOf(token);
    await Promise.all(
      names.map(async (judge) => {
        let lastGoodMs = 0;
        await until(async () => {
          const askedAtMs = Date.now();
          const { status } = await call(brief[judge], '/things', token);
          if (status === 200) lastGoodMs = askedAtMs;
          // Ten times a second is enough, and leaves the machine to others.
          if (status === 200) await delay(100);
          return status === 401;
        }, 60_000);
        t.ok(lastGoodMs > 0, `${maker}'s token was good at ${judge}`);
        t.ok(lastGoodMs / 1000 < exp + 1, `and not past its end`);
        t.ok(Date.now() / 1000 > exp - 1, 'and not refused before');
      }),
    );
  };
  await Promise.all((['fast', 'slow'] as const).map(diesEverywhere));
});

t.test('a revocation at one with another clock is in force at all', async (t) => {
  for (const name of names) {
    const { secret } = await operator.token();
    const session = await exchange(gates.right, secret);
    t.equal((await revoke(gates[name], secret)).status, 200);
    for (const judge of names)
      for (const token of [secret, session])
        await until(async () => (await call(gates[judge], '/things', token)).status === 401);
  }
});

t.test('what the command line writes has the time of the store', async (t) => {
  for (const [name, seconds] of Object.entries(offsets)) {
    const made = await runToEnd(
      process.execPath,
      [
        join(root, 'src/main.ts'),
        'token',
        'create',
        'acme/ada',
        '--lifetime',
        '4m',
        '--json',
        '--config',
        gates.right.settingsFile,
      ],
      { env: { ...cleanEnvironment(), ...clockOff(seconds) } },
    );
    const { createdAt, secret } = JSON.parse(made.slice(made.indexOf('{'))) as {
      createdAt: string;
      secret: string;
    };
    t.ok(secondsApart(Date.parse(createdAt), Date.now()) < 60_000, `${name}: made at ${createdAt}`);
    for (const judge of names) t.equal((await call(gates[judge], '/things', secret)).status, 200);
  }
});

t.test(
  'a clock over tokens.clockLeeway off is told by /readyz and a metric; the gate is ready',
  async (t) => {
    for (const name of names) {
      const answer = await fetch(`${gates[name].opsUrl}/readyz`);
      t.equal(answer.status, 200);
      const { warnings } = (await answer.json()) as { warnings: string[] };
      const offset = await gates[name].metric('tollgate_store_clock_offset_seconds');
      t.ok(secondsApart(offset, offsets[name]) < 5, `${name}: ${offset} s`);
      if (name === 'right') t.same(warnings, []);
      else t.match(warnings, [new RegExp(`(?:300|299|301) s ${name === 'fast' ? 'ahead of' : 'behind'} `)]);
    }
  },
);

t.test('a clock that is set anew under a running gate changes no token', async (t) => {
  const gate = await startGate(t, { directory, name: 'moving', settings, env: moving.env });
  await gate.whenReady();
  const { secret } = await operator.token();
  const before = await exchange(gate, secret);
  for (const seconds of [300, -300]) {
    moving.set(seconds);
    await until(
      async () => secondsApart(await gate.metric('tollgate_store_clock_offset_seconds'), seconds) < 5,
    );
    t.equal((await call(gate, '/things', before)).status, 200);
    const after = await exchange(gate, secret);
    t.ok(secondsApart(claimsOf(after).iat, Date.now() / 1000) < 15);
    t.equal((await call(gates.right, '/things', after)).status, 200);
  }
});
