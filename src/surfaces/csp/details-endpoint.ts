// POST /auth/api-tokens/details: what there is to know of an API token, for anybody who holds it. Never the token itself.

import { parseCredential } from '../../decision/credential.ts';
import { isDenial, isRefusal } from '../../decision/outcome.ts';
import { uuidOfOrg } from '../../identity/vendor-ids.ts';
import type { TokenDetails } from '../../lifecycle/details.ts';
import type { CspSettings } from '../../settings/settings.ts';
import { denied, type Endpoint, success } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { badRequest } from '../failures.ts';
import { allowedScopesOf } from './allowed-scopes.ts';
import { parametersEndpoint } from './csp-endpoint.ts';
import { type CspFault, masked, refusedToken } from './csp-error.ts';
import { allPermissionsScope, cspUserOf, neverSeconds } from './csp-names.ts';
import { permissionsOf } from './csp-token-form.ts';

export const postDetails = ({ findDetails, settings }: EndpointDeps): Endpoint =>
  parametersEndpoint('body', async (parameters, request) => {
    const token = parameters.one('tokenValue');
    if (token === undefined) return badRequest('Send the API token as tokenValue.');
    const credential = parseCredential(token, settings.credential);
    if (isDenial(credential)) return unknownToken(token);
    const found = await findDetails(credential, request.clientAddress);
    if (found === 'unknown') return unknownToken(token);
    if (isRefusal(found)) return refusedToken(found, token);
    return success(200, describe(found, token, settings.surfaces.csp), undefined);
  });

const unknownToken = (token: string): CspFault => ({
  status: 404,
  message: `There is no such API token: ${masked(token)}`,
  note: denied('token_unknown', undefined),
});

const describe = ({ token, user, isRevoked }: TokenDetails, presented: string, csp: CspSettings): object => {
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
