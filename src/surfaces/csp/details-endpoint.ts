// POST /auth/api-tokens/details: what there is to know of an API token, for anybody who holds it. Never the token itself.

import { parseCredential } from '../../decision/credential.ts';
import { isDenial, isRefusal } from '../../decision/outcome.ts';
import type { FindDetails, TokenDetails } from '../../lifecycle/details.ts';
import type { CspSettings, Settings } from '../../settings/settings.ts';
import {
  type Answer,
  denied,
  type Endpoint,
  neverStored,
  permitted,
  type SurfaceRequest,
} from '../answer.ts';
import { uuidOfOrg } from '../../identity/vendor-ids.ts';
import { allowedScopesOf } from './allowed-scopes.ts';
import { badRequest, cspError, masked, refusedToken } from './csp-error.ts';
import { readParameters } from '../vendor-parameters.ts';
import { permissionsOf } from './csp-token-form.ts';
import { cspUserOf } from './csp-user.ts';
import { allPermissionsScope, neverSeconds } from './csp-words.ts';

export interface DetailsEndpointDeps {
  readonly findDetails: FindDetails;
  readonly settings: Pick<Settings, 'credential' | 'surfaces'>;
}

export const createDetailsEndpoint =
  ({ findDetails, settings }: DetailsEndpointDeps): Endpoint =>
  async (request) => {
    const parameters = readParameters(request, 'body');
    if (typeof parameters === 'string') return badRequest(parameters, request);
    const token = parameters.one('tokenValue');
    if (token === undefined) return badRequest('Send the API token as tokenValue.', request);
    const credential = parseCredential(token, settings.credential);
    if (isDenial(credential)) return unknownToken(token, request);
    const found = await findDetails(credential, request.clientAddress);
    if (found === 'unknown') return unknownToken(token, request);
    if (isRefusal(found)) return refusedToken(found, token, request);
    return {
      status: 200,
      headers: neverStored,
      body: describe(found, token, settings.surfaces.csp),
      note: permitted(undefined),
    };
  };

const unknownToken = (token: string, request: SurfaceRequest): Answer =>
  cspError(
    {
      status: 404,
      word: 'not_found',
      description: `There is no such API token: ${masked(token)}`,
      note: denied('token_unknown', undefined),
    },
    request,
  );

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
