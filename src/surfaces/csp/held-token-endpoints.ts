// POST /auth/introspect, /auth/revoke and /auth/logout: what a holder of a token may ask and command about it. The first
// two name a client, maybe a public one; who holds the token has proven enough, and guessing is held to the limit.

import { type Credential, isCredential, isJwt, parseCredential } from '../../decision/credential.ts';
import { isDenial, isRefusal } from '../../decision/outcome.ts';
import type { FindDetails, TokenDetails } from '../../lifecycle/details.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Revoke } from '../../lifecycle/revoke.ts';
import type { Settings } from '../../settings/settings.ts';
import {
  type Answer,
  type Endpoint,
  isAnswer,
  neverStored,
  permitted,
  type SurfaceRequest,
} from '../answer.ts';
import type { OauthClients } from '../client-authentication.ts';
import { presentedCredential } from '../presented-credential.ts';
import { uuidOfOrg } from '../../identity/vendor-ids.ts';
import { readClient } from './csp-client.ts';
import { badRequest, refusedToken } from './csp-error.ts';
import { readParameters } from '../vendor-parameters.ts';
import { cspUserOf } from './csp-user.ts';
import { neverSeconds } from './csp-words.ts';

export interface HeldTokenDeps {
  readonly findDetails: FindDetails;
  readonly revoke: Revoke;
  readonly clients: OauthClients;
  readonly settings: Pick<Settings, 'credential' | 'surfaces'>;
}

/** RFC 7662, of API tokens only. */
export const createIntrospectEndpoint =
  (deps: HeldTokenDeps): Endpoint =>
  async (request) => {
    const token = readToken(deps, request);
    if (isAnswer(token)) return token;
    const credential = parseCredential(token.value, deps.settings.credential);
    if (isDenial(credential)) return told({ active: false });
    const found = await deps.findDetails(credential, request.clientAddress);
    if (found === 'unknown') return told({ active: false });
    if (isRefusal(found)) return refusedToken(found, token.value, request);
    return told(isActive(found) ? describe(found, deps.settings.surfaces.csp.domain) : { active: false });
  };

const isActive = ({ isRevoked, user, org }: TokenDetails): boolean =>
  !isRevoked && user.state === 'active' && org.state === 'active';

const describe = ({ token, user }: TokenDetails, domain: string): object => ({
  active: true,
  exp: token.expiresAtMs === undefined ? neverSeconds : Math.floor(token.expiresAtMs / 1000),
  iat: Math.floor(token.createdAtMs / 1000),
  orgId: uuidOfOrg(token.orgId),
  sub: cspUserOf(token.orgId, user, domain).sub,
  token_type: 'refresh_token',
});

/**
 * RFC 7009: 200 also for what can never have been a token here, or has ended; 400 for an API token of the right form that the
 * store does not know, because it may have lost the token, and for an access token that may be good later.
 */
export const createRevokeEndpoint =
  (deps: HeldTokenDeps): Endpoint =>
  async (request) => {
    const token = readToken(deps, request);
    if (isAnswer(token)) return token;
    const credential = parseCredential(token.value, deps.settings.credential);
    if (isDenial(credential)) return told(undefined);
    const result = await deps.revoke(credential, request.clientAddress, request.requestId);
    if (isCommandError(result)) return badRequest(result.message, request);
    return isRefusal(result) ? refusedToken(result, token.value, request) : told(undefined);
  };

/** Ends the session of the access token presented or named as idToken. The API token lives on. */
export const createLogoutEndpoint =
  (deps: HeldTokenDeps): Endpoint =>
  async (request) => {
    const parameters = readParameters(request, 'body');
    if (typeof parameters === 'string') return badRequest(parameters, request);
    const named = parameters.one('idToken');
    const presented = presentedCredential(request, deps.settings.credential);
    if (named === undefined && presented === undefined)
      return badRequest('Send the access token as csp-auth-token, or as idToken.', request);
    const parsed = named === undefined ? undefined : parseCredential(named, deps.settings.credential);
    for (const credential of [presented, parsed]) {
      if (!isSession(credential)) continue;
      const result = await deps.revoke(credential, request.clientAddress, request.requestId);
      if (isCommandError(result)) return badRequest(result.message, request);
      if (isRefusal(result)) return refusedToken(result, credential.value, request);
    }
    return told({});
  };

const isSession = (credential: Parameters<typeof isCredential>[0]): credential is Credential =>
  isCredential(credential) && isJwt(credential);

const readToken = (deps: HeldTokenDeps, request: SurfaceRequest): { readonly value: string } | Answer => {
  const parameters = readParameters(request, 'body');
  if (typeof parameters === 'string') return badRequest(parameters, request);
  const client = readClient(deps.clients, request, parameters);
  if (isAnswer(client)) return client;
  const value = parameters.one('token');
  return value === undefined ? badRequest('Send the token as token.', request) : { value };
};

const told = (body: object | undefined): Answer => ({
  status: 200,
  headers: neverStored,
  body,
  note: permitted(undefined),
});
