// POST {prefix}/introspect (RFC 7662) and {prefix}/revoke (RFC 7009): what may be asked and commanded about a token that is
// sent along. Introspection answers an authenticated caller whether the token is valid now, and whose it is; never why it is
// not. Callers: a configured client, or a bearer with the scope `tollgate:introspect`.

import { parseCredential } from '../../decision/credential.ts';
import { type Identity, isOwnSession } from '../../decision/identity.ts';
import { isDenial, isOutage, isRefusal, type Refusal } from '../../decision/outcome.ts';
import { introspectScope } from '../../decision/rights.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { denied, type Endpoint, success, type SurfaceRequest } from '../answer.ts';
import { basicChallenge } from '../client-authentication.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { isFault, refusedAs } from '../failures.ts';
import type { Parameters } from '../parameters.ts';
import { presentedCredential } from '../read-actor.ts';
import { authenticateClient, clientEndpoint, formEndpoint, invalidClient } from './oauth-client.ts';
import { badRequest, type OauthFault } from './oauth-error.ts';

export const postIntrospect = (deps: EndpointDeps): Endpoint =>
  formEndpoint([], async (parameters, request) => {
    const caller = await authenticateCaller(deps, request, parameters);
    if (isFault(caller) || isRefusal(caller)) return caller;
    const token = parameters.one('token');
    if (token === undefined) return badRequest('invalid_request', 'Send the token to look at as token.');
    const credential = parseCredential(token, deps.settings.credential);
    if (isDenial(credential)) return success(200, { active: false }, caller.identity);
    // Not held to the limit on unknown tokens: an authenticated caller asks about what others sent it.
    const found = await deps.identifyLive(credential, undefined);
    if (isOutage(found)) return found;
    // Tokens of other orgs are inactive.
    const isActive = !isDenial(found) && found.org.id === (caller.identity?.org.id ?? found.org.id);
    const body = isActive ? describe(found, deps.settings.audience) : { active: false };
    return success(200, body, caller.identity);
  });

/**
 * RFC 7662 §2.1: the endpoint must not answer strangers, or anybody could try out tokens here. No identity: a configured
 * client, which may ask about tokens of every org.
 */
const authenticateCaller = async (
  deps: EndpointDeps,
  request: SurfaceRequest,
  parameters: Parameters,
): Promise<{ readonly identity?: Identity } | OauthFault | Refusal> => {
  const presented = presentedCredential(request, deps.settings.credential, []);
  if (presented === undefined) {
    const client = authenticateClient(deps.findClient, request, parameters);
    if (isFault(client) || isRefusal(client)) return client;
    return client.kind === 'confidential'
      ? {}
      : invalidClient(basicChallenge, 'introspection without authentication');
  }
  const identity = isDenial(presented)
    ? presented
    : await deps.identifyLive(presented, request.clientAddress);
  if (isRefusal(identity))
    return refusedAs(identity, {
      status: 401,
      code: 'invalid_token',
      message: 'The token in the Authorization header is not accepted.',
      challenge: 'Bearer realm="tollgate", error="invalid_token"',
    });
  if (identity.scopes.has(introspectScope)) return { identity };
  return {
    status: 403,
    code: 'insufficient_scope',
    message: `The token in the Authorization header lacks the scope ${introspectScope}.`,
    challenge: `Bearer realm="tollgate", error="insufficient_scope", scope="${introspectScope}"`,
    note: denied('scope_missing', introspectScope, identity),
  };
};

/** RFC 7662 §2.2. Members that are not known are left out. */
const describe = (identity: Identity, audience: string): object => ({
  active: true,
  iss: identity.issuer,
  sub: identity.user.id,
  username: identity.user.name,
  scope: [...identity.scopes].sort().join(' '),
  token_type: 'Bearer',
  // An API token is for no single audience; an access token of another issuer has an audience of its own.
  ...(isOwnSession(identity) ? { aud: audience } : {}),
  iat: Math.floor(identity.issuedAtMs / 1000),
  ...(identity.expiresAtMs === Infinity ? {} : { exp: Math.floor(identity.expiresAtMs / 1000) }),
  org: identity.org.id,
  ...(identity.tokenId === undefined ? {} : { tid: identity.tokenId }),
  ...(identity.sessionId === undefined ? {} : { sid: identity.sessionId }),
  // Who asks is not who uses it: the resource server must compare the address itself.
  ...(identity.allowFrom === undefined ? {} : { allow_from: identity.allowFrom.entries }),
});

/**
 * The holder of a token may end it: an API token goes with all its sessions, an access token with its session. 200 also for a
 * text that can never have been a token here, and for a token that has ended: the caller's aim is reached either way (§2.2).
 * But 400 invalid_request for an API token of the right form that the store does not know: the store may have lost it, its
 * sessions then live on, and 2xx would deny that. The same for an access token that may become valid later.
 */
export const postRevoke = (deps: EndpointDeps): Endpoint =>
  clientEndpoint(deps, [], async (_, parameters, request) => {
    // token_type_hint is not needed: the shape says it (§2.1 lets the server ignore it).
    const token = parameters.one('token');
    if (token === undefined) return badRequest('invalid_request', 'Send the token to revoke as token.');
    const credential = parseCredential(token, deps.settings.credential);
    if (isDenial(credential)) return done;
    const result = await deps.revoke(credential, request);
    if (isCommandError(result)) return badRequest('invalid_request', result.message, 'token_unknown');
    return isRefusal(result) ? result : done;
  });

const done = success(200, undefined, undefined);
