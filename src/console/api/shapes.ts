// The shapes of the management API that the pages show.

import { count, either, flag, list, nothing, nullable, object, oneOf, type Reader, text } from './reader.ts';

export const accountState = oneOf('active', 'disabled');

const named = object({ id: text, name: text });

export const signedIn = object({
  session: object({
    org: named,
    user: object({ id: text, name: text, roles: list(text) }),
    scopes: list(text),
    issuer: text,
  }),
  orgs: list(named),
  idleExpiresAt: text,
  expiresAt: text,
});
export type SignedIn = ReturnType<typeof signedIn>;

export const signInOptions = object({ password: flag, providers: list(named) });
export type SignInOptions = ReturnType<typeof signInOptions>;

const tokenFields = {
  id: text,
  org: text,
  user: text,
  name: text,
  scopes: either(oneOf('all'), list(text)),
  state: oneOf('active', 'expired', 'revoked'),
  origin: oneOf('created', 'imported'),
  openid: flag,
  remindBefore: nullable(text),
  allowFrom: nullable(list(text)),
  createdAt: text,
  expiresAt: nullable(text),
  revokedAt: nullable(text),
  lastUsedAt: nullable(text),
  secretNumber: count,
  previousSecretExpiresAt: nullable(text),
};
export const apiToken = object(tokenFields);
export type ApiToken = ReturnType<typeof apiToken>;

export const apiTokenWithSecret = object({ ...tokenFields, secret: text });
export type ApiTokenWithSecret = ReturnType<typeof apiTokenWithSecret>;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export const page = <T>(item: Reader<T>): Reader<Page<T>> =>
  object({ items: list(item), nextCursor: nullable(text) });

export interface CountedPage<T> extends Page<T> {
  /** How many there are on all pages; null: not known. */
  readonly total: number | null;
}

export const countedPage = <T>(item: Reader<T>): Reader<CountedPage<T>> =>
  object({ items: list(item), nextCursor: nullable(text), total: nullable(count) });

const scopeGroup = object({ name: text, scopes: list(text) });
export type ScopeGroup = ReturnType<typeof scopeGroup>;

export const grantable = object({
  roles: list(scopeGroup),
  services: list(scopeGroup),
  all: list(text),
  mayGrantAll: flag,
  lifetimeMax: nullable(text),
  lifetimeDefault: nullable(text),
  remindBefore: nullable(list(text)),
});
export type Grantable = ReturnType<typeof grantable>;

const usageSums = { requests: count, refused: count, bytesIn: count, bytesOut: count };
const usageTotal = object(usageSums);
export type UsageSums = ReturnType<typeof usageTotal>;

export const usage = object({
  counted: flag,
  from: text,
  to: text,
  total: usageTotal,
  days: list(object({ day: text, ...usageSums })),
});
export type Usage = ReturnType<typeof usage>;

export const user = object({
  id: text,
  org: text,
  name: text,
  email: nullable(text),
  state: accountState,
  roles: list(text),
  hasPassword: flag,
  createdAt: text,
});
export type User = ReturnType<typeof user>;

export const role = scopeGroup;
export type Role = ScopeGroup;
export const roleList = object({ items: list(role) });

const party = object({ org: nullable(text), user: nullable(text), apiTokenId: nullable(text) });
export type AuditParty = ReturnType<typeof party>;

export const auditEntry = object({
  id: text,
  at: text,
  actor: party,
  action: text,
  subject: party,
  result: oneOf('done', 'refused'),
  reason: nullable(text),
  expires: nullable(text),
  clientAddress: text,
  requestId: text,
  via: nullable(text),
});
export type AuditEntry = ReturnType<typeof auditEntry>;

export const org = object({
  id: text,
  name: text,
  state: accountState,
  tokenLifetimeMax: nullable(text),
  remindBefore: nullable(list(text)),
  roles: count,
  createdAt: text,
});
export type Org = ReturnType<typeof org>;

export const signingKey = object({
  kid: text,
  algorithm: text,
  state: oneOf('next', 'signing', 'verifying', 'retired', 'revoked'),
  origin: oneOf('store', 'mounted'),
  createdAt: nullable(text),
  activeFrom: nullable(text),
  retiresAt: nullable(text),
});
export type SigningKey = ReturnType<typeof signingKey>;
export const keyList = object({ items: list(signingKey) });

export const status = object({
  replica: text,
  version: text,
  startedAt: text,
  now: text,
  ready: flag,
  reasons: list(text),
  warnings: list(text),
  requests: object({ total: count, forwarded: count, refused: count, failed: count }),
  refusals: list(object({ reason: text, count })),
  latency: object({ p50Ms: nullable(count), p99Ms: nullable(count) }),
  feed: object({
    connected: flag,
    silentMs: nullable(count),
    lastChangeAt: nullable(text),
    resets: count,
    tombstones: count,
  }),
  revocation: object({ count, lastLagMs: nullable(count), maxLagMs: nullable(count) }),
  store: object({ kind: text, answers: flag, clockOffsetMs: nullable(count) }),
  cache: object({ identities: count, hits: count, misses: count }),
  connections: object({ clients: count, upgraded: count }),
});
export type Status = ReturnType<typeof status>;

export const rotation = object({ kid: text, activeFrom: nullable(text) });
export const location = object({ location: text });
export { nothing };
