// The records of the store, read from what an adapter has: hash fields of Redis, columns of SQLite. An adapter gives each
// value by the name of its property, with JSON already parsed. Values are checked, never cast: a record that does not fit is
// refused by name, so that a damaged store refuses instead of permitting.

import { isJsonObject, type JsonObject } from '../decision/strict-json.ts';
import { signingAlgorithms } from '../tokens/signature.ts';
import type {
  AccountState,
  ApiTokenRecord,
  AuditEntry,
  AuditParty,
  Change,
  OrgRecord,
  SigningKeyRecord,
  UserRecord,
} from './records.ts';

/** What the store holds is not what this program writes. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord';
  constructor(what: string, field?: string) {
    const where = field === undefined ? '' : `: ${field} holds a value that Tollgate never writes`;
    super(`${what} is not a record this version of Tollgate can read${where}`);
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** Checks the values of one record. Every method throws `DamagedRecord` for a value of another type. */
export class RecordReader {
  readonly #what: string;
  readonly #values: JsonObject;

  /** `what`: names the record in a fault. `values`: undefined or null where one is absent. */
  constructor(what: string, values: unknown) {
    if (!isJsonObject(values)) throw new DamagedRecord(what);
    this.#what = what;
    this.#values = values;
  }

  has(name: string): boolean {
    const value = this.#values[name];
    return value !== undefined && value !== null;
  }

  is(name: string, expected: string | boolean): boolean {
    return this.#values[name] === expected;
  }

  text(name: string): string {
    const value = this.#values[name];
    return typeof value === 'string' ? value : this.#refuse(name);
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  integer(name: string): number {
    const value = this.#values[name];
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : this.#refuse(name);
  }

  optionalInteger(name: string): number | undefined {
    const value = this.#values[name];
    return value === undefined || value === null ? undefined : this.integer(name);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.#values[name];
    return allowed.find((each) => each === value) ?? this.#refuse(name);
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return isTexts(value) ? value : this.#refuse(name);
  }

  /** Own properties only, whatever their names: no role can become the prototype. */
  textsByName(name: string): Readonly<Record<string, readonly string[]>> {
    const value = this.#values[name];
    if (!isJsonObject(value)) return this.#refuse(name);
    return Object.fromEntries(
      Object.entries(value).map(([key, texts]) => [key, isTexts(texts) ? texts : this.#refuse(name)]),
    );
  }

  part(name: string): RecordReader {
    return new RecordReader(this.#what, this.#values[name]);
  }

  /** Empty where absent. */
  parts(name: string): readonly RecordReader[] {
    const value = this.#values[name] ?? [];
    return Array.isArray(value)
      ? value.map((item) => new RecordReader(this.#what, item))
      : this.#refuse(name);
  }

  #refuse(name: string): never {
    throw new DamagedRecord(this.#what, name);
  }
}

const accountStates: readonly AccountState[] = ['active', 'disabled'];

const readAccount = (reader: RecordReader) => ({
  id: reader.text('id'),
  name: reader.text('name'),
  state: reader.oneOf('state', accountStates),
  generation: reader.integer('generation'),
  tokenGenerationMin: reader.integer('tokenGenerationMin'),
  createdAtMs: reader.integer('createdAtMs'),
});

export const readOrg = (reader: RecordReader): OrgRecord => ({
  ...readAccount(reader),
  roles: reader.textsByName('roles'),
  tokenLifetimeMsMax: reader.optionalInteger('tokenLifetimeMsMax'),
});

/** Without the hash of the password, which the look-ups of the request path do not need. */
export const readTokenOwner = (reader: RecordReader): Omit<UserRecord, 'passwordHash'> => ({
  ...readAccount(reader),
  orgId: reader.text('orgId'),
  roles: reader.texts('roles'),
});

export const readUser = (reader: RecordReader): UserRecord => ({
  ...readTokenOwner(reader),
  passwordHash: reader.optionalText('passwordHash'),
});

/** What later versions added is absent from older records. */
export const readToken = (reader: RecordReader): ApiTokenRecord => {
  const generation = reader.part('generation');
  return {
    id: reader.text('id'),
    orgId: reader.text('orgId'),
    userId: reader.text('userId'),
    name: reader.text('name'),
    scopes: reader.is('scopes', 'all') ? 'all' : reader.texts('scopes'),
    origin: reader.oneOf('origin', ['created', 'imported']),
    state: reader.oneOf('state', ['active', 'revoked']),
    createdAtMs: reader.integer('createdAtMs'),
    expiresAtMs: reader.optionalInteger('expiresAtMs'),
    revokedAtMs: reader.optionalInteger('revokedAtMs'),
    generation: { org: generation.integer('org'), user: generation.integer('user') },
    secretNumber: reader.optionalInteger('secretNumber') ?? 0,
    previousSecretExpiresAtMs: reader.optionalInteger('previousSecretExpiresAtMs'),
    lastUsedAtMs: reader.optionalInteger('lastUsedAtMs'),
    openid: reader.is('openid', true),
    notifyBeforeExpiryMs: reader.optionalInteger('notifyBeforeExpiryMs'),
    labels: reader.parts('labels').map((label) => ({ name: label.text('name'), value: label.text('value') })),
  };
};

export const readSigningKey = (reader: RecordReader): SigningKeyRecord => ({
  kid: reader.text('kid'),
  algorithm: reader.oneOf('algorithm', signingAlgorithms),
  publicJwk: reader.text('publicJwk'),
  sealedPrivateKey: reader.text('sealedPrivateKey'),
  createdAtMs: reader.integer('createdAtMs'),
  activeFromMs: reader.integer('activeFromMs'),
  retireAtMs: reader.optionalInteger('retireAtMs'),
});

/** An entry of the audit as `JSON.stringify` wrote it: what was undefined is absent. */
export const readAuditEntry = (text: string): AuditEntry => {
  const what = 'an entry of the audit';
  const reader = new RecordReader(what, parseJson(what, text));
  return {
    id: reader.text('id'),
    atMs: reader.integer('atMs'),
    actor: readParty(reader.part('actor')),
    action: reader.text('action'),
    subject: readParty(reader.part('subject')),
    result: reader.oneOf('result', ['done', 'refused']),
    reason: reader.optionalText('reason'),
    clientAddress: reader.text('clientAddress'),
    requestId: reader.text('requestId'),
  };
};

const readParty = (reader: RecordReader): AuditParty => ({
  org: reader.optionalText('org'),
  user: reader.optionalText('user'),
  tokenId: reader.optionalText('tokenId'),
});

/** `field`: of the record `what`, that holds the text. */
export const parseJson = (what: string, text: string, field?: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new DamagedRecord(what, field);
  }
};

/** A line of the change feed. */
export const readChange = (reader: RecordReader): Change => {
  const kind = reader.oneOf('kind', ['token', 'secret', 'session', 'user', 'org', 'keys']);
  const atMs = reader.integer('atMs');
  switch (kind) {
    case 'token':
      return { kind, tokenId: reader.text('tokenId'), atMs };
    case 'secret':
      return {
        kind,
        tokenId: reader.text('tokenId'),
        secretNumber: reader.integer('secretNumber'),
        digest: reader.text('digest'),
        ...(reader.has('previousUntilMs') && { previousUntilMs: reader.integer('previousUntilMs') }),
        atMs,
      };
    case 'session':
      return { kind, sessionId: reader.text('sessionId'), atMs };
    case 'user':
      return {
        kind,
        orgId: reader.text('orgId'),
        userId: reader.text('userId'),
        ...readGeneration(reader),
        atMs,
      };
    case 'org':
      return { kind, orgId: reader.text('orgId'), ...readGeneration(reader), atMs };
    case 'keys':
      return { kind, atMs };
  }
};

const readGeneration = (reader: RecordReader) => ({
  generation: reader.integer('generation'),
  ...(reader.has('tokenGenerationMin') && { tokenGenerationMin: reader.integer('tokenGenerationMin') }),
  ...(reader.has('state') && { state: reader.oneOf('state', accountStates) }),
});
