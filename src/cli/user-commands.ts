// `tollgate user`: persons and services of an org, and the roles they hold.

import type { Command } from 'commander';
import { createAccounts } from '../lifecycle/accounts.ts';
import type { AccountState, UserRecord } from '../store/records.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { withAudit } from './operator.ts';
import { collect, readAccount } from './option-readers.ts';
import { isoTime, type Output, pairs, time, listing } from './output.ts';
import { addPasswordCommand } from './password-command.ts';
import { readAll, refuse, withStore } from './session.ts';
import { isFailure } from '../lifecycle/command-error.ts';

type Account = ReturnType<typeof readAccount>;

export const addUserCommands: AddCommands = (program, world, run) => {
  const user = program.command('user').description('persons and services, by ORG/USER');

  user
    .command('create')
    .description('make a user')
    .argument('<ORG/USER>', 'org id and user id', readAccount)
    .option('--name <NAME>', 'the name for people; the id unless given')
    .option('--role <ROLE>', 'a role of the org; repeatable', collect)
    .addHelpText('after', '\nExample:\n  tollgate user create acme/ann --name "Ann Example" --role reader')
    .action(
      run(
        (
          account: Account,
          options: { readonly name?: string; readonly role?: readonly string[] },
          command: Command,
        ) =>
          withStore(command, world, async ({ store, output, now }) => {
            const made = await withAudit({ store, now }, 'user.create', subjectOf(account), () =>
              createAccounts({ store, now }).createUser({
                orgId: account.orgId,
                id: account.userId,
                name: options.name,
                roles: options.role ?? [],
              }),
            );
            if (isFailure(made)) return refuse(output, made);
            printUser(output, made);
            return exitCode.ok;
          }),
      ),
    );

  user
    .command('list')
    .description('all users of an org')
    .argument('<ORG>')
    .action(
      run((orgId: string, _: unknown, command: Command) =>
        withStore(command, world, async ({ store, output, now }) => {
          const accounts = createAccounts({ store, now });
          const users = await readAll((page) => accounts.listUsers(orgId, page));
          if (isFailure(users)) return refuse(output, users);
          if (output.isJson) output.json(users.map(userJson));
          else
            listing(
              output,
              ['USER', 'NAME', 'STATE', 'ROLES', 'CREATED'],
              users.map((one) => [
                `${one.orgId}/${one.id}`,
                one.name,
                one.state,
                one.roles.join(', '),
                time(one.createdAtMs),
              ]),
              `${orgId} has no users yet. Make one: tollgate user create ${orgId}/ann`,
            );
          return exitCode.ok;
        }),
      ),
    );

  const addState = (name: 'disable' | 'enable', state: AccountState, description: string): void => {
    user
      .command(name)
      .description(description)
      .argument('<ORG/USER>', 'org id and user id', readAccount)
      .action(
        run((account: Account, _: unknown, command: Command) =>
          withStore(command, world, async ({ store, output, now }) => {
            const { orgId, userId } = account;
            const changed = await withAudit({ store, now }, `user.${name}`, subjectOf(account), () =>
              createAccounts({ store, now }).setUserState(orgId, userId, state),
            );
            if (isFailure(changed)) return refuse(output, changed);
            printUser(output, changed);
            return exitCode.ok;
          }),
        ),
      );
  };
  addState('disable', 'disabled', 'refuse all tokens and end all sessions, until enabled again');
  addState('enable', 'active', 'accept the API tokens again');

  user
    .command('set-roles')
    .description('replace all roles; API tokens go on with the new ones at once')
    .argument('<ORG/USER>', 'org id and user id', readAccount)
    .argument('[ROLE...]', 'roles of the org; none takes all away')
    .addHelpText('after', '\nExample:\n  tollgate user set-roles acme/ann reader writer')
    .action(
      run((account: Account, roles: readonly string[], _: unknown, command: Command) =>
        withStore(command, world, async ({ store, output, now }) => {
          const { orgId, userId } = account;
          const changed = await withAudit({ store, now }, 'user.set_roles', subjectOf(account), () =>
            createAccounts({ store, now }).setRoles(orgId, userId, roles),
          );
          if (isFailure(changed)) return refuse(output, changed);
          printUser(output, changed);
          return exitCode.ok;
        }),
      ),
    );

  addPasswordCommand(user, world, run);
};

/** Whom a command is about, as the audit has it. */
const subjectOf = ({ orgId, userId }: Account) => ({ org: orgId, user: userId });

const printUser = (output: Output, user: UserRecord): void => {
  if (output.isJson) output.json(userJson(user));
  else
    output.line(
      pairs([
        ['user', `${user.orgId}/${user.id}`],
        ['name', user.name],
        ['state', user.state],
        ['roles', user.roles.length === 0 ? 'none' : user.roles.join(', ')],
        ['created', time(user.createdAtMs)],
      ]),
    );
};

const userJson = (user: UserRecord): object => ({
  org: user.orgId,
  id: user.id,
  name: user.name,
  state: user.state,
  roles: user.roles,
  createdAt: isoTime(user.createdAtMs),
});
