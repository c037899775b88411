// GET .../users/{user}/tokens: the tokens that work, as resources, or with `include` as rows of the fields asked for.

import { isDenial, isOutage } from '../../decision/outcome.ts';
import { isProblem } from '../../lifecycle/problem.ts';
import type { TokenOrders } from '../../lifecycle/token-orders.ts';
import { type Endpoint, isAnswer, neverStored, permitted } from '../answer.ts';
import { readCaller, type ReadCallerDeps } from './astra-caller.ts';
import { invalidQuery, refused, refusedOrder } from './astra-problem.ts';
import { astraTokenOf } from './astra-token.ts';
import { continuation, isInvalid, readListQuery } from './list-query.ts';

export interface ListEndpointDeps extends ReadCallerDeps {
  readonly orders: Pick<TokenOrders, 'listApiTokens'>;
}

export const createListEndpoint =
  (deps: ListEndpointDeps): Endpoint =>
  async (request) => {
    const { foreignAccount } = deps.settings.surfaces.astra;
    const caller = await readCaller(deps, request);
    if (isAnswer(caller)) return caller;
    const { actor, owner } = caller;
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
    if (isDenial(listing) || isOutage(listing)) return refused(listing, request, foreignAccount, identity);
    if (isProblem(listing)) return refusedOrder(listing, request, identity);
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
  };
