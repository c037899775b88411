// POST /oauth/tenant/{org}/token and /oauth/provider/token: refresh_token exchanges an API token of that org for a session;
// jwt-bearer gives the API token of a registered client to the session that registered it, once. A bearer beside the form is
// ignored: clients send a stale one. POST .../register (RFC 7591, the part of it that the vendor has): a user who is signed in
// registers a client, which becomes an API token of theirs when jwt-bearer asks for it.
//
// A registered client is an API token whose first secret nobody was given. Its id is the client's, so that both are known to
// every replica and listed at once, as the vendor's clients expect; giving the token out is its first new secret.

import type { Credential } from '../../decision/credential.ts';
import type { Identity } from '../../decision/identity.ts';
import { denial, isDenial, isRefusal, type Refusal } from '../../decision/outcome.ts';
import { member } from '../../decision/strict-json.ts';
import { isCommandError, isFailure } from '../../lifecycle/command-error.ts';
import type { CreatedApiToken } from '../../lifecycle/create-api-token.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import type { TokenView } from '../../lifecycle/token-list.ts';
import type { Label } from '../../store/records.ts';
import { type Answer, denied, type Endpoint, success, type SurfaceRequest } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../failures.ts';
import { parseCredentialAs, readParameters, type Parameters } from '../parameters.ts';
import { actorOf } from '../read-actor.ts';
import { sessionEndpoint } from './vcd-endpoint.ts';
import { invalidGrant, invalidRequest, vcdDialect, type VcdFault } from './vcd-error.ts';
import { isPathOf } from './vcd-names.ts';

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

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
  parameters: Parameters,
): Promise<Answer | VcdFault | Refusal> => {
  const token = parameters.one('refresh_token');
  if (token === undefined) return invalidRequest('Send the API token as refresh_token.');
  const credential = parseCredentialAs('opaque', token, settings.credential);
  if (isDenial(credential)) return invalidGrant(credential, invalidToken);
  const result = await exchange({
    credential,
    origin: request,
    refuse: ({ org }) =>
      isPathOf(org.id, request, settings.surfaces.vcd)
        ? undefined
        : denial('tenant_mismatch', 'the path is of another org than the token'),
  });
  if (isRefusal(result)) return invalidGrant(result, invalidToken);
  return isCommandError(result) ? invalidRequest(result.message) : issued(result, undefined);
};

const invalidToken = 'Invalid refresh token';

const initial = async (
  deps: EndpointDeps,
  request: SurfaceRequest,
  parameters: Parameters,
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

/** `session`: the access token of one, whose identity is answered too. The store lets one of several such commands through, on whichever replica. */
const giveInitialToken = async (
  deps: EndpointDeps,
  request: SurfaceRequest,
  session: Credential,
  clientId: string,
): Promise<(CreatedApiToken & { readonly identity: Identity }) | Refusal> => {
  const actor = await actorOf(deps, session, request);
  if (isRefusal(actor)) return actor;
  const { identity } = actor;
  if (!isPathOf(identity.org.id, request, deps.settings.surfaces.vcd))
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

const registeredLabel: Label = { name: 'vcd.oauth-client', value: 'registered' };

/** Registered, and its API token has not been given to anybody. */
const isAwaitingGrant = ({ secretNumber, labels }: TokenView): boolean =>
  secretNumber === 0 && labels.some(({ name }) => name === registeredLabel.name);

export const registerClient = (deps: EndpointDeps): Endpoint =>
  sessionEndpoint(vcdDialect, deps, async (actor, request) => {
    const { identity } = actor;
    const { vcd } = deps.settings.surfaces;
    if (!isPathOf(identity.org.id, request, vcd))
      return denial('tenant_mismatch', 'the path is of another org than the session');
    const name = readName(request);
    if (name === undefined)
      return badRequest('Send JSON with client_name, the name of the new API token.', identity);
    const made = await deps.commands.createApiToken(actor, {
      orgId: identity.org.id,
      userId: identity.user.id,
      name,
      scopes: 'all',
      lifetimeMs: undefined,
      defaultLifetime: { ms: vcd.tokenLifetimeMs },
      length: 32,
      labels: [registeredLabel],
    });
    if (isFailure(made)) return made;
    const client = {
      client_name: name,
      client_id: made.record.id,
      grant_types: [jwtBearer, 'refresh_token'],
      token_endpoint_auth_method: 'none',
    };
    return success(201, client, identity);
  });

const readName = ({ body }: SurfaceRequest): string | undefined => {
  const name = body.kind === 'json' ? member(body.value, 'client_name') : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
};
