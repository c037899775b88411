// The grammars of everything a person names: orgs, users, roles, scopes, API tokens, pages of a listing. Each check answers
// undefined or a command error that says what to write instead. Names reach headers, logs and store keys, so all are short
// and printable.

import { canonicalNetwork, networkExpected } from '../decision/address-rule.ts';
import { accountIdGrammar } from '../decision/identity.ts';
import { isScope, looksLikeScopes, scopeLengthMax, scopesMax } from '../decision/scope.ts';
import { isMadeUuid } from '../identity/vendor-ids.ts';
import { pageLimitMax } from '../store/paging.ts';
import type { Label } from '../store/records.ts';
import type { PageRequest } from '../store/token-store.ts';
import { type CommandError, type CommandErrorCode, commandError } from './command-error.ts';

const roleGrammar = /^[A-Za-z0-9][A-Za-z0-9._:@~/ -]{0,127}$/;
/** No control, format, surrogate, private or unassigned characters, and no line or paragraph separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u;

export const nameCharactersMax = 128;
export const rolesPerUserMax = 64;
export const rolesPerOrgMax = 256;

export const checkOrgId = (id: string): CommandError | undefined => checkId('org', id);
export const checkUserId = (id: string): CommandError | undefined => checkId('user', id);

/** Of an org or user to be made. A UUID that stands for another id would name two of them to the vendors' clients. */
export const checkNewOrgId = (id: string): CommandError | undefined =>
  checkOrgId(id) ?? checkNotMade('org', id);
export const checkNewUserId = (id: string): CommandError | undefined =>
  checkUserId(id) ?? checkNotMade('user', id);

const checkNotMade = (what: 'org' | 'user', id: string): CommandError | undefined =>
  isMadeUuid(id)
    ? commandError(
        'id_malformed',
        `${quoted(id)} cannot be ${what === 'org' ? 'an org' : 'a user'} id: UUIDs of version 8 are those that clients of other systems are shown in place of ids that are no UUIDs. Write a UUID of another version, or a name.`,
      )
    : undefined;

const checkId = (what: 'org' | 'user', id: string): CommandError | undefined =>
  accountIdGrammar.test(id)
    ? undefined
    : commandError(
        'id_malformed',
        `${quoted(id)} cannot be ${what === 'org' ? 'an org' : 'a user'} id. Write 1 to 128 of A-Z a-z 0-9 . _ @ ~ -, beginning with a letter or digit.`,
      );

/** A display name: any script, no control characters, no blanks at the ends. */
export const checkName = (name: string): CommandError | undefined =>
  name.length > 0 && name.length <= nameCharactersMax && name.trim() === name && !unprintable.test(name)
    ? undefined
    : commandError(
        'name_malformed',
        `${quoted(name)} cannot be a name. Write 1 to ${nameCharactersMax} printable characters, without a blank at either end.`,
      );

export const checkRoleName = (name: string): CommandError | undefined =>
  // `constructor` and its like are names every object answers to: a role of that name would be read where none is.
  roleGrammar.test(name) && !name.endsWith(' ') && !(name in {})
    ? undefined
    : commandError(
        'role_malformed',
        `${quoted(name)} cannot be a role name. Write 1 to 128 of A-Z a-z 0-9 . _ : @ ~ / - and blanks inside, beginning with a letter or digit.`,
      );

/** Each a scope-token (RFC 6749 §3.3); an empty list is allowed where the caller allows it. */
export const checkScopes = (scopes: readonly string[]): CommandError | undefined => {
  const bad = scopes.find((scope) => !isScope(scope));
  if (bad !== undefined)
    return commandError(
      'scope_malformed',
      `${quoted(bad)} cannot be a scope. Write 1 to ${scopeLengthMax} printable ASCII characters without blanks, " or \\, e.g. things:read.`,
    );
  const several = scopes.find(looksLikeScopes);
  if (several !== undefined)
    return commandError(
      'scope_malformed',
      `${quoted(several)} has a comma and would be one scope. Write several with a blank between them, or as several items of a list.`,
    );
  return checkCount('scope_malformed', 'scopes', scopes.length, scopesMax);
};

export const checkCount = (
  code: CommandErrorCode,
  what: string,
  count: number,
  countMax: number,
): CommandError | undefined =>
  count <= countMax
    ? undefined
    : commandError(code, `${count} ${what} are too many; ${countMax} are allowed.`);

const tokenIdGrammar = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id of an API token: a UUID whose last hex digit is the shard of its user. Not a secret. */
export const isTokenId = (text: string): boolean => tokenIdGrammar.test(text);

export const checkTokenId = (tokenId: string): CommandError | undefined =>
  isTokenId(tokenId)
    ? undefined
    : // Not quoted: it may be a secret put in the wrong place.
      commandError(
        'token_unknown',
        `That is no token id. Write the id (a UUID) that creating or listing showed, never the secret.`,
      );

export const tokenUnknown = (tokenId: string): CommandError =>
  commandError('token_unknown', `There is no API token ${tokenId}. List the user's tokens to see their ids.`);

const labelsMax = 32;
const labelValueCharactersMax = 256;

/** What a client keeps with a token: names as of anything else, values that may be empty. */
export const checkLabels = (labels: readonly Label[]): CommandError | undefined => {
  const isFit = ({ name, value }: Label): boolean =>
    checkName(name) === undefined && value.length <= labelValueCharactersMax && !unprintable.test(value);
  return labels.length <= labelsMax && labels.every(isFit)
    ? undefined
    : commandError(
        'label_malformed',
        `Labels are at most ${labelsMax} pairs of a name of 1 to ${nameCharactersMax} and a value of up to ${labelValueCharactersMax} printable characters.`,
      );
};

/** The most networks of one token: an access token that is made from it carries them all. */
export const allowFromMax = 32;

/** Networks of callers; an empty list would let nobody in. */
export const checkAllowFrom = (networks: readonly string[] | undefined): CommandError | undefined => {
  if (networks === undefined) return undefined;
  const bad = networks.find((network) => canonicalNetwork(network) === undefined);
  if (bad !== undefined)
    return commandError('address_malformed', `${quoted(bad)} is no network. Write ${networkExpected}.`);
  return networks.length === 0
    ? commandError(
        'address_malformed',
        'An empty list would let nobody use the token. Write the networks, or leave it out for any address.',
      )
    : checkCount('address_malformed', 'networks', networks.length, allowFromMax);
};

/** Each in its one form, once, in the order in which they were written. */
export const canonicalNetworks = (networks: readonly string[]): readonly string[] => [
  ...new Set(networks.map((network) => canonicalNetwork(network) ?? network)),
];

const cursorBytesMax = 1024;

export const checkPage = (page: PageRequest): CommandError | undefined => {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > pageLimitMax)
    return commandError('page_malformed', `A page holds 1 to ${pageLimitMax} items.`);
  if (page.cursor !== undefined && page.cursor.length > cursorBytesMax)
    return commandError(
      'page_malformed',
      'That cursor is not one a listing gave. Begin again without a cursor.',
    );
  return undefined;
};

/** Sorted, each once. */
export const distinct = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();

/** Bounded and escaped, so that a hostile name cannot forge a log line or a terminal sequence. */
const quoted = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text).replaceAll(
    /[\u007F-\u009F\p{Cf}\p{Zl}\p{Zp}]/gu,
    '?',
  );
