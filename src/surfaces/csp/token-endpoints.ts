// An access token for an API token or for a client. POST /auth/api-tokens/authorize is for anybody who holds an API token,
// which may stand in the form, in JSON or in the query, under either name, because clients do all of that. POST
// /auth/authorize and /auth/token have the grants of clients that authenticate: refresh_token exchanges an API token,
// client_credentials begins a session of the user the client stands for.

import { isDenial, isRefusal, type Refusal } from '../../decision/outcome.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import { type Answer, denied, type Endpoint, success, type SurfaceRequest } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { badRequest } from '../failures.ts';
import { parseCredentialAs, type Parameters } from '../parameters.ts';
import { beginSession, clientEndpoint, parametersEndpoint } from './csp-endpoint.ts';
import { type CspFault, refusedToken } from './csp-error.ts';
import { allPermissionsScope, customerNumberScope, openIdScope, permissionsOf } from './csp-names.ts';

const grantTypes: readonly (string | undefined)[] = [undefined, 'refresh_token', 'api_token'];

/** A `csp-auth-token` beside the token is ignored: some clients send the API token there too. */
export const postAuthorize = (deps: EndpointDeps): Endpoint =>
  parametersEndpoint('both', (parameters, request) =>
    grantTypes.includes(parameters.one('grant_type'))
      ? exchangeToken(deps, request, parameters, {})
      : unsupportedGrant('api_token or refresh_token'),
  );

export const postToken = (deps: EndpointDeps): Endpoint =>
  clientEndpoint(deps, async (client, parameters, request) => {
    const seconds = parameters.one('accessTokenValiditySeconds');
    if (seconds !== undefined && !/^[1-9]\d{0,8}$/.test(seconds))
      return badRequest('accessTokenValiditySeconds is a whole number of seconds from 1.');
    const validityMs = seconds === undefined ? undefined : Number(seconds) * 1000;
    switch (parameters.one('grant_type')) {
      case 'refresh_token':
      case 'api_token': {
        const clientId = client.kind === 'confidential' ? client.id : undefined;
        return exchangeToken(deps, request, parameters, { clientId, validityMs });
      }
      case 'client_credentials': {
        const begun = await beginSession(deps, client, parameters.one('orgId'), request, validityMs);
        return 'accessToken' in begun ? issued(begun, undefined) : begun;
      }
      case undefined:
      default:
        return unsupportedGrant('refresh_token or client_credentials');
    }
  });

/** Exchanges the API token among the parameters. */
const exchangeToken = async (
  deps: EndpointDeps,
  request: SurfaceRequest,
  parameters: Parameters,
  more: { readonly clientId?: string | undefined; readonly validityMs?: number | undefined },
): Promise<Answer | CspFault | Refusal> => {
  const [token, other] = [parameters.one('api_token'), parameters.one('refresh_token')];
  if (token !== undefined && other !== undefined && token !== other)
    return badRequest('Send one token: api_token or refresh_token.');
  const presented = token ?? other;
  if (presented === undefined) return badRequest('Send the API token as api_token.');
  const credential = parseCredentialAs('opaque', presented, deps.settings.credential);
  if (isDenial(credential)) return refusedToken(credential, presented);
  const result = await deps.exchange({ credential, ...more, origin: request });
  if (isRefusal(result)) return refusedToken(result, presented);
  if (isCommandError(result))
    return {
      status: 400,
      code: 'invalid_scope',
      message: result.message,
      note: denied('scope_missing', result.code),
    };
  return issued(result, presented);
};

const unsupportedGrant = (known: string): CspFault => ({
  status: 400,
  code: 'unsupported_grant_type',
  message: `Send grant_type=${known}.`,
  note: denied('request_malformed', 'unsupported_grant_type'),
});

/** Exactly six keys, because strict parsers refuse a seventh. `apiToken`: given back as the refresh token, where there is one. */
const issued = (result: Issued, apiToken: string | undefined): Answer => {
  const body = {
    id_token: result.idToken ?? null,
    token_type: 'bearer',
    expires_in: secondsLeft(result),
    scope: scopeOf(result),
    access_token: result.accessToken,
    refresh_token: apiToken ?? null,
  };
  return success(200, body, result.identity);
};

/** The vendor's says 1799 of half an hour: what is left when the answer arrives. */
const secondsLeft = ({ issuedAtMs, expiresAtMs }: Issued): number =>
  Math.max(1, Math.floor((expiresAtMs - issuedAtMs) / 1000) - 1);

const scopeOf = ({ identity }: Issued): string =>
  [
    ...(identity.allScopes === true ? [allPermissionsScope] : permissionsOf(identity.scopes)),
    customerNumberScope,
    openIdScope,
  ].join(' ');
