// Records <-> the JSON texts kept in hash fields. Whatever comes back is parsed, never cast: a record that does not
// parse is a fault that names it, so that a damaged store refuses instead of permitting.

import type { ApiTokenFound } from '../token-store.ts';
import type { AccountState, ApiTokenRecord, OrgRecord, SigningKeyRecord, UserRecord } from '../records.ts';
import { corrupt } from './fault.ts';

/** Hash fields as Redis has them. */
export type Fields = ReadonlyMap<string, string>;

/** A reply of HGETALL from a script: field, value, field, value, ... */
export const parseFields = (reply: unknown, what: string): Fields => {
  if (!Array.isArray(reply)) throw corrupt(what);
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const name: unknown = reply[i];
    const value: unknown = reply[i + 1];
    if (typeof name !== 'string' || typeof value !== 'string') throw corrupt(what);
    fields.set(name, value);
  }
  return fields;
};

const parseJson = (text: string | undefined, what: string): unknown => {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw corrupt(what);
  }
};

const text = (value: unknown, what: string): string => {
  if (typeof value !== 'string') throw corrupt(what);
  return value;
};
const integer = (value: unknown, what: string): number => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw corrupt(what);
  return value;
};
const integerOrNever = (value: unknown, what: string): number | undefined =>
  value === null || value === undefined ? undefined : integer(value, what);
const texts = (value: unknown, what: string): readonly string[] => {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw corrupt(what);
  return value;
};
const state = (value: unknown, what: string): AccountState => {
  if (value !== 'active' && value !== 'disabled') throw corrupt(what);
  return value;
};
type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const object = (value: unknown, what: string): Json => {
  if (!isJson(value)) throw corrupt(what);
  return value;
};

const rolePrefix = 'role:';
/** The hash field of one role's scopes. */
export const roleField = (role: string): string => rolePrefix + role;

export const orgFields = (org: OrgRecord): string[] => [
  'name',
  JSON.stringify(org.name),
  'state',
  JSON.stringify(org.state),
  ...(org.tokenLifetimeMsMax === undefined ? [] : ['tokenLifetimeMsMax', `${org.tokenLifetimeMsMax}`]),
  'generation',
  `${org.generation}`,
  'tokenGenerationMin',
  `${org.tokenGenerationMin}`,
  'createdAtMs',
  `${org.createdAtMs}`,
  ...Object.entries(org.roles).flatMap(([role, scopes]) => [roleField(role), JSON.stringify(scopes)]),
];

export const parseOrg = (id: string, fields: Fields): OrgRecord => {
  const what = `the org ${id}`;
  const field = (name: string): unknown => parseJson(fields.get(name), what);
  const roles: [string, readonly string[]][] = [];
  for (const [name, value] of fields)
    if (name.startsWith(rolePrefix))
      roles.push([name.slice(rolePrefix.length), texts(parseJson(value, what), what)]);
  return {
    id,
    name: text(field('name'), what),
    state: state(field('state'), what),
    roles: Object.fromEntries(roles),
    tokenLifetimeMsMax: integerOrNever(field('tokenLifetimeMsMax'), what),
    generation: integer(field('generation'), what),
    tokenGenerationMin: integer(field('tokenGenerationMin'), what),
    createdAtMs: integer(field('createdAtMs'), what),
  };
};

export const userFields = (user: UserRecord): string[] => [
  'name',
  JSON.stringify(user.name),
  'state',
  JSON.stringify(user.state),
  'roles',
  JSON.stringify(user.roles),
  'generation',
  `${user.generation}`,
  'tokenGenerationMin',
  `${user.tokenGenerationMin}`,
  'createdAtMs',
  `${user.createdAtMs}`,
];

export const parseUser = (orgId: string, id: string, fields: Fields): UserRecord => {
  const what = `the user ${orgId}/${id}`;
  const names = ['name', 'state', 'roles', 'generation', 'tokenGenerationMin', 'createdAtMs'];
  return userOf(
    orgId,
    id,
    names.map((name) => parseJson(fields.get(name), what)),
  );
};

const userOf = (orgId: string, id: string, values: readonly unknown[]): UserRecord => {
  const what = `the user ${orgId}/${id}`;
  const [name, userState, roles, generation, tokenGenerationMin, createdAtMs] = values;
  return {
    orgId,
    id,
    name: text(name, what),
    state: state(userState, what),
    roles: texts(roles, what),
    generation: integer(generation, what),
    tokenGenerationMin: integer(tokenGenerationMin, what),
    createdAtMs: integer(createdAtMs, what),
  };
};

/** Everything of a token that never changes. */
export const tokenDocument = (token: ApiTokenRecord): string =>
  JSON.stringify({
    id: token.id,
    orgId: token.orgId,
    userId: token.userId,
    name: token.name,
    scopes: token.scopes,
    origin: token.origin,
    createdAtMs: token.createdAtMs,
    expiresAtMs: token.expiresAtMs ?? null,
    generation: token.generation,
  });

const tokenOf = (document: unknown, revoked: unknown, what: string): ApiTokenRecord => {
  const fields = object(document, what);
  const scopes = fields['scopes'];
  const origin = fields['origin'];
  if (origin !== 'created' && origin !== 'imported') throw corrupt(what);
  const generation = object(fields['generation'], what);
  const revokedAtMs = integerOrNever(revoked, what);
  return {
    id: text(fields['id'], what),
    orgId: text(fields['orgId'], what),
    userId: text(fields['userId'], what),
    name: text(fields['name'], what),
    scopes: scopes === 'all' ? scopes : texts(scopes, what),
    origin,
    state: revokedAtMs === undefined ? 'active' : 'revoked',
    createdAtMs: integer(fields['createdAtMs'], what),
    expiresAtMs: integerOrNever(fields['expiresAtMs'], what),
    revokedAtMs,
    generation: { org: integer(generation['org'], what), user: integer(generation['user'], what) },
  };
};

/** `document`, `revokedAtMs`: the fields of a token hash, null where absent. Undefined: there is no such token. */
export const parseToken = (
  tokenId: string,
  document: unknown,
  revokedAtMs: unknown,
): ApiTokenRecord | undefined => {
  const what = `the API token ${tokenId}`;
  if (document === null || document === undefined) return undefined;
  const revoked = revokedAtMs === null ? undefined : parseJson(text(revokedAtMs, what), what);
  return tokenOf(parseJson(text(document, what), what), revoked, what);
};

/** The JSON array the look-up script puts together. */
export const parseFound = (reply: string): ApiTokenFound => {
  const what = 'the record behind an API token';
  const parts = parseJson(reply, what);
  if (!Array.isArray(parts)) throw corrupt(what);
  const token = tokenOf(parts[0], parts[1], what);
  return { token, user: userOf(token.orgId, token.userId, parts.slice(2)) };
};

export const keyDocument = (key: SigningKeyRecord): string =>
  JSON.stringify({
    algorithm: key.algorithm,
    publicJwk: key.publicJwk,
    sealedPrivateKey: key.sealedPrivateKey,
    createdAtMs: key.createdAtMs,
    activeFromMs: key.activeFromMs,
  });

/** All keys of the `keys` hash, oldest first. */
export const parseKeys = (fields: Fields): SigningKeyRecord[] => {
  const keys: SigningKeyRecord[] = [];
  for (const [name, value] of fields) {
    if (!name.startsWith('doc:')) continue;
    const kid = name.slice('doc:'.length);
    const what = `the signing key ${kid}`;
    const document = object(parseJson(value, what), what);
    const algorithm = document['algorithm'];
    if (algorithm !== 'ES256' && algorithm !== 'RS256' && algorithm !== 'EdDSA') throw corrupt(what);
    keys.push({
      kid,
      algorithm,
      publicJwk: text(document['publicJwk'], what),
      sealedPrivateKey: text(document['sealedPrivateKey'], what),
      createdAtMs: integer(document['createdAtMs'], what),
      activeFromMs: integer(document['activeFromMs'], what),
      retireAtMs: integerOrNever(parseJson(fields.get(`retire:${kid}`), what), what),
    });
  }
  return keys.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.kid < b.kid ? -1 : 1));
};
