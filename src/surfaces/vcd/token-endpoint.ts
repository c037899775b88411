// POST /oauth/tenant/{org}/token and /oauth/provider/token. refresh_token exchanges an API token of that org for a session;
// jwt-bearer gives the API token of a registered client to the session that registered it, once. A bearer beside the
// form is ignored: clients send a stale one.

import {
  type Credential,
  type CredentialForm,
  formNames,
  parseCredential,
} from '../../decision/credential.ts';
import { type Denial, denial, isDenial, isRefusal } from '../../decision/outcome.ts';
import type { Exchange } from '../../lifecycle/exchange.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Settings } from '../../settings/settings.ts';
import {
  type Answer,
  denied,
  type Endpoint,
  neverStored,
  permitted,
  type SurfaceRequest,
} from '../answer.ts';
import { type VendorParameters, readParameters } from '../vendor-parameters.ts';
import { giveInitialToken, type InitialTokenDeps } from './initial-token.ts';
import { jwtBearer, pathOwner } from './vcd-names.ts';
import { asJson, invalidGrant, invalidRequest } from './vcd-error.ts';

export interface TokenEndpointDeps extends InitialTokenDeps {
  readonly exchange: Exchange;
  readonly settings: Pick<Settings, 'credential' | 'surfaces'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The parameters stand in the form; older clients put them into the query of a POST without a body. */
export const createTokenEndpoint =
  (deps: TokenEndpointDeps): Endpoint =>
  async (request) => {
    const parameters = readParameters(request, 'both');
    if (typeof parameters === 'string') return asJson(invalidRequest(parameters), request);
    const grantType = parameters.one('grant_type');
    if (grantType === 'refresh_token') return refresh(deps, request, parameters);
    if (grantType === jwtBearer) return initial(deps, request, parameters);
    return asJson(
      {
        status: 400,
        code: 'unsupported_grant_type',
        message: `Send grant_type=refresh_token, or ${jwtBearer}.`,
        note: denied('request_malformed', 'unsupported_grant_type'),
      },
      request,
    );
  };

const refresh = async (
  { exchange, settings }: TokenEndpointDeps,
  request: SurfaceRequest,
  parameters: VendorParameters,
): Promise<Answer> => {
  const token = parameters.one('refresh_token');
  if (token === undefined) return asJson(invalidRequest('Send the API token as refresh_token.'), request);
  const credential = parseSecret(token, 'opaque', settings.credential);
  if (isDenial(credential)) return asJson(invalidGrant(credential, invalidToken), request);
  const isOwner = pathOwner(settings.surfaces.vcd, request.parameters['org']);
  const result = await exchange({
    ...exchangeCommand(credential, request),
    refuse: ({ org }) =>
      isOwner(org.id) ? undefined : denial('tenant_mismatch', 'the path is of another org than the token'),
  });
  if (isRefusal(result)) return asJson(invalidGrant(result, invalidToken), request);
  if (isCommandError(result)) return asJson(invalidRequest(result.message), request);
  return issued(result, undefined);
};

const invalidToken = 'Invalid refresh token';

const initial = async (
  deps: TokenEndpointDeps,
  request: SurfaceRequest,
  parameters: VendorParameters,
): Promise<Answer> => {
  const { settings } = deps;
  const [clientId, assertion] = [parameters.one('client_id'), parameters.one('assertion')];
  if (clientId === undefined || assertion === undefined)
    return asJson(invalidRequest('Send client_id, and the access token of a session as assertion.'), request);
  const credential = parseSecret(assertion, 'jwt', settings.credential);
  if (isDenial(credential)) return asJson(invalidGrant(credential, invalidClient), request);
  const given = await giveInitialToken(deps, {
    clientId: clientId.toLowerCase(),
    assertion: credential,
    isOwner: pathOwner(settings.surfaces.vcd, request.parameters['org']),
    request,
  });
  if (isRefusal(given)) return asJson(invalidGrant(given, invalidClient), request);
  const { secret, identity } = given;
  const begun = await deps.exchange(exchangeCommand({ form: 'opaque', value: secret }, request));
  if ('accessToken' in begun) return issued(begun, secret);
  // It will not be given again, so it is given now; the session that asked goes on meanwhile.
  const { expiresAtMs } = identity;
  return issued({ accessToken: assertion, issuedAtMs: deps.now(), expiresAtMs, identity }, secret);
};

const invalidClient =
  'Invalid client or assertion: a client is given its API token once, to whom registered it';

const exchangeCommand = (credential: Credential, { clientAddress, requestId }: SurfaceRequest) => ({
  credential,
  scopes: undefined,
  audiences: [],
  validityMs: undefined,
  clientId: undefined,
  clientAddress,
  requestId,
});

const parseSecret = (
  value: string,
  form: CredentialForm,
  bounds: Settings['credential'],
): Credential | Denial => {
  const parsed = parseCredential(value, bounds);
  if (isDenial(parsed) || parsed.form === form) return parsed;
  return denial('credential_malformed', `${formNames[parsed.form]} where ${formNames[form]} belongs`);
};

/** `apiToken`: the new one; undefined where none was made. */
const issued = (
  result: Pick<Issued, 'accessToken' | 'issuedAtMs' | 'expiresAtMs' | 'identity'>,
  apiToken: string | undefined,
): Answer => ({
  status: 200,
  headers: neverStored,
  body: {
    access_token: result.accessToken,
    token_type: 'Bearer',
    expires_in: Math.max(1, Math.floor((result.expiresAtMs - result.issuedAtMs) / 1000)),
    refresh_token: apiToken ?? null,
    scope: null,
  },
  note: permitted(result.identity),
});
