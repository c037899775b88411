// What the token store keeps: of each record its shape, by which both adapters read it, and its type. An adapter gives each
// value by the name of its property, with JSON already parsed. Times are milliseconds since the epoch; `undefined` means
// never, or that an older version wrote the record.

import { canonicalNetwork } from '../decision/address-rule.ts';
import { signingAlgorithms } from '../tokens/signature.ts';
import type { StoredKey } from '../tokens/stored-key.ts';
import {
  byName,
  integer,
  listOf,
  oneOf,
  optional,
  parseJson,
  type Reader,
  record,
  refuse,
  text,
} from './record-reader.ts';

const texts = listOf(text);
const optionalInteger = optional(integer);

const accountState = oneOf(['active', 'disabled']);
export type AccountState = ReturnType<typeof accountState>;

const account = {
  id: text,
  name: text,
  state: accountState,
  /** Grows with every change of state or roles (never for a repeated change) and every revoke-all; see nextGeneration. */
  generation: integer,
  /** API tokens made in an earlier generation than this are dead ("revoke all of the org" is one write). */
  tokenGenerationMin: integer,
  createdAtMs: integer,
};

/** A tenant. Role definitions live here: a role is a named set of scopes. */
export type OrgRecord = ReturnType<typeof readOrg>;
export const readOrg = record({
  ...account,
  /** Role name -> scopes. */
  roles: byName(texts),
  /** Longest API-token lifetime the org allows; undefined: no limit. */
  tokenLifetimeMsMax: optionalInteger,
  /** How long before their expiry the org's users are reminded of API tokens; undefined: as the settings say; empty: never. */
  reminderThresholdsMs: optional(listOf(integer)),
});

const owner = {
  ...account,
  orgId: text,
  /** Role names; their scopes are in the org. */
  roles: texts,
};
/** A user without the hash of the password and the e-mail address, which the look-ups of the request path do not need. */
export type TokenOwner = ReturnType<typeof readTokenOwner>;
export const readTokenOwner = record(owner);

export type UserRecord = ReturnType<typeof readUser>;
export const readUser = record({
  ...owner,
  /** PHC string of a slow hash; undefined: nobody signs in as this user with a password. Changing it moves the generation. */
  passwordHash: optional(text),
  /** Where reminders go; undefined: nowhere. */
  email: optional(text),
});

/** A name and a value a client keeps with its token. Nothing here reads them. */
export type Label = ReturnType<typeof label>;
const label = record({ name: text, value: text });
const labels = optional(listOf(label));

/** A network in its one form: a list with anything else in it must not be read as a shorter one. */
const network: Reader<string> = (value, what, field) => {
  const entry = text(value, what, field);
  return canonicalNetwork(entry) === entry ? entry : refuse(what, field);
};

export type ApiTokenRecord = ReturnType<typeof readToken>;
export const readToken = record({
  /** UUID whose last hex digit names the shard of its user. */
  id: text,
  orgId: text,
  userId: text,
  name: text,
  /** `all`: what the user's roles grant at the time of use. */
  scopes: (value, what, field) => (value === 'all' ? value : texts(value, what, field)),
  origin: oneOf(['created', 'imported']),
  state: oneOf(['active', 'revoked']),
  createdAtMs: integer,
  expiresAtMs: optionalInteger,
  /** When it was given this expiry; undefined: when it was made. */
  renewedAtMs: optionalInteger,
  revokedAtMs: optionalInteger,
  /** The generations it was made in. */
  generation: record({ org: integer, user: integer }),
  /** How often it was given a new secret: 0 for the first. */
  secretNumber: (value, what, field) => optionalInteger(value, what, field) ?? 0,
  /** Until then the secret before the present one is good too; undefined: it is not. */
  previousSecretExpiresAtMs: optionalInteger,
  /** When its secret was last presented, to the minute; undefined: never. */
  lastUsedAtMs: optionalInteger,
  /** An ID token comes with each exchange. */
  openid: (value) => value === true,
  /** Its owner is reminded this long before it expires; undefined: as the org or the settings say; 0: never. */
  notifyBeforeExpiryMs: optionalInteger,
  labels: (value, what, field) => labels(value, what, field) ?? [],
  /** Networks from which it may be used, and what is made from it; undefined: from anywhere. */
  allowFrom: optional(listOf(network)),
});

/** A signing key. Its private half is sealed (AES-256-GCM) before it reaches the store. */
export type SigningKeyRecord = StoredKey;
export const readSigningKey = record({
  kid: text,
  algorithm: oneOf(signingAlgorithms),
  publicJwk: text,
  sealedPrivateKey: text,
  createdAtMs: integer,
  activeFromMs: integer,
  retireAtMs: optionalInteger,
}) satisfies Reader<SigningKeyRecord>;

/** As they stand after the change, so that `reapply` can give them back to a server that lost them: see `Change`. */
const standing = { tokenGenerationMin: integer, state: oneOf(['active', 'disabled', 'deleted']) };

const changes = {
  token: record({ kind: oneOf(['token']), tokenId: text, atMs: integer }),
  /**
   * A token was given a new secret: what was made with one of a smaller number is dead. `digest`: of the new secret, so that
   * a server that lost it can have it back. `previousUntilMs`: until then the secret before this one is good too. `endsAtMs`: when
   * the token expires (`neverMs`: never), where that is not what it was made with.
   */
  secret: record(
    { kind: oneOf(['secret']), tokenId: text, secretNumber: integer, digest: text, atMs: integer },
    { previousUntilMs: integer, endsAtMs: integer },
  ),
  session: record({ kind: oneOf(['session']), sessionId: text, atMs: integer }),
  user: record(
    { kind: oneOf(['user']), orgId: text, userId: text, generation: integer, atMs: integer },
    standing,
  ),
  org: record({ kind: oneOf(['org']), orgId: text, generation: integer, atMs: integer }, standing),
  keys: record({ kind: oneOf(['keys']), atMs: integer }),
};
const changeKind = record({ kind: oneOf(['token', 'secret', 'session', 'user', 'org', 'keys']) });

/**
 * One line of the change feed: what every replica must know to keep no stale permit. A lost "revoke all", "disable" or
 * deletion must not revive anything.
 */
export type Change = ReturnType<(typeof changes)[keyof typeof changes]>;
export const readChange: Reader<Change> = (value, what) => changes[changeKind(value, what).kind](value, what);

/** Each undefined where it is not known or does not apply; an actor without an org is the operator, or unknown. */
export type AuditParty = ReturnType<typeof party>;
const party = record({ org: optional(text), user: optional(text), tokenId: optional(text) });

/** The door a command came through, where that is neither an API nor the command line. */
export type AuditVia = 'console';

/** Who did what to whom, from where, and what came of it. Never holds a secret. */
export type AuditEntry = ReturnType<typeof auditEntry>;
const auditEntry = record({
  /** A UUID: an entry written twice after an unknown outcome is known by it. */
  id: text,
  atMs: integer,
  actor: party,
  /** e.g. `token.create`; a closed vocabulary, kept by the lifecycle. */
  action: text,
  subject: party,
  result: oneOf(['done', 'refused']),
  /** Why it was refused: a denial's reason or a command error's code. */
  reason: optional(text),
  /** When the token expires that was given a new lifetime: a time of ISO 8601, or `never`. */
  expires: optional(text),
  /** `cli` for the operator at the command line. */
  clientAddress: text,
  via: optional(oneOf<AuditVia>(['console'])),
  requestId: text,
});

/** As `JSON.stringify` wrote it: what was undefined is absent. */
export const readAuditEntry = (json: string): AuditEntry =>
  auditEntry(parseJson('an entry of the audit', json), 'an entry of the audit');
