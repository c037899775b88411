// Whatever the tokens are called and however a listing is asked for: no surface's list, and no look at one token, shows a
// secret, the digest of one, or a password's hash.

import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import t from 'tap';
import { importApiTokens } from '../../src/lifecycle/import-api-tokens.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { sealed } from '../lifecycle/world.ts';
import { noSurfaces, startSurfaces, type SurfaceServer } from './surface-server.ts';

const password = 'correct horse battery staple';

/** Everything a secret could be known by. */
const tracesOf = (secret: string): readonly string[] => {
  const digest = createHash('sha256').update(secret).digest();
  const encodings = ['hex', 'base64', 'base64url'] as const;
  return [
    secret,
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    ...encodings.map((encoding) => digest.toString(encoding).replace(/=+$/, '')),
  ];
};

type Signed = SurfaceServer & { readonly session: string; readonly cookie: string };

const startAll = async (): Promise<Signed> => {
  const { csp, navigator, vcd, astra, management, console } = noSurfaces;
  const server = await startSurfaces(t, {
    ...sealed,
    surfaces: {
      csp: { ...csp, enabled: true, tokensPerUserMax: 10_000 },
      navigator: { ...navigator, enabled: true },
      vcd: { ...vcd, enabled: true },
      astra: { ...astra, enabled: true },
      management: { ...management, enabled: true },
      console: { ...console, enabled: true },
    },
  });
  await server.accounts.defineRole('acme', 'owner', [
    'org:owner',
    'tollgate:tokens:own',
    'tollgate:audit:read',
  ]);
  await server.accounts.setRoles('acme', 'ann', ['reader', 'owner']);
  await createPasswords({ ...server, limit: server.signInLimit }).setPassword('acme', 'ann', password);
  const signIn = (path: string): Promise<Response> =>
    fetch(server.origin + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: server.origin },
      body: JSON.stringify({ org: 'acme', user: 'ann', password }),
    });
  const answer = await signIn('/tollgate/v1/sessions');
  const { accessToken } = (await answer.json()) as { accessToken: string };
  const [line = ''] = (await signIn('/tollgate/console/session')).headers.getSetCookie();
  return { ...server, session: accessToken, cookie: line.split(';')[0] ?? '' };
};

const text = fc
  .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 })
  .map((name) => `x${name.trim()}x`);
const order = fc.record({
  name: text,
  scopes: fc.constantFrom<readonly string[] | 'all'>('all', ['things:read'], []),
  openid: fc.boolean(),
  length: fc.constantFrom(32 as const, 65 as const),
  lifetimeMs: fc.constantFrom(null, 60_000, undefined),
  overlapMs: fc.option(fc.constantFrom(0, 60_000), { nil: undefined }),
  isRevoked: fc.boolean(),
  isImported: fc.boolean(),
});

type Wanted = typeof order extends fc.Arbitrary<infer T> ? T : never;

const listings = ({ id, name }: { readonly id: string; readonly name: string }): readonly string[] => {
  const quoted = encodeURIComponent(name);
  const urn = `urn:vcloud:token:${id}`;
  return [
    '/tollgate/v1/orgs/acme/api-tokens?limit=100',
    `/tollgate/v1/orgs/acme/users/ann/api-tokens?sort=-lastUsedAt&name=${quoted}`,
    `/tollgate/v1/orgs/acme/api-tokens/${id}`,
    '/tollgate/v1/orgs/acme/users',
    '/tollgate/v1/orgs/acme/users/ann',
    '/tollgate/v1/orgs/acme/audit',
    '/tollgate/console/session',
    '/tollgate/console/api/orgs/acme/api-tokens?limit=100&search=x',
    `/tollgate/console/api/orgs/acme/api-tokens/${id}`,
    '/tollgate/console/api/orgs/acme/users/ann',
    '/tollgate/console/api/orgs/acme/users/ann/grantable',
    '/accounts/acme/core/v1/users/ann/tokens',
    `/accounts/acme/core/v1/users/ann/tokens?filter=${encodeURIComponent(`name eq '${name}'`)}`,
    '/accounts/acme/core/v1/users/ann/tokens?include=id,name,token',
    `/accounts/acme/core/v1/users/ann/tokens/${id}`,
    '/core/v1/groups/all/users/ann/tokens?limit=1&count=true',
    '/cloudapi/1.0.0/tokens?pageSize=128&sortDesc=name',
    `/cloudapi/1.0.0/tokens?filter=${encodeURIComponent('(type==REFRESH)')}&filterEncoded=true`,
    `/cloudapi/1.0.0/tokens/${urn}`,
    `/cloudapi/1.0.0/tokens/${encodeURIComponent(urn)}`,
  ];
};

t.test('property: no listing of any surface shows a secret, a digest or a password’s hash', async (t) => {
  const server = await startAll();
  const { apiTokens, store, settings, now } = server;
  const secrets: string[] = [];
  let good = 0;
  let serial = 0;
  const make = async (wanted: Wanted): Promise<{ readonly id: string }> => {
    const { overlapMs, isRevoked, isImported, ...rest } = wanted;
    const foreign = `foreign-${serial++}-${'s'.repeat(30)}`;
    if (isImported) {
      const entry = {
        org: 'acme',
        user: 'ann',
        name: rest.name,
        scopes: 'all',
        expires: null,
        secret: foreign,
      };
      await importApiTokens({ store, settings, now }, [entry], {
        onProgress: undefined,
        concurrency: undefined,
      });
      secrets.push(foreign);
    }
    const made = await apiTokens.createApiToken({ ...rest, orgId: 'acme', userId: 'ann' });
    if (!('secret' in made)) throw new Error(JSON.stringify(made));
    secrets.push(made.secret);
    const tokenId = made.record.id;
    if (overlapMs !== undefined) {
      const next = await apiTokens.regenerateApiToken({ tokenId, overlapMs, length: rest.length });
      if (!('secret' in next)) throw new Error(JSON.stringify(next));
      secrets.push(next.secret);
    }
    if (isRevoked) await apiTokens.revokeApiToken(tokenId);
    return { id: tokenId };
  };
  await fc.assert(
    fc.asyncProperty(order, async (wanted) => {
      const { id } = await make(wanted);
      const shown = await Promise.all(
        listings({ id, name: wanted.name }).map(async (path) => {
          const isConsole = path.startsWith('/tollgate/console/');
          const headers = isConsole
            ? { cookie: server.cookie }
            : { authorization: `Bearer ${server.session}` };
          const answer = await fetch(server.origin + path, { headers });
          if (answer.status === 200) good += 1;
          else if (isConsole) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
          return `${path} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
        }),
      );
      const traces = secrets.flatMap(tracesOf);
      for (const page of shown)
        if (page.includes('$scrypt$') || traces.some((trace) => page.includes(trace)))
          throw new Error(`a secret is shown by ${page.split(' ')[0]}`);
    }),
    { numRuns: 25 },
  );
  t.ok(good >= 25 * 10, `${good} good answers were looked through`);
});
