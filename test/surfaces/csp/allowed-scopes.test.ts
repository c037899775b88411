import * as fc from 'fast-check';
import t from 'tap';
import { allowedScopesOf, readAllowedScopes } from '../../../src/surfaces/csp/allowed-scopes.ts';

const none = new Set<string>();
const organization = { allRoles: false, allPermissions: false, keptInToken: [], roles: [], permissions: [] };

t.test('roles of the org, roles of services and permissions each have their place', async (t) => {
  t.same(allowedScopesOf(['org:owner', 'external/vmc/admin', 'external/vmc/nsx', 'things:read'], true), {
    generalScopes: ['openid'],
    organizationScopes: {
      ...organization,
      roles: [{ name: 'org_owner', resource: null }],
      permissions: [{ permissionId: 'things:read', resources: [] }],
    },
    servicesScopes: [
      {
        serviceDefinitionId: 'vmc',
        ...organization,
        roles: [
          { name: 'admin', resource: null },
          { name: 'nsx', resource: null },
        ],
      },
    ],
  });
});

t.test('what is shown of a token can be ordered again', async (t) => {
  const word = fc.stringMatching(/^[a-z0-9_.-]{1,8}$/);
  const scope = fc.oneof(
    word.map((role) => `org:${role}`),
    fc.tuple(word, word).map(([service, role]) => `external/${service}/${role}`),
    fc.tuple(word, word).map(([thing, verb]) => `x${thing}:${verb}`),
  );
  fc.assert(
    fc.property(fc.uniqueArray(scope, { maxLength: 12 }), fc.boolean(), (scopes, openid) => {
      const read = readAllowedScopes(JSON.parse(JSON.stringify(allowedScopesOf(scopes, openid))), none);
      t.same(new Set(read?.scopes), new Set(scopes));
      t.equal(read?.openid, openid);
    }),
    { numRuns: 50 },
  );
  t.match(readAllowedScopes(allowedScopesOf('all', false), none), { scopes: 'all' });
});

t.test('"all roles" means those the user has now, of the org or of one service', async (t) => {
  const granted = new Set([
    'org:owner',
    'things:read',
    'external/vmc/admin',
    'external/vmc/nsx',
    'external/tmc/x',
  ]);
  const read = (value: object) => readAllowedScopes(value, granted)?.scopes;
  t.same(read({ organizationScopes: { allRoles: true } }), ['org:owner', 'things:read']);
  t.same(read({ servicesScopes: [{ serviceDefinitionId: 'vmc', allRoles: true }] }), [
    'external/vmc/admin',
    'external/vmc/nsx',
  ]);
  t.same(read({ organizationScopes: { roles: [{ name: 'csp:org_owner' }] } }), ['org:owner']);
  t.same(read({}), [], 'and nothing at all is nothing');
  t.match(readAllowedScopes(undefined, granted), { scopes: 'all' }, 'left out: all roles');
});

t.test('what has not the form is refused, never read as less or more', async (t) => {
  for (const value of [
    7,
    'all',
    [],
    { generalScopes: 'openid' },
    { generalScopes: [7] },
    { organizationScopes: 'all' },
    { organizationScopes: { roles: 'owner' } },
    { organizationScopes: { roles: ['owner'] } },
    { organizationScopes: { roles: [{ name: 'owner', resource: 'one thing only' }] } },
    { organizationScopes: { permissions: [{ permissionId: 'x', resources: ['one'] }] } },
    { servicesScopes: [{}] },
    { servicesScopes: [{ serviceDefinitionId: 'a/b', allRoles: true }] },
    { servicesScopes: [7] },
  ])
    t.equal(readAllowedScopes(value, none), undefined, JSON.stringify(value));
});
