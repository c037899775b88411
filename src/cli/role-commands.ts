// `tollgate role`: named sets of scopes, defined by an org and held by its users.

import type { Command } from 'commander';
import { createAccounts } from '../lifecycle/accounts.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { withAudit } from './operator.ts';
import { collectWords } from './option-readers.ts';
import { listing } from './output.ts';
import { refuse, withStore } from './session.ts';
import { isFailure } from '../lifecycle/command-error.ts';

export const addRoleCommands: AddCommands = (program, world, run) => {
  const role = program.command('role').description('named sets of scopes, held by users of an org');

  role
    .command('create')
    .description('define a role, or replace its scopes for all who hold it')
    .argument('<ORG>')
    .argument('<ROLE>')
    .requiredOption('--scope <SCOPE>', 'what it grants; repeatable', collectWords)
    .addHelpText(
      'after',
      '\nExample:\n  tollgate role create acme writer --scope things:read --scope things:write',
    )
    .action(
      run((orgId: string, name: string, options: { readonly scope: readonly string[] }, command: Command) =>
        withStore(command, world, async ({ store, output, now }) => {
          const org = await withAudit({ store, now }, 'role.create', { org: orgId }, () =>
            createAccounts({ store, now }).defineRole(orgId, name, options.scope),
          );
          if (isFailure(org)) return refuse(output, org);
          const scopes = org.roles[name] ?? [];
          if (output.isJson) output.json({ org: orgId, role: name, scopes });
          else output.line(`Role ${name} of ${orgId} grants ${scopes.join(' ')}.`);
          return exitCode.ok;
        }),
      ),
    );

  role
    .command('list')
    .description('the roles of an org')
    .argument('<ORG>')
    .action(
      run((orgId: string, _: unknown, command: Command) =>
        withStore(command, world, async ({ store, output, now }) => {
          const org = await createAccounts({ store, now }).findOrg(orgId);
          if (isFailure(org)) return refuse(output, org);
          const roles = Object.entries(org.roles).map(([role, scopes]) => ({ role, scopes }));
          if (output.isJson) output.json(roles);
          else
            listing(
              output,
              ['ROLE', 'SCOPES'],
              roles.map(({ role, scopes }) => [role, scopes.join(' ')]),
              `${orgId} has no roles yet. Make one: tollgate role create ${orgId} reader --scope things:read`,
            );
          return exitCode.ok;
        }),
      ),
    );

  role
    .command('delete')
    .description('take a role away from the org; who holds it is granted nothing by it')
    .argument('<ORG>')
    .argument('<ROLE>')
    .action(
      run((orgId: string, name: string, _: unknown, command: Command) =>
        withStore(command, world, async ({ store, output, now }) => {
          const org = await withAudit({ store, now }, 'role.delete', { org: orgId }, () =>
            createAccounts({ store, now }).deleteRole(orgId, name),
          );
          if (isFailure(org)) return refuse(output, org);
          if (output.isJson) output.json({ org: orgId, role: name, result: 'deleted' });
          else output.line(`Role ${name} of ${orgId} is deleted.`);
          return exitCode.ok;
        }),
      ),
    );
};
