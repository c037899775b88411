// `tollgate token regenerate`: a new secret for the same token.

import type { Command } from 'commander';
import { createApiTokens } from '../lifecycle/api-tokens.ts';
import { isTokenId } from '../lifecycle/token-id.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { withAudit } from './operator.ts';
import { readDuration } from './option-readers.ts';
import { refuse, withStore } from './session.ts';
import { printSecret } from './token-output.ts';
import { isFailure } from '../lifecycle/command-error.ts';

interface RegenerateOptions {
  readonly overlap?: number;
  readonly short?: boolean;
  readonly idempotencyKey?: string;
}

/** `token`: the group of commands it belongs to. */
export const addRegenerateCommand: AddCommands = (token, world, run) => {
  token
    .command('regenerate')
    .description('give an API token a new secret; the old one and its sessions end')
    .argument('<ID>', 'the id that create or list showed, never the secret')
    .option(
      '--overlap <DURATION>',
      'how long the old secret stays good, e.g. 1h, up to 7d; 0s unless given',
      readDuration,
    )
    .option('--short', '32 characters instead of 65, for clients that insist')
    .option('--idempotency-key <KEY>', 'the same key again gives the same secret: for scripts that retry')
    .addHelpText(
      'after',
      '\nOnly the secret goes to standard output:\n' +
        '  TOKEN=$(tollgate token regenerate 3f0a6f0e-8f6b-4f43-9a55-000000000007 --overlap 1h)',
    )
    .action(
      run((id: string, options: RegenerateOptions, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const command = {
            tokenId: id,
            overlapMs: options.overlap ?? 0,
            length: options.short === true ? 32 : 65,
            idempotencyKey: options.idempotencyKey,
          } as const;
          const subject = isTokenId(id) ? { tokenId: id } : {};
          const made = await withAudit({ store, now }, 'token.regenerate', subject, () =>
            createApiTokens({ store, settings, now }).regenerateApiToken(command),
          );
          if (isFailure(made)) return refuse(output, made);
          printSecret(output, made, now());
          return exitCode.ok;
        }),
      ),
    );
};
