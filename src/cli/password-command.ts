// `tollgate user set-password`: the password comes from standard input, never from the command line, where every process
// of the machine could read it.

import type { Command } from 'commander';
import { createSignInLimit } from '../identity/sign-in-limit.ts';
import { createPasswordHashes } from '../lifecycle/password-hash.ts';
import { createPasswords } from '../lifecycle/passwords.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { ordered } from './operator.ts';
import { readAccount } from './option-readers.ts';
import { isRefusal, refuse, type World, withStore } from './session.ts';

const inputCharactersMax = 8 * 1024;

/** `user`: the group of commands it belongs to. */
export const addPasswordCommand: AddCommands = (user, world, run) => {
  user
    .command('set-password')
    .description("set a user's password, read from standard input; all sessions end, API tokens live on")
    .argument('<ORG/USER>', 'org id and user id', readAccount)
    .option('--none', 'take the password away instead')
    .addHelpText(
      'after',
      '\nExample:\n  tollgate user set-password acme/ann < password.txt\n\nThe first line is the password: 12 characters at least.',
    )
    .action(
      run(
        (
          { orgId, userId }: ReturnType<typeof readAccount>,
          options: { readonly none?: boolean },
          command: Command,
        ) =>
          withStore(command, world, async (store, settings, output) => {
            const password = options.none === true ? null : await readFirstLine(world.stdin);
            const passwords = createPasswords({
              store,
              passwords: createPasswordHashes(),
              limit: createSignInLimit(settings.limits),
              now: Date.now,
            });
            const changed = await ordered(store, 'password.change', { org: orgId, user: userId }, () =>
              passwords.setPassword(orgId, userId, password),
            );
            if (isRefusal(changed)) return refuse(output, changed);
            const result = password === null ? 'removed' : 'set';
            if (output.isJson) output.json({ org: orgId, user: userId, result });
            else
              output.line(
                `The password of ${orgId}/${userId} is ${result}. Every session of theirs has ended.`,
              );
            return exitCode.ok;
          }),
      ),
    );
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
