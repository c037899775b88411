// What anybody who holds a token may ask and command about it. Possession is proof enough, and guessing is held to the limit:
// POST /auth/api-tokens/details of an API token; /auth/introspect and /auth/revoke, which name a client, maybe a public one;
// /auth/logout. No answer has the token itself.

import { isCredential, isJwt, parseCredential } from '../../decision/credential.ts';
import { isDenial, isRefusal } from '../../decision/outcome.ts';
import { uuidOfOrg } from '../../identity/vendor-ids.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { TokenDetails } from '../../lifecycle/details.ts';
import type { CspSettings } from '../../settings/settings.ts';
import { type Answer, denied, type Endpoint, success } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { badRequest } from '../failures.ts';
import { presentedCredential } from '../read-actor.ts';
import { allowedScopesOf } from './allowed-scopes.ts';
import { clientEndpoint, parametersEndpoint } from './csp-endpoint.ts';
import { type CspFault, masked, refusedToken } from './csp-error.ts';
import { allPermissionsScope, cspUserOf, neverSeconds, permissionsOf } from './csp-names.ts';

/** RFC 7662, of API tokens only. */
export const postIntrospect = (deps: EndpointDeps): Endpoint =>
  clientEndpoint(deps, async (_, parameters, request) => {
    const token = parameters.one('token');
    if (token === undefined) return badRequest(tokenMissing);
    const credential = parseCredential(token, deps.settings.credential);
    if (isDenial(credential)) return inactive;
    const found = await deps.findDetails(credential, request.clientAddress);
    if (found === 'unknown') return inactive;
    if (isRefusal(found)) return refusedToken(found, token);
    return isActive(found) ? done(describe(found, deps.settings.surfaces.csp.domain)) : inactive;
  });

const tokenMissing = 'Send the token as token.';

const done = (body: object | undefined): Answer => success(200, body, undefined);

const inactive = done({ active: false });

const isActive = ({ isRevoked, user, org }: TokenDetails): boolean =>
  !isRevoked && user.state === 'active' && org.state === 'active';

const describe = ({ token, user }: TokenDetails, domain: string): object => ({
  active: true,
  exp: token.expiresAtMs === undefined ? neverSeconds : Math.floor(token.expiresAtMs / 1000),
  iat: Math.floor(token.createdAtMs / 1000),
  orgId: uuidOfOrg(token.orgId),
  sub: cspUserOf(token.orgId, user, domain).sub,
  token_type: 'refresh_token',
});

/**
 * RFC 7009: 200 also for what can never have been a token here, or has ended; 400 for an API token of the right form that the
 * store does not know, because it may have lost the token, and for an access token that may be good later.
 */
export const postRevoke = (deps: EndpointDeps): Endpoint =>
  clientEndpoint(deps, async (_, parameters, request) => {
    const token = parameters.one('token');
    if (token === undefined) return badRequest(tokenMissing);
    const credential = parseCredential(token, deps.settings.credential);
    if (isDenial(credential)) return done(undefined);
    const result = await deps.revoke(credential, request);
    if (isCommandError(result)) return badRequest(result.message);
    return isRefusal(result) ? refusedToken(result, token) : done(undefined);
  });

/** Ends the session of the access token presented or named as idToken. The API token lives on. */
export const postLogout = (deps: EndpointDeps): Endpoint =>
  parametersEndpoint('body', async (parameters, request) => {
    const named = parameters.one('idToken');
    const presented = presentedCredential(request, deps.settings.credential);
    if (named === undefined && presented === undefined)
      return badRequest('Send the access token as csp-auth-token, or as idToken.');
    const parsed = named === undefined ? undefined : parseCredential(named, deps.settings.credential);
    for (const credential of [presented, parsed]) {
      if (!isCredential(credential) || !isJwt(credential)) continue;
      const result = await deps.revoke(credential, request);
      if (isCommandError(result)) return badRequest(result.message);
      if (isRefusal(result)) return refusedToken(result, credential.value);
    }
    return done({});
  });

export const postDetails = ({ findDetails, settings }: EndpointDeps): Endpoint =>
  parametersEndpoint('body', async (parameters, request) => {
    const token = parameters.one('tokenValue');
    if (token === undefined) return badRequest('Send the API token as tokenValue.');
    const credential = parseCredential(token, settings.credential);
    if (isDenial(credential)) return unknownToken(token);
    const found = await findDetails(credential, request.clientAddress);
    if (found === 'unknown') return unknownToken(token);
    if (isRefusal(found)) return refusedToken(found, token);
    return success(200, detailsOf(found, token, settings.surfaces.csp), undefined);
  });

const unknownToken = (token: string): CspFault => ({
  status: 404,
  message: `There is no such API token: ${masked(token)}`,
  note: denied('token_unknown', undefined),
});

const detailsOf = ({ token, user, isRevoked }: TokenDetails, presented: string, csp: CspSettings): object => {
  const time = (ms: number): number => (csp.timestamps === 'seconds' ? Math.floor(ms / 1000) : ms);
  const { acct, username, domain, userId } = cspUserOf(token.orgId, user, csp.domain);
  const { scopes } = token;
  return {
    tokenId: token.id,
    tokenName: token.name,
    orgId: uuidOfOrg(token.orgId),
    userId,
    username,
    acct,
    domain,
    idpId: domain,
    scope: scopes === 'all' ? [allPermissionsScope] : permissionsOf(new Set(scopes)),
    allowedScopes: allowedScopesOf(scopes, token.openid),
    createdAt: time(token.createdAtMs),
    expiresAt: time(token.expiresAtMs ?? neverSeconds * 1000),
    lastUsedAt: token.lastUsedAtMs === undefined ? null : time(token.lastUsedAtMs),
    deactivated: isRevoked,
    deactivatedUpdatedBy: null,
    deactivatedUpdatedOn: token.revokedAtMs === undefined ? null : time(token.revokedAtMs),
    token: masked(presented),
  };
};
