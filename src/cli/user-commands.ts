// `tollgate user`: persons and services of an org, and the roles they hold. A password comes from standard input, never from
// the command line, where every process of the machine could read it.

import { createSignInLimit } from '../identity/sign-in-limit.ts';
import { createPasswordHashes } from '../lifecycle/password-hash.ts';
import { createPasswords } from '../lifecycle/passwords.ts';
import type { AccountState, UserRecord } from '../store/records.ts';
import { group, type World } from './command.ts';
import { readInput } from './input.ts';
import { isoTime, listing, pairs, time } from './output.ts';
import {
  type Account,
  accountArgument,
  argument,
  argumentList,
  collect,
  flag,
  option,
  optionRead,
  readAccount,
} from './parameters.ts';
import { readAll, type Session, storeCommand, withAudit } from './store-command.ts';

const userJson = (user: UserRecord): object => ({
  org: user.orgId,
  id: user.id,
  name: user.name,
  state: user.state,
  roles: user.roles,
  email: user.email,
  createdAt: isoTime(user.createdAtMs),
});

const printUser = (user: UserRecord, { output }: Session): void =>
  output.line(
    pairs([
      ['user', `${user.orgId}/${user.id}`],
      ['name', user.name],
      ['state', user.state],
      ['roles', user.roles.length === 0 ? 'none' : user.roles.join(', ')],
      ['e-mail', user.email],
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
    email: option('--email <ADDRESS>', 'where reminders of its API tokens go'),
  },
  help: '\nExample:\n  tollgate user create acme/ann --name "Ann Example" --role reader',
  run: ({ account, name, roles = [], email }, session) =>
    withAudit(session, 'user.create', subjectOf(account), () =>
      session.accounts.createUser({ orgId: account.orgId, id: account.userId, name, roles, email }),
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

const userUpdate = storeCommand({
  name: 'update',
  description: 'change the name or the e-mail address',
  takes: {
    account: accountArgument,
    name: option('--name <NAME>', 'the name for people'),
    email: option('--email <ADDRESS>', 'where reminders of its API tokens go; none takes it away'),
  },
  usageError: ({ name, email }) =>
    name === undefined && email === undefined ? 'give --name, --email or both' : undefined,
  run: ({ account, name, email }, session) =>
    withAudit(session, 'user.change', subjectOf(account), () =>
      session.accounts.changeUser(account.orgId, account.userId, {
        name,
        email: email === 'none' ? null : email,
      }),
    ),
  json: userJson,
  print: printUser,
});

const userDelete = storeCommand({
  name: 'delete',
  description: 'end all tokens and sessions for good, and delete the user',
  takes: { account: accountArgument },
  help: '\nWhat the user did stays in `tollgate audit`. A user made later with the same id has nothing of this one.',
  run: ({ account }, session) =>
    withAudit(session, 'user.delete', subjectOf(account), () =>
      session.accounts.deleteUser(account.orgId, account.userId),
    ),
  json: (result, _, { account }) => ({ org: account.orgId, id: account.userId, result }),
  print: (_, { output }, { account }) =>
    output.line(`${account.orgId}/${account.userId} is deleted. The API tokens and sessions have ended.`),
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

const inputCharactersMax = 8 * 1024;

const userSetPassword = storeCommand({
  name: 'set-password',
  description: "set a user's password, read from standard input; all sessions end, API tokens live on",
  takes: {
    named: argument('<ORG/USER>', 'org id and user id'),
    isRemoved: flag('--none', 'take the password away instead'),
  },
  // What stands in the wrong place here may be the password.
  judgesExcess: true,
  help: '\nExample:\n  tollgate user set-password acme/ann < password.txt\n\nThe first line is the password: 12 characters at least.',
  usageError: ({ named }, { command }) =>
    command.args.length === 1 && findAccount(named) !== undefined ? undefined : onlyAccount,
  run: async ({ named, isRemoved }, session) => {
    const { orgId, userId } = readAccount(named);
    const password = isRemoved ? null : await readFirstLine(session.world.stdin);
    const passwords = createPasswords({
      ...session,
      passwords: createPasswordHashes(),
      limit: createSignInLimit(session.settings.limits),
    });
    return withAudit(session, 'password.change', { org: orgId, user: userId }, () =>
      passwords.setPassword(orgId, userId, password),
    );
  },
  json: ({ orgId, id }, _, { isRemoved }) => ({
    org: orgId,
    user: id,
    result: isRemoved ? 'removed' : 'set',
  }),
  print: ({ orgId, id }, { output }, { isRemoved }) =>
    output.line(
      `The password of ${orgId}/${id} is ${isRemoved ? 'removed' : 'set'}. Every session of theirs has ended.`,
    ),
});

const onlyAccount =
  'give ORG/USER (e.g. acme/ann), and --none or nothing else. The password is read from standard input: on the ' +
  'command line others can read it, and a shell keeps it. Choose another if it stood there.';

const findAccount = (named: string): Account | undefined => {
  try {
    return readAccount(named);
  } catch {
    return undefined;
  }
};

/** Without its line end. */
const readFirstLine = async (stdin: World['stdin']): Promise<string> => {
  const text = await readInput(stdin, (text) => text.includes('\n') || text.length > inputCharactersMax);
  return text.split('\n', 1)[0]?.replace(/\r$/, '') ?? '';
};

export const userCommands = group('user', 'persons and services, by ORG/USER', [
  userCreate,
  userList,
  userState('disable', 'disabled', 'refuse all tokens and end all sessions, until enabled again'),
  userState('enable', 'active', 'accept the API tokens again'),
  userSetRoles,
  userUpdate,
  userSetPassword,
  userDelete,
]);
