// One copy of what many identities have in common: scopes and roles mostly repeat, and 100,000 cached identities would
// keep as many copies. Bounded; what is pushed out is only no longer shared.

import { LRUCache } from 'lru-cache';
import type { AddressRule } from '../decision/address-rule.ts';
import type { Identity } from '../decision/identity.ts';

const valuesMax = 1_000;

export class SharedValues {
  readonly #orgs = new LRUCache<string, Identity['org']>({ max: valuesMax });
  readonly #roles = new LRUCache<string, readonly string[]>({ max: valuesMax });
  readonly #scopes = new LRUCache<string, ReadonlySet<string>>({ max: valuesMax });

  readonly #addressRules = new LRUCache<string, AddressRule>({ max: valuesMax });

  /** An equal identity, made of values that others like it have too. */
  identity(identity: Identity): Identity {
    const { org, scopes, allowFrom } = identity;
    const { id, name, roles } = identity.user;
    return {
      ...identity,
      org: shared(this.#orgs, JSON.stringify([org.id, org.name]), org),
      user: { id, name, roles: shared(this.#roles, JSON.stringify(roles), roles) },
      // A scope has no blank in it (RFC 6749 section 3.3).
      scopes: shared(this.#scopes, [...scopes].join(' '), scopes),
      ...(allowFrom !== undefined && {
        allowFrom: shared(this.#addressRules, allowFrom.entries.join(' '), allowFrom),
      }),
    };
  }
}

const shared = <T extends object>(known: LRUCache<string, T>, key: string, value: T): T => {
  const found = known.get(key);
  if (found !== undefined) return found;
  known.set(key, value);
  return value;
};
