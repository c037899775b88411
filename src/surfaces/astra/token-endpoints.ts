// GET and DELETE .../users/{user}/tokens/{token}. A token that no longer works is not there.

import { isDenial, isOutage } from '../../decision/outcome.ts';
import { isProblem } from '../../lifecycle/problem.ts';
import type { TokenOrders } from '../../lifecycle/token-orders.ts';
import { type Endpoint, isAnswer, neverStored, permitted } from '../answer.ts';
import { readCaller, type ReadCallerDeps } from './astra-caller.ts';
import { notFound, refused, refusedOrder } from './astra-problem.ts';
import { astraTokenOf } from './astra-token.ts';

export interface TokenEndpointsDeps extends ReadCallerDeps {
  readonly orders: Pick<TokenOrders, 'findApiToken' | 'revokeApiToken'>;
}

export const createSeeEndpoint =
  (deps: TokenEndpointsDeps): Endpoint =>
  async (request) => {
    const { foreignAccount } = deps.settings.surfaces.astra;
    const caller = await readCaller(deps, request);
    if (isAnswer(caller)) return caller;
    const { actor, owner } = caller;
    const { identity } = actor;
    const found = await deps.orders.findApiToken(actor, request.parameters['token'] ?? '', owner);
    if (isDenial(found) || isOutage(found)) return refused(found, request, foreignAccount, identity);
    if (isProblem(found)) return refusedOrder(found, request, identity);
    if (found.state !== 'active') return notFound('token_revoked', request, identity);
    return { status: 200, headers: neverStored, body: astraTokenOf(found), note: permitted(identity) };
  };

/** 204 also when it has been revoked before: an order that was answered 503 is simply repeated. */
export const createDeleteEndpoint =
  (deps: TokenEndpointsDeps): Endpoint =>
  async (request) => {
    const { foreignAccount } = deps.settings.surfaces.astra;
    const caller = await readCaller(deps, request);
    if (isAnswer(caller)) return caller;
    const { actor, owner } = caller;
    const { identity } = actor;
    const result = await deps.orders.revokeApiToken(actor, request.parameters['token'] ?? '', owner);
    if (isDenial(result) || isOutage(result)) return refused(result, request, foreignAccount, identity);
    if (isProblem(result)) return refusedOrder(result, request, identity);
    return { status: 204, headers: neverStored, body: undefined, note: permitted(identity) };
  };
