// `tollgate role`: named sets of scopes, defined by an org and held by its users.

import { group } from './command.ts';
import { listing } from './output.ts';
import { argument, collectWords, requiredOption } from './parameters.ts';
import { storeCommand, withAudit } from './store-command.ts';

const roleCreate = storeCommand({
  name: 'create',
  description: 'define a role, or replace its scopes for all who hold it',
  takes: {
    orgId: argument('<ORG>'),
    role: argument('<ROLE>'),
    scopes: requiredOption('--scope <SCOPE>', 'what it grants; repeatable', collectWords),
  },
  help: '\nExample:\n  tollgate role create acme writer --scope things:read --scope things:write',
  run: ({ orgId, role, scopes }, session) =>
    withAudit(session, 'role.create', { org: orgId }, () => session.accounts.defineRole(orgId, role, scopes)),
  json: ({ roles }, _, { orgId, role }) => ({ org: orgId, role, scopes: roles[role] ?? [] }),
  print: ({ roles }, { output }, { orgId, role }) =>
    output.line(`Role ${role} of ${orgId} grants ${(roles[role] ?? []).join(' ')}.`),
});

const roleList = storeCommand({
  name: 'list',
  description: 'the roles of an org',
  takes: { orgId: argument('<ORG>') },
  run: ({ orgId }, { accounts }) => accounts.findOrg(orgId),
  json: (org) => Object.entries(org.roles).map(([role, scopes]) => ({ role, scopes })),
  print: (org, { output }) =>
    listing(
      output,
      ['ROLE', 'SCOPES'],
      Object.entries(org.roles).map(([role, scopes]) => [role, scopes.join(' ')]),
      `${org.id} has no roles yet. Make one: tollgate role create ${org.id} reader --scope things:read`,
    ),
});

const roleDelete = storeCommand({
  name: 'delete',
  description: 'take a role away from the org; who holds it is granted nothing by it',
  takes: { orgId: argument('<ORG>'), role: argument('<ROLE>') },
  run: ({ orgId, role }, session) =>
    withAudit(session, 'role.delete', { org: orgId }, () => session.accounts.deleteRole(orgId, role)),
  json: (_, __, { orgId, role }) => ({ org: orgId, role, result: 'deleted' }),
  print: (_, { output }, { orgId, role }) => output.line(`Role ${role} of ${orgId} is deleted.`),
});

export const roleCommands = group('role', 'named sets of scopes, held by users of an org', [
  roleCreate,
  roleList,
  roleDelete,
]);
