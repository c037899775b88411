// POST /auth/api-tokens/authorize: an API token in, an access token out, for anybody who holds one. The token may stand
// in the form, in JSON or in the query, under either name, because clients do all of that.

import { isJwt, parseCredential } from '../../decision/credential.ts';
import { denial, isDenial, isRefusal } from '../../decision/outcome.ts';
import type { Exchange } from '../../lifecycle/exchange.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Settings } from '../../settings/settings.ts';
import { type Answer, denied, type Endpoint, type SurfaceRequest } from '../answer.ts';
import { badRequest, cspError, refusedToken } from './csp-error.ts';
import { type VendorParameters, readParameters } from '../vendor-parameters.ts';
import { issued } from './issued.ts';

export interface ExchangeEndpointDeps {
  readonly exchange: Exchange;
  readonly settings: Pick<Settings, 'credential'>;
}

const grantTypes: readonly (string | undefined)[] = [undefined, 'refresh_token', 'api_token'];

/** A `csp-auth-token` beside the token is ignored: some clients send the API token there too. */
export const createExchangeEndpoint =
  (deps: ExchangeEndpointDeps): Endpoint =>
  async (request) => {
    const parameters = readParameters(request, 'both');
    if (typeof parameters === 'string') return badRequest(parameters, request);
    const grantType = parameters.one('grant_type');
    if (!grantTypes.includes(grantType)) return unsupportedGrant('api_token or refresh_token', request);
    return exchangeToken(deps, request, parameters, { clientId: undefined, validityMs: undefined });
  };

/** Exchanges the API token among the parameters. */
export const exchangeToken = async (
  deps: ExchangeEndpointDeps,
  request: SurfaceRequest,
  parameters: VendorParameters,
  more: { readonly clientId: string | undefined; readonly validityMs: number | undefined },
): Promise<Answer> => {
  const [token, other] = [parameters.one('api_token'), parameters.one('refresh_token')];
  if (token !== undefined && other !== undefined && token !== other)
    return badRequest('Send one token: api_token or refresh_token.', request);
  const presented = token ?? other;
  if (presented === undefined) return badRequest('Send the API token as api_token.', request);
  const credential = parseCredential(presented, deps.settings.credential);
  if (isDenial(credential)) return refusedToken(credential, presented, request);
  if (isJwt(credential))
    return refusedToken(denial('credential_malformed', 'an access token as API token'), presented, request);
  const result = await deps.exchange({
    credential,
    scopes: undefined,
    audiences: [],
    ...more,
    clientAddress: request.clientAddress,
    requestId: request.requestId,
  });
  if (isRefusal(result)) return refusedToken(result, presented, request);
  if (isCommandError(result))
    return cspError(
      {
        status: 400,
        word: 'invalid_scope',
        description: result.message,
        note: denied('scope_missing', result.code),
      },
      request,
    );
  return issued(result, presented);
};

export const unsupportedGrant = (known: string, request: SurfaceRequest): Answer =>
  cspError(
    {
      status: 400,
      word: 'unsupported_grant_type',
      description: `Send grant_type=${known}.`,
      note: denied('request_malformed', 'unsupported_grant_type'),
    },
    request,
  );
