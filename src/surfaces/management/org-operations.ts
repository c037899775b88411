// The operations on organizations: the operator makes, changes and deletes them, an owner sees their own and changes its name
// and reminders. The lifecycle commands check the rights.

import { z } from 'zod';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { OrgCommands } from '../../lifecycle/org-commands.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import { example } from './examples.ts';
import { type Operation, operation, pageReply, pageSuccess, pathOf, reply } from './operation.ts';
import { newOrg, org, orgChange, orgPage, showOrg } from './org-shapes.ts';
import { noBody } from './read-input.ts';
import { noQuery, operatorSentence, pageFields } from './shapes.ts';

export interface OrgOperationsDeps {
  readonly commands: OrgCommands;
  readonly paths: ManagementPaths;
}

export const orgOperations = (deps: OrgOperationsDeps): readonly Operation[] => [
  ...readOperations(deps),
  createOperation(deps),
  ...oneOperations(deps),
];

const readOperations = ({ commands, paths }: OrgOperationsDeps): readonly Operation[] => [
  operation({
    id: 'listOrganizations',
    method: 'GET',
    path: paths.orgs,
    tag: 'Organizations',
    summary: 'List all organizations',
    description: `In the order of their ids. ${operatorSentence}`,
    query: z.strictObject(pageFields),
    body: noBody,
    success: pageSuccess('A page of organizations.', orgPage),
    problems: [],
    example: { query: { limit: '20' } },
    run: async ({ request, query }, actor) => {
      const page = await commands.listOrgs(actor, { limit: query.limit, cursor: query.cursor });
      return isFailure(page) ? page : pageReply(request, { items: page.items.map(showOrg) }, page.nextCursor);
    },
  }),
  operation({
    id: 'getOrganization',
    method: 'GET',
    path: paths.org,
    tag: 'Organizations',
    summary: 'See an organization',
    description:
      'One’s own needs the right `org:owner`, another one `tollgate:operate`. A session made from an API token may not.',
    query: noQuery,
    body: noBody,
    success: { status: 200, description: 'The organization.', body: org },
    problems: ['org_unknown'],
    example: { parameters: { org: example.org } },
    run: async ({ parameters }, actor) => {
      const found = await commands.findOrg(actor, parameters['org'] ?? '');
      return isFailure(found) ? found : reply(showOrg(found));
    },
  }),
];

const createOperation = ({ commands, paths }: OrgOperationsDeps): Operation =>
  operation({
    id: 'createOrganization',
    method: 'POST',
    path: paths.orgs,
    tag: 'Organizations',
    summary: 'Make an organization',
    description: `With its roles and a first user, all checked before anything is made. After an answer 503 the organization may be there without that user: delete it, and make it again. ${operatorSentence}`,
    query: noQuery,
    body: newOrg,
    success: {
      status: 201,
      description: 'The organization.',
      body: org,
      headers: { Location: 'Where the organization can be seen.' },
    },
    problems: [
      'id_malformed',
      'name_malformed',
      'email_malformed',
      'password_malformed',
      'role_malformed',
      'role_unknown',
      'scope_malformed',
      'scope_too_wide',
      'lifetime_malformed',
      'reminder_malformed',
      'org_exists',
    ],
    example: {
      body: {
        id: example.newOrg,
        name: 'Globex',
        tokenLifetimeMax: 'P365D',
        roles: { owner: ['things:read', 'tollgate:tokens:own', 'org:owner'] },
        owner: { id: 'dee', email: 'dee@example.com', roles: ['owner'] },
      },
    },
    run: async ({ body }, actor) => {
      const { id, name, tokenLifetimeMax, remindBefore, roles, owner } = body;
      const made = await commands.createOrg(actor, {
        org: {
          id,
          name,
          roles,
          tokenLifetimeMsMax: tokenLifetimeMax ?? undefined,
          reminderThresholdsMs: remindBefore ?? undefined,
        },
        owner: owner && { ...owner, name: owner.name, password: owner.password },
      });
      if (isFailure(made)) return made;
      return reply(showOrg(made), { headers: { location: pathOf(paths.org, { org: id }) } });
    },
  });

const oneOperations = ({ commands, paths }: OrgOperationsDeps): readonly Operation[] => {
  const parameters = { org: example.otherOrg };
  const shared = { path: paths.org, tag: 'Organizations', query: noQuery } as const;
  return [
    operation({
      ...shared,
      id: 'changeOrganization',
      method: 'PATCH',
      summary: 'Change an organization',
      description:
        'It needs the right `tollgate:operate`; for the name and the reminders of one’s own `org:owner` will do. Nobody disables their own. A session made from an API token may not.',
      body: orgChange,
      success: { status: 200, description: 'The organization as it is now.', body: org },
      problems: [
        'org_unknown',
        'name_malformed',
        'lifetime_malformed',
        'reminder_malformed',
        'would_lock_out',
      ],
      example: { parameters, body: { tokenLifetimeMax: 'P90D', remindBefore: ['P14D', 'P1D'] } },
      run: async ({ parameters, body }, actor) => {
        const { tokenLifetimeMax, remindBefore, ...rest } = body;
        const changed = await commands.changeOrg(actor, {
          orgId: parameters['org'] ?? '',
          ...rest,
          tokenLifetimeMsMax: tokenLifetimeMax,
          reminderThresholdsMs: remindBefore,
        });
        return isFailure(changed) ? changed : reply(showOrg(changed));
      },
    }),
    operation({
      ...shared,
      id: 'deleteOrganization',
      method: 'DELETE',
      summary: 'Delete an organization',
      description: `Every session and API token of its users ends for good at once, on every replica; then its users are deleted. One with many users may be answered 503 while that goes on: repeat it. What its users did stays in the operator’s audit. Nobody deletes their own. ${operatorSentence}`,
      body: noBody,
      success: { status: 204, description: 'It is gone.', body: undefined },
      problems: ['org_unknown', 'would_lock_out'],
      example: { parameters },
      run: async ({ parameters }, actor) => {
        const done = await commands.deleteOrg(actor, parameters['org'] ?? '');
        return typeof done === 'string' ? reply(undefined) : done;
      },
    }),
  ];
};
