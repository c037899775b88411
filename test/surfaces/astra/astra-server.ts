// The astra surface with a few people: ann may manage her own tokens, bob is another user of acme, eve is of another org.

import type { Test } from 'tap';
import { startVendors, type VendorReply, type VendorServer } from '../vendor-server.ts';

export const ofAnn = '/accounts/acme/core/v1/users/ann/tokens';
/** What the vendor's clients send to make a token. */
export const order = { type: 'application/astra-token', version: '1.0', name: 'ci' };

export interface AstraServer extends VendorServer {
  /** The Authorization line of ann's session. */
  readonly session: string;
  /** An API token, made over the surface. */
  make(name: string, metadata?: unknown): Promise<VendorReply>;
  /** What a listing of ann's tokens answers. */
  list(query: string): Promise<VendorReply>;
}

export const startAstra = async (
  t: Test,
  change: Parameters<typeof startVendors>[1] = {},
  roles: readonly string[] = ['reader', 'own'],
): Promise<AstraServer> => {
  const server = await startVendors(t, change);
  const { accounts } = server;
  await accounts.defineRole('acme', 'own', ['tollgate:tokens:own']);
  await accounts.defineRole('acme', 'all', ['tollgate:tokens:all', 'tollgate:tokens:own']);
  await accounts.setRoles('acme', 'ann', roles);
  await accounts.createUser({ orgId: 'acme', id: 'bob', name: 'Bob', roles: ['reader'] });
  await accounts.createOrg({ id: 'other', name: 'Other', roles: {}, tokenLifetimeMsMax: undefined });
  await accounts.createUser({ orgId: 'other', id: 'eve', name: 'Eve', roles: [] });
  const session = `Authorization: Bearer ${await server.signIn()}`;
  return {
    ...server,
    session,
    make: (name, metadata) =>
      server.postJson(ofAnn, { ...order, name, ...(metadata === undefined ? {} : { metadata }) }, [session]),
    list: (query) => server.send(`GET ${ofAnn}${query}`, [session]),
  };
};

/** An API token of some user, made by the operator. */
export const tokenOf = async (server: VendorServer, orgId: string, userId: string) => {
  const wanted = { orgId, userId, name: 'cli', scopes: 'all', lifetimeMs: undefined, length: 65 } as const;
  const made = await server.apiTokens.createApiToken(wanted);
  if (!('secret' in made)) throw new Error(JSON.stringify(made));
  return made;
};
