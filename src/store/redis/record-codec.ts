// Records <-> the JSON texts kept in hash fields. Whatever comes back is parsed, never cast: a record that does not
// parse is a fault that names it, so that a damaged store refuses instead of permitting.

import { signingAlgorithms } from '../../tokens/signature.ts';
import type { ApiTokenFound } from '../token-store.ts';
import type {
  AccountState,
  ApiTokenRecord,
  AuditEntry,
  AuditParty,
  Label,
  OrgRecord,
  SigningKeyRecord,
  UserRecord,
} from '../records.ts';
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
  ...(user.passwordHash === undefined ? [] : ['passwordHash', JSON.stringify(user.passwordHash)]),
];

export const parseUser = (orgId: string, id: string, fields: Fields): UserRecord => {
  const what = `the user ${orgId}/${id}`;
  const names = ['name', 'state', 'roles', 'generation', 'tokenGenerationMin', 'createdAtMs'];
  const owner = ownerOf(
    orgId,
    id,
    names.map((name) => parseJson(fields.get(name), what)),
  );
  const passwordHash = fields.get('passwordHash');
  return {
    ...owner,
    passwordHash: passwordHash === undefined ? undefined : text(parseJson(passwordHash, what), what),
  };
};

const ownerOf = (orgId: string, id: string, values: readonly unknown[]): ApiTokenFound['user'] => {
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

/** `values`: of `tokenFieldNames`, parsed. What came with later versions is missing in older records. */
const tokenOf = (values: readonly unknown[], what: string): ApiTokenRecord => {
  const [document, revoked, secretNumber, previousUntil, lastUsed] = values;
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
    secretNumber: integerOrNever(secretNumber, what) ?? 0,
    previousSecretExpiresAtMs: integerOrNever(previousUntil, what),
    lastUsedAtMs: integerOrNever(lastUsed, what),
    openid: fields['openid'] === true,
    notifyBeforeExpiryMs: integerOrNever(fields['notifyBeforeExpiryMs'], what),
    labels: labels(fields['labels'], what),
  };
};

const labels = (value: unknown, what: string): readonly Label[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw corrupt(what);
  return value.map((item: unknown) => {
    const fields = object(item, what);
    return { name: text(fields['name'], what), value: text(fields['value'], what) };
  });
};

/** `values`: of `tokenFieldNames`, null where absent. Undefined: there is no such token. */
export const parseToken = (tokenId: string, values: unknown): ApiTokenRecord | undefined => {
  const what = `the API token ${tokenId}`;
  if (!Array.isArray(values)) throw corrupt(what);
  if (values[0] === null || values[0] === undefined) return undefined;
  return tokenOf(
    values.map((value: unknown) => (value === null ? undefined : parseJson(text(value, what), what))),
    what,
  );
};

/** The JSON array the look-up script puts together. */
export const parseFound = (reply: string): ApiTokenFound => {
  const what = 'the record behind an API token';
  const parts = parseJson(reply, what);
  if (!Array.isArray(parts)) throw corrupt(what);
  const [secretNumber, ...rest] = parts;
  const count = tokenFieldNames.length;
  const token = tokenOf(rest.slice(0, count), what);
  return {
    token,
    user: ownerOf(token.orgId, token.userId, rest.slice(count)),
    secretNumber: integer(secretNumber, what),
  };
};

/** An entry of the audit, as `JSON.stringify` made it: what was undefined is missing. */
export const parseAuditEntry = (document: unknown): AuditEntry => {
  const what = 'an entry of the audit';
  const fields = object(parseJson(text(document, what), what), what);
  const result = fields['result'];
  if (result !== 'done' && result !== 'refused') throw corrupt(what);
  const reason = fields['reason'];
  return {
    id: text(fields['id'], what),
    atMs: integer(fields['atMs'], what),
    actor: partyOf(fields['actor'], what),
    action: text(fields['action'], what),
    subject: partyOf(fields['subject'], what),
    result,
    reason: reason === undefined ? undefined : text(reason, what),
    clientAddress: text(fields['clientAddress'], what),
    requestId: text(fields['requestId'], what),
  };
};

const partyOf = (value: unknown, what: string): AuditParty => {
  const fields = object(value, what);
  const part = (name: string): string | undefined =>
    fields[name] === undefined ? undefined : text(fields[name], what);
  return { org: part('org'), user: part('user'), tokenId: part('tokenId') };
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
    const algorithm = signingAlgorithms.find((known) => known === document['algorithm']);
    if (algorithm === undefined) throw corrupt(what);
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
