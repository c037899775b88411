// `tollgate token`: API tokens. A secret is printed once, alone on standard output; everything about it goes elsewhere.

import type { Command } from 'commander';
import { isOutage, type Outage } from '../decision/outcome.ts';
import { createAccounts } from '../lifecycle/accounts.ts';
import { createApiTokens } from '../lifecycle/api-tokens.ts';
import { isFailure, type CommandError, commandError } from '../lifecycle/command-error.ts';
import { nothingRevoked } from '../lifecycle/revoke.ts';
import { isTokenId } from '../lifecycle/token-id.ts';
import type { TokenStore } from '../store/token-store.ts';
import { digestOf } from '../tokens/api-token.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { addImportCommand } from './import-command.ts';
import { withAudit } from './operator.ts';
import { collectWords, readAccount, readLifetime } from './option-readers.ts';
import { addRegenerateCommand } from './regenerate-command.ts';
import { readAll, refuse, withStore } from './session.ts';
import { afterRevokeAll, listTokens, printSecret, tokenJson } from './token-output.ts';

type Account = ReturnType<typeof readAccount>;

interface CreateOptions {
  readonly name: string;
  readonly scope?: readonly string[];
  readonly lifetime?: number | 'never';
  readonly short?: boolean;
}

export const addTokenCommands: AddCommands = (program, world, run) => {
  const token = program.command('token').description('API tokens, by id; the secret is shown once');

  token
    .command('create')
    .description('make an API token for a user')
    .argument('<ORG/USER>', 'org id and user id', readAccount)
    .option('--name <NAME>', 'what it is for', 'api-token')
    .option(
      '--scope <SCOPE>',
      "a scope it may use; repeatable. Without it: whatever the user's roles grant",
      collectWords,
    )
    .option(
      '--lifetime <DURATION>',
      'such as 12h or 90d, or never; tokens.apiTokenLifetime unless given',
      readLifetime,
    )
    .option('--short', '32 characters instead of 65, for clients that insist')
    .addHelpText(
      'after',
      '\nOnly the secret goes to standard output:\n' +
        '  TOKEN=$(tollgate token create acme/ann --name ci --scope things:read --lifetime 90d)\n' +
        '  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/things',
    )
    .action(
      run((account: Account, options: CreateOptions, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const subject = { org: account.orgId, user: account.userId };
          const made = await withAudit(
            { store, now },
            'token.create',
            subject,
            () =>
              createApiTokens({ store, settings, now }).createApiToken({
                ...account,
                name: options.name,
                scopes: options.scope ?? 'all',
                lifetimeMs: options.lifetime === 'never' ? null : options.lifetime,
                length: options.short === true ? 32 : 65,
              }),
            (made) => ('record' in made ? { tokenId: made.record.id } : {}),
          );
          if (isFailure(made)) return refuse(output, made);
          printSecret(output, made, now());
          return exitCode.ok;
        }),
      ),
    );

  token
    .command('list')
    .description("a user's API tokens, without their secrets")
    .argument('<ORG/USER>', 'org id and user id', readAccount)
    .action(
      run((account: Account, _: unknown, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const tokens = createApiTokens({ store, settings, now });
          const accounts = createAccounts({ store, now });
          const org = await accounts.findOrg(account.orgId);
          if (isFailure(org)) return refuse(output, org);
          const user = await accounts.findUser(account.orgId, account.userId);
          if (isFailure(user)) return refuse(output, user);
          const found = await readAll((page) => tokens.listApiTokens(account.orgId, account.userId, page));
          if (isFailure(found)) return refuse(output, found);
          const records = found.map((record) => afterRevokeAll(record, org, user));
          if (output.isJson) output.json(records.map((record) => tokenJson(record, now())));
          else listTokens(output, records, now());
          return exitCode.ok;
        }),
      ),
    );

  token
    .command('revoke')
    .description('end an API token and every session made from it, for good')
    .argument('[ID]', 'the id that create or list showed, never the secret')
    .option('--secret-stdin', 'instead of the id: read the secret from standard input')
    .addHelpText(
      'after',
      '\nWith nothing but a leaked secret, without leaving it in the history of a shell:\n' +
        '  tollgate token revoke --secret-stdin < leaked.txt',
    )
    .action(
      run((named: string | undefined, options: { readonly secretStdin?: boolean }, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          if ((named === undefined) !== (options.secretStdin === true)) {
            output.note('tollgate: give either the id of the token or --secret-stdin');
            return exitCode.usage;
          }
          const id = named ?? (await findIdOf(world.stdin, store));
          if (isFailure(id)) return refuse(output, id);
          if (!isTokenId(id)) return refuse(output, noTokenId);
          const answer = await withAudit({ store, now }, 'token.revoke', { tokenId: id }, () =>
            createApiTokens({ store, settings, now }).revokeApiToken(id),
          );
          if (isFailure(answer)) return refuse(output, answer);
          if (output.isJson) output.json({ id, result: answer });
          else output.line(answer === 'revoked' ? `${id} is revoked.` : `${id} was revoked before.`);
          return exitCode.ok;
        }),
      ),
    );

  token
    .command('revoke-all')
    .description('end every API token and session of a user, for good')
    .argument('<ORG/USER>', 'org id and user id', readAccount)
    .action(
      run(({ orgId, userId }: Account, _: unknown, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const answer = await withAudit(
            { store, now },
            'token.revoke_all',
            { org: orgId, user: userId },
            () => createApiTokens({ store, settings, now }).revokeAll(orgId, userId),
          );
          if (isFailure(answer)) return refuse(output, answer);
          if (output.isJson) output.json({ org: orgId, user: userId, result: answer });
          else output.line(`Every API token and session of ${orgId}/${userId} is revoked.`);
          return exitCode.ok;
        }),
      ),
    );

  addRegenerateCommand(token, world, run);
  addImportCommand(token, world, run);
};

/** Not quoted: it may be a secret put in the wrong place. */
const noTokenId = commandError(
  'token_unknown',
  'That is no token id. Write the id (a UUID) that create or list showed; ' +
    'with nothing but the secret: tollgate token revoke --secret-stdin < FILE',
);

const secretCharactersMax = 64 * 1024;

/** The id of the token whose secret stands, alone, on standard input. */
const findIdOf = async (
  stdin: AsyncIterable<Uint8Array | string>,
  store: TokenStore,
): Promise<string | CommandError | Outage> => {
  let text = '';
  for await (const chunk of stdin) {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
    if (text.length > secretCharactersMax) break;
  }
  const found = await store.findApiToken(digestOf(text.trim()));
  if (isOutage(found)) return found;
  return found?.token.id ?? nothingRevoked;
};
