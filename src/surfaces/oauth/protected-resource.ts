// GET /.well-known/oauth-protected-resource (RFC 9728): of each resource that the settings name (`resource` of an upstream),
// which issuers' tokens it takes and which scopes it asks for. So a client that knows the API's URL alone, such as one of MCP,
// finds its way.

import { resourceMetadataPath, scopeAtIssuer } from '../../decision/protected-resource.ts';
import type { Settings } from '../../settings/settings.ts';
import { publicEndpoint, type Route } from '../answer.ts';
import { oauthDialect } from './oauth-error.ts';

export type ResourceSettings = Pick<Settings, 'issuer' | 'issuers' | 'oauth' | 'routes' | 'upstreams'>;

const metadataSeconds = 300;

export const resourceRoutes = (settings: ResourceSettings): readonly Route[] =>
  namedResources(settings).map((resource) => ({
    name: 'oauth:metadata',
    path: resourceMetadataPath(resource),
    endpoints: { GET: publicEndpoint(metadataOf(resource, settings), metadataSeconds) },
    onFault: oauthDialect.onFault,
  }));

/** RFC 9728 section 2. */
const metadataOf = (resource: string, settings: ResourceSettings): object => {
  const { issuer, issuers, oauth, routes, upstreams } = settings;
  const takesQuery = routes.some(
    ({ upstream, credentialQueryParameter: parameter }) =>
      parameter === 'access_token' && upstreams[upstream]?.resource === resource,
  );
  // People sign in at the others; many clients go to the first.
  const others = issuers.filter(({ advertised }) => advertised).map(({ issuer }) => issuer);
  return {
    resource,
    authorization_servers: oauth.enabled ? [...others, issuer] : others,
    scopes_supported: scopesOf(settings, resource),
    bearer_methods_supported: takesQuery ? ['header', 'query'] : ['header'],
  };
};

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
