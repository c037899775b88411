// Records <-> the JSON texts in hash fields. Here are only the names and the encodings; records.ts checks the values.

import { DamagedRecord, integer, listOf, parseJson, text } from '../record-reader.ts';
import {
  type ApiTokenRecord,
  type OrgRecord,
  readOrg,
  readSigningKey,
  readToken,
  readTokenOwner,
  readUser,
  type SigningKeyRecord,
  type UserRecord,
} from '../records.ts';
import type { ApiTokenFound } from '../token-store.ts';
import { pairsOf } from './change-codec.ts';

/** Hash fields as Redis has them: each value is a JSON text. */
export type HashFields = ReadonlyMap<string, string>;

/** A reply of HGETALL from a script: field, value, field, value, ... */
export const parseFields = (reply: unknown, what: string): HashFields => pairsOf(listOf(text)(reply, what));

/** The ids are in the key; each role of an org has a field of its own. */
const orgNames = readOrg.names.filter((name) => name !== 'id' && name !== 'roles');
const userNames = readUser.names.filter((name) => name !== 'id' && name !== 'orgId');

const rolePrefix = 'role:';
/** The hash field of one role's scopes. */
export const roleField = (role: string): string => rolePrefix + role;

/** Field and value pairs for HSET. What is undefined has no field. */
const toFields = <T extends object>(record: T, names: readonly (keyof T & string)[]): string[] =>
  names.flatMap((name) => (record[name] === undefined ? [] : [name, JSON.stringify(record[name])]));

export const orgFields = (org: OrgRecord): string[] => [
  ...toFields(org, orgNames),
  ...Object.entries(org.roles).flatMap(([role, scopes]) => [roleField(role), JSON.stringify(scopes)]),
];

export const userFields = (user: UserRecord): string[] => toFields(user, userNames);

/** Only the fields of these names: a later version may keep others, written in another way. */
const fromFields = (what: string, fields: HashFields, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, parseJson(what, fields.get(name) ?? 'null', name)]));

export const parseOrg = (id: string, fields: HashFields): OrgRecord => {
  const what = `the org ${id}`;
  const roleNames = [...fields.keys()].filter((name) => name.startsWith(rolePrefix));
  const roles = Object.entries(fromFields(what, fields, roleNames)).map(
    ([name, scopes]) => [name.slice(rolePrefix.length), scopes] as const,
  );
  const values = fromFields(what, fields, orgNames);
  return readOrg({ ...values, id, roles: Object.fromEntries(roles) }, what);
};

export const parseUser = (orgId: string, id: string, fields: HashFields): UserRecord => {
  const what = `the user ${orgId}/${id}`;
  return readUser({ ...fromFields(what, fields, userNames), orgId, id }, what);
};

/** What of a token changes has fields of its own. */
const mutable = new Set([
  'state',
  'revokedAtMs',
  'secretNumber',
  'previousSecretExpiresAtMs',
  'lastUsedAtMs',
]);
const documentNames = readToken.names.filter((name) => !mutable.has(name));

/** Everything else of a token, by name: nothing else that an object may carry gets into the store. Only its expiry changes. */
export const tokenDocument = (token: ApiTokenRecord): string =>
  JSON.stringify(Object.fromEntries(documentNames.map((name) => [name, token[name] ?? null])));

/** The fields of a token hash, in the order in which every script and command replies with them. */
export const tokenFieldNames = [
  'doc',
  'revokedAtMs',
  'secretNumber',
  'previousUntilMs',
  'lastUsedAtMs',
] as const;

/** `values`: of `tokenFieldNames`, parsed; null where absent. */
const tokenOf = (what: string, values: readonly unknown[]): ApiTokenRecord => {
  const [document, revokedAtMs, secretNumber, previousSecretExpiresAtMs, lastUsedAtMs] = values;
  if (typeof document !== 'object') throw new DamagedRecord(what);
  const state = revokedAtMs === null ? 'active' : 'revoked';
  const changing = { state, revokedAtMs, secretNumber, previousSecretExpiresAtMs, lastUsedAtMs };
  return readToken({ ...document, ...changing }, what);
};

/** `values`: of `tokenFieldNames`, null where absent. Undefined: there is no such token. */
export const parseToken = (tokenId: string, values: unknown): ApiTokenRecord | undefined => {
  const what = `the API token ${tokenId}`;
  if (!Array.isArray(values)) throw new DamagedRecord(what);
  if (values[0] === null || values[0] === undefined) return undefined;
  const parsed = values.map((value: unknown): unknown =>
    typeof value === 'string' ? parseJson(what, value) : null,
  );
  return tokenOf(what, parsed);
};

/** The JSON array that the look-up script puts together: its number of the secret, fields of the token, of its user. */
export const parseFound = (reply: string): ApiTokenFound => {
  const what = 'the record behind an API token';
  const parts = parseJson(what, reply);
  if (!Array.isArray(parts)) throw new DamagedRecord(what);
  const [secretNumber, ...fields]: readonly unknown[] = parts;
  const token = tokenOf(what, fields.slice(0, tokenFieldNames.length));
  const [name, state, roles, generation, tokenGenerationMin, createdAtMs] = fields.slice(
    tokenFieldNames.length,
  );
  const owner = { orgId: token.orgId, id: token.userId, name, state, roles, createdAtMs };
  return {
    token,
    user: readTokenOwner({ ...owner, generation, tokenGenerationMin }, what),
    secretNumber: integer(secretNumber, what, 'secretNumber'),
  };
};

/** Names its fields: nothing else that an object may carry gets into the store. */
export const keyDocument = (key: SigningKeyRecord): string => {
  const { algorithm, publicJwk, sealedPrivateKey, createdAtMs, activeFromMs } = key;
  return JSON.stringify({ algorithm, publicJwk, sealedPrivateKey, createdAtMs, activeFromMs });
};

/** All keys of the `keys` hash, oldest first. */
export const parseKeys = (fields: HashFields): SigningKeyRecord[] =>
  [...fields]
    .filter(([name]) => name.startsWith('doc:'))
    .map(([name, document]) => {
      const kid = name.slice('doc:'.length);
      const what = `the signing key ${kid}`;
      const values = parseJson(what, document);
      if (typeof values !== 'object') throw new DamagedRecord(what);
      const retireAtMs = parseJson(what, fields.get(`retire:${kid}`) ?? 'null');
      return readSigningKey({ ...values, kid, retireAtMs }, what);
    })
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.kid < b.kid ? -1 : 1));
