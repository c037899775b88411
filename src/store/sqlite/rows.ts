// Rows of the embedded store -> records. What the file holds is parsed, never cast: a value of the wrong shape means a
// damaged file, and is said so.

import type { SQLOutputValue } from 'node:sqlite';
import { signingAlgorithms } from '../../tokens/signature.ts';
import type {
  AccountState,
  ApiTokenRecord,
  AuditEntry,
  AuditParty,
  Change,
  Label,
  OrgRecord,
  SigningKeyRecord,
  UserRecord,
} from '../records.ts';

export type Row = Record<string, SQLOutputValue>;

/** A value in the file is not what this program writes. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow';
  constructor(column: string) {
    super(`column ${column} holds a value this program never writes`);
  }
}

export const orgColumns =
  'id, name, state, roles, token_lifetime_ms_max, generation, token_generation_min, created_at_ms';

export const parseOrg = (row: Row): OrgRecord => ({
  id: text(row, 'id'),
  name: text(row, 'name'),
  state: accountState(row, 'state'),
  roles: roleDefinitions(row, 'roles'),
  tokenLifetimeMsMax: optionalInteger(row, 'token_lifetime_ms_max'),
  generation: integer(row, 'generation'),
  tokenGenerationMin: integer(row, 'token_generation_min'),
  createdAtMs: integer(row, 'created_at_ms'),
});

/** Without the password's hash, which the look-ups of the request path have no need of. */
export const ownerColumns = 'org_id, id, name, state, roles, generation, token_generation_min, created_at_ms';
export const userColumns = `${ownerColumns}, password_hash`;

export const parseUser = (row: Row): UserRecord => ({
  ...parseOwner(row, ''),
  passwordHash: optionalText(row, 'password_hash'),
});

/** `prefix`: of the column names, where a join gives users another. */
export const parseOwner = (row: Row, prefix: string): Omit<UserRecord, 'passwordHash'> => ({
  orgId: text(row, `${prefix}org_id`),
  id: text(row, `${prefix}id`),
  name: text(row, `${prefix}name`),
  state: accountState(row, `${prefix}state`),
  roles: strings(row, `${prefix}roles`),
  generation: integer(row, `${prefix}generation`),
  tokenGenerationMin: integer(row, `${prefix}token_generation_min`),
  createdAtMs: integer(row, `${prefix}created_at_ms`),
});

export const tokenColumns =
  'id, org_id, user_id, name, scopes, origin, state, created_at_ms, expires_at_ms, revoked_at_ms, generation_org, ' +
  'generation_user, secret_number, previous_secret_expires_at_ms, last_used_at_ms, openid, notify_before_expiry_ms, labels';

export const parseToken = (row: Row): ApiTokenRecord => ({
  id: text(row, 'id'),
  orgId: text(row, 'org_id'),
  userId: text(row, 'user_id'),
  name: text(row, 'name'),
  scopes: row['scopes'] === null ? 'all' : strings(row, 'scopes'),
  origin: oneOf(row, 'origin', ['created', 'imported']),
  state: oneOf(row, 'state', ['active', 'revoked']),
  createdAtMs: integer(row, 'created_at_ms'),
  expiresAtMs: optionalInteger(row, 'expires_at_ms'),
  revokedAtMs: optionalInteger(row, 'revoked_at_ms'),
  generation: { org: integer(row, 'generation_org'), user: integer(row, 'generation_user') },
  secretNumber: integer(row, 'secret_number'),
  previousSecretExpiresAtMs: optionalInteger(row, 'previous_secret_expires_at_ms'),
  lastUsedAtMs: optionalInteger(row, 'last_used_at_ms'),
  openid: integer(row, 'openid') === 1,
  notifyBeforeExpiryMs: optionalInteger(row, 'notify_before_expiry_ms'),
  labels: labels(row, 'labels'),
});

export const keyColumns =
  'kid, algorithm, public_jwk, sealed_private_key, created_at_ms, active_from_ms, retire_at_ms';

export const parseKey = (row: Row): SigningKeyRecord => ({
  kid: text(row, 'kid'),
  algorithm: oneOf(row, 'algorithm', signingAlgorithms),
  publicJwk: text(row, 'public_jwk'),
  sealedPrivateKey: text(row, 'sealed_private_key'),
  createdAtMs: integer(row, 'created_at_ms'),
  activeFromMs: integer(row, 'active_from_ms'),
  retireAtMs: optionalInteger(row, 'retire_at_ms'),
});

export const parseChange = (row: Row): Change => {
  const atMs = integer(row, 'at_ms');
  const kind = oneOf(row, 'kind', ['token', 'secret', 'session', 'user', 'org', 'keys']);
  switch (kind) {
    case 'token':
      return { kind, tokenId: text(row, 'subject'), atMs };
    case 'secret': {
      const untilMs = optionalInteger(row, 'until_ms');
      return {
        kind,
        tokenId: text(row, 'subject'),
        secretNumber: integer(row, 'generation'),
        digest: text(row, 'digest'),
        ...(untilMs === undefined ? {} : { previousUntilMs: untilMs }),
        atMs,
      };
    }
    case 'session':
      return { kind, sessionId: text(row, 'subject'), atMs };
    case 'user':
      return { kind, orgId: text(row, 'org_id'), userId: text(row, 'subject'), ...accountFields(row), atMs };
    case 'org':
      return { kind, orgId: text(row, 'org_id'), ...accountFields(row), atMs };
    case 'keys':
      return { kind, atMs };
  }
};

/** An entry of the audit, as `JSON.stringify` made it: what was undefined is missing. */
export const parseAuditEntry = (row: Row): AuditEntry => {
  const column = 'entry';
  const fields = object(json(row, column), column);
  const result = fields['result'];
  if (result !== 'done' && result !== 'refused') throw new DamagedRow(column);
  const reason = fields['reason'];
  return {
    id: textOf(fields['id'], column),
    atMs: integerOf(fields['atMs'], column),
    actor: partyOf(fields['actor'], column),
    action: textOf(fields['action'], column),
    subject: partyOf(fields['subject'], column),
    result,
    reason: reason === undefined ? undefined : textOf(reason, column),
    clientAddress: textOf(fields['clientAddress'], column),
    requestId: textOf(fields['requestId'], column),
  };
};

const partyOf = (value: unknown, column: string): AuditParty => {
  const fields = object(value, column);
  const part = (name: string): string | undefined =>
    fields[name] === undefined ? undefined : textOf(fields[name], column);
  return { org: part('org'), user: part('user'), tokenId: part('tokenId') };
};

const accountFields = (
  row: Row,
): { generation: number; tokenGenerationMin?: number; state?: AccountState } => ({
  generation: integer(row, 'generation'),
  ...(row['token_generation_min'] === null
    ? {}
    : { tokenGenerationMin: integer(row, 'token_generation_min') }),
  ...(row['state'] === null ? {} : { state: accountState(row, 'state') }),
});

export const text = (row: Row, column: string): string => {
  const value = row[column];
  if (typeof value !== 'string') throw new DamagedRow(column);
  return value;
};

export const integer = (row: Row, column: string): number => {
  const value = row[column];
  if (typeof value !== 'number') throw new DamagedRow(column);
  return value;
};

const optionalText = (row: Row, column: string): string | undefined =>
  row[column] === null ? undefined : text(row, column);

const optionalInteger = (row: Row, column: string): number | undefined =>
  row[column] === null ? undefined : integer(row, column);

const oneOf = <T extends string>(row: Row, column: string, allowed: readonly T[]): T => {
  const found = allowed.find((value) => value === row[column]);
  if (found === undefined) throw new DamagedRow(column);
  return found;
};

const accountState = (row: Row, column: string): AccountState => oneOf(row, column, ['active', 'disabled']);

const strings = (row: Row, column: string): readonly string[] => {
  const parsed = json(row, column);
  if (!isStrings(parsed)) throw new DamagedRow(column);
  return parsed;
};

const roleDefinitions = (row: Row, column: string): Readonly<Record<string, readonly string[]>> => {
  const parsed = json(row, column);
  if (typeof parsed !== 'object' || parsed === null) throw new DamagedRow(column);
  const roles: [string, readonly string[]][] = [];
  for (const [role, scopes] of Object.entries(parsed)) {
    if (!isStrings(scopes)) throw new DamagedRow(column);
    roles.push([role, scopes]);
  }
  // Defines own properties, whatever their names: no role can become the prototype.
  return Object.fromEntries(roles);
};

const labels = (row: Row, column: string): readonly Label[] => {
  const parsed = json(row, column);
  if (!Array.isArray(parsed)) throw new DamagedRow(column);
  return parsed.map((item: unknown) => {
    const fields = object(item, column);
    return { name: textOf(fields['name'], column), value: textOf(fields['value'], column) };
  });
};

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const object = (value: unknown, column: string): Json => {
  if (!isJson(value)) throw new DamagedRow(column);
  return value;
};

const textOf = (value: unknown, column: string): string => {
  if (typeof value !== 'string') throw new DamagedRow(column);
  return value;
};

const integerOf = (value: unknown, column: string): number => {
  if (typeof value !== 'number') throw new DamagedRow(column);
  return value;
};

const json = (row: Row, column: string): unknown => {
  try {
    return JSON.parse(text(row, column));
  } catch {
    throw new DamagedRow(column);
  }
};

const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
