// The navigator surface: API token or client credentials in, access token out, in JSON and camel case with 201; and the
// org of the user who is signed in. Tokens are as csp's, and so are the errors.

import { denial, isDenial, isRefusal } from '../../decision/outcome.ts';
import { uuidOfOrg } from '../../identity/vendor-ids.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import { navigator } from '../../settings/surfaces/navigator.ts';
import { type Answer, type Endpoint, success } from '../answer.ts';
import { isClientFault } from '../client-authentication.ts';
import { beginSession, parametersEndpoint } from '../csp/csp-endpoint.ts';
import { cspDialect, refusedClient, refusedToken } from '../csp/csp-error.ts';
import { cspTokenForm } from '../csp/csp-names.ts';
import { createEndpointDeps, type EndpointDeps } from '../endpoint-deps.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../failures.ts';
import { parseCredentialAs } from '../parameters.ts';
import { presentedCredential } from '../read-actor.ts';
import { defineSurface } from '../surface.ts';

export const surface = defineSurface(navigator, (surfaceDeps) => {
  const deps = createEndpointDeps(surfaceDeps, cspTokenForm(surfaceDeps.settings.surfaces.csp.domain));
  return {
    onFault: cspDialect.onFault,
    endpoints: {
      exchange: { POST: postAccessToken(deps) },
      clientCredentials: { POST: postClientCredentials(deps) },
      orgs: { GET: getOrgs(deps) },
    },
  };
});

/** `{"refreshToken": <API token>}`; a passcode beside it is ignored. */
const postAccessToken = ({ exchange, settings }: EndpointDeps): Endpoint =>
  parametersEndpoint('body', async (parameters, request) => {
    const token = parameters.one('refreshToken');
    if (token === undefined) return badRequest('Send the API token as refreshToken.');
    const credential = parseCredentialAs('opaque', token, settings.credential);
    if (isDenial(credential)) return refusedToken(credential, token);
    const result = await exchange({ credential, origin: request });
    if (isRefusal(result)) return refusedToken(result, token);
    return isCommandError(result) ? badRequest(result.message) : issued(result, token);
  });

/** `{"clientId", "clientSecret"}`, for the org in the path. */
const postClientCredentials = (deps: EndpointDeps): Endpoint =>
  parametersEndpoint('body', async (parameters, request) => {
    const [id, secret] = [parameters.one('clientId'), parameters.one('clientSecret')];
    if (id === undefined || secret === undefined) return badRequest('Send clientId and clientSecret.');
    const client = deps.findClient({ ...request, authorization: undefined }, { id, secret });
    if (isClientFault(client)) return refusedClient(client);
    const begun = await beginSession(deps, client, request.parameters['org'] ?? '', request);
    return 'accessToken' in begun ? issued(begun, undefined) : begun;
  });

/** A user belongs to one org here. */
const getOrgs = ({ identifyLive, settings }: EndpointDeps): Endpoint =>
  endpoint(cspDialect, async (request) => {
    const credential = presentedCredential(request, settings.credential) ?? denial('credential_missing');
    if (isDenial(credential)) return credential;
    const identity = await identifyLive(credential, request.clientAddress);
    if (isRefusal(identity)) return identity;
    return success(200, { loggedInUserOrgs: [uuidOfOrg(identity.org.id)] }, identity);
  });

const issued = (result: Issued, apiToken: string | undefined): Answer => {
  const body = {
    accessToken: result.accessToken,
    idToken: result.idToken ?? null,
    refreshToken: apiToken ?? null,
    returnUrl: null,
  };
  return success(201, body, result.identity);
};
