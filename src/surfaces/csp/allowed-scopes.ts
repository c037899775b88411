// Scopes in the csp dialect and back. There they are roles and permissions of the org and of services; here one word
// each: `org:owner` is a role of the org, `external/<service>/<role>` one of a service, any other a permission.

import { isJsonObject, member } from '../../decision/strict-json.ts';
import { allPermissionsScope, openIdScope } from './csp-names.ts';

const orgRole = /^org:([A-Za-z0-9._-]+)$/;
const serviceRole = /^external\/([^/]+)\/(.+)$/;

/** An API token's scopes as its details show them. */
export const allowedScopesOf = (scopes: readonly string[] | 'all', openid: boolean): object => {
  const general = openid ? [openIdScope] : [];
  if (scopes === 'all')
    return {
      generalScopes: [allPermissionsScope, ...general],
      organizationScopes: { ...nothing, allRoles: true, allPermissions: true },
      servicesScopes: [],
    };
  const roles: string[] = [];
  const permissions: string[] = [];
  const services = new Map<string, string[]>();
  for (const scope of scopes) {
    const role = orgRole.exec(scope)?.[1];
    const [, service, serviceRoleName] = serviceRole.exec(scope) ?? [];
    if (role !== undefined) roles.push(`org_${role}`);
    else if (service !== undefined && serviceRoleName !== undefined)
      services.set(service, [...(services.get(service) ?? []), serviceRoleName]);
    else permissions.push(scope);
  }
  return {
    generalScopes: general,
    organizationScopes: {
      ...nothing,
      roles: roles.map(roleOf),
      permissions: permissions.map((permissionId) => ({ permissionId, resources: [] })),
    },
    servicesScopes: [...services].map(([serviceDefinitionId, names]) => ({
      serviceDefinitionId,
      ...nothing,
      roles: names.map(roleOf),
    })),
  };
};

const nothing = {
  allRoles: false,
  allPermissions: false,
  keptInToken: [],
  roles: [],
  permissions: [],
};

const roleOf = (name: string) => ({ name, resource: null });

const memberScope = 'org:member';

export interface AskedScopes {
  readonly scopes: readonly string[] | 'all';
  readonly openid: boolean;
}

/**
 * Untrusted `allowedScopes` of a command -> scopes; `granted`: what the user may do now, from which "all roles" of the org
 * or of a service are taken. Undefined when it is malformed, or names a resource within a role.
 */
export const readAllowedScopes = (value: unknown, granted: ReadonlySet<string>): AskedScopes | undefined => {
  if (value === undefined || value === null) return { scopes: 'all', openid: false };
  if (!isJsonObject(value)) return undefined;
  const general = texts(member(value, 'generalScopes'));
  const organization = readGroup(member(value, 'organizationScopes'));
  const services = list(member(value, 'servicesScopes'))?.map(readService);
  if (general === undefined || organization === undefined || services === undefined) return undefined;
  const openid = general.includes(openIdScope);
  if (general.includes(allPermissionsScope)) return { scopes: 'all', openid };
  const scopes = new Set<string>();
  if (organization.isAll) for (const scope of granted) if (!serviceRole.test(scope)) scopes.add(scope);
  for (const role of organization.roles) {
    const scope = `org:${role.replace(/^(?:csp:)?org_/, '')}`;
    // Every user of an org is a member, and every access token says so: mostly there is nothing to grant.
    if (scope !== memberScope || granted.has(scope)) scopes.add(scope);
  }
  for (const permission of organization.permissions) scopes.add(permission);
  for (const service of services) {
    if (service === undefined) return undefined;
    const prefix = `external/${service.id}/`;
    if (service.isAll) for (const scope of granted) if (scope.startsWith(prefix)) scopes.add(scope);
    for (const name of [...service.roles, ...service.permissions]) scopes.add(prefix + name);
  }
  return { scopes: [...scopes], openid };
};

interface Group {
  readonly isAll: boolean;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

const readService = (value: unknown): (Group & { readonly id: string }) | undefined => {
  const id = member(value, 'serviceDefinitionId');
  const group = readGroup(value);
  return group === undefined || typeof id !== 'string' || id === '' || id.includes('/')
    ? undefined
    : { ...group, id };
};

const readGroup = (value: unknown): Group | undefined => {
  if (value !== undefined && value !== null && !isJsonObject(value)) return undefined;
  const roles = list(member(value, 'roles'))?.map((role) =>
    isEmpty(member(role, 'resource')) ? member(role, 'name') : undefined,
  );
  const permissions = list(member(value, 'permissions'))?.map((permission) =>
    isEmpty(member(permission, 'resources')) ? member(permission, 'permissionId') : undefined,
  );
  if (roles === undefined || permissions === undefined) return undefined;
  if (!roles.every(isName) || !permissions.every(isName)) return undefined;
  const isAll = member(value, 'allRoles') === true || member(value, 'allPermissions') === true;
  return { isAll, roles, permissions };
};

const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** A list that may be left out; undefined when it is something else. */
const list = (value: unknown): readonly unknown[] | undefined => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : undefined;
};

const texts = (value: unknown): readonly string[] | undefined => {
  const items = list(value);
  return items?.every((item): item is string => typeof item === 'string') === true ? items : undefined;
};
