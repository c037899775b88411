// Two gates on one store with every surface on, an API behind them, and the accounts of the scenarios: org acme with ann
// (owns the org, manages her tokens) and bob (manages his), org globex with eve.
//
//   const replicas = await startReplicas(t, 'redis');
//   const session = await replicas.signIn('acme', 'ann');      // interactive, as by a password
//   (await call(replicas.b, '/accounts/acme/things', session)).status

import { mkdtempSync, rmSync } from 'node:fs';
import type { Test } from 'tap';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { type EchoApi, startEchoApi } from './echo-api.ts';
import { type Answer, call, encryptionKey, type GateProcess, startGate, until } from './gate-process.ts';
import { done, openOperator, type Operator } from './operator.ts';
import { startRedis } from './redis.ts';

export type StoreKind = 'sqlite' | 'redis';

export interface Replicas {
  /** Orders are given here. */
  readonly a: GateProcess;
  /** And must be in force here. */
  readonly b: GateProcess;
  readonly api: EchoApi;
  readonly operator: Operator;
  readonly directory: string;
  /** A new interactive session, as an access token: with the password. */
  readonly signIn: (orgId: string, userId: string) => Promise<string>;
}

/** A service of acme that stands for bob. */
export const client = { id: 'reports', secret: 'a secret of a client', org: 'acme', user: 'bob' };

const roles = {
  reader: ['things:read'],
  writer: ['things:write'],
  self: ['tollgate:tokens:own'],
  owner: ['org:owner', 'tollgate:tokens:all', 'tollgate:audit:read'],
};

const settingsFor = (upstream: string, store: Readonly<Record<string, unknown>>) => ({
  upstream,
  store,
  keys: { encryptionKey },
  oauth: { clients: [client] },
  surfaces: {
    csp: { enabled: true },
    navigator: { enabled: true },
    vcd: { enabled: true },
    astra: { enabled: true },
    management: { enabled: true },
    console: { enabled: true },
  },
  routes: [
    { name: 'account', path: '/accounts/{org}/*', scopes: ['things:read'], upgrade: true },
    { name: 'write', path: '/write/*', scopes: ['things:write'] },
    { name: 'people', path: '/people/*', scopes: ['things:read'], sessions: 'interactive' },
    { name: 'things', path: '/*', scopes: ['things:read'], upgrade: true },
  ],
  // A scenario signs in and exchanges as fast as it can.
  limits: { exchangesPerMinute: 0, commandsPerMinute: 0, unknownTokensPerMinute: 0 },
  cache: { unknownTtl: '1s' },
  usage: { enabled: true, flushInterval: '1s' },
  log: { access: 'errors' },
});

/** `store`: where the store is, as in the settings; undefined: a new one of this kind. */
export const startReplicas = async (
  t: Test,
  kind: StoreKind,
  store?: Readonly<Record<string, unknown>>,
): Promise<Replicas> => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  const settings = settingsFor(api.url, store ?? (await placeOf(t, kind, directory)));
  const start = (name: string): Promise<GateProcess> => startGate(t, { directory, name, settings });
  const [a, b] = await Promise.all([start('a'), start('b')]);
  const operator = await openOperator(t, a.settingsFile);
  await furnish(operator);
  await setPasswords(operator, ['acme/ann', 'acme/bob', 'globex/eve']);
  await Promise.all([a.whenReady(), b.whenReady()]);
  return {
    a,
    b,
    api,
    operator,
    directory,
    signIn: async (org, user) => {
      const order = { org, user, password: passwordOf(`${org}/${user}`) };
      return String(bodyOf(await sendJson(a, '/tollgate/v1/sessions', order))['accessToken']);
    },
  };
};

const placeOf = async (t: Test, kind: StoreKind, directory: string): Promise<Record<string, unknown>> => {
  if (kind === 'sqlite') return { url: `sqlite:${directory}/tollgate.db` };
  const redis = await startRedis();
  t.teardown(() => redis.close());
  return { url: `redis+unix:${redis.socketPath}`, readTimeout: '5s', writeTimeout: '10s' };
};

const furnish = async ({ accounts }: Operator): Promise<void> => {
  for (const id of ['acme', 'globex'])
    done(await accounts.createOrg({ id, name: id, roles, tokenLifetimeMsMax: undefined }));
  const user = async (orgId: string, id: string, names: readonly string[]): Promise<unknown> =>
    done(await accounts.createUser({ orgId, id, name: undefined, roles: names }));
  await user('acme', 'ann', ['reader', 'writer', 'self', 'owner']);
  await user('acme', 'bob', ['reader', 'writer', 'self']);
  await user('globex', 'eve', ['reader', 'writer', 'self', 'owner']);
};

/** The status of a GET. */
export const statusOf = async (gate: GateProcess, path: string, token?: string): Promise<number> =>
  (await call(gate, path, token)).status;

/** Waits until a gate answers so; nothing but 200 and an outage may come before. */
export const becomes = async (
  gate: GateProcess,
  path: string,
  token: string,
  wanted: number,
): Promise<void> => {
  const seen = new Set<number>();
  await until(async () => {
    const status = await statusOf(gate, path, token);
    if (status !== wanted) seen.add(status);
    return status === wanted;
  });
  for (const status of seen)
    if (status !== 200 && status !== 503) throw new Error(`${status} on the way to ${wanted}`);
};

/** A request with a JSON body. */
export const sendJson = (
  gate: GateProcess,
  path: string,
  body: unknown,
  token?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  call(gate, path, token, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** The body of a good answer, which is an object. */
export const bodyOf = (answer: Answer): Readonly<Record<string, unknown>> => {
  if (answer.status > 299) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json() as Readonly<Record<string, unknown>>;
};

/** Not the strong hash of the product: what is proved here is not how long it takes. */
export const setPasswords = async ({ store }: Operator, users: readonly string[]): Promise<void> => {
  const limit = createSignInLimit({ signInFailuresPerAccount: 0, signInFailuresPerAddress: 0 });
  const passwords = createPasswords({
    store,
    limit,
    passwords: createPasswordHashes({ ln: 10 }),
    now: Date.now,
  });
  for (const account of users) {
    const [orgId = '', userId = ''] = account.split('/');
    done(await passwords.setPassword(orgId, userId, passwordOf(account)));
  }
};

/** Of a user of the scenarios, `org/user`. */
export const passwordOf = (account: string): string => `the password of ${account}`;
