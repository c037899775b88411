// `tollgate token`: API tokens. A secret is printed once, alone on standard output; everything about it goes elsewhere.

import { isOutage, type Outage } from '../decision/outcome.ts';
import { type CommandError, commandError, isFailure } from '../lifecycle/command-error.ts';
import { nothingRevoked } from '../lifecycle/revoke.ts';
import { isTokenId } from '../lifecycle/names.ts';
import { listTokens, type TokenListing, type TokenView } from '../lifecycle/token-list.ts';
import type { AuditParty } from '../store/records.ts';
import { digestOf } from '../tokens/api-token.ts';
import { group } from './command.ts';
import { tokenImport } from './import-command.ts';
import { readInput } from './input.ts';
import {
  accountArgument,
  argument,
  collectWords,
  flag,
  option,
  optionalArgument,
  optionOr,
  optionRead,
  readDuration,
  readLifetime,
  readText,
} from './parameters.ts';
import { type Session, storeCommand, withAudit } from './store-command.ts';
import { madeTokenJson, printMadeToken, printTokens, tokenJson } from './token-output.ts';

const shortFlag = flag('--short', '32 characters instead of 65, for clients that insist');

const tokenCreate = storeCommand({
  name: 'create',
  description: 'make an API token for a user',
  takes: {
    account: accountArgument,
    name: optionOr('--name <NAME>', 'what it is for', 'api-token', readText),
    scopes: optionRead(
      '--scope <SCOPE>',
      "a scope it may use; repeatable. Without it: whatever the user's roles grant",
      collectWords,
    ),
    lifetime: optionRead(
      '--lifetime <DURATION>',
      'such as 12h or 90d, or never; tokens.apiTokenLifetime unless given',
      readLifetime,
    ),
    allowFrom: optionRead(
      '--allow-from <NETWORK>',
      'a network it may be used from, e.g. 10.0.0.0/8; repeatable. Without it: from anywhere',
      collectWords,
    ),
    isShort: shortFlag,
  },
  help:
    '\nOnly the secret goes to standard output:\n' +
    '  TOKEN=$(tollgate token create acme/ann --name ci --scope things:read --lifetime 90d)\n' +
    '  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/things',
  run: ({ account, name, scopes, lifetime, allowFrom, isShort }, session) =>
    withAudit(
      session,
      'token.create',
      (made) => ({
        org: account.orgId,
        user: account.userId,
        ...('record' in made && { tokenId: made.record.id }),
      }),
      () =>
        session.apiTokens.createApiToken({
          ...account,
          name,
          scopes: scopes ?? 'all',
          lifetimeMs: lifetime === 'never' ? null : lifetime,
          allowFrom,
          length: isShort ? 32 : 65,
        }),
    ),
  json: madeTokenJson,
  print: printMadeToken,
});

const tokenList = storeCommand({
  name: 'list',
  description: "a user's API tokens, without their secrets",
  takes: { account: accountArgument },
  run: async ({ account: { orgId, userId } }, { accounts, store, now }) => {
    const org = await accounts.findOrg(orgId);
    const user = isFailure(org) ? org : await accounts.findUser(orgId, userId);
    if (isFailure(user)) return user;
    const tokens: TokenView[] = [];
    let after: TokenListing['next'];
    do {
      const page = await listTokens(store, { orgId, userId, after, skip: 0, limit: 500 }, now());
      if (isFailure(page)) return page;
      tokens.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return tokens;
  },
  json: (tokens) => tokens.map(tokenJson),
  print: printTokens,
});

const tokenRevoke = storeCommand({
  name: 'revoke',
  description: 'end an API token and every session made from it, for good',
  takes: {
    named: optionalArgument('[ID]', 'the id that create or list showed, never the secret'),
    isOnStdin: flag('--secret-stdin', 'instead of the id: read the secret from standard input'),
  },
  help:
    '\nWith nothing but a leaked secret, without leaving it in the history of a shell:\n' +
    '  tollgate token revoke --secret-stdin < leaked.txt',
  usageError: ({ named, isOnStdin }) =>
    (named === undefined) === isOnStdin ? undefined : 'give either the id of the token or --secret-stdin',
  run: async ({ named }, session) => {
    const id = named ?? (await readTokenId(session));
    if (isFailure(id)) return id;
    if (!isTokenId(id)) return noTokenId;
    const result = await withAudit(session, 'token.revoke', await subjectOf(session, id), () =>
      session.apiTokens.revokeApiToken(id),
    );
    return isFailure(result) ? result : { id, result };
  },
  json: (revoked) => revoked,
  print: ({ id, result }, { output }) =>
    output.line(result === 'revoked' ? `${id} is revoked.` : `${id} was revoked before.`),
});

const tokenRevokeAll = storeCommand({
  name: 'revoke-all',
  description: 'end every API token and session of a user, for good',
  takes: { account: accountArgument },
  run: ({ account: { orgId, userId } }, session) =>
    withAudit(session, 'token.revoke_all', { org: orgId, user: userId }, () =>
      session.apiTokens.revokeAll(orgId, userId),
    ),
  json: (result, _, { account }) => ({ org: account.orgId, user: account.userId, result }),
  print: (_, { output }, { account }) =>
    output.line(`Every API token and session of ${account.orgId}/${account.userId} is revoked.`),
});

const tokenRegenerate = storeCommand({
  name: 'regenerate',
  description: 'give an API token a new secret; the old one and its sessions end',
  takes: {
    tokenId: argument('<ID>', 'the id that create or list showed, never the secret'),
    overlapMs: optionRead(
      '--overlap <DURATION>',
      'how long the old secret stays good, e.g. 1h, up to 7d; 0s unless given',
      readDuration,
    ),
    lifetime: optionRead(
      '--lifetime <DURATION>',
      'how long the token lives from now on, such as 90d, or never; it keeps its expiry unless given',
      readLifetime,
    ),
    isShort: shortFlag,
    idempotencyKey: option(
      '--idempotency-key <KEY>',
      'the same key again gives the same secret: for scripts that retry',
    ),
  },
  help:
    '\nOnly the secret goes to standard output:\n' +
    '  TOKEN=$(tollgate token regenerate 3f0a6f0e-8f6b-4f43-9a55-000000000007 --overlap 1h --lifetime 90d)',
  run: async ({ tokenId, overlapMs = 0, lifetime, isShort, idempotencyKey }, session) =>
    withAudit(session, 'token.regenerate', await subjectOf(session, tokenId), () =>
      session.apiTokens.regenerateApiToken({
        tokenId,
        overlapMs,
        lifetimeMs: lifetime === 'never' ? null : lifetime,
        length: isShort ? 32 : 65,
        idempotencyKey,
      }),
    ),
  json: madeTokenJson,
  print: printMadeToken,
});

export const tokenCommands = group('token', 'API tokens, by id; the secret is shown once', [
  tokenCreate,
  tokenList,
  tokenRevoke,
  tokenRevokeAll,
  tokenRegenerate,
  tokenImport,
]);

/** Not quoted: it may be a secret put in the wrong place. */
const noTokenId = commandError(
  'token_unknown',
  'That is no token id. Write the id (a UUID) that create or list showed; ' +
    'with nothing but the secret: tollgate token revoke --secret-stdin < FILE',
);

/** Whose the token is, so that the audit of its org has the line; its id alone where the store does not say. */
const subjectOf = async ({ store }: Session, tokenId: string): Promise<Partial<AuditParty>> => {
  const token = isTokenId(tokenId) ? await store.findToken(tokenId) : undefined;
  return token === undefined || isOutage(token)
    ? { tokenId }
    : { org: token.orgId, user: token.userId, tokenId };
};

const secretCharactersMax = 64 * 1024;

/** The id of the token whose secret stands, alone, on standard input. */
const readTokenId = async ({ world, store }: Session): Promise<string | CommandError | Outage> => {
  const text = await readInput(world.stdin, (text) => text.length > secretCharactersMax);
  const found = await store.findApiToken(digestOf(text.trim()));
  return isOutage(found) ? found : (found?.token.id ?? nothingRevoked);
};
