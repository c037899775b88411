// Where settings come from, which source wins, and what comes out: one frozen value.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { t } from 'tap';
import { type LoadInput, loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';
import { settingNames } from '../../src/settings/setting-names.ts';
import type { Settings } from '../../src/settings/settings.ts';

const root = join(import.meta.dirname, '../..');
const shipped = join(root, 'config/tollgate.yaml');

const load = (input: Partial<LoadInput>): Settings => {
  const loaded = loadSettings({ file: undefined, env: {}, flags: {}, ...input });
  if (!loaded.ok) throw new Error(loaded.problems.map(issueLine).join('\n'));
  return loaded.settings;
};
const problemsOf = (input: Partial<LoadInput>): readonly string[] => {
  const loaded = loadSettings({ file: undefined, env: {}, flags: {}, ...input });
  return loaded.ok ? [] : loaded.problems.map(issueLine);
};
const warningsOf = (input: Partial<LoadInput>): readonly string[] =>
  loadSettings({ file: undefined, env: {}, flags: {}, ...input }).warnings.map(issueLine);
const fileOf = (t: { testdir(files: Record<string, string>): string }, text: string): string =>
  join(t.testdir({ 'tollgate.yaml': text }), 'tollgate.yaml');

t.test('without a file everything has a default', async (t) => {
  const settings = load({});
  t.match(settings, {
    listen: { kind: 'tcp', host: '127.0.0.1', port: 8080 },
    ops: { kind: 'tcp', host: '127.0.0.1', port: 9464 },
    upstreams: { default: { name: 'default', origin: 'http://127.0.0.1:8081' } },
    store: { kind: 'sqlite', file: './tollgate.db' },
    issuer: 'http://127.0.0.1:8080',
    audience: 'http://127.0.0.1:8080',
    tls: undefined,
    keys: { encryptionKey: undefined, encryptionKeyFile: 'tollgate.key' },
  });
  t.same(settings.routes, [], 'and nothing may be called');
  t.same(warningsOf({}), []);
});

t.test(
  'an idle connection to the API is let go before the API would do it: Node does after 5 s',
  async (t) => {
    t.ok(Number(load({}).upstreams['default']?.keepAliveTimeoutMs) <= 4_000);
  },
);

t.test('nothing is without a bound unless somebody says so', async (t) => {
  const { limits, cache, feed, shutdown } = load({});
  for (const [name, bound] of Object.entries({ ...limits, ...cache, ...feed, ...shutdown }))
    if (typeof bound === 'number') t.ok(bound > 0 && Number.isSafeInteger(bound), `${name}: ${bound}`);
  const { routes } = load({ file: fileOf(t, 'routes: [{ name: all, path: /*, public: true }]') });
  for (const name of ['requestBodyBytesMax', 'responseTimeoutMs'] as const)
    t.ok(Number(routes[0]?.[name]) > 0 && Number.isSafeInteger(routes[0]?.[name]), name);
});

t.test('the shipped file says the defaults', async (t) => {
  const { routes, ...rest } = load({ file: shipped });
  const { routes: none, ...defaults } = load({});
  t.same(rest, defaults);
  t.same(none, []);
  t.same(
    routes.map(({ name }) => name),
    ['list-things', 'read-things', 'health'],
  );
});

t.test('the shipped file names every setting', async (t) => {
  const text = readFileSync(shipped, 'utf8');
  for (const { path } of settingNames) {
    const key = path.at(-1)!.replace(/^(?:ca|cert|key|url|encryptionKey)File$/, (twin) => twin.slice(0, -4));
    t.match(text, new RegExp(`^[# ]*(?:- )?${key}:|\\b${key}\\b`, 'm'), path.join('.'));
  }
});

t.test('an option beats the environment, which beats the file, which beats the default', async (t) => {
  const file = fileOf(
    t,
    'log: { level: warn, access: all }\ncache: { identityTtl: 5s }\nshutdown: { deadline: 1s }\n',
  );
  const env = { TOLLGATE_LOG_LEVEL: 'error', TOLLGATE_CACHE_IDENTITY_TTL: '7s' };
  const settings = load({ file, env, flags: { 'log.level': 'debug' } });
  t.equal(settings.log.level, 'debug', 'option');
  t.equal(settings.cache.identityTtlMs, 7000, 'environment');
  t.equal(settings.log.access, 'all', 'file');
  t.equal(settings.shutdown.drainDelayMs, 5000, 'default');
});

t.test('a stronger source replaces one key and leaves its neighbours', async (t) => {
  const file = fileOf(t, 'store: { url: "redis://redis:6379/2", prefix: mine }\n');
  const env = { TOLLGATE_STORE_PASSWORD: 'pw', TOLLGATE_KEYS_ENCRYPTION_KEY: 'A'.repeat(43) };
  t.match(load({ file, env }).store, { kind: 'redis', password: 'pw', prefix: 'mine', database: 2 });
  t.match(load({ file, env, flags: { store: 'redis://other' } }).store, {
    nodes: [{ host: 'other' }],
    prefix: 'mine',
  });
});

t.test('an environment variable without a value, and an option not given, do not count', async (t) => {
  t.equal(
    load({ env: { TOLLGATE_LISTEN: '' }, flags: { listen: undefined } }).issuer,
    'http://127.0.0.1:8080',
  );
});

t.test('lists are separated by commas, mappings and lists of mappings are written as JSON', async (t) => {
  const settings = load({
    env: {
      TOLLGATE_TRUSTED_PROXIES: '10.0.0.0/8, fd00::1',
      TOLLGATE_CREDENTIAL_HEADERS: '["X-Api-Key"]',
      TOLLGATE_UPSTREAMS: '{"reports": "http://127.0.0.1:8082"}',
      TOLLGATE_IDENTITY_HEADERS: '{"X-User": "user.id"}',
      TOLLGATE_ROUTES: '[{"name": "all", "path": "/*", "scopes": []}]',
    },
  });
  t.same(settings.trustedProxies, ['10.0.0.0/8', 'fd00::1/128']);
  t.same(settings.credential.headers, ['X-Api-Key']);
  t.equal(settings.upstreams['reports']?.origin, 'http://127.0.0.1:8082');
  t.same(settings.identity.headers, { 'X-User': 'user.id' }, 'replaced as a whole');
  t.equal(settings.routes[0]?.path.written, '/*');
});

t.test('a variable that names no setting is an error, and says what was meant', async (t) => {
  t.match(problemsOf({ env: { TOLLGATE_LISTN: '127.0.0.1:1' } }), [
    /^environment variable TOLLGATE_LISTN: names no setting; did you mean TOLLGATE_LISTEN\?$/,
  ]);
  t.match(problemsOf({ env: { TOLLGATE_ZZZZZZZZ: '1' } }), [/names no setting; unset it/]);
  t.match(problemsOf({ flags: { 'log.levl': 'debug' } }), [/^option log.levl: .*did you mean log.level\?/]);
});

t.test('a wrong value from outside the file names the variable', async (t) => {
  t.match(problemsOf({ env: { TOLLGATE_LIMITS_HEADERS_MAX: 'ten' } }), [
    /^environment variable TOLLGATE_LIMITS_HEADERS_MAX: limits.headersMax: "ten" is not/,
  ]);
  t.match(problemsOf({ env: { TOLLGATE_ROUTES: '[{' } }), [
    /^environment variable TOLLGATE_ROUTES: routes: is not YAML or JSON/,
  ]);
  t.match(problemsOf({ env: { TOLLGATE_ROUTES: '[{"name": "a", "path": "/a"}]' } }), [
    /^environment variable TOLLGATE_ROUTES: routes\[0\].scopes: /,
  ]);
});

t.test('what Kubernetes puts into a pod for a Service named tollgate is no setting', async (t) => {
  const env = {
    TOLLGATE_SERVICE_HOST: '10.0.0.1',
    TOLLGATE_SERVICE_PORT: '8080',
    TOLLGATE_SERVICE_PORT_HTTP: '8080',
    TOLLGATE_PORT: 'tcp://10.0.0.1:8080',
    TOLLGATE_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
    TOLLGATE_PORT_8080_TCP_ADDR: '10.0.0.1',
    TOLLGATE_OPS_SERVICE_HOST: '10.0.0.2',
    TOLLGATE_OPS_PORT: 'tcp://10.0.0.2:9464',
    TOLLGATE_CONFIG: 'elsewhere.yaml',
  };
  t.same(problemsOf({ env }), []);
  t.match(problemsOf({ env: { TOLLGATE_PORT: '8080' } }), [/TOLLGATE_PORT: names no setting/]);
});

t.test('every setting has a variable of its own', async (t) => {
  const variables = settingNames.map(({ variable }) => variable);
  t.equal(new Set(variables).size, variables.length);
  t.ok(variables.includes('TOLLGATE_STORE') && variables.includes('TOLLGATE_UPSTREAM'));
});

t.test('settings cannot be changed afterwards, at any depth', async (t) => {
  const settings = load({ file: shipped, env: { TOLLGATE_KEYS_ENCRYPTION_KEY: 'A'.repeat(43) } });
  const thaw = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
    t.ok(Object.isFrozen(value), path);
    for (const [key, inner] of Object.entries(value)) thaw(inner, `${path}.${key}`);
  };
  thaw(settings, 'settings');
  t.equal(settings.keys.encryptionKey?.length, 32);
});

t.test('an empty file, and a group with nothing in it, are good', async (t) => {
  t.same(load({ file: fileOf(t, '') }), load({}));
  t.same(load({ file: fileOf(t, '# nothing\nlimits:\n  # headersMax: 10\nroutes:\nstore:\n') }), load({}));
});

t.test('the issuer is made from the listen address unless written', async (t) => {
  t.equal(load({ flags: { listen: '127.0.0.1:9000' } }).issuer, 'http://127.0.0.1:9000');
  t.equal(load({ flags: { listen: '[::1]:9000' } }).issuer, 'http://[::1]:9000');
  t.equal(load({ flags: { listen: '0.0.0.0:9000' } }).issuer, 'http://127.0.0.1:9000');
  t.equal(load({ flags: { listen: 'unix:/run/t.sock' } }).issuer, 'http://localhost');
  const written = load({ flags: { issuer: 'https://api.example.com/' } });
  t.equal(written.issuer, 'https://api.example.com', 'without a trailing slash');
  t.equal(written.audience, 'https://api.example.com');
  t.equal(load({ flags: { audience: 'things' } }).audience, 'things');
});

t.test('a time limit that another one makes meaningless is a warning', async (t) => {
  t.match(warningsOf({ flags: { 'limits.requestTimeout': '5s' } }), [
    /limits\.requestTimeout: is shorter than limits\.headersTimeout/,
  ]);
  t.same(warningsOf({ flags: { 'limits.requestTimeout': '5s', 'limits.headersTimeout': '5s' } }), []);
});

t.test('a reminder whose link nobody can follow is a warning', async (t) => {
  const flags = {
    'reminders.enabled': 'true',
    'reminders.smtp.host': 'mail.example.com',
    'reminders.smtp.from': 'tollgate@example.com',
    'surfaces.console.enabled': 'true',
  };
  t.match(warningsOf({ flags }), [
    /reminders.consoleUrl: and `issuer` are missing, so reminders lead to the address of `listen`; write the URL/,
  ]);
  t.match(warningsOf({ flags: { ...flags, issuer: 'http://localhost:8080' } }), [
    /reminders.consoleUrl: is missing, so reminders lead to http:\/\/localhost:8080, which is this machine alone/,
  ]);
  t.match(warningsOf({ flags: { ...flags, 'surfaces.console.listen': '127.0.0.1:8090' } }), [
    /reminders.consoleUrl: is missing, and the console has a listener of its own: reminders lead nowhere/,
  ]);
  t.same(warningsOf({ flags: { ...flags, issuer: 'https://api.example.com' } }), []);
  t.same(warningsOf({ flags: { ...flags, 'reminders.consoleUrl': 'https://a.example/console' } }), []);
  t.same(warningsOf({ flags: { ...flags, 'surfaces.console.enabled': 'false' } }), []);
});

t.test('an issuer that can be overheard, and keys over plain http, are warnings', async (t) => {
  t.match(warningsOf({ flags: { issuer: 'http://api.example.com' } }), [
    /^option issuer: issuer: .*plain http.*write an https URL/,
  ]);
  t.same(warningsOf({ flags: { issuer: 'http://localhost:8080' } }), []);
  const issuers = [
    { issuer: 'https://a.example', jwks: 'http://a.example/keys', audience: 'x', fixedOrg: 'acme' },
  ];
  t.match(warningsOf({ flags: { issuers } }), [/issuers\[0\].jwks: is plain http/]);
});

t.test('an issuer that is asked about its tokens has its defaults, and warnings of its own', async (t) => {
  const asking = (how: object) => ({
    flags: {
      issuers: [
        {
          issuer: 'https://a.example',
          audience: 'x',
          fixedOrg: 'acme',
          introspection: { url: 'https://a.example/introspect', clientId: 'tollgate', ...how },
        },
      ],
    },
  });
  const clientSecret = 'a-secret-of-the-issuer';
  t.match(load(asking({ clientSecret })).issuers[0], {
    jwksUrl: undefined,
    introspection: {
      method: 'basic',
      clientSecret,
      cacheTtlMs: 10_000,
      negativeTtlMs: 5_000,
      timeoutMs: 3_000,
      concurrencyMax: 64,
      newTokensPerSecond: 100,
    },
  });
  t.same(warningsOf(asking({ clientSecret })), []);
  t.match(warningsOf(asking({ clientSecret, url: 'http://a.example/introspect' })), [
    /issuers\[0\].introspection.url: is plain http.*write an https URL/,
  ]);
  t.same(warningsOf(asking({ clientSecret, url: 'http://127.0.0.1:9/introspect' })), []);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const loaded = loadSettings({ file: undefined, env: {}, ...asking({ method: 'private_key_jwt', key }) });
  t.match(loaded.ok || loaded.problems.map(issueLine), [
    /issuers\[0\].introspection.key: cannot sign; write a P-256/,
  ]);
});

t.test('an issuer found by its own URL alone is as exact as it is written', async (t) => {
  const issuerOf = (issuer: string, more: object = {}): string => {
    const issuers = [{ issuer, audience: 'x', fixedOrg: 'acme', ...more }];
    const found = load({ flags: { issuers } }).issuers[0];
    return `${found?.issuer} ${found?.jwksUrl}`;
  };
  t.equal(issuerOf('https://a.example/'), 'https://a.example/ undefined');
  t.equal(issuerOf('https://a.example'), 'https://a.example undefined');
  t.equal(
    issuerOf('https://a.example/', { jwks: 'https://b.example/k/' }),
    'https://a.example/ https://b.example/k/',
  );
});

t.test('the URL of a document instead of the issuer, or of its keys, is a warning', async (t) => {
  const warningsOfIssuer = (issuer: object): readonly string[] =>
    warningsOf({
      flags: { issuers: [{ issuer: 'https://a.example/x', audience: 'x', fixedOrg: 'acme', ...issuer }] },
    });
  t.same(warningsOfIssuer({}), []);
  t.match(warningsOfIssuer({ issuer: 'https://a.example/x/.well-known/openid-configuration' }), [
    /issuers\[0\].issuer: is the URL of a document.*write https:\/\/a.example\/x$/,
  ]);
  t.match(warningsOfIssuer({ jwks: 'https://a.example/x/.well-known/openid-configuration' }), [
    /issuers\[0\].jwks: is the issuer's metadata, not its keys; remove it/,
  ]);
  t.match(warningsOfIssuer({ issuer: 'http://a.example' }), [/issuers\[0\].issuer: is plain http/]);
});

t.test('a mapping that can never match is a warning that says why', async (t) => {
  const warningsOfIssuer = (issuer: object): readonly string[] =>
    warningsOf({
      flags: { issuers: [{ issuer: 'https://a.example', audience: 'x', orgs: ['acme'], ...issuer }] },
    });
  for (const name of [
    'org',
    'https://a.example/x.y',
    'realm_access.roles',
    'kubernetes\\.io.namespace',
    'cognito:groups',
  ])
    t.same(warningsOfIssuer({ claims: { org: name, roles: name } }), [], name);
  for (const name of ['.roles', 'realm_access.', 'realm_access..roles', '.'])
    t.match(
      warningsOfIssuer({ claims: { roles: name } }),
      [/issuers\[0\].claims.roles: has nothing before or after a dot; write e.g. realm_access.roles/],
      name,
    );
  for (const name of ['realm_access\\roles', 'a\\\\.b'])
    t.match(
      warningsOfIssuer({ claims: { roles: name } }),
      [/issuers\[0\].claims.roles: has a backslash that is not before a dot/],
      name,
    );
  t.match(warningsOfIssuer({ claims: { scope: 'exp' } }), [/claims.scope: is a time in every token/]);
  t.match(warningsOfIssuer({ claims: { org: 'iss' } }), [/claims.org: is a URL.*write fixedOrg/]);
  t.match(warningsOfIssuer({ orgs: ['acme', 'acme/eu', 'a:b'] }), [
    /issuers\[0\].orgs: "acme\/eu" can be the id of no org/,
    /issuers\[0\].orgs: "a:b" can be the id of no org/,
  ]);
  t.match(warningsOfIssuer({ orgs: undefined, fixedOrg: '-acme' }), [
    /fixedOrg: "-acme" can be the id of no org/,
  ]);
});

t.test('an issuer that may name any org is a warning; a list of orgs, or one, is none', async (t) => {
  const warningsOfIssuer = (reach: object): readonly string[] => {
    const issuer = { issuer: 'https://a.example', jwks: 'https://a.example/keys', audience: 'x', ...reach };
    return warningsOf({ flags: { issuers: [issuer] } });
  };
  t.match(warningsOfIssuer({}), [/issuers\[0\]: may name any org.*write its orgs/]);
  t.same(warningsOfIssuer({ orgs: ['acme', 'globex'] }), []);
  t.same(warningsOfIssuer({ fixedOrg: 'acme' }), []);
});

t.test('a foreign issuer has its defaults', async (t) => {
  const issuers = [
    { issuer: 'https://a.example', jwks: 'https://a.example/keys', audience: 'x', claims: { org: 'tenant' } },
  ];
  t.same(load({ flags: { issuers } }).issuers, [
    {
      issuer: 'https://a.example',
      jwksUrl: 'https://a.example/keys',
      ca: undefined,
      audiences: ['x'],
      audienceClaim: 'aud',
      advertised: true,
      algorithms: ['RS256', 'ES256'],
      type: undefined,
      tokenAgeMsMax: 86_400_000,
      staleKeysMsMax: 21_600_000,
      claims: { org: 'tenant', user: 'sub', userName: 'name', scope: 'scope' },
      fixedOrg: undefined,
      orgs: undefined,
      sessions: undefined,
      scopePrefix: '',
    },
  ]);
});

t.test(
  'the sealing key of the embedded store is kept beside the database, and made by whoever opens it',
  async (t) => {
    t.equal(
      load({ flags: { store: 'sqlite:/var/lib/tollgate/t.db' } }).keys.encryptionKeyFile,
      '/var/lib/tollgate/tollgate.key',
    );
    const env = { TOLLGATE_KEYS_ENCRYPTION_KEY_FILE: '/nowhere/key' };
    t.equal(load({ env }).keys.encryptionKeyFile, '/nowhere/key');
    t.match(problemsOf({ env, flags: { store: 'redis://127.0.0.1' } }), [
      /TOLLGATE_KEYS_ENCRYPTION_KEY_FILE: .*no such file/,
    ]);
  },
);

t.test('an upstream may be a socket or have its own certificate authority', async (t) => {
  const ca = join(root, 'test/settings/tls/server.crt');
  const file = fileOf(
    t,
    `upstream: unix:/run/api.sock\nupstreams: { far: { url: "https://API.example.com:8443/", ca: "${ca}", hostHeader: upstream } }\n`,
  );
  const { upstreams } = load({ file });
  t.match(upstreams['default'], { origin: 'http://localhost', socketPath: '/run/api.sock' });
  t.match(upstreams['far'], {
    name: 'far',
    origin: 'https://api.example.com:8443',
    socketPath: undefined,
    hostHeader: 'upstream',
  });
  t.match(upstreams['far']?.ca, /BEGIN CERTIFICATE/);
});

t.test('a certificate and its key are read, and an expired one is a warning', async (t) => {
  const tls = join(root, 'test/settings/tls');
  const file = fileOf(t, `tls: { cert: "${tls}/server.crt", key: "${tls}/server.key" }\n`);
  t.match(load({ file }).tls, { cert: /BEGIN CERTIFICATE/, key: /BEGIN PRIVATE KEY/ });
  t.equal(load({ file }).issuer, 'https://127.0.0.1:8080');
  const expired = fileOf(t, `tls: { cert: "${tls}/expired.crt", keyFile: "${tls}/expired.key" }\n`);
  t.match(warningsOf({ file: expired }).join('\n'), /tls.cert: expired on 2020-01-02/);
});
