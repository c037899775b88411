// What must be so, in the simplest words: which credentials are good after a sequence of commands. A model of the lifecycle
// to test it against; it knows no store, no feed and no cache.

import { minuteMs } from './world.ts';

export interface ModelToken {
  readonly id: string;
  readonly user: ModelUser;
  readonly expiresAtMs: number;
  /** The number of its present secret. */
  number: number;
  /** Until then the secret before the present one is good too. */
  previousUntilMs: number;
  isRevoked: boolean;
}

export interface ModelUser {
  readonly id: string;
  isActive: boolean;
  roles: readonly string[];
  /** Moves with whatever ends the sessions of a user. */
  generation: number;
}

export interface Held {
  readonly kind: 'api_token' | 'access_token';
  readonly value: string;
  readonly token: ModelToken;
  /** Of the token's secrets: which one it is, or was made from. */
  readonly number: number;
  /** Of a session; a secret lives as long as its token. */
  readonly endsAtMs: number;
  /** Of a session: the generations it was made in. */
  readonly generation: { readonly user: number; readonly org: number };
}

export const sessionMs = 30 * minuteMs;

export class LifeModel {
  readonly users: readonly ModelUser[];
  readonly tokens: ModelToken[] = [];
  readonly held: Held[] = [];
  /** Values that have been seen dead for good: nothing may revive them. */
  readonly buried = new Set<string>();
  org = { isActive: true, generation: 0 };
  nowMs: number;

  constructor(users: readonly string[], nowMs: number) {
    this.users = users.map((id) => ({ id, isActive: true, roles: ['reader'], generation: 0 }));
    this.nowMs = nowMs;
  }

  mayOrder(user: ModelUser): boolean {
    return user.isActive && this.org.isActive;
  }

  addToken(id: string, user: ModelUser, secret: string, lifetimeMs: number): void {
    const expiresAtMs = this.nowMs + lifetimeMs;
    const token = { id, user, expiresAtMs, number: 0, previousUntilMs: 0, isRevoked: false };
    this.tokens.push(token);
    this.addSecret(token, secret);
  }

  addSecret(token: ModelToken, value: string): void {
    const { number, user } = token;
    const generation = { user: user.generation, org: this.org.generation };
    this.held.push({ kind: 'api_token', value, token, number, endsAtMs: Infinity, generation });
  }

  addSession(from: Held, value: string): void {
    const { token, number } = from;
    const generation = { user: token.user.generation, org: this.org.generation };
    const endsAtMs = this.nowMs + sessionMs;
    this.held.push({ kind: 'access_token', value, token, number, endsAtMs, generation });
  }

  /** Dead for good: whatever comes, it is never good again. */
  isLost({ kind, token, number, endsAtMs, generation }: Held): boolean {
    const isReplaced =
      number < token.number - 1 || (number === token.number - 1 && this.nowMs >= token.previousUntilMs);
    const isSuperseded =
      kind === 'access_token' &&
      (generation.user !== token.user.generation || generation.org !== this.org.generation);
    return (
      token.isRevoked || isReplaced || isSuperseded || this.nowMs >= Math.min(token.expiresAtMs, endsAtMs)
    );
  }

  isGood(held: Held): boolean {
    return !this.isLost(held) && this.mayOrder(held.token.user);
  }
}
