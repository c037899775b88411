// POST /oauth/tenant/{org}/token and /oauth/provider/token. refresh_token exchanges an API token of that org for a session;
// jwt-bearer gives the API token of a registered client to the session that registered it, once. A bearer beside the
// form is ignored: clients send a stale one.

import type { Credential } from '../../decision/credential.ts';
import type { Identity } from '../../decision/identity.ts';
import { denial, isDenial, isRefusal, type Refusal } from '../../decision/outcome.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { CreatedApiToken } from '../../lifecycle/create-api-token.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import { type Answer, denied, type Endpoint, success, type SurfaceRequest } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { endpoint } from '../endpoint.ts';
import { actorOf } from '../read-actor.ts';
import { parseCredentialAs, readParameters, type VendorParameters } from '../vendor-parameters.ts';
import { isAwaitingGrant } from './register-endpoint.ts';
import { invalidGrant, invalidRequest, vcdDialect, type VcdFault } from './vcd-error.ts';
import { jwtBearer, pathOwner } from './vcd-names.ts';

/** The parameters stand in the form; older clients put them into the query of a POST without a body. */
export const postToken = (deps: EndpointDeps): Endpoint =>
  endpoint(vcdDialect, async (request) => {
    const parameters = readParameters(request, 'both');
    if (typeof parameters === 'string') return invalidRequest(parameters);
    switch (parameters.one('grant_type')) {
      case 'refresh_token':
        return refresh(deps, request, parameters);
      case jwtBearer:
        return initial(deps, request, parameters);
      case undefined:
      default:
        return {
          status: 400,
          code: 'unsupported_grant_type',
          message: `Send grant_type=refresh_token, or ${jwtBearer}.`,
          note: denied('request_malformed', 'unsupported_grant_type'),
        };
    }
  });

const refresh = async (
  { exchange, settings }: EndpointDeps,
  request: SurfaceRequest,
  parameters: VendorParameters,
): Promise<Answer | VcdFault | Refusal> => {
  const token = parameters.one('refresh_token');
  if (token === undefined) return invalidRequest('Send the API token as refresh_token.');
  const credential = parseCredentialAs('opaque', token, settings.credential);
  if (isDenial(credential)) return invalidGrant(credential, invalidToken);
  const isOwner = pathOwner(settings.surfaces.vcd, request.parameters['org']);
  const result = await exchange({
    credential,
    origin: request,
    refuse: ({ org }) =>
      isOwner(org.id) ? undefined : denial('tenant_mismatch', 'the path is of another org than the token'),
  });
  if (isRefusal(result)) return invalidGrant(result, invalidToken);
  return isCommandError(result) ? invalidRequest(result.message) : issued(result, undefined);
};

const invalidToken = 'Invalid refresh token';

const initial = async (
  deps: EndpointDeps,
  request: SurfaceRequest,
  parameters: VendorParameters,
): Promise<Answer | VcdFault | Refusal> => {
  const [clientId, assertion] = [parameters.one('client_id'), parameters.one('assertion')];
  if (clientId === undefined || assertion === undefined)
    return invalidRequest('Send client_id, and the access token of a session as assertion.');
  const session = parseCredentialAs('jwt', assertion, deps.settings.credential);
  if (isDenial(session)) return invalidGrant(session, invalidClient);
  const given = await giveInitialToken(deps, request, session, clientId.toLowerCase());
  if (isRefusal(given)) return invalidGrant(given, invalidClient);
  const { secret, identity } = given;
  const credential = { form: 'opaque', value: secret } as const;
  const begun = await deps.exchange({ credential, origin: request });
  if ('accessToken' in begun) return issued(begun, secret);
  // The API token cannot be given again, so it is given now, with the access token of the session that asked for it.
  const { expiresAtMs } = identity;
  return issued({ accessToken: assertion, issuedAtMs: deps.now(), expiresAtMs, identity }, secret);
};

const invalidClient =
  'Invalid client or assertion: a client is given its API token once, to whom registered it';

interface InitialToken extends CreatedApiToken {
  /** Of the session it was given to. */
  readonly identity: Identity;
}

/** `session`: the access token of one. The store lets one of several such commands through, on whichever replica. */
const giveInitialToken = async (
  deps: EndpointDeps,
  request: SurfaceRequest,
  session: Credential,
  clientId: string,
): Promise<InitialToken | Refusal> => {
  const actor = await actorOf(deps, session, request);
  if (isRefusal(actor)) return actor;
  const { identity } = actor;
  if (!pathOwner(deps.settings.surfaces.vcd, request.parameters['org'])(identity.org.id))
    return denial('tenant_mismatch', 'the path is of another org than the session');
  const token = await deps.commands.findApiToken(actor, clientId);
  if (isRefusal(token)) return token;
  if (isCommandError(token)) return denial('client_unknown', token.code);
  // The right to manage all tokens does not include other users' secrets.
  if (token.userId !== identity.user.id || !isAwaitingGrant(token))
    return denial('client_unknown', 'not a client of this user that waits for its API token');
  const made = await deps.commands.regenerateApiToken(actor, {
    tokenId: clientId,
    overlapMs: 0,
    length: 32,
    onlyFrom: token.secretNumber,
  });
  if (isRefusal(made)) return made;
  return isCommandError(made) ? denial('client_unknown', made.code) : { ...made, identity };
};

/** `apiToken`: the new one; undefined where none was made. */
const issued = (
  result: Pick<Issued, 'accessToken' | 'issuedAtMs' | 'expiresAtMs' | 'identity'>,
  apiToken: string | undefined,
): Answer => {
  const body = {
    access_token: result.accessToken,
    token_type: 'Bearer',
    expires_in: Math.max(1, Math.floor((result.expiresAtMs - result.issuedAtMs) / 1000)),
    refresh_token: apiToken ?? null,
    scope: null,
  };
  return success(200, body, result.identity);
};
