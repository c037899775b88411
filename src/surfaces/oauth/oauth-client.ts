// The OAuth client of a request, with its refusals in the shape of RFC 6749 §5.2, and the endpoints that need one.

import { denial, type Denial, isRefusal } from '../../decision/outcome.ts';
import { denied, type Endpoint, type SurfaceRequest } from '../answer.ts';
import {
  basicChallenge,
  type FindClient,
  isClientFault,
  type OauthClient,
} from '../client-authentication.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { endpoint, type Result } from '../endpoint.ts';
import { isFault } from '../failures.ts';
import { type Parameters, readForm } from '../parameters.ts';
import { badRequest, oauthDialect, type OauthFault } from './oauth-error.ts';

/** An endpoint with parameters in a form; `repeatable`: those that may appear more than once. */
export const formEndpoint = (
  repeatable: readonly string[],
  run: (parameters: Parameters, request: SurfaceRequest) => Promise<Result<OauthFault>>,
): Endpoint =>
  endpoint(oauthDialect, (request) => {
    const parameters = readForm(request, repeatable);
    return typeof parameters === 'string'
      ? badRequest('invalid_request', parameters)
      : run(parameters, request);
  });

export const clientEndpoint = (
  { findClient }: Pick<EndpointDeps, 'findClient'>,
  repeatable: readonly string[],
  run: (client: OauthClient, parameters: Parameters, request: SurfaceRequest) => Promise<Result<OauthFault>>,
): Endpoint =>
  formEndpoint(repeatable, async (parameters, request) => {
    const client = authenticateClient(findClient, request, parameters);
    return isFault(client) || isRefusal(client) ? client : run(client, parameters, request);
  });

export const authenticateClient = (
  findClient: FindClient,
  request: SurfaceRequest,
  parameters: Parameters,
): OauthClient | OauthFault | Denial => {
  const [id, secret] = [parameters.one('client_id'), parameters.one('client_secret')];
  const client = findClient(request, { id, secret });
  if (!isClientFault(client)) return client;
  if (client.fault === 'limited') return denial('rate_limited', client.message);
  return client.fault === 'ambiguous'
    ? badRequest('invalid_request', client.message)
    : invalidClient(client.isBasic ? basicChallenge : undefined, client.message);
};

/** RFC 6749 §5.2: 401; with WWW-Authenticate when the client used the Authorization header. */
export const invalidClient = (challenge: string | undefined, evidence: string): OauthFault => ({
  status: 401,
  code: 'invalid_client',
  message: 'The client is not authenticated: check client_id and client_secret.',
  challenge,
  note: denied('client_unknown', evidence),
});
