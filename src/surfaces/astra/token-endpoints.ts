// GET and DELETE .../users/{user}/tokens/{token}. A token that no longer works is not there.

import type { TokenOrders } from '../../lifecycle/token-orders.ts';
import { type Endpoint, neverStored, permitted } from '../answer.ts';
import type { ReadCallerDeps } from './astra-caller.ts';
import { notFound } from './astra-problem.ts';
import { astraTokenOf } from './astra-token.ts';
import { isRefused, orderEndpoint } from './order-endpoint.ts';

export interface TokenEndpointsDeps extends ReadCallerDeps {
  readonly orders: Pick<TokenOrders, 'findApiToken' | 'revokeApiToken'>;
}

export const createSeeEndpoint = (deps: TokenEndpointsDeps): Endpoint =>
  orderEndpoint(deps, async ({ actor, owner }, request) => {
    const found = await deps.orders.findApiToken(actor, request.parameters['token'] ?? '', owner);
    if (isRefused(found)) return found;
    if (found.state !== 'active') return notFound('token_revoked', request, actor.identity);
    return { status: 200, headers: neverStored, body: astraTokenOf(found), note: permitted(actor.identity) };
  });

/** 204 also when it has been revoked before: an order that was answered 503 is simply repeated. */
export const createDeleteEndpoint = (deps: TokenEndpointsDeps): Endpoint =>
  orderEndpoint(deps, async ({ actor, owner }, request) => {
    const result = await deps.orders.revokeApiToken(actor, request.parameters['token'] ?? '', owner);
    if (isRefused(result)) return result;
    return { status: 204, headers: neverStored, body: undefined, note: permitted(actor.identity) };
  });
