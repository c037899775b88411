// Records <-> the JSON texts in hash fields. Here are only the names and the encodings; record-schema.ts checks the values.

import type { ApiTokenRecord, OrgRecord, SigningKeyRecord, UserRecord } from '../records.ts';
import {
  DamagedRecord,
  parseJson,
  readOrg,
  RecordReader,
  readSigningKey,
  readToken,
  readTokenOwner,
  readUser,
} from '../record-schema.ts';
import type { ApiTokenFound } from '../token-store.ts';

/** Hash fields as Redis has them: each value is a JSON text. */
export type HashFields = ReadonlyMap<string, string>;

/** A reply of HGETALL from a script: field, value, field, value, ... */
export const parseFields = (reply: unknown, what: string): HashFields => {
  if (!Array.isArray(reply)) throw new DamagedRecord(what);
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const name: unknown = reply[i];
    const value: unknown = reply[i + 1];
    if (typeof name !== 'string' || typeof value !== 'string') throw new DamagedRecord(what);
    fields.set(name, value);
  }
  return fields;
};

const accountNames = ['name', 'state', 'generation', 'tokenGenerationMin', 'createdAtMs'] as const;
const orgNames = [...accountNames, 'tokenLifetimeMsMax'] as const;
const userNames = [...accountNames, 'roles', 'passwordHash'] as const;

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
  return readOrg(new RecordReader(what, { ...values, id, roles: Object.fromEntries(roles) }));
};

export const parseUser = (orgId: string, id: string, fields: HashFields): UserRecord => {
  const what = `the user ${orgId}/${id}`;
  return readUser(new RecordReader(what, { ...fromFields(what, fields, userNames), orgId, id }));
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
    openid: token.openid,
    notifyBeforeExpiryMs: token.notifyBeforeExpiryMs ?? null,
    labels: token.labels,
  });

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
  const mutable = { state, revokedAtMs, secretNumber, previousSecretExpiresAtMs, lastUsedAtMs };
  return readToken(new RecordReader(what, { ...document, ...mutable }));
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
  const user = new RecordReader(what, { ...owner, generation, tokenGenerationMin });
  return {
    token,
    user: readTokenOwner(user),
    secretNumber: new RecordReader(what, { secretNumber }).integer('secretNumber'),
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
      return readSigningKey(new RecordReader(what, { ...values, kid, retireAtMs }));
    })
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.kid < b.kid ? -1 : 1));
