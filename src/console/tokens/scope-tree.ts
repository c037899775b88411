// The choice of scopes as a tree: services, each with the roles that lie within it and its single permissions. What is
// chosen is a set of scopes; a role or a service is chosen when all of its scopes are.

import type { Grantable, ScopeGroup } from '../api/shapes.ts';

export interface ServiceBranch {
  readonly name: string;
  readonly roles: readonly ScopeGroup[];
  readonly scopes: readonly string[];
}

export interface ScopeTree {
  /** Roles that reach over several services. */
  readonly organizationRoles: readonly ScopeGroup[];
  readonly services: readonly ServiceBranch[];
}

export const scopeTree = ({ roles, services }: Pick<Grantable, 'roles' | 'services'>): ScopeTree => {
  const useful = roles.filter(({ scopes }) => scopes.length > 0);
  const within = (role: ScopeGroup): string | undefined =>
    services.find(({ scopes }) => role.scopes.every((scope) => scopes.includes(scope)))?.name;
  return {
    organizationRoles: useful.filter((role) => within(role) === undefined),
    services: services.map(({ name, scopes }) => ({
      name,
      scopes,
      roles: useful.filter((role) => within(role) === name),
    })),
  };
};

export type Chosen = readonly string[];

export const howMuch = (chosen: Chosen, scopes: readonly string[]): 'all' | 'some' | 'none' => {
  const held = scopes.filter((scope) => chosen.includes(scope)).length;
  if (held === 0) return 'none';
  return held === scopes.length ? 'all' : 'some';
};

/** With all of these scopes, or without them; sorted. */
export const choose = (chosen: Chosen, scopes: readonly string[], isWanted: boolean): Chosen =>
  isWanted
    ? [...new Set([...chosen, ...scopes])].toSorted()
    : chosen.filter((scope) => !scopes.includes(scope));

/** The permissions whose name contains the text, in any case; services without one are left out. */
export const narrowTree = (tree: ScopeTree, text: string): ScopeTree => {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return tree;
  const matches = (name: string): boolean => name.toLowerCase().includes(wanted);
  return {
    organizationRoles: tree.organizationRoles.filter(({ name }) => matches(name)),
    services: tree.services
      .map(({ name, roles, scopes }) => ({
        name,
        roles: roles.filter((role) => matches(role.name)),
        scopes: scopes.filter(matches),
      }))
      .filter(({ roles, scopes }) => roles.length + scopes.length > 0),
  };
};

/** Scopes by what stands before the first `:`, as the API groups them; without one last. */
export const groupScopes = (scopes: readonly string[]): readonly ScopeGroup[] => {
  const groups = new Map<string, string[]>();
  for (const scope of scopes.toSorted()) {
    const end = scope.indexOf(':');
    const name = end > 0 ? scope.slice(0, end) : noService;
    groups.set(name, [...(groups.get(name) ?? []), scope]);
  }
  const named = [...groups].map(([name, scopes]) => ({ name, scopes }));
  return [
    ...named.filter(({ name }) => name !== noService),
    ...named.filter(({ name }) => name === noService),
  ];
};

/** What the API calls the group of scopes that belong to no service. */
export const noService = '(none)';
