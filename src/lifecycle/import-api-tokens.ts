// Takes over API tokens of another system, by SHA-256 or in the clear, so that its callers change nothing.
// Repeatable: an entry always gets the same id, so a second run changes nothing and revives nothing revoked.
// An entry that cannot be taken is reported and skipped; an outage stops the run, to be repeated whole.

import { isJwt, parseCredential } from '../decision/credential.ts';
import { isDenial, isOutage, type Outage } from '../decision/outcome.ts';
import { isJsonObject } from '../decision/strict-json.ts';
import { uuidOf } from '../identity/vendor-ids.ts';
import type { ApiTokenRecord } from '../store/records.ts';
import { digestOf, secretLengthMin } from '../tokens/api-token.ts';
import { shardOfAccount } from '../tokens/shard.ts';
import { checkEmail } from './email.ts';
import { userUnknown } from './account-checks.ts';
import type { ApiTokensDeps } from './api-tokens.ts';
import { type CommandError, commandError, isCommandError, isFailure } from './command-error.ts';
import { newRecord } from './create-api-token.ts';
import { checkAllowFrom, checkName, checkOrgId, checkScopes, checkUserId, distinct } from './names.ts';
import { findActiveOwner, type Owner } from './owner.ts';

/** One line of an import file. Exactly one of `sha256` and `secret`. */
interface ImportEntry {
  readonly orgId: string;
  readonly userId: string;
  readonly name: string;
  readonly scopes: readonly string[] | 'all';
  readonly expiresAtMs: number | undefined;
  readonly digest: string;
  readonly allowFrom: readonly string[] | undefined;
  /** Of the user, where the store has none. */
  readonly email: string | undefined;
}

export interface ImportProgress {
  readonly read: number;
  /** Stored now or by an earlier run. */
  readonly imported: number;
  readonly refused: number;
}

export interface ImportReport extends ImportProgress {
  /** The first refusals, with the number of the entry and of its line, both counted from 1. */
  readonly problems: readonly {
    readonly entry: number;
    readonly line: number | undefined;
    readonly problem: CommandError;
  }[];
  /** Why the run stopped early; undefined when it read everything. Run it again: nothing is doubled. */
  readonly outage: Outage | undefined;
}

export interface ImportOptions {
  /** Called after each entry; must not throw. */
  readonly onProgress: ((progress: ImportProgress) => void) | undefined;
  /** The line on which the entry that was read last begins. */
  readonly lineNow?: () => number;
  /** Entries under way at once. */
  readonly concurrency: number | undefined;
}

const problemsMax = 100;
const secretBytesMax = 512;

/**
 * Imports entries `{ org, user, name, scopes, expires, sha256 | secret }`: `scopes` is a list, one blank-separated
 * string or `"all"`; `expires` an ISO 8601 time, milliseconds since the epoch, or null for never. The user must exist.
 * `allowFrom`, a list or one blank-separated string of networks: from where alone it may be used. `email`, if given, is the user's from then on where they have none. A digest does not tell how long its secret is: one too short is refused when it is presented.
 * Scopes may be wider than the user's roles: only what both grant is ever in effect.
 */
export const importApiTokens = async (
  deps: ApiTokensDeps,
  entries: AsyncIterable<unknown> | Iterable<unknown>,
  options: ImportOptions,
): Promise<ImportReport> => {
  let read = 0;
  let imported = 0;
  let refused = 0;
  let outage: Outage | undefined;
  const problems: { entry: number; line: number | undefined; problem: CommandError }[] = [];
  const underWay = new Set<Promise<void>>();
  const take = async (entry: number, value: unknown): Promise<void> => {
    const line = options.lineNow?.();
    const answer = await importOne(deps, value);
    if (isOutage(answer)) outage ??= answer;
    else if (isCommandError(answer)) {
      refused++;
      if (problems.length < problemsMax) problems.push({ entry, line, problem: answer });
    } else imported++;
    options.onProgress?.({ read, imported, refused });
  };
  for await (const value of entries) {
    read++;
    const work = take(read, value).finally(() => underWay.delete(work));
    underWay.add(work);
    if (underWay.size >= (options.concurrency ?? 16)) await Promise.race(underWay);
    if (outage !== undefined) break;
  }
  await Promise.all(underWay);
  problems.sort((left, right) => left.entry - right.entry);
  return { read, imported, refused, problems, outage };
};

const importOne = async (
  deps: ApiTokensDeps,
  value: unknown,
): Promise<'imported' | CommandError | Outage> => {
  const entry = parseEntry(value);
  if (isCommandError(entry)) return entry;
  const owner = await findActiveOwner(deps.store, entry.orgId, entry.userId);
  if (isFailure(owner)) return owner;
  const id = importedTokenId(entry.orgId, entry.userId, entry.digest);
  const record: ApiTokenRecord = {
    ...newRecord(id, entry, owner, undefined, deps.now()),
    origin: 'imported',
    expiresAtMs: entry.expiresAtMs,
  };
  const answer = await deps.store.createToken(record, entry.digest);
  if (isOutage(answer)) return answer;
  if (answer === 'user_unknown') return userUnknown(entry.orgId, entry.userId);
  if (answer === 'digest_taken') {
    // Imported before, and given a new secret since: nothing is left to do, and the old secret stays replaced.
    const known = await deps.store.findToken(record.id);
    if (isOutage(known)) return known;
    if (known !== undefined && known.secretNumber > 0) return 'imported';
  }
  return answer === 'created'
    ? noteEmail(deps, owner, entry)
    : commandError(
        'secret_taken',
        'Another token has this secret already. A secret can belong to one user only.',
      );
};

/** An address that the user has here counts for more than that of another system. */
const noteEmail = async (
  { store, now }: ApiTokensDeps,
  { user }: Owner,
  { email }: ImportEntry,
): Promise<'imported' | Outage> => {
  if (email === undefined || user.email !== undefined) return 'imported';
  const changed = await store.changeUser(user.orgId, user.id, { email }, now());
  return isOutage(changed) ? changed : 'imported';
};

/**
 * The id of an imported token: the same entry always gets the same id, so that an import can be repeated. Another
 * owner of the same secret gets another id, which the store then refuses as `digest_taken`.
 * A hash of the digest, because ids are shown and the digest is not. Its last digit names the shard.
 */
export const importedTokenId = (orgId: string, userId: string, digest: string): string => {
  const shard = shardOfAccount(orgId, userId).toString(16);
  return uuidOf(`tollgate import ${orgId}/${userId} ${digest}`).slice(0, -1) + shard;
};

const parseEntry = (value: unknown): ImportEntry | CommandError => {
  if (!isJsonObject(value)) return entryMalformed('an object');
  const { org: orgId, user: userId, name } = value;
  if (typeof orgId !== 'string') return entryMalformed('"org", a string');
  if (typeof userId !== 'string') return entryMalformed('"user", a string');
  if (typeof name !== 'string') return entryMalformed('"name", a string');
  const scopes = parseEntryScopes(value['scopes']);
  if (isCommandError(scopes)) return scopes;
  const expires = parseExpires(value['expires']);
  if (isCommandError(expires)) return expires;
  const digest = parseDigest(value['sha256'], value['secret']);
  if (isCommandError(digest)) return digest;
  const email = parseEmail(value['email']);
  if (isCommandError(email)) return email;
  const misspelled = Object.keys(value).find((key) => key !== 'allowFrom' && /^allow[ _-]?from$/i.test(key));
  const networks =
    misspelled === undefined
      ? parseAllowFrom(value['allowFrom'])
      : entryMalformed('"allowFrom", in this spelling');
  if (isCommandError(networks)) return networks;
  const malformed = checkOrgId(orgId) ?? checkUserId(userId) ?? checkName(name);
  return (
    malformed ?? { orgId, userId, name, scopes, expiresAtMs: expires.atMs, digest, ...networks, ...email }
  );
};

const parseEntryScopes = (value: unknown): readonly string[] | 'all' | CommandError => {
  if (value === 'all') return 'all';
  const list: unknown = typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : value;
  if (!Array.isArray(list) || !list.every((scope: unknown) => typeof scope === 'string'))
    return entryMalformed('"scopes": a list of scopes, or "all"');
  return checkScopes(list) ?? distinct(list);
};

/** A CSV has blanks between networks, and an empty field where it may be used from anywhere. */
const parseAllowFrom = (
  value: unknown,
): { readonly allowFrom: readonly string[] | undefined } | CommandError => {
  if (value === null || value === undefined || value === '') return { allowFrom: undefined };
  const list: unknown = typeof value === 'string' ? value.split(' ').filter((part) => part !== '') : value;
  if (!Array.isArray(list) || !list.every((network: unknown) => typeof network === 'string'))
    return entryMalformed('"allowFrom": a list of networks, e.g. ["10.0.0.0/8"]');
  return checkAllowFrom(list) ?? { allowFrom: list };
};

/** A CSV has an empty field where there is none. */
const parseEmail = (value: unknown): { readonly email: string | undefined } | CommandError => {
  if (value === null || value === undefined || value === '') return { email: undefined };
  if (typeof value !== 'string') return entryMalformed('"email": an address');
  return checkEmail(value) ?? { email: value };
};

const parseExpires = (value: unknown): { readonly atMs: number | undefined } | CommandError => {
  if (value === null || value === undefined) return { atMs: undefined };
  const atMs = typeof value === 'string' ? Date.parse(value) : value;
  return typeof atMs === 'number' && Number.isSafeInteger(atMs) && atMs >= 0
    ? { atMs }
    : entryMalformed('"expires": an ISO 8601 time, milliseconds since 1970, or null for never');
};

const parseDigest = (sha256: unknown, secret: unknown): string | CommandError => {
  if ((sha256 === undefined) === (secret === undefined))
    return entryMalformed('exactly one of "sha256" and "secret"');
  if (secret === undefined)
    return typeof sha256 === 'string' && /^[0-9a-fA-F]{64}$/.test(sha256)
      ? sha256.toLowerCase()
      : entryMalformed('"sha256": 64 hex digits');
  if (typeof secret === 'string' && secret.length < secretLengthMin)
    return secretMalformed(
      `of fewer than ${secretLengthMin} characters could be guessed, and would be refused when it is presented. ` +
        'Give its caller a new token.',
    );
  if (typeof secret !== 'string' || secret.length > secretBytesMax)
    return secretMalformed(`has ${secretLengthMin} to ${secretBytesMax} characters.`);
  const credential = parseCredential(secret, {
    apiTokenBytesMax: secretBytesMax,
    accessTokenBytesMax: secretBytesMax,
  });
  if (isDenial(credential))
    return secretMalformed('is visible ASCII without blanks, quotes, commas, ; and \\.');
  if (isJwt(credential))
    return secretMalformed('with two dots would be read as a JWT and cannot be imported.');
  return digestOf(secret);
};

const secretMalformed = (why: string): CommandError => commandError('secret_malformed', `A secret ${why}`);

const entryMalformed = (wanted: string): CommandError =>
  commandError('entry_malformed', `The entry needs ${wanted}. Example: ${example}`);

const example =
  '{"org":"acme","user":"ann","name":"ci","scopes":["things:read"],"expires":"2027-01-31T00:00:00Z","sha256":"<64 hex digits>"}';
