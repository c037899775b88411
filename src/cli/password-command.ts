// `tollgate user set-password`: the password comes from standard input, never from the command line, where every process
// of the machine could read it.

import type { Command } from 'commander';
import { createSignInLimit } from '../identity/sign-in-limit.ts';
import { createPasswordHashes } from '../lifecycle/password-hash.ts';
import { createPasswords } from '../lifecycle/passwords.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { withAudit } from './operator.ts';
import { readAccount } from './option-readers.ts';
import { outputFor, refuse, type World, withStore } from './session.ts';
import { isFailure } from '../lifecycle/command-error.ts';

const inputCharactersMax = 8 * 1024;

/** `user`: the group of commands it belongs to. */
export const addPasswordCommand: AddCommands = (user, world, run) => {
  user
    .command('set-password')
    .description("set a user's password, read from standard input; all sessions end, API tokens live on")
    // Read below: whatever is in the wrong place here may be the password, and commander would repeat it.
    .argument('<ORG/USER>', 'org id and user id')
    .allowExcessArguments()
    .allowUnknownOption()
    .option('--none', 'take the password away instead')
    .addHelpText(
      'after',
      '\nExample:\n  tollgate user set-password acme/ann < password.txt\n\nThe first line is the password: 12 characters at least.',
    )
    .action(
      run(async (named: string, options: { readonly none?: boolean }, command: Command) => {
        const account = command.args.length === 1 ? findAccount(named) : undefined;
        if (account === undefined) {
          outputFor(command, world).note(onlyAccount);
          return exitCode.usage;
        }
        const { orgId, userId } = account;
        return withStore(command, world, async ({ store, settings, output, now }) => {
          const password = options.none === true ? null : await readFirstLine(world.stdin);
          const passwords = createPasswords({
            store,
            passwords: createPasswordHashes(),
            limit: createSignInLimit(settings.limits),
            now,
          });
          const changed = await withAudit(
            { store, now },
            'password.change',
            { org: orgId, user: userId },
            () => passwords.setPassword(orgId, userId, password),
          );
          if (isFailure(changed)) return refuse(output, changed);
          const result = password === null ? 'removed' : 'set';
          if (output.isJson) output.json({ org: orgId, user: userId, result });
          else
            output.line(
              `The password of ${orgId}/${userId} is ${result}. Every session of theirs has ended.`,
            );
          return exitCode.ok;
        });
      }),
    );
};

const onlyAccount =
  'tollgate: give ORG/USER (e.g. acme/ann), and --none or nothing else. The password is read from standard input: on the ' +
  'command line others can read it, and a shell keeps it. Choose another if it stood there.';

const findAccount = (named: string): ReturnType<typeof readAccount> | undefined => {
  try {
    return readAccount(named);
  } catch {
    return undefined;
  }
};

/** Without its line end. */
const readFirstLine = async (stdin: World['stdin']): Promise<string> => {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stdin) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    if (text.includes('\n') || text.length > inputCharactersMax) break;
  }
  return text.split('\n', 1)[0]?.replace(/\r$/, '') ?? '';
};
