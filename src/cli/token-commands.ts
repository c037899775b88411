// `tollgate token`: API tokens. A secret is printed once, alone on standard output; everything about it goes elsewhere.

import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { isOutage, type Outage } from '../decision/outcome.ts';
import { createAccounts } from '../lifecycle/accounts.ts';
import { createApiTokens } from '../lifecycle/api-tokens.ts';
import { importApiTokens } from '../lifecycle/import-api-tokens.ts';
import { type Problem, problem } from '../lifecycle/problem.ts';
import { isTokenId } from '../lifecycle/token-id.ts';
import type { ApiTokenRecord, OrgRecord, UserRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { digestOf } from '../tokens/api-token.ts';
import type { AddCommands } from './command-line.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { readJsonLines } from './json-lines.ts';
import { collectWords, readAccount, readLifetime } from './option-readers.ts';
import { isoTime, type Output, listing, pairs, time } from './output.ts';
import { isRefusal, readAll, refuse, withStore } from './session.ts';

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
        withStore(command, world, async (store, settings, output) => {
          const made = await createApiTokens({ store, settings, now: Date.now }).createApiToken({
            ...account,
            name: options.name,
            scopes: options.scope ?? 'all',
            lifetimeMs: options.lifetime === 'never' ? null : options.lifetime,
            length: options.short === true ? 32 : 65,
          });
          if (isRefusal(made)) return refuse(output, made);
          if (output.isJson) output.json({ ...tokenJson(made.record), secret: made.secret });
          else {
            output.note(`${details(made.record)}\n\nThe API token, shown only now:`);
            output.line(made.secret);
          }
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
        withStore(command, world, async (store, settings, output) => {
          const tokens = createApiTokens({ store, settings, now: Date.now });
          const accounts = createAccounts({ store, now: Date.now });
          const org = await accounts.findOrg(account.orgId);
          if (isRefusal(org)) return refuse(output, org);
          const user = await accounts.findUser(account.orgId, account.userId);
          if (isRefusal(user)) return refuse(output, user);
          const found = await readAll((page) => tokens.listApiTokens(account.orgId, account.userId, page));
          if (isRefusal(found)) return refuse(output, found);
          const records = found.map((record) => afterRevokeAll(record, org, user));
          if (output.isJson) output.json(records.map(tokenJson));
          else listTokens(output, records);
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
        withStore(command, world, async (store, settings, output) => {
          if ((named === undefined) !== (options.secretStdin === true)) {
            output.note('tollgate: give either the id of the token or --secret-stdin');
            return exitCode.usage;
          }
          const id = named ?? (await findIdOf(world.stdin, store));
          if (isRefusal(id)) return refuse(output, id);
          if (!isTokenId(id)) return refuse(output, noTokenId);
          const answer = await createApiTokens({ store, settings, now: Date.now }).revokeApiToken(id);
          if (isRefusal(answer)) return refuse(output, answer);
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
        withStore(command, world, async (store, settings, output) => {
          const answer = await createApiTokens({ store, settings, now: Date.now }).revokeAll(orgId, userId);
          if (isRefusal(answer)) return refuse(output, answer);
          if (output.isJson) output.json({ org: orgId, user: userId, result: answer });
          else output.line(`Every API token and session of ${orgId}/${userId} is revoked.`);
          return exitCode.ok;
        }),
      ),
    );

  token
    .command('import')
    .description('take over API tokens of another system, so that their callers change nothing')
    .argument('<FILE>', 'JSON objects, one a line; - is standard input')
    .addHelpText(
      'after',
      '\nOne line, with sha256 (64 hex digits) or the secret itself; the user must exist:\n' +
        '  {"org":"acme","user":"ann","name":"ci","scopes":["things:read"],"expires":"2027-01-31T00:00:00Z","sha256":"..."}\n' +
        '\nscopes may be "all"; expires may be null. Running it again changes nothing and revives nothing.',
    )
    .action(
      run((file: string, _: unknown, command: Command) =>
        withStore(command, world, async (store, settings, output) => {
          const source = file === '-' ? world.stdin : createReadStream(file);
          return importFrom(
            source,
            (entries) =>
              importApiTokens({ store, settings, now: Date.now }, entries, {
                onProgress: undefined,
                concurrency: undefined,
              }),
            file,
            output,
          );
        }),
      ),
    );
};

/** Not quoted: it may be a secret put in the wrong place. */
const noTokenId = problem(
  'token_unknown',
  'That is no token id. Write the id (a UUID) that create or list showed; ' +
    'with nothing but the secret: tollgate token revoke --secret-stdin < FILE',
);

const secretCharactersMax = 64 * 1024;

/** The id of the token whose secret stands, alone, on standard input. */
const findIdOf = async (
  stdin: AsyncIterable<Uint8Array | string>,
  store: TokenStore,
): Promise<string | Problem | Outage> => {
  let text = '';
  for await (const chunk of stdin) {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
    if (text.length > secretCharactersMax) break;
  }
  const found = await store.findApiToken(digestOf(text.trim()));
  if (isOutage(found)) return found;
  return (
    found?.token.id ??
    problem(
      'token_unknown',
      'There is no API token with that secret: it has ended, or another store knows it.',
    )
  );
};

const importFrom = async (
  source: AsyncIterable<Uint8Array | string>,
  work: (entries: AsyncIterable<unknown>) => ReturnType<typeof importApiTokens>,
  file: string,
  output: Output,
): Promise<ExitCode> => {
  try {
    const report = await work(readJsonLines(source));
    for (const { entry, problem } of report.problems)
      output.note(`${file}, entry ${entry}: ${problem.message}`);
    const { read, imported, refused, outage } = report;
    if (output.isJson) output.json({ read, imported, refused });
    else output.line(`${read} read, ${imported} imported, ${refused} refused.`);
    if (outage !== undefined) return refuse(output, outage);
    return refused > 0 ? exitCode.refused : exitCode.ok;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    output.note(
      `tollgate: cannot read ${file} (${String(error.code)}); name a file of JSON lines, or - for standard input`,
    );
    return exitCode.usage;
  }
};

const scopesOf = (token: ApiTokenRecord): string => (token.scopes === 'all' ? 'all' : token.scopes.join(' '));

const details = (token: ApiTokenRecord): string =>
  pairs([
    ['id', token.id],
    ['user', `${token.orgId}/${token.userId}`],
    ['name', token.name],
    ['scopes', token.scopes === 'all' ? "all the user's roles grant" : scopesOf(token)],
    ['expires', time(token.expiresAtMs)],
  ]);

const listTokens = (output: Output, tokens: readonly ApiTokenRecord[]): void =>
  listing(
    output,
    ['ID', 'NAME', 'STATE', 'SCOPES', 'CREATED', 'EXPIRES'],
    tokens.map((token) => [
      token.id,
      token.name,
      stateOf(token),
      scopesOf(token),
      time(token.createdAtMs),
      time(token.expiresAtMs),
    ]),
    'There are no API tokens yet. Make one: tollgate token create ORG/USER --name ci',
  );

/** A revoke-all writes no record: the tokens made before it are known by their generation. */
const afterRevokeAll = (token: ApiTokenRecord, org: OrgRecord, user: UserRecord): ApiTokenRecord =>
  token.generation.org < org.tokenGenerationMin || token.generation.user < user.tokenGenerationMin
    ? { ...token, state: 'revoked' }
    : token;

const stateOf = (token: ApiTokenRecord): string =>
  token.state === 'active' && token.expiresAtMs !== undefined && token.expiresAtMs <= Date.now()
    ? 'expired'
    : token.state;

const tokenJson = (token: ApiTokenRecord): object => ({
  id: token.id,
  org: token.orgId,
  user: token.userId,
  name: token.name,
  scopes: token.scopes,
  origin: token.origin,
  state: stateOf(token),
  createdAt: isoTime(token.createdAtMs),
  expiresAt: isoTime(token.expiresAtMs),
  revokedAt: isoTime(token.revokedAtMs),
});
