// The vcd surface on a real server, spoken to in raw bytes: two orgs, the provider's org, people with and without rights.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { serveRoutes } from '../../../src/surfaces/serve.ts';
import type { SurfaceDeps } from '../../../src/surfaces/surface.ts';
import { surface } from '../../../src/surfaces/vcd/vcd.ts';
import { createPasswords } from '../../../src/lifecycle/passwords.ts';
import { noSurfaces, type SurfaceSettings, testCaller } from '../surface-server.ts';
import { startVendors, type VendorServer } from '../vendor-server.ts';

export const password = 'correct horse battery staple';
export const requestId = 'X-VMWARE-VCLOUD-CLIENT-REQUEST-ID: client-7';

export interface VcdServer extends VendorServer {
  /** A new API token of 32 characters. */
  apiToken(orgId: string, userId: string): Promise<{ readonly secret: string; readonly id: string }>;
  /** Signs in with the password as people do; the session's access token. */
  session(user?: string): Promise<string>;
  /** Sets a password, twelve characters at least. */
  setPassword(orgId: string, userId: string, password: string): Promise<void>;
}

/**
 * ann of acme has the right to her own API tokens, adam of acme to everybody's, bob of acme to none; eve is of another
 * org, and root of the provider's.
 */
export const startVcd = async (t: Test, change: Partial<SurfaceSettings> = {}): Promise<VcdServer> => {
  const server = await startVendors(t, {
    surfaces: { ...noSurfaces, vcd: { ...noSurfaces.vcd, enabled: true } },
    ...change,
  });
  const { accounts } = server;
  const roles = {
    author: ['tollgate:tokens:own', 'things:write'],
    administrator: ['tollgate:tokens:all', 'org:owner'],
    reader: ['things:read'],
  };
  for (const [role, scopes] of Object.entries(roles)) await accounts.defineRole('acme', role, scopes);
  await accounts.setRoles('acme', 'ann', ['author']);
  await accounts.createUser({ orgId: 'acme', id: 'adam', name: 'Adam', roles: ['administrator'] });
  await accounts.createUser({ orgId: 'acme', id: 'bob', name: 'Bob', roles: ['reader'] });
  for (const id of ['umbrella', 'System']) {
    await accounts.createOrg({ id, name: `${id} Inc.`, roles, tokenLifetimeMsMax: undefined });
    const user = id === 'System' ? 'root' : 'eve';
    await accounts.createUser({ orgId: id, id: user, name: user, roles: ['administrator', 'author'] });
  }
  const passwords = createPasswords({ ...server, limit: server.signInLimit });
  const setPassword = async (orgId: string, userId: string, text: string): Promise<void> => {
    const set = await passwords.setPassword(orgId, userId, text);
    if ('kind' in set) throw new Error(JSON.stringify(set));
  };
  /** Setting it again would end the sessions before. */
  const known = new Set<string>();
  return {
    ...server,
    setPassword,
    apiToken: async (orgId, userId) => {
      const order = { orgId, userId, name: 'ci', scopes: 'all', lifetimeMs: null, length: 32 } as const;
      const made = await server.apiTokens.createApiToken(order);
      if (!('secret' in made)) throw new Error(JSON.stringify(made));
      return { secret: made.secret, id: made.record.id };
    },
    session: async (user = 'ann@acme') => {
      const [userId = '', orgId = ''] = user.split('@');
      if (!known.has(user)) await setPassword(orgId, userId, password);
      known.add(user);
      const path = `/cloudapi/1.0.0/sessions${orgId === 'System' ? '/provider' : ''}`;
      const reply = await server.send(`POST ${path}`, [signInLine(user, password)]);
      const token = reply.header('x-vmware-vcloud-access-token');
      if (token === undefined) throw new Error(`no session: ${reply.status} ${reply.body}`);
      return token;
    },
  };
};

export const signInLine = (user: string, text: string): string =>
  `Authorization: Basic ${Buffer.from(`${user}:${text}`).toString('base64')}`;

export const bearer = (token: string): string => `Authorization: Bearer ${token}`;

/** The surface once more, on the same store, with an identifier that fails as a test wants; the port it listens on. */
export const startFailing = async (
  t: Test,
  server: VcdServer,
  identify: SurfaceDeps['identifier']['identify'],
): Promise<number> => {
  const { identifier } = server;
  const failing: SurfaceDeps['identifier'] = {
    identify,
    standing: (...asked) => identifier.standing(...asked),
    verify: (...asked) => identifier.verify(...asked),
    mayBeApiToken: (secret) => identifier.mayBeApiToken(secret),
  };
  const surfaces = serveRoutes(surface({ ...server, identifier: failing }, server.settings.surfaces.vcd), {
    record: () => undefined,
  });
  t.teardown(() => surfaces.close());
  const http = createServer((req, res) => surfaces.handle(req, res, testCaller)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.teardown(() => void http.close());
  return (http.address() as AddressInfo).port;
};
