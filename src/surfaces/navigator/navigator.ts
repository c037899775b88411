// The navigator surface: API token or client credentials in, access token out, in JSON and camel case with 201; and the
// orgs of whoever is signed in. Tokens are as csp's, and so are the errors.

import { isCredential, isJwt, parseCredential } from '../../decision/credential.ts';
import { denial, isDenial, isOutage, type Refusal, isRefusal } from '../../decision/outcome.ts';
import { createBeginClientSession } from '../../lifecycle/client-session.ts';
import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { navigator } from '../../settings/surfaces/navigator.ts';
import { type Answer, type Endpoint, neverStored, permitted } from '../answer.ts';
import { createOauthClients, isClientFault } from '../client-authentication.ts';
import { badRequest, onFault, refusedCaller, refusedClient, refusedToken } from '../csp/csp-error.ts';
import { readParameters } from '../vendor-parameters.ts';
import { defineSurface, type SurfaceDeps } from '../surface.ts';
import { cspTokenForm } from '../csp/csp-token-form.ts';
import { presentedCredential } from '../presented-credential.ts';
import { meansOrg, uuidOfOrg } from '../../identity/vendor-ids.ts';

export const surface = defineSurface(navigator, (deps) => {
  const whole = { ...deps, form: cspTokenForm(deps.settings.surfaces.csp.domain) };
  return {
    onFault,
    endpoints: {
      exchange: { POST: createExchangeEndpoint(whole) },
      clientCredentials: { POST: createClientEndpoint(whole) },
      orgs: { GET: createOrgsEndpoint(deps) },
    },
  };
});

type WholeDeps = Parameters<typeof createExchange>[0] & SurfaceDeps;

/** `{"refreshToken": <API token>}`; a passcode beside it is ignored. */
const createExchangeEndpoint = (deps: WholeDeps): Endpoint => {
  const exchange = createExchange(deps);
  return async (request) => {
    const parameters = readParameters(request, 'body');
    if (typeof parameters === 'string') return badRequest(parameters, request);
    const token = parameters.one('refreshToken');
    if (token === undefined) return badRequest('Send the API token as refreshToken.', request);
    const parsed = parseCredential(token, deps.settings.credential);
    const credential =
      isCredential(parsed) && isJwt(parsed)
        ? denial('credential_malformed', 'an access token as API token')
        : parsed;
    if (isDenial(credential)) return refusedToken(credential, token, request);
    const { clientAddress, requestId } = request;
    const result = await exchange({
      credential,
      scopes: undefined,
      audiences: [],
      validityMs: undefined,
      clientId: undefined,
      clientAddress,
      requestId,
    });
    if (isRefusal(result)) return refusedToken(result, token, request);
    return isCommandError(result) ? badRequest(result.message, request) : issued(result, token);
  };
};

/** `{"clientId", "clientSecret"}`, for the org in the path. */
const createClientEndpoint = (deps: WholeDeps): Endpoint => {
  const beginClientSession = createBeginClientSession(deps);
  const clients = createOauthClients(deps.settings.oauth.clients, deps.clientSecretLimit);
  return async (request) => {
    const parameters = readParameters(request, 'body');
    if (typeof parameters === 'string') return badRequest(parameters, request);
    const [formId, formSecret] = [parameters.one('clientId'), parameters.one('clientSecret')];
    if (formId === undefined || formSecret === undefined)
      return badRequest('Send clientId and clientSecret.', request);
    const presented = { authorization: undefined, formId, formSecret };
    const client = clients.find(presented, request.clientAddress);
    if (isClientFault(client)) return refusedClient(client, request);
    if (client.kind === 'public' || client.account === undefined)
      return refusedClient(clientFault('the client stands for no user'), request);
    const { account } = client;
    if (!meansOrg(account.orgId, request.parameters['org'] ?? ''))
      return refusedCaller(denial('tenant_mismatch', 'the client belongs to another org'), request);
    const result = await beginClientSession({
      clientId: client.id,
      account,
      validityMs: undefined,
      origin: request,
    });
    if (isOutage(result)) return refusedCaller(result, request);
    if (isDenial(result)) return refusedClient(clientFault(result.evidence ?? result.reason), request);
    return isCommandError(result) ? badRequest(result.message, request) : issued(result, undefined);
  };
};

const clientFault = (message: string) =>
  ({ kind: 'client_fault', fault: 'refused', isBasic: false, message }) as const;

/** A user belongs to one org here. */
const createOrgsEndpoint = (deps: SurfaceDeps): Endpoint => {
  const identifyLive = createIdentifyLive(deps);
  return async (request) => {
    const credential = presentedCredential(request, deps.settings.credential) ?? denial('credential_missing');
    const identity: Awaited<ReturnType<typeof identifyLive>> | Refusal = isDenial(credential)
      ? credential
      : await identifyLive(credential, request.clientAddress);
    if (isRefusal(identity)) return refusedCaller(identity, request);
    return {
      status: 200,
      headers: neverStored,
      body: { loggedInUserOrgs: [uuidOfOrg(identity.org.id)] },
      note: permitted(identity),
    };
  };
};

const issued = (result: Issued, apiToken: string | undefined): Answer => ({
  status: 201,
  headers: neverStored,
  body: {
    accessToken: result.accessToken,
    idToken: result.idToken ?? null,
    refreshToken: apiToken ?? null,
    returnUrl: null,
  },
  note: permitted(result.identity),
});
