// The navigator surface: API token or client credentials in, access token out, in JSON and camel case with 201; and the
// orgs of whoever is signed in. Tokens are as csp's, and so are the errors.

import { isCredential, isJwt, parseCredential } from '../../decision/credential.ts';
import { denial, isDenial, isOutage, type Refusal, isRefusal } from '../../decision/outcome.ts';
import type { Identifier } from '../../identity/identifier.ts';
import type { SessionLimit } from '../../identity/session-limit.ts';
import type { UnknownTokenLimit } from '../../identity/unknown-token-limit.ts';
import type { Audit } from '../../lifecycle/audit.ts';
import { createBeginClientSession } from '../../lifecycle/client-session.ts';
import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Settings } from '../../settings/settings.ts';
import { navigatorPaths } from '../../settings/surface-paths.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { KeyRing } from '../../tokens/key-ring.ts';
import { type Answer, type Endpoint, type Method, neverStored, permitted, type Route } from '../answer.ts';
import { createOauthClients, isClientFault } from '../client-authentication.ts';
import { badRequest, onFault, refusedCaller, refusedClient, refusedToken } from '../csp/csp-error.ts';
import { readParameters } from '../vendor-parameters.ts';
import { cspTokenForm } from '../csp/csp-token-form.ts';
import { presentedCredential } from '../presented-credential.ts';
import { meansOrg, uuidOfOrg } from '../../identity/vendor-ids.ts';

export interface NavigatorSurfaceDeps {
  readonly settings: Pick<
    Settings,
    'issuer' | 'audience' | 'credential' | 'oauth' | 'surfaces' | 'tokens' | 'feed'
  >;
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser'>;
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  readonly keys: Pick<KeyRing, 'signingKey'>;
  /** Wrong client secrets an address may try; undefined: any number. */
  readonly clientSecretLimit?: UnknownTokenLimit | undefined;
  /** Undefined: any number of sessions of an API token. */
  readonly sessionLimit?: SessionLimit | undefined;
  /** Where commands are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the outcome records of this surface are labelled with. */
export const navigatorRouteNames = ['exchange', 'client-credentials', 'orgs'].map(
  (name) => `navigator:${name}`,
);

/** Every path of the surface; none when the settings switch it off. */
export const navigatorRoutes = (deps: NavigatorSurfaceDeps): readonly Route[] => {
  const { navigator, csp } = deps.settings.surfaces;
  if (!navigator.enabled) return [];
  const paths = navigatorPaths(navigator.prefix);
  const whole = { ...deps, form: cspTokenForm(csp.domain) };
  const on = (method: Method, name: string, path: string, endpoint: Endpoint): Route => ({
    name: `navigator:${name}`,
    path,
    endpoints: { [method]: endpoint },
    onFault,
  });
  return [
    on('POST', 'exchange', paths.exchange, createExchangeEndpoint(whole)),
    on('POST', 'client-credentials', paths.clientCredentials, createClientEndpoint(whole)),
    on('GET', 'orgs', paths.orgs, createOrgsEndpoint(deps)),
  ];
};

type WholeDeps = Parameters<typeof createExchange>[0] & NavigatorSurfaceDeps;

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
const createOrgsEndpoint = (deps: NavigatorSurfaceDeps): Endpoint => {
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
