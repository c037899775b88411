// How an endpoint of the astra surface is made: it is given the actor, and the owner of the tokens that the path leads to, the
// account and user in it, as ids of this server.

import { denial, isOutage, type Outage, type Refusal } from '../../decision/outcome.ts';
import { mayManageTokens } from '../../decision/rights.ts';
import { isMadeUuid, meansOrg, uuidOfUser } from '../../identity/vendor-ids.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import { checkOrgId, checkUserId } from '../../lifecycle/names.ts';
import type { Endpoint, SurfaceRequest } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { actorEndpoint, type Result } from '../endpoint.ts';
import { readActor } from '../read-actor.ts';
import { type AstraFault, createAstraDialect, notFound } from './astra-problem.ts';

/** Whose tokens a path leads to. The org may be another than the caller's: the command refuses it, and the audit has it. */
export interface TokenOwner {
  readonly orgId: string;
  readonly userId: string;
}

export const ownerEndpoint = (
  deps: EndpointDeps,
  run: (actor: Actor, owner: TokenOwner, request: SurfaceRequest) => Promise<Result<AstraFault>>,
): Endpoint =>
  actorEndpoint(
    createAstraDialect(deps.settings.surfaces.astra),
    (request) => readActor(deps, request),
    async (actor, request) => {
      const owner = await findOwner(deps, actor, request);
      return 'userId' in owner ? run(actor, owner, request) : owner;
    },
  );

/** Without an account in the path, it is the caller's own. The group in it, if any, does not matter. */
const findOwner = async (
  { store }: EndpointDeps,
  actor: Actor,
  request: SurfaceRequest,
): Promise<TokenOwner | AstraFault | Refusal> => {
  const { identity } = actor;
  const { account = identity.org.id, user: named = '' } = request.parameters;
  const isForeign = !meansOrg(identity.org.id, account);
  // A text that cannot be an id may be a secret in the wrong parameter: neither audit nor log gets it.
  if (isForeign && checkOrgId(account) !== undefined) return denial('tenant_mismatch');
  if (checkUserId(named) !== undefined) return notFound('user_unknown', identity);
  if (isForeign) return { orgId: account, userId: named };
  const userId = await findUserId(store, actor, named);
  return isOutage(userId) ? userId : { orgId: identity.org.id, userId };
};

const usersPerPage = 500;

/**
 * A user is named by their own id, or by the UUID that stands for it (vendor-ids.ts). The UUID is looked up
 * among all users of the org, but only for actors who may manage other users' tokens.
 */
const findUserId = async (
  store: EndpointDeps['store'],
  { identity }: Actor,
  named: string,
): Promise<string | Outage> => {
  const orgId = identity.org.id;
  const isNamed = (userId: string): boolean =>
    uuidOfUser(orgId, userId).toLowerCase() === named.toLowerCase();
  if (named === identity.user.id || isNamed(identity.user.id)) return identity.user.id;
  const mayAll = mayManageTokens(identity, { orgId, userId: undefined }) === undefined;
  if (!mayAll || !isMadeUuid(named)) return named;
  const user = await store.findUser(orgId, named);
  if (isOutage(user)) return user;
  if (user !== undefined) return named;
  let cursor: string | undefined;
  do {
    const page = await store.listUsers(orgId, { limit: usersPerPage, cursor });
    if (isOutage(page)) return page;
    const found = page.items.find(({ id }) => isNamed(id));
    if (found !== undefined) return found.id;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return named;
};
