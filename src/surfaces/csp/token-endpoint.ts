// POST /auth/authorize and /auth/token: the grants of clients that authenticate. refresh_token exchanges an API token;
// client_credentials begins a session of the user the client stands for.

import { denial, isDenial, isOutage } from '../../decision/outcome.ts';
import type { BeginClientSession } from '../../lifecycle/client-session.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { type Answer, type Endpoint, isAnswer, type SurfaceRequest } from '../answer.ts';
import type { OauthClient, OauthClients } from '../client-authentication.ts';
import { meansOrg } from '../../identity/vendor-ids.ts';
import { readClient } from './csp-client.ts';
import { badRequest, refusedCaller, refusedClient } from './csp-error.ts';
import { type VendorParameters, readParameters } from '../vendor-parameters.ts';
import { exchangeToken, type ExchangeEndpointDeps, unsupportedGrant } from './exchange-endpoint.ts';
import { issued } from './issued.ts';

export interface TokenEndpointDeps extends ExchangeEndpointDeps {
  readonly beginClientSession: BeginClientSession;
  readonly clients: OauthClients;
}

export const createTokenEndpoint =
  (deps: TokenEndpointDeps): Endpoint =>
  async (request) => {
    const parameters = readParameters(request, 'body');
    if (typeof parameters === 'string') return badRequest(parameters, request);
    const client = readClient(deps.clients, request, parameters);
    if (isAnswer(client)) return client;
    const seconds = parameters.one('accessTokenValiditySeconds');
    if (seconds !== undefined && !/^[1-9]\d{0,8}$/.test(seconds))
      return badRequest('accessTokenValiditySeconds is a whole number of seconds from 1.', request);
    const validityMs = seconds === undefined ? undefined : Number(seconds) * 1000;
    switch (parameters.one('grant_type')) {
      case 'refresh_token':
      case 'api_token': {
        const clientId = client.kind === 'confidential' ? client.id : undefined;
        return exchangeToken(deps, request, parameters, { clientId, validityMs });
      }
      case 'client_credentials':
        return clientSession(deps, request, parameters, client, validityMs);
      case undefined:
      default:
        return unsupportedGrant('refresh_token or client_credentials', request);
    }
  };

const clientSession = async (
  deps: TokenEndpointDeps,
  request: SurfaceRequest,
  parameters: VendorParameters,
  client: OauthClient,
  validityMs: number | undefined,
): Promise<Answer> => {
  if (client.kind === 'public' || client.account === undefined)
    return refusedClient(
      {
        kind: 'client_fault',
        fault: 'refused',
        isBasic: true,
        message:
          client.kind === 'public' ? 'a public client has no session' : 'the client stands for no user',
      },
      request,
    );
  const { account } = client;
  const orgId = parameters.one('orgId');
  if (orgId !== undefined && !meansOrg(account.orgId, orgId))
    return refusedCaller(denial('tenant_mismatch', 'the client belongs to another org'), request);
  const result = await deps.beginClientSession({
    clientId: client.id,
    account,
    validityMs,
    origin: request,
  });
  if (isOutage(result)) return refusedCaller(result, request);
  if (isDenial(result))
    return refusedClient(
      { kind: 'client_fault', fault: 'refused', isBasic: true, message: result.evidence ?? result.reason },
      request,
    );
  return isCommandError(result) ? badRequest(result.message, request) : issued(result, undefined);
};
