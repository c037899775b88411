// `tollgate user set-password`: the password comes from standard input, never from the command line, where every process
// of the machine could read it.

import { createSignInLimit } from '../identity/sign-in-limit.ts';
import { createPasswordHashes } from '../lifecycle/password-hash.ts';
import { createPasswords } from '../lifecycle/passwords.ts';
import type { World } from './command.ts';
import { readInput } from './input.ts';
import { type Account, argument, flag, readAccount } from './parameters.ts';
import { storeCommand, withAudit } from './store-command.ts';

const inputCharactersMax = 8 * 1024;

export const userSetPassword = storeCommand({
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
