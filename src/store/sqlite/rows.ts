// Rows of the embedded store <-> records. A column is named like its property, in snake case. Here are only the tables and
// the encodings that differ; records.ts checks the values.

import type { SQLOutputValue } from 'node:sqlite';
import { integer, optional, parseJson, text } from '../record-reader.ts';
import {
  type ApiTokenRecord,
  type Change,
  type OrgRecord,
  readChange,
  readOrg,
  readSigningKey,
  readToken,
  readTokenOwner,
  readUser,
  type SigningKeyRecord,
  type TokenOwner,
  type UserRecord,
} from '../records.ts';

export type TableRow = Record<string, SQLOutputValue>;
type Parameters = readonly (string | number | null)[];

/** `keys`: the properties that are the primary key. `names`: all of them. */
const tableOf = (table: string, keys: readonly string[], names: readonly string[]) => {
  const toColumn = (name: string): string =>
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const columns = names.map(toColumn);
  const updates = names.filter((name) => !keys.includes(name)).map(toColumn);
  const insert = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  return {
    columns: columns.join(', '),
    insert,
    upsert: `${insert} ON CONFLICT (${keys.map(toColumn).join(', ')}) DO UPDATE SET
      ${updates.map((column) => `${column} = excluded.${column}`).join(', ')}`,
    /** What both statements take. */
    parameters: (record: Readonly<Record<string, unknown>>): Parameters =>
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

export const orgTable = tableOf('orgs', ['id'], readOrg.names);

export const parseOrg = (row: TableRow): OrgRecord => {
  const values = orgTable.valuesOf(row);
  const what = `the org ${String(values['id'])}`;
  const roles = jsonOf(what, values['roles'], 'roles');
  const reminderThresholdsMs = jsonOf(what, values['reminderThresholdsMs'], 'reminderThresholdsMs');
  return readOrg({ ...values, roles, reminderThresholdsMs }, what);
};

export const ownerTable = tableOf('users', ['orgId', 'id'], readTokenOwner.names);
export const userTable = tableOf('users', ['orgId', 'id'], readUser.names);

const userOf = <T>(
  read: (values: unknown, what: string) => T,
  values: Readonly<Record<string, unknown>>,
): T => {
  const what = `the user ${String(values['orgId'])}/${String(values['id'])}`;
  return read({ ...values, roles: jsonOf(what, values['roles'], 'roles') }, what);
};

export const parseUser = (row: TableRow): UserRecord => userOf(readUser, userTable.valuesOf(row));

/** Of a row whose columns have the prefix `user_`. */
export const parseOwner = (row: TableRow): TokenOwner =>
  userOf(readTokenOwner, ownerTable.valuesOf(row, 'user_'));

const tokenColumns = [
  ...readToken.names.filter((name) => name !== 'generation'),
  'generationOrg',
  'generationUser',
];
/** Without the digest, which no record shows. */
export const tokenTable = tableOf('tokens', ['id'], tokenColumns);
export const newTokenTable = tableOf('tokens', ['id'], [...tokenColumns, 'digest']);

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
    {
      ...values,
      scopes: jsonOf(what, values['scopes'], 'scopes') ?? 'all',
      generation: { org: values['generationOrg'], user: values['generationUser'] },
      openid: values['openid'] === 1,
      labels: jsonOf(what, values['labels'], 'labels'),
      allowFrom: jsonOf(what, values['allowFrom'], 'allowFrom'),
    },
    what,
  );
};

export const keyTable = tableOf('keys', ['kid'], readSigningKey.names);

export const parseKey = (row: TableRow): SigningKeyRecord => {
  const values = keyTable.valuesOf(row);
  return readSigningKey(values, `the signing key ${String(values['kid'])}`);
};

/** `subject`: a token, session or user. `generation`: of a secret, its number. */
export const changeTable = tableOf(
  'changes',
  ['kind', 'orgId', 'subject'],
  [
    'kind',
    'orgId',
    'subject',
    'generation',
    'tokenGenerationMin',
    'state',
    'digest',
    'untilMs',
    'endsAtMs',
    'atMs',
  ],
);

export const parseChange = (row: TableRow): Change => {
  const values = changeTable.valuesOf(row);
  const { subject, generation, untilMs } = values;
  const names = { tokenId: subject, sessionId: subject, userId: subject, secretNumber: generation };
  return readChange(
    { ...values, ...names, previousUntilMs: untilMs },
    `line ${String(row['seq'])} of the change feed`,
  );
};

/** One number or text of a row. */
export const integerOf = (row: TableRow, column: string): number => integer(row[column], 'a row', column);
export const optionalIntegerOf = (row: TableRow, column: string): number | undefined =>
  optional(integer)(row[column], 'a row', column);
export const textOf = (row: TableRow, column: string): string => text(row[column], 'a row', column);
