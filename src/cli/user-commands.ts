// `tollgate user`: persons and services of an org, and the roles they hold.

import type { AccountState, UserRecord } from '../store/records.ts';
import { group } from './command.ts';
import { isoTime, listing, pairs, time } from './output.ts';
import {
  type Account,
  accountArgument,
  argument,
  argumentList,
  collect,
  option,
  optionRead,
} from './parameters.ts';
import { userSetPassword } from './password-command.ts';
import { readAll, type Session, storeCommand, withAudit } from './store-command.ts';

const userJson = (user: UserRecord): object => ({
  org: user.orgId,
  id: user.id,
  name: user.name,
  state: user.state,
  roles: user.roles,
  createdAt: isoTime(user.createdAtMs),
});

const printUser = (user: UserRecord, { output }: Session): void =>
  output.line(
    pairs([
      ['user', `${user.orgId}/${user.id}`],
      ['name', user.name],
      ['state', user.state],
      ['roles', user.roles.length === 0 ? 'none' : user.roles.join(', ')],
      ['created', time(user.createdAtMs)],
    ]),
  );

const subjectOf = ({ orgId, userId }: Account) => ({ org: orgId, user: userId });

const userCreate = storeCommand({
  name: 'create',
  description: 'make a user',
  takes: {
    account: accountArgument,
    name: option('--name <NAME>', 'the name for people; the id unless given'),
    roles: optionRead('--role <ROLE>', 'a role of the org; repeatable', collect),
  },
  help: '\nExample:\n  tollgate user create acme/ann --name "Ann Example" --role reader',
  run: ({ account, name, roles = [] }, session) =>
    withAudit(session, 'user.create', subjectOf(account), () =>
      session.accounts.createUser({ orgId: account.orgId, id: account.userId, name, roles }),
    ),
  json: userJson,
  print: printUser,
});

const userList = storeCommand({
  name: 'list',
  description: 'all users of an org',
  takes: { orgId: argument('<ORG>') },
  run: ({ orgId }, { accounts }) => readAll((page) => accounts.listUsers(orgId, page)),
  json: (users) => users.map(userJson),
  print: (users, { output }, { orgId }) =>
    listing(
      output,
      ['USER', 'NAME', 'STATE', 'ROLES', 'CREATED'],
      users.map((user) => [
        `${user.orgId}/${user.id}`,
        user.name,
        user.state,
        user.roles.join(', '),
        time(user.createdAtMs),
      ]),
      `${orgId} has no users yet. Make one: tollgate user create ${orgId}/ann`,
    ),
});

const userState = (name: 'disable' | 'enable', state: AccountState, description: string) =>
  storeCommand({
    name,
    description,
    takes: { account: accountArgument },
    run: ({ account }, session) =>
      withAudit(session, `user.${name}`, subjectOf(account), () =>
        session.accounts.setUserState(account.orgId, account.userId, state),
      ),
    json: userJson,
    print: printUser,
  });

const userSetRoles = storeCommand({
  name: 'set-roles',
  description: 'replace all roles; API tokens go on with the new ones at once',
  takes: {
    account: accountArgument,
    roles: argumentList('[ROLE...]', 'roles of the org; none takes all away'),
  },
  help: '\nExample:\n  tollgate user set-roles acme/ann reader writer',
  run: ({ account, roles }, session) =>
    withAudit(session, 'user.set_roles', subjectOf(account), () =>
      session.accounts.setRoles(account.orgId, account.userId, roles),
    ),
  json: userJson,
  print: printUser,
});

export const userCommands = group('user', 'persons and services, by ORG/USER', [
  userCreate,
  userList,
  userState('disable', 'disabled', 'refuse all tokens and end all sessions, until enabled again'),
  userState('enable', 'active', 'accept the API tokens again'),
  userSetRoles,
  userSetPassword,
]);
