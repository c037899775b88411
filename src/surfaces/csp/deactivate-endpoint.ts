// POST /orgs/{orgId}/api-tokens/deactivate, and the older /orgs/{orgId}/tokens/deactivate: an org's owner ends API tokens
// of its users, a few at a time. Each is told of by itself; an outage is told of once, and the command may be repeated.

import { denial, isRefusal } from '../../decision/outcome.ts';
import { rights } from '../../decision/rights.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import { type Endpoint, isAnswer, neverStored, permitted, type SurfaceRequest } from '../answer.ts';
import { meansOrg } from '../../identity/vendor-ids.ts';
import { member } from './allowed-scopes.ts';
import type { ReadActorDeps } from '../read-actor.ts';
import { readCaller } from './csp-caller.ts';
import { badRequest, refusedCaller } from './csp-error.ts';

export interface DeactivateEndpointDeps extends ReadActorDeps {
  readonly commands: Pick<TokenCommands, 'revokeApiToken'>;
}

const idsMax = 15;

export const createDeactivateEndpoint =
  (deps: DeactivateEndpointDeps): Endpoint =>
  async (request) => {
    const actor = await readCaller(deps, request);
    if (isAnswer(actor)) return actor;
    const { identity } = actor;
    if (!meansOrg(identity.org.id, request.parameters['org'] ?? ''))
      return refusedCaller(denial('tenant_mismatch', 'another org'), request, identity);
    if (!identity.scopes.has(rights.orgOwner))
      return refusedCaller(denial('scope_missing', rights.orgOwner), request, identity);
    const ids = readIds(request);
    if (ids === undefined) return badRequest(`Send ids: a list of 1 to ${idsMax} token ids.`, request);
    const successes: string[] = [];
    const failures: { readonly id: string; readonly message: string }[] = [];
    for (const id of ids) {
      const result = await deps.commands.revokeApiToken(actor, id);
      if (isRefusal(result)) return refusedCaller(result, request, identity);
      if (isCommandError(result)) failures.push({ id, message: result.message });
      else successes.push(id);
    }
    return { status: 200, headers: neverStored, body: { successes, failures }, note: permitted(identity) };
  };

/** Each once, in the order given. */
const readIds = ({ body }: SurfaceRequest): readonly string[] | undefined => {
  const ids = body.kind === 'json' ? member(body.value, 'ids') : undefined;
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > idsMax) return undefined;
  const texts = ids.filter((id): id is string => typeof id === 'string');
  return texts.length === ids.length ? [...new Set(texts)] : undefined;
};
