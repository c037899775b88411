// GET /.well-known/oauth-protected-resource (RFC 9728): of each resource that the settings name, which issuers' tokens it
// takes and which scopes it asks for. So a client that knows the API's URL alone, such as one of MCP, finds its way.

import { resourceMetadataPath } from '../../decision/protected-resource.ts';
import type { Settings } from '../../settings/settings.ts';
import { publicAnswer, type Route } from '../answer.ts';
import { oauthDialect } from './oauth-error.ts';
import { namedResources, scopesOf } from './resources.ts';

export type ResourceSettings = Pick<Settings, 'issuer' | 'issuers' | 'oauth' | 'routes' | 'upstreams'>;

const metadataSeconds = 300;

export const resourceRoutes = (settings: ResourceSettings): readonly Route[] =>
  namedResources(settings).map((resource): Route => {
    const answer = publicAnswer(metadataOf(resource, settings), metadataSeconds);
    return {
      name: 'oauth:metadata',
      path: resourceMetadataPath(resource),
      endpoints: { GET: () => answer },
      onFault: oauthDialect.onFault,
    };
  });

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
