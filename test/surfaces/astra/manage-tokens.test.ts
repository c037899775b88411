// The astra surface: API tokens of a user, made, listed, seen and revoked.

import t, { type Test } from 'tap';
import { uuidOfUser } from '../../../src/surfaces/vendor-ids.ts';
import { startVendors, type VendorServer } from '../vendor-server.ts';

const ofAnn = '/accounts/acme/core/v1/users/ann/tokens';
const order = { type: 'application/astra-token', version: '1.0', name: 'ci' };
const createdKeys = ['type', 'version', 'id', 'name', 'userID', 'token', 'metadata'];
const shownKeys = createdKeys.filter((key) => key !== 'token');
const metadataKeys = ['labels', 'creationTimestamp', 'modificationTimestamp', 'createdBy'];

interface Signed extends VendorServer {
  /** The Authorization line of ann's session. */
  readonly session: string;
}

/** Ann may manage her own tokens; bob is another user of acme; eve is of another org. */
const startOrg = async (t: Test, change: Parameters<typeof startVendors>[1] = {}): Promise<Signed> => {
  const server = await startVendors(t, change);
  const { accounts } = server;
  await accounts.defineRole('acme', 'own', ['tollgate:tokens:own']);
  await accounts.defineRole('acme', 'all', ['tollgate:tokens:all']);
  await accounts.setRoles('acme', 'ann', ['reader', 'own']);
  await accounts.createUser({ orgId: 'acme', id: 'bob', name: 'Bob', roles: ['reader'] });
  await accounts.createOrg({ id: 'other', name: 'Other', roles: {}, tokenLifetimeMsMax: undefined });
  await accounts.createUser({ orgId: 'other', id: 'eve', name: 'Eve', roles: [] });
  return { ...server, session: `Authorization: Bearer ${await server.signIn()}` };
};

t.test(
  'POST tokens is 201 with Location and exactly the documented keys, the token shown once',
  async (t) => {
    const server = await startOrg(t);
    const reply = await server.postJson(ofAnn, order, [server.session]);
    t.equal(reply.status, 201);
    t.same(Object.keys(reply.json), createdKeys);
    t.same(Object.keys(reply.json['metadata'] as object), metadataKeys);
    const userID = uuidOfUser('acme', 'ann');
    t.match(reply.json, { ...order, id: /^[0-9a-f-]{36}$/, userID, token: /^tg[0-9A-Za-z]{63}$/ });
    const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
    t.match(reply.json['metadata'], {
      labels: [],
      creationTimestamp: timestamp,
      modificationTimestamp: timestamp,
      createdBy: userID,
    });
    t.equal(reply.header('location'), `${ofAnn}/${String(reply.json['id'])}`);
    t.equal(reply.header('cache-control'), 'no-store');

    const seen = await server.send(`GET ${String(reply.header('location'))}`, [server.session]);
    t.equal(seen.status, 200);
    t.same(Object.keys(seen.json), shownKeys);
    const listed = await server.send(`GET ${ofAnn}`, [server.session]);
    t.same(listed.json, { items: [seen.json], metadata: {} });
    t.notOk((seen.body + listed.body).includes(String(reply.json['token'])), 'the token is shown once');
  },
);
