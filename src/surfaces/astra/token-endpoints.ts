// GET and DELETE .../users/{user}/tokens/{token}. A token that no longer works is not there.

import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import { type Endpoint, neverStored, permitted } from '../answer.ts';
import type { ReadCallerDeps } from './astra-caller.ts';
import { notFound } from './astra-problem.ts';
import { astraTokenOf } from './astra-token.ts';
import { isRefused, commandEndpoint } from './command-endpoint.ts';

export interface TokenEndpointsDeps extends ReadCallerDeps {
  readonly commands: Pick<TokenCommands, 'findApiToken' | 'revokeApiToken'>;
}

export const createSeeEndpoint = (deps: TokenEndpointsDeps): Endpoint =>
  commandEndpoint(deps, async ({ actor, owner }, request) => {
    const found = await deps.commands.findApiToken(actor, request.parameters['token'] ?? '', owner);
    if (isRefused(found)) return found;
    if (found.state !== 'active') return notFound('token_revoked', request, actor.identity);
    return { status: 200, headers: neverStored, body: astraTokenOf(found), note: permitted(actor.identity) };
  });

/** 204 also when it has been revoked before: a command that was answered 503 is simply repeated. */
export const createDeleteEndpoint = (deps: TokenEndpointsDeps): Endpoint =>
  commandEndpoint(deps, async ({ actor, owner }, request) => {
    const result = await deps.commands.revokeApiToken(actor, request.parameters['token'] ?? '', owner);
    if (isRefused(result)) return result;
    return { status: 204, headers: neverStored, body: undefined, note: permitted(actor.identity) };
  });
