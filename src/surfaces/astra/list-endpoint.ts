// GET .../users/{user}/tokens: the tokens that work, as resources, or with `include` as rows of the fields asked for.

import type { TokenOrders } from '../../lifecycle/token-orders.ts';
import { type Endpoint, neverStored, permitted } from '../answer.ts';
import type { ReadCallerDeps } from './astra-caller.ts';
import { invalidQuery } from './astra-problem.ts';
import { astraTokenOf } from './astra-token.ts';
import { continuation, isInvalid, readListQuery } from './list-query.ts';
import { isRefused, orderEndpoint } from './order-endpoint.ts';

export interface ListEndpointDeps extends ReadCallerDeps {
  readonly orders: Pick<TokenOrders, 'listApiTokens'>;
}

export const createListEndpoint = (deps: ListEndpointDeps): Endpoint =>
  orderEndpoint(deps, async ({ actor, owner }, request) => {
    const { identity } = actor;
    const query = readListQuery(request.query);
    if (isInvalid(query)) return invalidQuery(query.invalidParams, request, identity);
    const { matches, sort, skip, limit, include } = query;
    const listing = await deps.orders.listApiTokens(actor, {
      ...owner,
      matches: (token) => token.state === 'active' && matches(astraTokenOf(token)),
      sort,
      skip,
      limit,
    });
    if (isRefused(listing)) return listing;
    const tokens = listing.items.map(astraTokenOf);
    const next = skip + tokens.length;
    return {
      status: 200,
      headers: neverStored,
      body: {
        items: include === undefined ? tokens : tokens.map((token) => include.map((read) => read(token))),
        metadata: {
          ...(query.isCounted ? { count: listing.total } : {}),
          ...(next < listing.total && tokens.length > 0 ? { continue: continuation(next) } : {}),
        },
      },
      note: permitted(identity),
    };
  });
