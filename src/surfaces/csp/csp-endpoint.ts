// How an endpoint of the csp surface is made: it is given parameters, and where it needs one an OAuth client that has been
// authenticated.

import { denial, isDenial, type Refusal } from '../../decision/outcome.ts';
import { meansOrg } from '../../identity/vendor-ids.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import type { Endpoint, SurfaceRequest } from '../answer.ts';
import { isClientFault, type OauthClient } from '../client-authentication.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { actorEndpoint, type ActorRun, endpoint, type Result } from '../endpoint.ts';
import { badRequest } from '../failures.ts';
import { type ParameterSource, readParameters, type Parameters } from '../parameters.ts';
import { readActor } from '../read-actor.ts';
import { cspDialect, type CspFault, refusedClient } from './csp-error.ts';

/** An endpoint with parameters, in the body, in the query, or in both. */
export const parametersEndpoint = (source: ParameterSource, run: Run): Endpoint =>
  endpoint(cspDialect, (request) => {
    const parameters = readParameters(request, source);
    return typeof parameters === 'string' ? badRequest(parameters) : run(parameters, request);
  });

/** For a user who is signed in. */
export const sessionEndpoint = (deps: EndpointDeps, run: ActorRun<CspFault>): Endpoint =>
  actorEndpoint(cspDialect, (request) => readActor(deps, request), run);

type Run = (parameters: Parameters, request: SurfaceRequest) => Result<CspFault> | Promise<Result<CspFault>>;

/** With parameters in the body, and a client that authenticates by Basic; a public one names itself, with an empty secret. */
export const clientEndpoint = (
  { findClient }: Pick<EndpointDeps, 'findClient'>,
  run: (client: OauthClient, parameters: Parameters, request: SurfaceRequest) => ReturnType<Run>,
): Endpoint =>
  parametersEndpoint('body', (parameters, request) => {
    const [id, secret] = [parameters.one('client_id'), parameters.one('client_secret')];
    const client = findClient(request, { id, secret });
    if (isClientFault(client)) return refusedClient(client);
    return client.kind === 'public' && client.id === undefined
      ? refusedClient({ fault: 'refused', message: 'the request names no client' })
      : run(client, parameters, request);
  });

/** A session of the user the client stands for. `orgId`: the org that the request names. */
export const beginSession = async (
  { beginClientSession }: Pick<EndpointDeps, 'beginClientSession'>,
  client: OauthClient,
  orgId: string | undefined,
  request: SurfaceRequest,
  validityMs?: number,
): Promise<Issued | CspFault | Refusal> => {
  const refused = (message: string) => refusedClient({ fault: 'refused', message });
  if (client.kind === 'public') return refused('a public client has no session');
  const { id, account } = client;
  if (account === undefined) return refused('the client stands for no user');
  if (orgId !== undefined && !meansOrg(account.orgId, orgId))
    return denial('tenant_mismatch', 'the client belongs to another org');
  const result = await beginClientSession({ clientId: id, account, validityMs, origin: request });
  if (isDenial(result)) return refused(result.evidence ?? result.reason);
  return isCommandError(result) ? badRequest(result.message) : result;
};
