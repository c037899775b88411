// POST {prefix}/revoke (RFC 7009): the holder of a token may end it. An API token goes with all its sessions, an access
// token with its session. 200 also for a text that can never have been a token here, and for a token that has ended: the
// caller's aim is reached either way (§2.2). But 400 invalid_request for an API token of the right form that the store does
// not know: the store may have lost it, its sessions then live on, and 2xx would deny that. The same for an access token that
// may become valid later.

import { parseCredential } from '../../decision/credential.ts';
import { isDenial, isRefusal } from '../../decision/outcome.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { type Endpoint, success } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { clientEndpoint } from './oauth-client.ts';
import { badRequest } from './oauth-error.ts';

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
