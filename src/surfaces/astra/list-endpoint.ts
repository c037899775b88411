// GET .../users/{user}/tokens: the tokens that work, as resources, or with `include` as rows of the fields asked for.

import { orderOf } from '../../lifecycle/token-list.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import { type Endpoint, neverStored, permitted } from '../answer.ts';
import { cursorOf } from '../token-cursor.ts';
import type { ReadCallerDeps } from './astra-caller.ts';
import { invalidQuery } from './astra-problem.ts';
import { astraTokenOf } from './astra-token.ts';
import { isInvalid, readListQuery } from './list-query.ts';
import { isRefused, commandEndpoint } from './command-endpoint.ts';

export interface ListEndpointDeps extends ReadCallerDeps {
  readonly commands: Pick<TokenCommands, 'listApiTokens'>;
}

export const createListEndpoint = (deps: ListEndpointDeps): Endpoint =>
  commandEndpoint(deps, async ({ actor, owner }, request) => {
    const { identity } = actor;
    const query = readListQuery(request.query);
    if (isInvalid(query)) return invalidQuery(query.invalidParams, request, identity);
    const { include, ...asked } = query;
    const listing = await deps.commands.listApiTokens(actor, { ...asked, ...owner, states: ['active'] });
    if (isRefused(listing)) return listing;
    const tokens = listing.items.map(astraTokenOf);
    const { next, total } = listing;
    return {
      status: 200,
      headers: neverStored,
      body: {
        items: include === undefined ? tokens : tokens.map((token) => include.map((read) => read(token))),
        metadata: {
          ...(total === undefined ? {} : { count: total }),
          ...(next === undefined ? {} : { continue: cursorOf(next, orderOf(query)) }),
        },
      },
      note: permitted(identity),
    };
  });
