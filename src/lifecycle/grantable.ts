// What somebody may choose when they make an API token for a user: what the user's roles grant, as far as they have it
// themselves, and the limits on its life. Pure.

import type { Settings } from '../settings/settings.ts';
import { grantedTo, type Owner } from './owner.ts';

export interface Grantable {
  /** Roles whose every scope may be given. */
  readonly roles: readonly NamedScopes[];
  /** The scopes by what stands before their first `:`; those without one come last. */
  readonly services: readonly NamedScopes[];
  readonly scopes: readonly string[];
  /** Whether a token of all that the roles grant may be made. */
  readonly mayGrantAll: boolean;
  /** Undefined: none, and a token may live for ever. */
  readonly lifetimeMsMax: number | undefined;
  /** Undefined: for ever. */
  readonly lifetimeMsDefault: number | undefined;
  /** Undefined: as the settings say. */
  readonly reminderThresholdsMs: readonly number[] | undefined;
  readonly perUserMax: number;
}

export interface NamedScopes {
  readonly name: string;
  readonly scopes: readonly string[];
}

/** The name of the service of scopes that name none. */
const noService = '(none)';

/** `held`: what the one may do who makes the token. */
export const grantableOf = (
  owner: Owner,
  held: ReadonlySet<string>,
  { apiTokenLifetimeMs, perUserMax }: Pick<Settings['tokens'], 'apiTokenLifetimeMs' | 'perUserMax'>,
): Grantable => {
  const granted = grantedTo(owner);
  const scopes = [...granted].filter((scope) => held.has(scope)).sort();
  const { roles: definitions, tokenLifetimeMsMax, reminderThresholdsMs } = owner.org;
  const roles = owner.user.roles
    .filter((role) => Object.hasOwn(definitions, role))
    .map((role) => ({ name: role, scopes: [...(definitions[role] ?? [])].sort() }))
    .filter((role) => role.scopes.every((scope) => held.has(scope)));
  return {
    roles,
    services: servicesOf(scopes),
    scopes,
    mayGrantAll: scopes.length === granted.size,
    lifetimeMsMax: tokenLifetimeMsMax,
    lifetimeMsDefault:
      tokenLifetimeMsMax === undefined
        ? apiTokenLifetimeMs
        : Math.min(apiTokenLifetimeMs ?? Infinity, tokenLifetimeMsMax),
    reminderThresholdsMs,
    perUserMax,
  };
};

const servicesOf = (scopes: readonly string[]): readonly NamedScopes[] => {
  const services = Map.groupBy(scopes, (scope) =>
    scope.includes(':') ? scope.slice(0, scope.indexOf(':')) : noService,
  );
  return [...services]
    .map(([name, of]) => ({ name, scopes: of }))
    .sort(
      (one, other) =>
        Number(one.name === noService) - Number(other.name === noService) || (one.name < other.name ? -1 : 1),
    );
};
