// GET /.well-known/oauth-protected-resource (RFC 9728), and what the server's own metadata say of resources and OpenID.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import { issueLine } from '../../../src/settings/settings-issue.ts';
import type { Settings } from '../../../src/settings/settings.ts';
import { noSurfaces, startSurfaces } from '../surface-server.ts';

const directory = mkdtempSync('/tmp/tg-');
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

/** Settings as a file has them; JSON is YAML. */
const read = (settings: Record<string, unknown>): ReturnType<typeof loadSettings> => {
  const file = join(directory, 'tollgate.yaml');
  writeFileSync(file, JSON.stringify(settings));
  return loadSettings({ file, env: {}, flags: {} });
};

const load = (written: Record<string, unknown>): Settings => {
  const loaded = read(written);
  if (!loaded.ok) throw new Error(loaded.problems.map(issueLine).join('\n'));
  return loaded.settings;
};

/** Problems, or warnings where there is none. */
const saidOf = (written: Record<string, unknown>): readonly string[] => {
  const loaded = read(written);
  return (loaded.ok ? loaded.warnings : loaded.problems).map(issueLine);
};

/** Two resources, one of them at a path, and one upstream that is none. */
const written = {
  upstream: { url: 'http://127.0.0.1:1', resource: 'https://api.example.com' },
  upstreams: {
    mcp: { url: 'http://127.0.0.1:2', resource: 'https://api.example.com/mcp/' },
    inner: { url: 'http://127.0.0.1:3' },
  },
  issuers: [
    { issuer: 'https://login.example/', audience: 'x', orgs: ['acme'], scopePrefix: 'external/' },
    { issuer: 'https://ci.example', audience: 'x', orgs: ['acme'], advertised: false },
  ],
  routes: [
    { name: 'read', path: '/things/*', scopes: ['things:read'], credentialQueryParameter: 'access_token' },
    { name: 'tools', path: '/mcp/*', scopes: ['external/tools:call', 'tools:list'], upstream: 'mcp' },
    { name: 'tool', path: '/mcp', scopes: ['tools:list'], upstream: 'mcp' },
    { name: 'inner', path: '/inner', scopes: ['secret:scope'], upstream: 'inner' },
  ],
};

const start = (t: Parameters<typeof startSurfaces>[0], change: Record<string, unknown> = {}) => {
  const { upstreams, issuers, routes, oauth } = load({ ...written, ...change });
  return startSurfaces(t, { upstreams, issuers, routes, oauth });
};

t.test('each resource has its metadata, at its path after the well-known one', async (t) => {
  const server = await start(t);
  const root = await server.get('/.well-known/oauth-protected-resource');
  t.equal(root.status, 200);
  t.match(root.headers.get('cache-control'), /^public, max-age=\d+$/);
  t.strictSame(root.body, {
    resource: 'https://api.example.com',
    authorization_servers: ['https://login.example/', 'https://id.example'],
    scopes_supported: ['things:read'],
    bearer_methods_supported: ['header', 'query'],
  });
  t.strictSame((await server.get('/.well-known/oauth-protected-resource/mcp')).body, {
    resource: 'https://api.example.com/mcp',
    authorization_servers: ['https://login.example/', 'https://id.example'],
    scopes_supported: ['tools:call', 'tools:list'],
    bearer_methods_supported: ['header'],
  });
  t.notOk(server.surfaces.owns('/.well-known/oauth-protected-resource/inner'));
  t.equal((await server.post('/.well-known/oauth-protected-resource', {})).status, 405);
});

t.test('without the oauth surface, the resources name the other issuers alone', async (t) => {
  const server = await start(t, { oauth: { enabled: false } });
  const { body } = await server.get('/.well-known/oauth-protected-resource');
  t.strictSame(body['authorization_servers'], ['https://login.example/']);
});

t.test(
  "the server's metadata name the resources and their scopes; no scope is told of anything else",
  async (t) => {
    const server = await start(t);
    const { body, text } = await server.get('/.well-known/oauth-authorization-server');
    t.strictSame(body['protected_resources'], ['https://api.example.com', 'https://api.example.com/mcp']);
    t.strictSame(body['scopes_supported'], ['things:read', 'tools:call', 'tools:list']);
    t.notMatch(text, /secret:scope|ci\.example/);
    const plain = await startSurfaces(t);
    const without = await plain.get('/.well-known/oauth-authorization-server');
    t.notOk('scopes_supported' in without.body || 'protected_resources' in without.body);
    t.notOk(plain.surfaces.owns('/.well-known/oauth-protected-resource'));
  },
);

t.test('OpenID metadata are there only where an ID token can be had', async (t) => {
  for (const [surfaces, status] of [
    [noSurfaces, 404],
    [{ ...noSurfaces, management: { ...noSurfaces.management, enabled: true } }, 200],
    [{ ...noSurfaces, csp: { ...noSurfaces.csp, enabled: true } }, 200],
  ] as const) {
    const server = await startSurfaces(t, { surfaces });
    t.equal((await server.get('/.well-known/openid-configuration')).status, status);
    t.equal((await server.get('/.well-known/oauth-authorization-server')).status, 200);
  }
});

t.test('a resource is a plain https URL, and no two have the same path', async (t) => {
  for (const resource of [
    'https://h/a?b',
    'https://h/a%20b',
    'https://h/a/../b',
    'https://h/{x}',
    'https://h//a',
  ])
    t.match(
      saidOf({ upstream: { resource } }),
      [/upstream.resource: has a query, or a path of other/],
      resource,
    );
  t.match(saidOf({ upstream: { resource: 'api.example.com' } }), [
    /upstream.resource: .*not an http or https URL/,
  ]);
  t.match(saidOf({ upstream: { resource: 'http://api.example.com' } }), [/upstream.resource: is plain http/]);
  const mcp = { url: 'http://127.0.0.1:2', resource: 'https://b.example/x' };
  t.match(saidOf({ upstream: { resource: 'https://a.example/x' }, upstreams: { mcp } }), [
    /upstreams.mcp.resource: has the same path as https:\/\/a.example\/x/,
  ]);
  t.strictSame(saidOf({ upstream: { resource: 'https://b.example/x' }, upstreams: { mcp } }), []);
});

t.test('a route to where the metadata of a resource are is an error that says so', async (t) => {
  const route = (path: string) => ({ name: 'x', path, public: true });
  const upstream = { resource: 'https://a.example/mcp' };
  t.match(saidOf({ upstream, routes: [route('/.well-known/oauth-protected-resource/mcp')] }), [
    /routes\[0\].path: .*answered by Tollgate itself.*the metadata of the `resource` of an upstream/,
  ]);
  t.match(saidOf({ upstream, routes: [route('/.well-known/oauth-protected-resource')] }), []);
  t.match(saidOf({ routes: [route('/.well-known/oauth-protected-resource/mcp')] }), []);
});
