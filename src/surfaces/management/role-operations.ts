// The operations on the roles of an organization, for its owner.

import { z } from 'zod';
import { scopesMax } from '../../decision/scope.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { OrgRecord } from '../../store/records.ts';
import { type AccountOperationsDeps, ownerSentence } from './account-operations.ts';
import { example } from './examples.ts';
import { type Operation, operation, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { named, noQuery, scopeText } from './shapes.ts';

const role = named('Role', z.strictObject({ name: z.string(), scopes: z.array(z.string()) }));

const roleList = named('RoleList', z.strictObject({ items: z.array(role) }));

const definition = named(
  'RoleDefinition',
  z.strictObject({
    scopes: z.array(scopeText).max(scopesMax).meta({
      description: 'All scopes that it grants from now on; those that are new you must have yourself.',
    }),
  }),
);

export const roleOperations = ({ commands, paths }: AccountOperationsDeps): readonly Operation[] => {
  const shared = { tag: 'Users', query: noQuery } as const;
  return [
    operation({
      ...shared,
      id: 'listRoles',
      method: 'GET',
      path: paths.roles,
      summary: 'List the roles of an organization',
      description: `With the scopes each grants. ${ownerSentence}`,
      body: noBody,
      success: { status: 200, description: 'The roles, by name.', body: roleList },
      problems: [],
      example: { parameters: { org: example.org } },
      run: async ({ parameters }, actor) => {
        const org = await commands.findOrg(actor, parameters['org'] ?? '');
        if (isFailure(org)) return org;
        const names = Object.keys(org.roles).sort();
        return reply({ items: names.map((name) => showRole(org, name)) });
      },
    }),
    operation({
      ...shared,
      id: 'defineRole',
      method: 'PUT',
      path: paths.role,
      summary: 'Define a role, or define it anew',
      description: `In force at once for all who have it: every session of the organization ends, and API tokens live on with what the roles grant now. Nobody takes \`org:owner\` or \`tollgate:operate\` from themselves. ${ownerSentence}`,
      body: definition,
      success: { status: 200, description: 'The role.', body: role },
      problems: ['role_malformed', 'scope_malformed', 'scope_too_wide', 'would_lock_out'],
      example: { parameters: { org: example.org, role: 'reader' }, body: { scopes: ['things:read'] } },
      run: async ({ parameters, body }, actor) => {
        const { org: orgId = '', role: name = '' } = parameters;
        const org = await commands.defineRole(actor, orgId, name, body.scopes);
        return isFailure(org) ? org : reply(showRole(org, name));
      },
    }),
    operation({
      ...shared,
      id: 'deleteRole',
      method: 'DELETE',
      path: paths.role,
      summary: 'Delete a role',
      description: `Users who have it are granted nothing by it any more. ${ownerSentence}`,
      body: noBody,
      success: { status: 204, description: 'It is gone.', body: undefined },
      problems: ['role_unknown', 'role_malformed', 'scope_too_wide', 'would_lock_out'],
      example: { parameters: { org: example.org, role: 'reader' } },
      run: async ({ parameters }, actor) => {
        const org = await commands.deleteRole(actor, parameters['org'] ?? '', parameters['role'] ?? '');
        return isFailure(org) ? org : reply(undefined);
      },
    }),
  ];
};

const showRole = ({ roles }: OrgRecord, name: string): z.output<typeof role> => ({
  name,
  scopes: Object.hasOwn(roles, name) ? [...(roles[name] ?? [])] : [],
});
