// Secrets come from a value or from a file, and are in no message, whatever is wrong with them.

import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { t } from 'tap';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine, shown } from '../../src/settings/settings-issue.ts';
import { settingNames } from '../../src/settings/setting-names.ts';

const key = Buffer.alloc(32, 7).toString('base64');
const load = (env: NodeJS.ProcessEnv, file?: string) => loadSettings({ file, env, flags: {} });

t.test('every secret has a twin that names a file', async (t) => {
  const variables = new Set(settingNames.map(({ variable }) => variable));
  const secrets = settingNames.filter(({ secret }) => secret);
  t.same(
    secrets.map(({ variable }) => variable),
    [
      'TOLLGATE_TLS_KEY',
      'TOLLGATE_UPSTREAM_CLIENT_CERTIFICATE_KEY',
      'TOLLGATE_STORE',
      'TOLLGATE_STORE_PASSWORD',
      'TOLLGATE_KEYS_ENCRYPTION_KEY',
      'TOLLGATE_KEYS_SIGNING_KEYS',
      'TOLLGATE_REMINDERS_SMTP_PASSWORD',
      'TOLLGATE_REMINDERS_WEBHOOK_SECRET',
    ],
  );
  for (const { variable } of secrets) t.ok(variables.has(`${variable}_FILE`), `${variable}_FILE`);
});

t.test('a file with a secret that everybody can read or change draws a warning', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const folder = t.testdir({
    url: 'redis://redis:6379',
    key,
    signing: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    secret: 'a-client-secret-of-some-length',
  });
  const yaml =
    `keys: { encryptionKeyFile: "${folder}/key", signingKeys: ["${folder}/signing"] }\n` +
    `oauth: { clients: [{ id: reports, secretFile: "${folder}/secret" }] }\n`;
  const file = join(folder, 'a.yaml');
  writeFileSync(file, yaml);
  const warningsWith = (mode: number): readonly string[] => {
    for (const name of ['url', 'key', 'signing', 'secret']) chmodSync(join(folder, name), mode);
    const loaded = load({ TOLLGATE_STORE_FILE: join(folder, 'url') }, file);
    t.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(issueLine).join());
    return loaded.warnings.map(issueLine).filter((line) => line.includes('every user of this machine'));
  };
  const open = warningsWith(0o666);
  for (const path of [
    'store.urlFile',
    'keys.encryptionKeyFile',
    'keys.signingKeys[0]',
    'oauth.clients[0].secretFile',
  ])
    t.ok(
      open.some((line) => line.includes(`${path}: every user of this machine can change`)),
      path,
    );
  t.equal(open.length, 4);
  t.match(warningsWith(0o644)[0], /can read .*chmod o= /);
  t.same(warningsWith(0o640), [], 'a group, as that of a pod, may read it');
  t.same(warningsWith(0o600), []);
  const beside = load({ TOLLGATE_STORE: `sqlite:${folder}/tollgate.db` });
  t.same(beside.warnings, [], 'no key yet');
  writeFileSync(join(folder, 'tollgate.key'), key, { mode: 0o600 });
  chmodSync(join(folder, 'tollgate.key'), 0o666);
  t.match(load({ TOLLGATE_STORE: `sqlite:${folder}/tollgate.db` }).warnings, [
    { path: 'keys.encryptionKeyFile' },
  ]);
});

t.test('a secret is read from its file, without the newline at its end', async (t) => {
  const folder = t.testdir({
    url: 'redis://:from-file@redis:6379\n',
    password: 'from-file\r\n',
    key: `${key}\n`,
    client: 'client-secret\n',
  });
  const fromEnvironment = load({
    TOLLGATE_STORE_FILE: join(folder, 'url'),
    TOLLGATE_KEYS_ENCRYPTION_KEY_FILE: join(folder, 'key'),
  });
  t.match(fromEnvironment, { ok: true, settings: { store: { password: 'from-file' } } });
  t.equal(fromEnvironment.ok && fromEnvironment.settings.keys.encryptionKey?.[0], 7);
  const yaml =
    `store: { url: redis://redis, passwordFile: "${folder}/password" }\n` +
    `keys: { encryptionKeyFile: "${folder}/key" }\n` +
    `oauth: { clients: [{ id: reports, secretFile: "${folder}/client" }] }\n`;
  const fromFile = load(
    {},
    join(
      t.testdir({ password: 'from-file', key, client: 'a-client-secret-of-some-length', 'a.yaml': yaml }),
      'a.yaml',
    ),
  );
  t.match(fromFile.ok || fromFile.problems.map(issueLine), true);
  t.match(fromFile, {
    settings: {
      store: { password: 'from-file' },
      oauth: { clients: [{ id: 'reports', secret: 'a-client-secret-of-some-length' }] },
    },
  });
});

t.test(
  'a value in a stronger source replaces the file of a weaker one, and the other way round',
  async (t) => {
    const folder = t.testdir({
      password: 'from-file',
      'value.yaml': `store: { url: redis://redis, password: from-value }\nkeys: { encryptionKey: "${key}" }\n`,
      'file.yaml': `store: { url: redis://redis, passwordFile: /nowhere }\nkeys: { encryptionKey: "${key}" }\n`,
    });
    t.match(load({ TOLLGATE_STORE_PASSWORD_FILE: join(folder, 'password') }, join(folder, 'value.yaml')), {
      settings: { store: { password: 'from-file' } },
    });
    t.match(load({ TOLLGATE_STORE_PASSWORD: 'from-value' }, join(folder, 'file.yaml')), {
      settings: { store: { password: 'from-value' } },
    });
  },
);

t.test('a file for a secret that is missing or empty is named', async (t) => {
  const folder = t.testdir({ empty: '\n' });
  const loaded = load({
    TOLLGATE_STORE: 'redis://redis',
    TOLLGATE_KEYS_ENCRYPTION_KEY: key,
    TOLLGATE_STORE_PASSWORD_FILE: join(folder, 'empty'),
  });
  t.match(loaded.ok || loaded.problems.map(issueLine), [
    /^environment variable TOLLGATE_STORE_PASSWORD_FILE: store.passwordFile: the file .* is empty/,
  ]);
});

t.test('signing keys are read from paths, from text, or all from one file', async (t) => {
  const pem = (type: 'ec' | 'ed25519'): string =>
    (type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519')
    ).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const [one, two] = [pem('ec'), pem('ed25519')];
  const folder = t.testdir({ one, two, both: one + two });
  const keysOf = (env: NodeJS.ProcessEnv): unknown => {
    const loaded = load(env);
    return loaded.ok ? loaded.settings.keys.signingKeys : loaded.problems.map(issueLine);
  };
  t.same(keysOf({ TOLLGATE_KEYS_SIGNING_KEYS: `${folder}/one,${folder}/two` }), [one, two]);
  t.same(keysOf({ TOLLGATE_KEYS_SIGNING_KEYS: one }), [one]);
  t.same(keysOf({ TOLLGATE_KEYS_SIGNING_KEYS_FILE: `${folder}/both` }), [one, two]);
  const redis = load({ TOLLGATE_KEYS_SIGNING_KEYS: one, TOLLGATE_STORE: 'redis://redis' });
  t.equal(redis.ok, true, 'and Redis then needs no sealing key');
});

t.test('no message shows a secret', async (t) => {
  const secret = 's3cr3t-word';
  const wrong: Record<string, NodeJS.ProcessEnv> = {
    'a store URL without a host': { TOLLGATE_STORE: `redis://:${secret}` },
    'a store URL with a bad port': { TOLLGATE_STORE: `redis://ann:${secret}@redis:port` },
    'a store URL with a bad escape': { TOLLGATE_STORE: `redis://:%${secret}@redis` },
    'a store of an unknown kind': { TOLLGATE_STORE: `postgres://ann:${secret}@db/t` },
    'a store that is no URL': { TOLLGATE_STORE: secret },
    'a socket with a query': { TOLLGATE_STORE: `redis+unix:/run/redis.sock?password=${secret}` },
    'a sentinel without a name': { TOLLGATE_STORE: `redis-sentinel://:${secret}@a,b` },
    'a sealing key of the wrong length': { TOLLGATE_KEYS_ENCRYPTION_KEY: secret },
    'a signing key in one line': { TOLLGATE_KEYS_SIGNING_KEYS: `-----BEGIN PRIVATE KEY-----${secret}` },
    'an upstream with a password': { TOLLGATE_UPSTREAM: `http://ann:${secret}@api` },
    'an upstream of an unknown kind': { TOLLGATE_UPSTREAM: `tcp://ann:${secret}@api` },
    'an issuer with a password': { TOLLGATE_ISSUER: `https://ann:${secret}@api` },
    'an address that is a URL': { TOLLGATE_LISTEN: `http://ann:${secret}@api` },
    'an address with a query': { TOLLGATE_LISTEN: `http://api?key=${secret}` },
    'clients that are not JSON': { TOLLGATE_OAUTH_CLIENTS: `[{"id": "a", "secret": "${secret}"` },
    'a client with a secret and an unknown key': {
      TOLLGATE_OAUTH_CLIENTS: `[{"id": "a b", "secret": "${secret}", "x": 1}]`,
    },
    'a numeric secret': { TOLLGATE_OAUTH_CLIENTS: '[{"id": "a", "secret": 731731731}]' },
  };
  for (const [sentence, env] of Object.entries(wrong)) {
    const loaded = load(env);
    t.equal(loaded.ok, false, sentence);
    t.notMatch(JSON.stringify(loaded), /s3cr3t|731731731/, sentence);
  }
});

t.test('a private key without its BEGIN line is not taken for a path and shown', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (const text of [
    privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  ])
    for (const env of [{ TOLLGATE_TLS_KEY: text }, { TOLLGATE_KEYS_SIGNING_KEYS: text }]) {
      const loaded = load(env);
      t.equal(loaded.ok, false);
      t.notMatch(JSON.stringify(loaded), text.slice(24, 32));
      t.match(JSON.stringify(loaded), /is not a (private|signing) key; write/);
    }
});

t.test('YAML that cannot be read is not repeated', async (t) => {
  for (const text of [
    'store: redis://:s3cr3t@host\n  - x',
    'store: "redis://:s3cr3t@host\\q"',
    's3cr3t: [',
    '@s3cr3t',
    '%s3cr3t\n---\n',
    'store: *s3cr3t',
    'store: !s3cr3t x',
    '? s3cr3t: {a: [b\n',
  ]) {
    const loaded = load({}, join(t.testdir({ 'a.yaml': text }), 'a.yaml'));
    t.equal(loaded.ok, false, text);
    t.notMatch(JSON.stringify(loaded), /s3cr3t/, text);
  }
});

t.test('a value is shown short, quoted and without what may be secret in a URL', async (t) => {
  t.equal(shown('redis://:pw@host'), '"redis://***@host"');
  t.equal(shown('redis://a:p@w@host/1'), '"redis://***@host/1"');
  t.equal(shown('ann:pw@host'), '"ann:***@host"');
  t.equal(shown('https://host/p?key=pw'), '"https://host/p?***"');
  t.equal(shown('a\u001b[31m\n'), '"a\\u001b[31m\\n"');
  t.equal(shown('x'.repeat(100)), `"${'x'.repeat(60)}..."`);
  t.equal(shown({ a: 1 }), 'a mapping');
});
