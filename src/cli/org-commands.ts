// `tollgate org`: tenants.

import type { Command } from 'commander';
import { createAccounts } from '../lifecycle/accounts.ts';
import { createApiTokens } from '../lifecycle/api-tokens.ts';
import type { AccountState, OrgRecord } from '../store/records.ts';
import { exitCode } from './exit-code.ts';
import { withAudit } from './operator.ts';
import { collectRoles, readLifetime } from './option-readers.ts';
import { isoTime, lifetime, type Output, pairs, table, time, listing } from './output.ts';
import { readAll, refuse, withStore } from './session.ts';
import type { AddCommands } from './command-line.ts';
import { isFailure } from '../lifecycle/command-error.ts';

interface CreateOptions {
  readonly name?: string;
  readonly role?: Readonly<Record<string, readonly string[]>>;
  readonly tokenLifetimeMax?: number | 'never';
}

export const addOrgCommands: AddCommands = (program, world, run) => {
  const org = program.command('org').description('tenants: every user and API token belongs to one');

  org
    .command('create')
    .description('make an org')
    .argument('<ID>', 'its id, which never changes')
    .option('--name <NAME>', 'its name for people; the id unless given')
    .option('--role <ROLE=SCOPES>', 'a role and its scopes; repeatable', collectRoles)
    .option('--token-lifetime-max <DURATION>', 'longest life of its API tokens, e.g. 90d', readLifetime)
    .addHelpText(
      'after',
      '\nExample:\n  tollgate org create acme --name "Acme Ltd" --role "reader=things:read" --role "admin=things:read things:write"',
    )
    .action(
      run((id: string, options: CreateOptions, command: Command) =>
        withStore(
          command,
          world,
          async ({ store, output, now }) => {
            const { tokenLifetimeMax } = options;
            const made = await withAudit({ store, now }, 'org.create', { org: id }, () =>
              createAccounts({ store, now }).createOrg({
                id,
                name: options.name,
                roles: options.role ?? {},
                tokenLifetimeMsMax: tokenLifetimeMax === 'never' ? undefined : tokenLifetimeMax,
              }),
            );
            if (isFailure(made)) return refuse(output, made);
            printOrg(output, made);
            return exitCode.ok;
          },
          { mayCreate: true },
        ),
      ),
    );

  org
    .command('list')
    .description('all orgs')
    .action(
      run((_: unknown, command: Command) =>
        withStore(command, world, async ({ store, output, now }) => {
          const accounts = createAccounts({ store, now });
          const orgs = await readAll((page) => accounts.listOrgs(page));
          if (isFailure(orgs)) return refuse(output, orgs);
          if (output.isJson) output.json(orgs.map(orgJson));
          else
            listing(
              output,
              ['ID', 'NAME', 'STATE', 'ROLES', 'CREATED'],
              orgs.map((one) => [
                one.id,
                one.name,
                one.state,
                String(Object.keys(one.roles).length),
                time(one.createdAtMs),
              ]),
              'There is no org yet. Make one: tollgate org create acme --role "reader=things:read"',
            );
          return exitCode.ok;
        }),
      ),
    );

  org
    .command('show')
    .description('one org with its roles')
    .argument('<ID>')
    .action(
      run((id: string, _: unknown, command: Command) =>
        withStore(command, world, async ({ store, output, now }) => {
          const found = await createAccounts({ store, now }).findOrg(id);
          if (isFailure(found)) return refuse(output, found);
          printOrg(output, found);
          return exitCode.ok;
        }),
      ),
    );

  const addState = (name: 'disable' | 'enable', state: AccountState, description: string): void => {
    org
      .command(name)
      .description(description)
      .argument('<ID>')
      .action(
        run((id: string, _: unknown, command: Command) =>
          withStore(command, world, async ({ store, output, now }) => {
            const changed = await withAudit({ store, now }, `org.${name}`, { org: id }, () =>
              createAccounts({ store, now }).setOrgState(id, state),
            );
            if (isFailure(changed)) return refuse(output, changed);
            printOrg(output, changed);
            return exitCode.ok;
          }),
        ),
      );
  };
  addState('disable', 'disabled', 'refuse all its tokens and end its sessions, until it is enabled again');
  addState('enable', 'active', 'accept its API tokens again');

  org
    .command('revoke-all')
    .description('end every API token and session of all its users, for good')
    .argument('<ID>')
    .action(
      run((id: string, _: unknown, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const answer = await withAudit({ store, now }, 'token.revoke_all', { org: id }, () =>
            createApiTokens({ store, settings, now }).revokeAll(id, undefined),
          );
          if (isFailure(answer)) return refuse(output, answer);
          if (output.isJson) output.json({ org: id, result: answer });
          else output.line(`Every API token and session of ${id} is revoked.`);
          return exitCode.ok;
        }),
      ),
    );
};

const printOrg = (output: Output, org: OrgRecord): void => {
  if (output.isJson) {
    output.json(orgJson(org));
    return;
  }
  output.line(
    pairs([
      ['org', org.id],
      ['name', org.name],
      ['state', org.state],
      ['longest API token', lifetime(org.tokenLifetimeMsMax)],
      ['created', time(org.createdAtMs)],
    ]),
  );
  const roles = Object.entries(org.roles);
  if (roles.length > 0)
    output.line(
      `\n${table(
        ['ROLE', 'SCOPES'],
        roles.map(([role, scopes]) => [role, scopes.join(' ')]),
      )}`,
    );
};

const orgJson = (org: OrgRecord): object => ({
  id: org.id,
  name: org.name,
  state: org.state,
  roles: org.roles,
  tokenLifetimeMsMax: org.tokenLifetimeMsMax,
  createdAt: isoTime(org.createdAtMs),
});
