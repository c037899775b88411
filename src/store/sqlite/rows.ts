// Rows of the embedded store <-> records. A column is named like its property, in snake case. Here are only the tables and
// the encodings that differ; record-schema.ts checks the values.

import type { SQLOutputValue } from 'node:sqlite';
import type { ApiTokenRecord, Change, OrgRecord, SigningKeyRecord, UserRecord } from '../records.ts';
import {
  parseJson,
  readChange,
  readOrg,
  RecordReader,
  readSigningKey,
  readToken,
  readTokenOwner,
  readUser,
} from '../record-schema.ts';

export type TableRow = Record<string, SQLOutputValue>;
type Parameters = readonly (string | number | null)[];

/** `keys`: the properties that are the primary key. */
const tableOf = <Name extends string>(table: string, keys: readonly Name[], others: readonly Name[]) => {
  const names = [...keys, ...others];
  const toColumn = (name: Name): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const columns = names.map(toColumn);
  const updates = others.map(toColumn).map((column) => `${column} = excluded.${column}`);
  const insert = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  return {
    columns: columns.join(', '),
    insert,
    upsert: `${insert} ON CONFLICT (${keys.map(toColumn).join(', ')}) DO UPDATE SET ${updates.join(', ')}`,
    /** What both statements take. */
    parameters: (record: Readonly<Record<Name, unknown>>): Parameters =>
      names.map((name) => parameterOf(record[name])),
    /** The columns for a join, under names of their own. */
    prefixed: (prefix: string): string =>
      columns.map((column) => `${table}.${column} AS ${prefix}${column}`).join(', '),
    /** The values of a row by property. */
    valuesOf: (row: TableRow, prefix = ''): Readonly<Record<string, SQLOutputValue | undefined>> =>
      Object.fromEntries(names.map((name, index) => [name, row[`${prefix}${columns[index]}`]])),
  };
};

const parameterOf = (value: unknown): string | number | null => {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value);
};

const jsonOf = (what: string, value: unknown, field: string): unknown =>
  typeof value === 'string' ? parseJson(what, value, field) : value;

const accountProperties = [
  'name',
  'state',
  'roles',
  'generation',
  'tokenGenerationMin',
  'createdAtMs',
] as const;

export const orgTable = tableOf('orgs', ['id'], [...accountProperties, 'tokenLifetimeMsMax']);

export const parseOrg = (row: TableRow): OrgRecord => {
  const values = orgTable.valuesOf(row);
  const what = `the org ${String(values['id'])}`;
  return readOrg(new RecordReader(what, { ...values, roles: jsonOf(what, values['roles'], 'roles') }));
};

/** Without the hash of the password, which the look-ups of the request path do not need. */
export const ownerTable = tableOf('users', ['orgId', 'id'], accountProperties);
export const userTable = tableOf('users', ['orgId', 'id'], [...accountProperties, 'passwordHash']);

const userReader = (values: ReturnType<typeof userTable.valuesOf>): RecordReader => {
  const what = `the user ${String(values['orgId'])}/${String(values['id'])}`;
  return new RecordReader(what, { ...values, roles: jsonOf(what, values['roles'], 'roles') });
};

export const parseUser = (row: TableRow): UserRecord => readUser(userReader(userTable.valuesOf(row)));

/** Of a row whose columns have the prefix `user_`. */
export const parseOwner = (row: TableRow): Omit<UserRecord, 'passwordHash'> =>
  readTokenOwner(userReader(ownerTable.valuesOf(row, 'user_')));

const tokenProperties = [
  'orgId',
  'userId',
  'name',
  'scopes',
  'origin',
  'state',
  'createdAtMs',
  'expiresAtMs',
  'revokedAtMs',
  'generationOrg',
  'generationUser',
  'secretNumber',
  'previousSecretExpiresAtMs',
  'lastUsedAtMs',
  'openid',
  'notifyBeforeExpiryMs',
  'labels',
] as const;
/** Without the digest, which no record shows. */
export const tokenTable = tableOf('tokens', ['id'], tokenProperties);
export const newTokenTable = tableOf('tokens', ['id'], ['digest', ...tokenProperties]);

/** What `newTokenTable.insert` takes. Of scopes, NULL means all. */
export const newTokenParameters = (token: ApiTokenRecord, digest: string): Parameters =>
  newTokenTable.parameters({
    ...token,
    digest,
    scopes: token.scopes === 'all' ? null : token.scopes,
    generationOrg: token.generation.org,
    generationUser: token.generation.user,
  });

export const parseToken = (row: TableRow): ApiTokenRecord => {
  const values = tokenTable.valuesOf(row);
  const what = `the API token ${String(values['id'])}`;
  return readToken(
    new RecordReader(what, {
      ...values,
      scopes: jsonOf(what, values['scopes'], 'scopes') ?? 'all',
      generation: { org: values['generationOrg'], user: values['generationUser'] },
      openid: values['openid'] === 1,
      labels: jsonOf(what, values['labels'], 'labels'),
    }),
  );
};

export const keyTable = tableOf(
  'keys',
  ['kid'],
  ['algorithm', 'publicJwk', 'sealedPrivateKey', 'createdAtMs', 'activeFromMs', 'retireAtMs'],
);

export const parseKey = (row: TableRow): SigningKeyRecord => {
  const values = keyTable.valuesOf(row);
  return readSigningKey(new RecordReader(`the signing key ${String(values['kid'])}`, values));
};

/** `subject`: a token, session or user. `generation`: of a secret, its number. */
export const changeTable = tableOf(
  'changes',
  ['kind', 'orgId', 'subject'],
  ['generation', 'tokenGenerationMin', 'state', 'digest', 'untilMs', 'atMs'],
);

export const parseChange = (row: TableRow): Change => {
  const values = changeTable.valuesOf(row);
  const { subject, generation, untilMs } = values;
  const names = { tokenId: subject, sessionId: subject, userId: subject, secretNumber: generation };
  const what = `line ${String(row['seq'])} of the change feed`;
  return readChange(new RecordReader(what, { ...values, ...names, previousUntilMs: untilMs }));
};

/** One number or text of a row. */
export const integer = (row: TableRow, column: string): number =>
  new RecordReader('a row', row).integer(column);
export const optionalInteger = (row: TableRow, column: string): number | undefined =>
  new RecordReader('a row', row).optionalInteger(column);
export const text = (row: TableRow, column: string): string => new RecordReader('a row', row).text(column);
