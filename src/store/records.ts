// What the token store keeps. Shapes only. Times are milliseconds since the epoch; `undefined` means never.

import type { Generation } from '../decision/identity.ts';
import type { StoredKey } from '../tokens/stored-key.ts';

export type AccountState = 'active' | 'disabled';

/** A tenant. Role definitions live here: a role is a named set of scopes. */
export interface OrgRecord {
  readonly id: string;
  readonly name: string;
  readonly state: AccountState;
  /** Role name -> scopes. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  /** Longest API-token lifetime the org allows; undefined: no limit. */
  readonly tokenLifetimeMsMax: number | undefined;
  /** Grows with every change of state or roles (never for a repeated change) and every revoke-all of the org; see nextGeneration. */
  readonly generation: number;
  /** API tokens made in an earlier org generation than this are dead ("revoke all of the org" is one write). */
  readonly tokenGenerationMin: number;
  readonly createdAtMs: number;
}

export interface UserRecord {
  readonly orgId: string;
  readonly id: string;
  readonly name: string;
  readonly state: AccountState;
  /** Role names; their scopes are in the org. */
  readonly roles: readonly string[];
  /** Grows with every change of state or roles (never for a repeated change) and every revoke-all of the user; see nextGeneration. */
  readonly generation: number;
  /** API tokens made in an earlier user generation than this are dead. */
  readonly tokenGenerationMin: number;
  readonly createdAtMs: number;
  /** PHC string of a slow hash; undefined: nobody signs in as this user with a password. Changing it moves the generation. */
  readonly passwordHash: string | undefined;
}

/** A name and a value a client keeps with its token. Nothing here reads them. */
export interface Label {
  readonly name: string;
  readonly value: string;
}

export interface ApiTokenRecord {
  /** UUID whose last hex digit names the shard of its user. */
  readonly id: string;
  readonly orgId: string;
  readonly userId: string;
  readonly name: string;
  /** `all`: what the user's roles grant at the time of use. */
  readonly scopes: readonly string[] | 'all';
  readonly origin: 'created' | 'imported';
  readonly state: 'active' | 'revoked';
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
  /** The generations it was made in. */
  readonly generation: Generation;
  /** How often it was given a new secret: 0 for the first. */
  readonly secretNumber: number;
  /** Until then the secret before the present one is good too; undefined: it is not. */
  readonly previousSecretExpiresAtMs: number | undefined;
  /** When its secret was last presented, to the minute; undefined: never. */
  readonly lastUsedAtMs: number | undefined;
  /** An ID token comes with each exchange. */
  readonly openid: boolean;
  /** Its owner wants to be reminded this long before it expires; undefined: not at all. */
  readonly notifyBeforeExpiryMs: number | undefined;
  readonly labels: readonly Label[];
}

/** A signing key. Its private half is sealed (AES-256-GCM) before it reaches the store. */
export type SigningKeyRecord = StoredKey;

/**
 * One line of the change feed: what every replica must know to keep no stale permit.
 * Lines of users and orgs carry `tokenGenerationMin` and `state` as they stand after the change, so that `reapply` can
 * give them back to a server that lost them: a lost "revoke all" or "disable" must not revive anything.
 */
export type Change =
  | { readonly kind: 'token'; readonly tokenId: string; readonly atMs: number }
  | {
      /** A token was given a new secret: what was made with one of a smaller number is dead. */
      readonly kind: 'secret';
      readonly tokenId: string;
      readonly secretNumber: number;
      /** Of the new secret, so that a server that lost it can have it back. */
      readonly digest: string;
      /** Until then the secret before this one is good too. */
      readonly previousUntilMs?: number | undefined;
      readonly atMs: number;
    }
  | { readonly kind: 'session'; readonly sessionId: string; readonly atMs: number }
  | (AccountChange & { readonly kind: 'user'; readonly userId: string })
  | (AccountChange & { readonly kind: 'org' })
  | { readonly kind: 'keys'; readonly atMs: number };

interface AccountChange {
  readonly orgId: string;
  readonly generation: number;
  readonly tokenGenerationMin?: number | undefined;
  readonly state?: AccountState | undefined;
  readonly atMs: number;
}

/** Who did what to whom, from where, and what came of it. Never holds a secret. */
export interface AuditEntry {
  /** A UUID: an entry written twice after an unknown outcome is known by it. */
  readonly id: string;
  readonly atMs: number;
  readonly actor: AuditParty;
  /** e.g. `token.create`; a closed vocabulary, kept by the lifecycle. */
  readonly action: string;
  readonly subject: AuditParty;
  readonly result: 'done' | 'refused';
  /** Why it was refused: a denial's reason or a command error's code. */
  readonly reason: string | undefined;
  /** `cli` for the operator at the command line. */
  readonly clientAddress: string;
  readonly requestId: string;
}

/** Each undefined where it is not known or does not apply; an actor without an org is the operator, or unknown. */
export interface AuditParty {
  readonly org: string | undefined;
  readonly user: string | undefined;
  readonly tokenId: string | undefined;
}
