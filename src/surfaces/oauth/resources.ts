// The resources that the settings name (`resource` of an upstream), and the scopes that their routes ask for. No I/O.

import { scopeAtIssuer } from '../../decision/protected-resource.ts';
import type { Settings } from '../../settings/settings.ts';

export const namedResources = ({ upstreams }: Pick<Settings, 'upstreams'>): readonly string[] => [
  ...new Set(Object.values(upstreams).flatMap(({ resource }) => resource ?? [])),
];

/** The scopes that the routes of a resource ask for, as clients ask an issuer for them; of every resource where none is given. */
export const scopesOf = (
  { issuers, routes, upstreams }: Pick<Settings, 'issuers' | 'routes' | 'upstreams'>,
  resource?: string,
): readonly string[] => {
  const prefixes = issuers.map(({ scopePrefix }) => scopePrefix);
  const scopes = routes.flatMap(({ upstream, scopes }) => {
    const own = upstreams[upstream]?.resource;
    return own !== undefined && own === (resource ?? own) ? scopes : [];
  });
  return [...new Set(scopes.map((scope) => scopeAtIssuer(scope, prefixes)))].toSorted();
};
